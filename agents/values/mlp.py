"""A learned judgement small enough for compiled search: a multilayer perceptron on the raw bits of the board.

The network of `networks/` with two hidden layers, trained in torch on `features`, becomes arrays here. Few of
the 128 inputs are set, so the first layer is a sum of rows, one for each stone (sparse, as in NNUE: Y. Nasu
2018); both layers take four rows at a time, which keeps the processor's vector units busy. Measured on one
core of an AMD EPYC: 84-64-32-1 on Connect Four 2.9 M evaluations/s, 128-128-16-1 on Othello 1.5 M.

The network's value is tanh(logit), a score's is tanh(score / SCORE_SCALE), so the score is the logit times
SCORE_SCALE.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.values.value import SCORE_MAX, SCORE_SCALE, KernelValue, score
from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, without_lowest
from envs.boards.connect_four import ConnectFour
from envs.boards.dispatch import generic, kernel
from envs.boards.game import Game, game
from envs.boards.othello import Othello
from envs.boards.tic_tac_toe import TicTacToe
from networks.config import NetworkConfig

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

NUM_FEATURES = 128  # bit i of the own stones, then bit i of the other side's at 64 + i
KIND = "board_value_mlp"  # of its model files
_ROWS_AT_ONCE = 4  # of both layers
_NO_ROW = NUM_FEATURES  # a row of zeros
_NOTHING = np.float32(0)


class MLPWeights(NamedTuple):
    """The in-kernel form. h1 is a multiple of 4; arrays are C-contiguous float32."""

    w1: NDArray[np.float32]  # [NUM_FEATURES + 1, h1], a row for each feature and one of zeros
    b1: NDArray[np.float32]  # [h1]
    w2: NDArray[np.float32]  # [h1, h2]
    b2: NDArray[np.float32]  # [h2]
    w3: NDArray[np.float32]  # [h2]
    b3: NDArray[np.float32]  # [1]
    units: NDArray[np.float32]  # [h1 + h2], written by each call: search kernels cannot make arrays


class MLPValue(KernelValue):
    """A learned value for compiled search; no policy.

    Args:
        game: that it judges.
        network: of `networks.build` with a config like `network_config`; its weights are copied.
    Raises: ValueError when the network has another shape.
    """

    def __init__(self, game: Game, network: nn.Module, name: str = "learned") -> None:
        super().__init__(name, game, exported(network))

    @classmethod
    def load(cls, path: str | Path, name: str = "learned") -> MLPValue:
        """The value of a model file of this KIND. FileNotFoundError; ValueError for another kind."""
        from agents.runs.model import load_model
        from agents.values.learned import rebuild_network

        header, tensors = load_model(path)
        if header.kind != KIND:
            raise ValueError(f"{path} is a model of kind {header.kind!r}, not {KIND!r}")
        return cls(game(header.subject), rebuild_network(header, tensors), name)


def network_config(hidden_sizes: tuple[int, int]) -> NetworkConfig:
    """The network that this module can evaluate, by the widths of its two hidden layers."""
    return NetworkConfig(
        trunk="mlp", input_shape=(NUM_FEATURES,), head="value", num_actions=0, hidden_sizes=hidden_sizes
    )


def exported(network: nn.Module) -> MLPWeights:
    """The weights of a trained network as arrays. ValueError when it is not one of `network_config`."""
    config = getattr(network, "config", None)
    if not isinstance(config, NetworkConfig) or len(config.hidden_sizes) != 2:
        raise ValueError(f"an MLP value has two hidden layers, got {config}")
    hidden_sizes = config.hidden_sizes[0], config.hidden_sizes[1]
    if config != network_config(hidden_sizes):
        raise ValueError(f"an MLP value is built from {network_config(hidden_sizes)}, got {config}")
    arrays = {name: tensor.detach().float().cpu().numpy() for name, tensor in network.state_dict().items()}
    w1, b1 = (arrays[f"trunk.layers.hidden1.linear.{part}"] for part in ("weight", "bias"))
    w2, b2 = (arrays[f"trunk.layers.hidden2.linear.{part}"] for part in ("weight", "bias"))
    padding = -len(b1) % _ROWS_AT_ONCE  # of units that are always 0
    return MLPWeights(
        w1=np.ascontiguousarray(np.pad(w1.T, ((0, 1), (0, padding)))),
        b1=np.pad(b1, (0, padding)),
        w2=np.ascontiguousarray(np.pad(w2.T, ((0, padding), (0, 0)))),
        b2=b2.copy(),
        w3=arrays["head.value.weight"][0].copy(),
        b3=arrays["head.value.bias"].copy(),
        units=np.zeros(len(b1) + padding + len(b2), np.float32),
    )


def features(like: rules.State, states: NDArray[np.uint64]) -> NDArray[np.float32]:
    """What the network is shown: float32[B, NUM_FEATURES] of packed states uint64[B, 2].

    Args: like: any state of the game.
    """
    result = np.zeros((len(states), NUM_FEATURES), np.float32)
    _fill_features(like, states, result)
    return result


@generic
def sides(state: rules.State) -> tuple[np.uint64, np.uint64]:
    """The stones of the side to move and those of the other."""
    raise NotImplementedError


@sides.register(TicTacToe)
@sides.register(ConnectFour)
@kernel
def _sides_of_occupied(state: ConnectFour) -> tuple[np.uint64, np.uint64]:
    return state.own, state.own ^ state.occupied


@sides.register(Othello)
@kernel
def _sides(state: Othello) -> tuple[np.uint64, np.uint64]:
    return state.own, state.opponent


@kernel
def _fill_features(like: rules.State, states: NDArray[np.uint64], out: NDArray[np.float32]) -> None:
    for i in range(len(states)):
        own, theirs = sides(rules.rebuild(like, states[i, 0], states[i, 1]))
        while own != ZERO:
            out[i, lowest_index(own)] = 1
            own = without_lowest(own)
        while theirs != ZERO:
            out[i, 64 + lowest_index(theirs)] = 1
            theirs = without_lowest(theirs)


@kernel
def logit(weights: MLPWeights, state: rules.State) -> float:
    """The network's output before its tanh."""
    h1, h2 = weights.b1.size, weights.b2.size
    first, second = weights.units[:h1], weights.units[h1 : h1 + h2]
    for j in range(h1):
        first[j] = weights.b1[j]
    own, theirs = sides(state)
    _add_rows(weights.w1, own, 0, first)
    _add_rows(weights.w1, theirs, 64, first)
    for j in range(h2):
        second[j] = weights.b2[j]
    _add_weighted_rows(weights.w2, first, second)
    output = weights.b3[0]
    for j in range(h2):
        output += max(second[j], _NOTHING) * weights.w3[j]
    return float(output)


