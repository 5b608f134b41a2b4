"""The networks of one run, from its start to its last checkpoint, so that one input can be shown to all.

A run keeps `initial`, `best` and `last`. A model that stands alone (those in `pretrained/`) still has its
start: the training draws all weights from its seed, so they are drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from agents.runs.model import SUFFIX, ModelHeader, load_model, read_header
from agents.runs.seeding import child_seed
from agents.values.learned import rebuild_network
from networks.build import Network, RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.feature_maps import kernels

# The random stream that a training of this kind draws its weights from.
STREAMS = {"dqn": "torch", "board_value": "policy_value", "board_value_mlp": "mlp"}
RANDOM_DRAWS = 32  # networks, whose kernels show what chance gives


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """One state of a network; without a path it is drawn again from the run's seed."""

    header: ModelHeader
    path: Path | None
    is_shown: bool  # the model that was asked for

    @property
    def label(self) -> str:
        """Its place in the run, in words."""
        if self.path is None:
            return f"the start, drawn again from seed {self.header.config['seed']}"
        return f"{self.path.stem}, step {self.header.step:,}"


class Gallery:
    """The checkpoints of a model's run, each loaded when it is first looked at."""

    def __init__(self, model: Path) -> None:
        self.checkpoints = checkpoints(model)
        self.shown = next(i for i, each in enumerate(self.checkpoints) if each.is_shown)
        self._networks: dict[int, Network | RecurrentNetwork] = {}

    def network(self, which: int) -> Network | RecurrentNetwork:
        """The network of a checkpoint."""
        if which not in self._networks:
            self._networks[which] = network_of(self.checkpoints[which])
        return self._networks[which]

    def label(self, which: int) -> str:
        """A checkpoint in words."""
        return self.checkpoints[which].label


def checkpoints(model: Path) -> list[Checkpoint]:
    """The start where it is known, then the models of the run by their steps; `model` is among them."""
    shown = read_header(model)
    found = [Checkpoint(header=shown, path=model, is_shown=True)]
    if model.stem.split("_")[0] in ("initial", "best", "last"):
        for path in sorted(model.parent.glob(f"*{SUFFIX}")):
            header = read_header(path)
            if path != model and (header.kind, header.network) == (shown.kind, shown.network):
                found.append(Checkpoint(header=header, path=path, is_shown=False))
    if all(each.header.step for each in found) and "seed" in shown.config:
        start = replace(shown, step=0, score=None)
        found.append(Checkpoint(header=start, path=None, is_shown=False))
    return sorted(found, key=lambda each: each.header.step)


def network_of(checkpoint: Checkpoint) -> Network | RecurrentNetwork:
    """The network in eval mode, float32. Raises: ValueError from a damaged file."""
    if checkpoint.path is None:
        header = checkpoint.header
        return _drawn(NetworkConfig.from_json(header.network), header.config["seed"], STREAMS[header.kind])
    network = rebuild_network(*load_model(checkpoint.path))
    assert isinstance(network, Network | RecurrentNetwork)
    return network


def random_kernels(config: NetworkConfig) -> NDArray[np.float32]:
    """First-layer kernels [R, I, h, w] of many fresh networks."""
    return np.concatenate([kernels(_drawn(config, seed, "chance")) for seed in range(RANDOM_DRAWS)])


def _drawn(config: NetworkConfig, seed: int, stream: str) -> Network | RecurrentNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(seed, stream))
        return build(config).eval()
