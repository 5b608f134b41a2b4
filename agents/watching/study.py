"""What a network is shown on its page and what is found, as plain data: nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from envs.view.pictures import BoardPicture

if TYPE_CHECKING:
    from agents.watching.checkpoints import Gallery
    from agents.watching.episode_session import Glimpse
    from networks.memory_trace import MemoryTrace
    from networks.orientation import Comparison

    Found: TypeAlias = "Study | MemoryTrace"

Heat = Literal["gradient", "perturbation", "none"]
HEATS: tuple[Heat, ...] = get_args(Heat)


@dataclass(frozen=True, slots=True)
class Layer:
    """What one layer says: float32[C, h, w]; of a layer without an extent [1, 1, F]."""

    name: str
    values: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Study:
    """One network on one input.

    Attributes:
        kernels: of the first layer, for the newest input plane, float32[O, h, w]; None without convolution.
        initial: the same at the start of the run; None where that is not known.
        comparison: how the two differ.
        layers: shallow, deep and last dense, as far as there are such.
        output: q [A], or the policy [A] of a board network.
        value: of a board network.
        heat: float32[h, w], how much each place matters to `heat_of`; None where it was not asked for.
        heat_of: the action whose output is meant; None: the value.
    """

    kernels: NDArray[np.float32] | None
    initial: NDArray[np.float32] | None
    comparison: Comparison | None
    layers: tuple[Layer, ...]
    output: NDArray[np.float32]
    value: float | None
    heat: NDArray[np.float32] | None
    heat_of: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """What a network is shown: the array, and what a person sees of it."""

    key: object  # equal for equal subjects
    obs: NDArray[Any]
    frame: NDArray[np.uint8] | None = None
    board: BoardPicture | None = None
    words: str = ""  # step or ply
    legal: Sequence[int] | None = None  # of a policy
    glimpses: Sequence[Glimpse] = ()  # of a network with memory: up to this step and beyond
    num_later: int = 0  # of them, beyond
    step: int = 0


class Looks(Protocol):
    """Looks into the networks of one run; slow, so beside the drawing thread."""

    gallery: Gallery

    def look(self, subject: Subject, which: int, heat: Heat) -> Found:
        """What checkpoint `which` makes of the subject."""

    def field(self, layer: str, cell: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """What a cell of a layer can depend on, as shares of the input; None where there is no such thing."""
