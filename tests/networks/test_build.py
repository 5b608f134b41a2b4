"""Every combination of trunk, memory and head gives the promised shapes and refuses what does not fit."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from networks.build import Network, RecurrentNetwork, build
from networks.config import NetworkConfig

SHAPES: dict[str, tuple[int, ...]] = {
    "mlp": (5,),
    "nips_cnn": (2, 20, 20),
    "nature_cnn": (2, 36, 36),
    "impala_cnn": (2, 9, 6),
    "conv_pool": (2, 8, 9),
    "board_resnet": (2, 3, 4),
}


def config(trunk: str, head: str, **fields: Any) -> NetworkConfig:
    actions = 0 if head == "value" else 6
    sizes = {"input_shape": SHAPES[trunk], "hidden_sizes": (8,), "channels": 4, "blocks": 1, "memory_size": 3}
    return NetworkConfig(**({"trunk": trunk, "head": head, "num_actions": actions} | sizes | fields))


def shapes(output: Tensor | tuple[Tensor, Tensor]) -> list[tuple[int, ...]]:
    return [tuple(part.shape) for part in (output if isinstance(output, tuple) else (output,))]


EXPECTED = {"q": lambda *b: [(*b, 6)], "policy_value": lambda *b: [(*b, 6), b], "value": lambda *b: [b]}


@pytest.mark.parametrize(
    ("trunk", "head", "norm", "hidden_sizes"),
    list(itertools.product(SHAPES, EXPECTED, ("none", "batch", "layer"), ((), (8, 4)))),
)
def test_outputs_have_the_shapes_of_the_head(
    trunk: str, head: str, norm: str, hidden_sizes: tuple[int, ...]
) -> None:
    network = build(config(trunk, head, norm=norm, hidden_sizes=hidden_sizes))
    assert isinstance(network, Network)
    assert shapes(network(torch.randn(7, *SHAPES[trunk]))) == EXPECTED[head](7)


@pytest.mark.parametrize(
    ("trunk", "head", "memory"),
    list(
        itertools.product(
            ("mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool"), EXPECTED, ("simple_rnn", "lstm")
        )
    ),
)
def test_outputs_over_time_have_the_shapes_of_the_head_and_carry_the_state(
    trunk: str, head: str, memory: str
) -> None:
    network = build(config(trunk, head, memory=memory))
    assert isinstance(network, RecurrentNetwork)
    before = network.initial_state(2)
    assert before.shape == (2 if memory == "lstm" else 1, 2, 3)
    assert not before.any()
    output, after = network(torch.randn(4, 2, *SHAPES[trunk]), before, torch.zeros(4, 2, dtype=torch.bool))
    assert shapes(output) == EXPECTED[head](4, 2)
    assert after.shape == before.shape
    assert after.any()


@pytest.mark.parametrize("memory", ["simple_rnn", "lstm"])
def test_a_recurrent_network_forgets_at_a_start_and_only_there(memory: str) -> None:
    network = build(config("mlp", "q", memory=memory))
    assert isinstance(network, RecurrentNetwork)
    obs = torch.randn(5, 2, 5)
    starts = torch.zeros(5, 2, dtype=torch.bool)
    starts[3, 1] = True
    whole, _ = network(obs, network.initial_state(2), starts)
    fresh, _ = network(obs[3:], network.initial_state(2), torch.zeros(2, 2, dtype=torch.bool))
    torch.testing.assert_close(whole[3:, 1], fresh[:, 1])
    assert not torch.allclose(whole[3:, 0], fresh[:, 0])


def test_a_recurrent_network_acts_step_by_step_and_episode_by_episode_as_over_a_whole_window() -> None:
    network = build(config("conv_pool", "q", memory="lstm"))
    assert isinstance(network, RecurrentNetwork)
    obs = torch.randn(4, 3, *SHAPES["conv_pool"])
    starts = torch.rand(4, 3) < 0.3
    whole, last = network(obs, network.initial_state(3), starts)
    for episode in range(3):
        state = network.initial_state(1)
        for t in range(4):
            step = slice(t, t + 1), slice(episode, episode + 1)
            q, state = network(obs[step], state, starts[step])
            torch.testing.assert_close(q, whole[step])
        torch.testing.assert_close(state, last[:, episode : episode + 1])


def test_dueling_is_built_when_asked_for_on_flat_and_on_board_trunks() -> None:
    for trunk in ("mlp", "board_resnet"):
        names = [name for name, _ in build(config(trunk, "q", dueling=True)).named_modules()]
        assert any(name.endswith("advantage") for name in names)
        assert not any("advantage" in name for name, _ in build(config(trunk, "q")).named_modules())


def test_the_same_seed_gives_the_same_weights_and_another_seed_others() -> None:
    def first_weights(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return next(build(config("mlp", "q")).parameters())

    assert torch.equal(first_weights(1), first_weights(1))
    assert not torch.equal(first_weights(1), first_weights(2))


@pytest.mark.parametrize("trunk", SHAPES)
def test_a_copy_through_the_state_dict_gives_the_same_answers_statistics_included(trunk: str) -> None:
    network = build(config(trunk, "policy_value", norm="batch"))
    obs = torch.randn(9, *SHAPES[trunk])
    network(obs)  # training mode: moves the running statistics
    copy = build(config(trunk, "policy_value", norm="batch"))
    copy.load_state_dict(network.state_dict())
    network.eval()
    copy.eval()
    for ours, theirs in zip(network(obs), copy(obs), strict=True):
        assert torch.equal(ours, theirs)


def test_an_obs_of_the_wrong_shape_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"obs must be \['B', 2, 3, 4\], got \[2, 3, 4\]"):
        build(config("board_resnet", "q"))(torch.zeros(2, 3, 4))
    network = build(config("mlp", "q", memory="lstm"))
    assert isinstance(network, RecurrentNetwork)
    with pytest.raises(ValueError, match=r"obs must be \['T', 'B', 5\], got \[2, 5\]"):
        network(torch.zeros(2, 5), network.initial_state(2), torch.zeros(1, 2, dtype=torch.bool))
