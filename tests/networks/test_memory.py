"""SimpleRNN and LSTM: equations, start mask, explicit state, and what each can remember."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from networks.build import RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.losses import cross_entropy
from networks.lstm import LSTM, Memory, SimpleRNN
from networks.optimisers import make_optimiser

KINDS = [SimpleRNN, LSTM]


def memory(kind: type[Memory], inputs: int = 3, size: int = 4) -> Memory:
    torch.manual_seed(0)
    core = kind(inputs, size).double()
    for parameter in core.parameters():
        nn.init.normal_(parameter, std=0.7)
    return core


def no_starts(steps: int, batch: int) -> Tensor:
    return torch.zeros(steps, batch, dtype=torch.bool)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_simple_rnn_follows_its_equation() -> None:
    core = memory(SimpleRNN)
    w, u, b, c = (parameter.detach().numpy() for parameter in core.parameters())
    features = torch.randn(5, 2, 3, dtype=torch.float64)
    outputs, state = core(features, core.initial_state(2), no_starts(5, 2))
    h = np.zeros((2, 4))
    for t in range(5):
        h = np.tanh(features[t].numpy() @ w.T + h @ u.T + b + c)
        np.testing.assert_allclose(outputs[t].detach().numpy(), h, atol=1e-12)
    np.testing.assert_allclose(state.detach().numpy(), h[None], atol=1e-12)


def test_lstm_follows_its_equations() -> None:
    core = memory(LSTM)
    w, u, b, d = (parameter.detach().numpy() for parameter in core.parameters())
    features = torch.randn(5, 2, 3, dtype=torch.float64)
    outputs, state = core(features, core.initial_state(2), no_starts(5, 2))
    h, c = np.zeros((2, 4)), np.zeros((2, 4))
    for t in range(5):
        i, f, g, o = np.split(features[t].numpy() @ w.T + h @ u.T + b + d, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(outputs[t].detach().numpy(), h, atol=1e-12)
    np.testing.assert_allclose(state.detach().numpy(), np.stack([h, c]), atol=1e-12)


def test_the_units_of_a_fresh_lstm_forget_over_two_to_a_hundred_steps() -> None:
    core = LSTM(3, 5)
    state = torch.cat([torch.zeros(1, 1, 5), torch.ones(1, 1, 5)])  # h = 0, c = 1
    _, (_, cell) = core(torch.zeros(1, 1, 3), state, no_starts(1, 1))
    steps = torch.tensor([[2.0, 26.5, 51.0, 75.5, 100.0]])
    torch.testing.assert_close(cell, 1 - 1 / steps)


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_in_the_middle_equals_two_separate_runs(kind: type[Memory]) -> None:
    core = memory(kind)
    features = torch.randn(7, 2, 3, dtype=torch.float64)
    starts = no_starts(7, 2)
    starts[4, 0] = True  # only the first of the two episodes ends
    outputs, state = core(features, core.initial_state(2), starts)
    first, _ = core(features[:4, :1], core.initial_state(1), no_starts(4, 1))
    second, second_state = core(features[4:, :1], core.initial_state(1), no_starts(3, 1))
    other, other_state = core(features[:, 1:], core.initial_state(1), no_starts(7, 1))
    torch.testing.assert_close(outputs[:, :1], torch.cat([first, second]), atol=1e-12, rtol=0)
    torch.testing.assert_close(outputs[:, 1:], other, atol=1e-12, rtol=0)
    torch.testing.assert_close(state, torch.cat([second_state, other_state], dim=1), atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_start_forgets_exactly_whatever_the_state_was(kind: type[Memory]) -> None:
    core = memory(kind)
    features = torch.randn(2, 1, 3, dtype=torch.float64)
    starts = torch.tensor([[True], [False]])
    broken = torch.full_like(core.initial_state(1), float("nan"))
    assert torch.equal(core(features, broken, starts)[0], core(features, core.initial_state(1), starts)[0])


@pytest.mark.parametrize("kind", KINDS)
def test_no_gradient_flows_back_over_a_start(kind: type[Memory]) -> None:
    core = memory(kind)
    features = torch.randn(4, 1, 3, dtype=torch.float64, requires_grad=True)
    starts = no_starts(4, 1)
    starts[2] = True
    outputs, _ = core(features, core.initial_state(1), starts)
    (gradient,) = torch.autograd.grad(outputs[3].sum(), features)
    assert (gradient[:2] == 0).all()
    assert (gradient[2:] != 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_many_steps_in_one_call_equal_as_many_calls_of_one_step(kind: type[Memory]) -> None:
    core = memory(kind)
    features = torch.randn(6, 3, 3, dtype=torch.float64)
    starts = torch.rand(6, 3) < 0.3
    before = torch.randn(core.parts, 3, 4, dtype=torch.float64)
    outputs, last = core(features, before, starts)
    state = before
    for t in range(6):
        output, state = core(features[t : t + 1], state, starts[t : t + 1])
        torch.testing.assert_close(output[0], outputs[t], atol=1e-12, rtol=0)
    torch.testing.assert_close(state, last, atol=1e-12, rtol=0)


def test_wrong_shapes_are_named() -> None:
    core = LSTM(3, 4)
    good = torch.zeros(5, 2, 3), core.initial_state(2), no_starts(5, 2)
    with pytest.raises(ValueError, match=r"features must be \[T >= 1, B, 3\], got \[5, 2, 4\]"):
        core(torch.zeros(5, 2, 4), good[1], good[2])
    with pytest.raises(ValueError, match=r"features must be \[T >= 1, B, 3\], got \[0, 2, 3\]"):
        core(torch.zeros(0, 2, 3), good[1], no_starts(0, 2))
    with pytest.raises(ValueError, match=r"state must be \[2, 2, 4\], got \[1, 2, 4\]"):
        core(good[0], good[1][:1], good[2])
    with pytest.raises(ValueError, match=r"starts must be bool\[5, 2\], got torch.bool\[2, 5\]"):
        core(good[0], good[1], good[2].T)
    with pytest.raises(ValueError, match=r"starts must be bool\[5, 2\], got torch.float32\[5, 2\]"):
        core(good[0], good[1], good[2].float())


def accuracy_after_a_gap(memory_name: str, gap: int, seed: int, updates: int = 150) -> float:
    """Remember the first of many random bits, answer `gap` steps later; accuracy on new episodes."""
    torch.manual_seed(seed)
    network = build(
        NetworkConfig(
            trunk="mlp",
            input_shape=(2,),
            head="q",
            num_actions=2,
            hidden_sizes=(),
            memory=memory_name,
            memory_size=16,
        )
    )
    assert isinstance(network, RecurrentNetwork)
    optimiser = make_optimiser("adam", network.parameters(), 0.01)

    def answers(batch: int) -> tuple[Tensor, Tensor]:
        bits = torch.randint(0, 2, (batch,))
        obs = torch.zeros(gap + 1, batch, 2)
        obs[:, :, 0] = torch.randint(0, 2, (gap + 1, batch)) * 2.0 - 1
        obs[0, :, 0] = bits * 2.0 - 1
        obs[0, :, 1] = 1.0  # "remember this one"
        q, _ = network(obs, network.initial_state(batch), no_starts(gap + 1, batch))
        return q[-1], bits

    for _ in range(updates):
        scores, bits = answers(64)
        optimiser.zero_grad()
        cross_entropy(scores, bits).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    with torch.no_grad():
        scores, bits = answers(1000)
    return (scores.argmax(dim=1) == bits).float().mean().item()


def test_the_lstm_keeps_a_bit_over_a_hundred_steps_where_the_simple_rnn_forgets_it() -> None:
    """Same task, size, optimiser and budget. Over 3 steps the SimpleRNN learns it too: the gap counts."""
    assert accuracy_after_a_gap("simple_rnn", gap=3, seed=0) > 0.95
    for seed in range(3):
        assert accuracy_after_a_gap("lstm", gap=100, seed=seed) > 0.95
        assert accuracy_after_a_gap("simple_rnn", gap=100, seed=seed) < 0.65
