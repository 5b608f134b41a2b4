"""What a memory goes through over time: its state after each step, and the gates that made it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from networks.blocks import as_floats
from networks.build import RecurrentNetwork
from networks.lstm import LSTM


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoryTrace:
    """T steps of one episode.

    Attributes:
        hidden: float32[T, M], the memory's output after each step.
        cell: float32[T, M] of an LSTM; None for a SimpleRNN, whose state is its output.
        gates: float32[T, M] in [0, 1] of an LSTM, by "input", "forget", "output"; empty for a SimpleRNN.
        q: float32[T, A].
    """

    hidden: NDArray[np.float32]
    cell: NDArray[np.float32] | None
    gates: dict[str, NDArray[np.float32]]
    q: NDArray[np.float32]


def trace(network: RecurrentNetwork, obs: Tensor, state: Tensor) -> MemoryTrace:
    """Unroll a network with a q head.

    Args:
        network: in eval mode.
        obs: [T, *input_shape] of one episode.
        state: [parts, 1, M] before the first of them.
    """
    memory = network.memory
    before, after, q = [], [], []
    with torch.inference_mode():
        for step in obs[:, None, None]:  # [T = 1, B = 1, *input_shape]
            before.append(state)
            answer, state = network(step, state, torch.zeros(1, 1, dtype=torch.bool))
            after.append(state)
            q.append(answer[0, 0])
        states = torch.cat(after, dim=1)  # [parts, T, M]
        gates: dict[str, NDArray[np.float32]] = {}
        if isinstance(memory, LSTM):
            features = network.trunk(as_floats(obs, state.dtype))
            gates = _gates(memory, features, torch.cat(before, dim=1)[0])
        return MemoryTrace(
            hidden=states[0].float().numpy(),
            cell=states[1].float().numpy() if isinstance(memory, LSTM) else None,
            gates=gates,
            q=torch.stack(q).float().numpy(),
        )


def _gates(memory: LSTM, features: Tensor, hidden_before: Tensor) -> dict[str, NDArray[np.float32]]:
    """sigmoid(W x + U h + b) of features [T, F] and hidden [T, M]; in torch's order i, f, g, o."""
    weight = memory.cell.get_parameter
    sums = features @ weight("weight_ih_l0").T + weight("bias_ih_l0")
    sums = sums + hidden_before @ weight("weight_hh_l0").T + weight("bias_hh_l0")
    into, forget, _, out = torch.sigmoid(sums).chunk(4, dim=1)
    return {
        name: gate.float().numpy() for name, gate in (("input", into), ("forget", forget), ("output", out))
    }
