"""Answers are kept by state, the newest in each place, and a network is asked once."""

import numpy as np
import torch

from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits
from agents.search.mcts import MCTSPlayer
from agents.values.learned import LearnedValue, planes_shape
from agents.values.memory import keep, new_answers, recall
from envs.boards.game import game
from networks.build import build
from networks.config import NetworkConfig

STATES = np.array([[0, 0], [1, 0], [0, 1], [5, 7]], np.uint64)
VALUES = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
PRIORS = np.arange(12, dtype=np.float32).reshape(4, 3)
CONFIG = NetworkConfig(
    trunk="board_resnet", input_shape=planes_shape(game("connect_four")), head="policy_value", num_actions=7,
    hidden_sizes=(16,), channels=8, blocks=1,
)  # fmt: skip


def recalled(answers, states):
    values, priors = np.zeros(len(states), np.float32), np.zeros((len(states), 3), np.float32)
    unknown = np.empty(len(states), np.int64)
    count = recall(answers, states, values, priors, unknown)
    return values, priors, unknown[:count].tolist()


def test_what_was_kept_is_recalled_and_the_rest_is_unknown() -> None:
    answers = new_answers(3, entries=1 << 10)
    assert recalled(answers, STATES)[2] == [0, 1, 2, 3]  # the state of zeros too
    keep(answers, STATES[[0, 3]], VALUES[[0, 3]], PRIORS[[0, 3]])
    values, priors, unknown = recalled(answers, STATES)
    assert unknown == [1, 2]
    np.testing.assert_array_equal(values[[0, 3]], VALUES[[0, 3]])
    np.testing.assert_array_equal(priors[[0, 3]], PRIORS[[0, 3]])


def test_states_that_meet_in_one_place_are_told_apart_and_the_newest_stays() -> None:
    answers = new_answers(3, entries=1)
    keep(answers, STATES, VALUES, PRIORS)
    values, _, unknown = recalled(answers, STATES)
    assert unknown == [0, 1, 2]
    assert values[3] == VALUES[3]


class Counting(torch.nn.Module):
    """Counts the states that it is asked about."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("asked", torch.zeros((), dtype=torch.int64))

    def forward(self, planes):
        self.asked += len(planes)
        return self.network(planes)


def test_a_network_is_asked_about_a_state_once() -> None:
    rules = game("connect_four")
    value = LearnedValue(rules, Counting(build(CONFIG)), dtype=torch.float32)
    asked = value._network.asked
    before = int(asked)
    states = np.array([rules.pack(rules.position(text).state) for text in ("", "4", "44", "4")])
    first = value.evaluate(states[:3])
    again = value.evaluate(states[[2, 1, 0, 3]])
    assert int(asked) == before + 3
    for given, expected in zip(again, first, strict=True):
        np.testing.assert_array_equal(given, expected[[2, 1, 0, 1]])
    more = value.evaluate(np.stack([states[0], rules.pack(rules.position("7").state)]))
    assert int(asked) == before + 4
    assert more[0][0] == first[0][0] != more[0][1]
    value.reset(0)
    np.testing.assert_array_equal(value.values(states[:3]), first[0])
    assert int(asked) == before + 7


def test_a_player_forgets_with_its_match() -> None:
    rules = game("connect_four")
    value = LearnedValue(rules, Counting(build(CONFIG)), dtype=torch.float32)
    for player in (
        MCTSPlayer("mcts", rules, value, simulations=20),
        AlphaBetaPlayer("alpha_beta", value, Limits(depth=2)),
    ):
        player.choose(rules.start())
        asked = int(value._network.asked)
        player.reset(0)
        player.choose(rules.start())
        assert int(value._network.asked) > asked
