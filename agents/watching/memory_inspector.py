"""Looks into a network with memory: what it went through over the last steps of an episode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from agents.watching.checkpoints import Gallery
from agents.watching.episode_session import Glimpse
from agents.watching.inspector import Inspector
from agents.watching.study import Heat, Subject
from networks.build import RecurrentNetwork
from networks.memory_trace import MemoryTrace, trace


class MemoryInspector:
    """Unrolls the checkpoints of a network with memory."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery

    def look(self, subject: Subject, which: int, heat: Heat) -> MemoryTrace:
        """What checkpoint `which` goes through up to the step that is shown, and beyond."""
        return self.study(subject.glimpses, which)

    def field(self, layer: str, cell: tuple[int, int]) -> None:
        """Units of a memory have no place in the input."""

    def study(self, glimpses: Sequence[Glimpse], which: int) -> MemoryTrace:
        """The steps of a stretch of an episode as checkpoint `which` goes through them.

        The model that played begins with the memory it had; another checkpoint, which was not there, with
        none.
        """
        network = self.gallery.network(which)
        assert isinstance(network, RecurrentNetwork)
        played = which == self.gallery.shown
        state = glimpses[0].memory if played else network.initial_state(1)
        return trace(network, torch.from_numpy(np.stack([each.obs for each in glimpses])), state)


def inspector_of(model: Path) -> Inspector | MemoryInspector:
    """What looks into this model's network and the other checkpoints of its run."""
    gallery = Gallery(model)
    has_memory = gallery.checkpoints[gallery.shown].header.network["memory"] != "none"
    return MemoryInspector(gallery) if has_memory else Inspector(gallery)
