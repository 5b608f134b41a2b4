"""The trace of a memory is what the fused network does, and its gates make its cells."""

from typing import Literal

import numpy as np
import pytest
import torch

from networks.build import RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.memory_trace import trace


def network(memory: Literal["simple_rnn", "lstm"]) -> RecurrentNetwork:
    torch.manual_seed(0)
    made = build(
        NetworkConfig(
            trunk="mlp",
            input_shape=(3,),
            head="q",
            num_actions=2,
            hidden_sizes=(5,),
            memory=memory,
            memory_size=6,
        )
    )
    assert isinstance(made, RecurrentNetwork)
    return made.eval()


@pytest.mark.parametrize("memory", ["simple_rnn", "lstm"])
def test_a_trace_equals_one_fused_call_over_the_whole_stretch(memory: Literal["simple_rnn", "lstm"]) -> None:
    net, obs = network(memory), torch.randn(7, 3)
    state = torch.randn(net.memory.parts, 1, 6)
    found = trace(net, obs, state)
    with torch.no_grad():
        q, last = net(obs[:, None], state, torch.zeros(7, 1, dtype=torch.bool))
    assert np.allclose(found.q, q[:, 0], atol=1e-6)
    assert np.allclose(found.hidden[-1], last[0, 0], atol=1e-6)
    assert found.hidden.shape == (7, 6)
    assert (found.cell is None) == (not found.gates) == (memory == "simple_rnn")


def test_the_gates_and_the_candidate_make_the_next_cell_and_the_output() -> None:
    net, obs = network("lstm"), torch.randn(9, 3)
    found = trace(net, obs, net.initial_state(1))
    assert found.cell is not None
    forget, into, out = (found.gates[name] for name in ("forget", "input", "output"))
    assert np.allclose(found.hidden, out * np.tanh(found.cell), atol=1e-6)
    cell_before = np.concatenate([np.zeros((1, 6)), found.cell[:-1]])
    candidate = (found.cell - forget * cell_before) / into
    assert np.abs(candidate).max() <= 1.0  # a tanh, whatever its weights
    hidden_before = torch.from_numpy(np.concatenate([np.zeros((1, 6)), found.hidden[:-1]]).astype(np.float32))
    weights = net.memory.cell.get_parameter
    with torch.no_grad():
        sums = (
            net.trunk(obs) @ weights("weight_ih_l0")[12:18].T
            + hidden_before @ weights("weight_hh_l0")[12:18].T
        )
    assert np.allclose(candidate, torch.tanh(sums), atol=1e-4)  # biases of the candidate start at 0