@score.register(MLPWeights)
@kernel
def _score(weights: MLPWeights, state: rules.State) -> int:
    units = np.rint(logit(weights, state) * SCORE_SCALE)
    return int(min(max(units, -SCORE_MAX), SCORE_MAX))


@kernel
def _next_row(bits: np.uint64, first_row: int) -> int:
    return first_row + int(lowest_index(bits)) if bits != ZERO else _NO_ROW


@kernel
def _add_rows(rows: NDArray[np.float32], bits: np.uint64, first_row: int, out: NDArray[np.float32]) -> None:
    """Add to `out` the row of each set bit."""
    while bits != ZERO:
        a = rows[_next_row(bits, first_row)]
        bits = without_lowest(bits)
        b = rows[_next_row(bits, first_row)]
        bits = without_lowest(bits)
        c = rows[_next_row(bits, first_row)]
        bits = without_lowest(bits)
        d = rows[_next_row(bits, first_row)]
        bits = without_lowest(bits)
        for j in range(out.size):
            out[j] += (a[j] + b[j]) + (c[j] + d[j])


@kernel
def _add_weighted_rows(
    rows: NDArray[np.float32], units: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Add to `out` each row times its unit, where that is positive (ReLU)."""
    for i in range(0, units.size, _ROWS_AT_ONCE):
        p, q = max(units[i], _NOTHING), max(units[i + 1], _NOTHING)
        r, s = max(units[i + 2], _NOTHING), max(units[i + 3], _NOTHING)
        a, b, c, d = rows[i], rows[i + 1], rows[i + 2], rows[i + 3]
        for j in range(out.size):
            out[j] += (p * a[j] + q * b[j]) + (r * c[j] + s * d[j])
