"""A learned judgement: a policy-value network on the raw board, asked for many states at once.

On processors that are quicker at bfloat16 (`networks.precision`) the weights are bfloat16. Measured on one
core of an AMD EPYC with a Connect Four network of 3 blocks, 32 channels: 36,000 evaluations/s in batches of
512, 28,000 in batches of 64, 0.6 ms for a single one; in float32 20,000, 17,500 and 0.3 ms. Freezing the
network (torch.jit) gained 3 % in large batches and was left out.

What was asked before is answered from memory (`agents.values.memory`): the network does not change.
"""

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from agents.runs.model import ModelHeader, load_model
from agents.values import memory
from envs.boards.dispatch import kernel
from envs.boards.game import Game, game
from networks.blocks import fold_batch_norm
from networks.build import build
from networks.config import NetworkConfig
from networks.precision import computes_bfloat16

EXACT_SIZES = 32  # batches up to this many states are asked as they are; above it, in multiples of it


def hardware_dtype() -> torch.dtype:
    """bfloat16 where the processor is quicker at it, else float32."""
    return torch.bfloat16 if computes_bfloat16(torch.device("cpu")) else torch.float32


class LearnedValue:
    """The value and the policy of a network; no in-kernel form.

    Args:
        game: that the network judges.
        network: planes [B, C, H, W] -> (logits [B, A], value [B]); copied, so that it may be trained on.
        name: as tables print it.
        dtype: of the weights; None takes what suits the processor.
        symmetries: how many images of each state are judged, the first of the game's symmetries; the answer
            is their mean. More cost so many times more, and err less.
    Raises: ValueError when the network's sizes are not those of the game, or it has not so many symmetries.
    """

    kernel = None

    def __init__(
        self,
        game: Game,
        network: nn.Module,
        *,
        name: str = "learned",
        dtype: torch.dtype | None = None,
        symmetries: int = 1,
    ) -> None:
        if not 1 <= symmetries <= game.num_symmetries:
            raise ValueError(f"{game.name} has 1 to {game.num_symmetries} symmetries, got {symmetries!r}")
        self.symmetries = symmetries
        self.name = name
        self.game = game
        self.dtype = dtype or hardware_dtype()
        self._planes = np.zeros((0, *planes_shape(game)), np.float32)
        self._answers = memory.new_answers(game.num_actions)
        fixed = copy.deepcopy(network).eval()
        fold_batch_norm(fixed)
        fixed = fixed.to(self.dtype)
        self._network: nn.Module = fixed.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        _check_outputs(self._network, game)

    @classmethod
    def load(
        cls, path: str | Path, *, name: str = "learned", dtype: torch.dtype | None = None
    ) -> "LearnedValue":
        """The value of a model file of kind "board_value", asked as its training config says.

        FileNotFoundError; ValueError for another kind.
        """
        header, tensors = load_model(path)
        if header.kind != "board_value":
            raise ValueError(f"{path} is a model of kind {header.kind!r}, not 'board_value'")
        symmetries = header.config.get("symmetries", 1)  # older models have no such field
        network = rebuild_network(header, tensors)
        return cls(game(header.subject), network, name=name, dtype=dtype, symmetries=symmetries)

    def reset(self, seed: int) -> None:
        """Forget what was asked. There is no chance in this value."""
        self._answers.known[:] = False

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Values float32[B], strictly inside (-1, 1), of packed unfinished states uint64[B, 2]."""
        return self.evaluate(states)[0]

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Values float32[B] and priors float32[B, A]: 0 where illegal, sums 1."""
        values = np.empty(len(states), np.float32)
        priors = np.empty((len(states), self.game.num_actions), np.float32)
        unknown = np.empty(len(states), np.int64)
        unknown = unknown[: memory.recall(self._answers, states, values, priors, unknown)]
        if len(unknown):
            asked = states[unknown]
            found = self._over_symmetries(asked)
            memory.keep(self._answers, asked, *found)
            values[unknown], priors[unknown] = found
        return values, priors

    def _over_symmetries(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network's own answer: the mean over the images of each state."""
        if self.symmetries == 1:
            return self._evaluate(states)
        numbers = np.repeat(np.arange(self.symmetries), len(states))
        images = self.game.transformed(np.tile(states, (self.symmetries, 1)), numbers)
        values, priors = self._evaluate(images)
        priors = np.take_along_axis(priors, self.game.action_permutation[numbers], axis=1)
        shape = (self.symmetries, len(states))
        return values.reshape(shape).mean(axis=0), priors.reshape(*shape, -1).mean(axis=0)

    def _evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The network's own answer for the states as they are."""
        count = len(states)
        padded = count if count <= EXACT_SIZES else -(-count // EXACT_SIZES) * EXACT_SIZES
        if len(self._planes) < padded:
            self._planes = np.zeros((padded, *planes_shape(self.game)), np.float32)
        planes = self._planes[:padded]  # rows past `count` are left over from earlier batches
        self.game.planes(states, out=planes[:count])
        with torch.inference_mode():
            inputs = torch.from_numpy(planes).to(self.dtype, memory_format=torch.channels_last)
            logits, values = self._network(inputs)
        priors = np.empty((count, self.game.num_actions), np.float32)
        _masked_softmax(logits.numpy(), self.game.legal_masks(states), priors)
        return values[:count].numpy().copy(), priors


def planes_shape(game: Game) -> tuple[int, int, int]:
    """(C, H, W) of a game's planes: the input shape of its networks."""
    return (game.num_planes, *game.board_shape)


def rebuild_network(header: ModelHeader, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network of a model file, float32, in eval mode. ValueError where the weights do not fit it."""
    network = build(NetworkConfig.from_json(header.network))
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"the weights do not fit the network of the header: {error}") from error
    return network.eval()


def _check_outputs(network: nn.Module, game: Game) -> None:
    with torch.inference_mode():
        logits, values = network(torch.zeros(2, *planes_shape(game)))
    if logits.shape != (2, game.num_actions) or values.shape != (2,):
        raise ValueError(
            f"a network for {game.name} gives logits [B, {game.num_actions}] and values [B], "
            f"got {list(logits.shape)} and {list(values.shape)} for 2 states"
        )


@kernel
def _masked_softmax(logits: NDArray[np.float32], legal: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """Probabilities [B, A] over the legal actions into `out`; further rows of logits are ignored."""
    for i in range(len(legal)):
        largest = np.float32(-np.inf)
        for action in range(legal.shape[1]):
            if legal[i, action]:
                largest = max(largest, logits[i, action])
        total = np.float32(0.0)
        for action in range(legal.shape[1]):
            out[i, action] = np.exp(logits[i, action] - largest) if legal[i, action] else np.float32(0.0)
            total += out[i, action]
        out[i] /= total
