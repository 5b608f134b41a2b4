"""Learning: losses fall on samples that can be learned, the mean follows, a state is whole."""

from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest
import torch

from agents.board_value.learner import Learner, MLPLearner, PolicyValueLearner, Schedule, strayed
from agents.board_value.presets import TIC_TAC_TOE
from agents.board_value.targets import Samples
from envs.boards.game import GAMES, game

CONFIG = replace(
    TIC_TAC_TOE,
    channels=8,
    blocks=1,
    norm="batch",
    warmup_updates=5,
    learning_rate=5e-3,
    mlp_learning_rate=5e-3,
)


class Constant:
    """A teacher with one opinion."""

    name, kernel, game = "constant", None, game("tic_tac_toe")

    def values(self, states: Any) -> Any:
        return np.full(len(states), 0.3, np.float32)

    def evaluate(self, states: Any) -> tuple[Any, None]:
        return self.values(states), None


def few_samples(count: int = 24) -> Samples:
    """Positions with made-up targets, the same under every symmetry so that turning does not blur them."""
    board_game = game("tic_tac_toe")
    rng = np.random.default_rng(0)
    states, policies, values = [], [], []
    while len(states) < count:
        position = board_game.start()
        for _ in range(int(rng.integers(0, 6))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if position.is_over:
            continue
        legal = board_game.legal_mask(position.state)
        prefers_centre = np.where(legal, 0.01, 0.0)
        if legal[4]:
            prefers_centre[4] = 1.0
        states.append(board_game.pack(position.state))
        policies.append(prefers_centre / prefers_centre.sum())
        values.append(0.8 if legal[4] else -0.8)
    return Samples(np.array(states), np.array(policies, np.float32), np.array(values, np.float32))


def test_losses_fall_on_a_small_fixed_set() -> None:
    learner = PolicyValueLearner(game("tic_tac_toe"), CONFIG)
    samples, rng = few_samples(), np.random.default_rng(0)
    losses = [learner.update(samples, rng, 0.1) for _ in range(150)]
    assert losses[-1]["value_loss"] < 0.1 * losses[0]["value_loss"]
    assert losses[-1]["policy_loss"] < 0.6 * losses[0]["policy_loss"]
    assert learner.updates == 150


def test_the_small_network_learns_too() -> None:
    learner = MLPLearner(game("tic_tac_toe"), CONFIG)
    samples, rng = few_samples(), np.random.default_rng(0)
    losses = [learner.update(samples, rng, 0.1, Constant()) for _ in range(200)]
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("name", GAMES)
def test_positions_beside_a_sample_are_reached_from_it_by_legal_moves(name: str) -> None:
    board_game = game(name)
    position = board_game.start()
    for _ in range(4):
        position = position.play(position.legal()[0])
    reached = {position.state: 0}
    level = [position]
    for plies in (1, 2):
        level = [before.play(action) for before in level for action in before.legal()]
        reached |= {after.state: plies for after in level if not after.is_over}
    states = np.tile(board_game.pack(position.state), (200, 1))
    found = [
        reached[board_game.state(row)] for row in strayed(board_game, states, 2, np.random.default_rng(0))
    ]
    assert set(found) >= {1, 2}
    assert not any(board_game.legal_masks(states).sum(axis=1) == 0)


def test_the_mean_follows_the_weights_slowly() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    learner = Learner(
        network, Schedule(peak=1e-9, end=1e-9, warmup_updates=0), replace(CONFIG, average_decay=0.9)
    )
    expected = 0.0
    for update in range(1, 200):
        with torch.no_grad():
            network.weight.fill_(1.0)
        learner.descend(network(torch.ones(1, 1)).sum() * 0.0, 0.0)
        decay = min(0.9, update / (update + 10))
        expected = decay * expected + (1 - decay) * 1.0
        assert learner.average.weight.item() == pytest.approx(expected, abs=1e-5)


def test_the_rate_rises_then_falls_to_its_end() -> None:
    schedule = Schedule(peak=1.0, end=0.1, warmup_updates=10)
    assert schedule.rate(0, 0.0) == pytest.approx(0.1)
    assert schedule.rate(9, 0.0) == pytest.approx(1.0)
    assert schedule.rate(100, 0.5) == pytest.approx(0.55)
    assert schedule.rate(100, 1.0) == pytest.approx(0.1)
    assert schedule.rate(100, 1.2) == pytest.approx(0.1)


def test_weights_come_from_the_seed_alone() -> None:
    board_game = game("tic_tac_toe")
    torch.manual_seed(1)
    first = PolicyValueLearner(board_game, CONFIG).network.state_dict()
    torch.manual_seed(2)
    drawn = torch.rand(1)
    torch.manual_seed(2)
    again = PolicyValueLearner(board_game, CONFIG).network.state_dict()
    assert torch.rand(1) == drawn  # the global stream is left alone
    other = PolicyValueLearner(board_game, replace(CONFIG, seed=1)).network.state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_loaded_state_goes_on_to_the_bit() -> None:
    board_game = game("tic_tac_toe")
    samples = few_samples()

    def some_updates(learner: PolicyValueLearner, count: int, rng: np.random.Generator) -> None:
        for _ in range(count):
            learner.update(samples, rng, 0.3)

    through, rng = PolicyValueLearner(board_game, CONFIG), np.random.default_rng(0)
    some_updates(through, 6, rng)
    stopped, rng = PolicyValueLearner(board_game, CONFIG), np.random.default_rng(0)
    some_updates(stopped, 4, rng)
    resumed = PolicyValueLearner(board_game, replace(CONFIG, seed=9))
    resumed.load_state_dict(stopped.state_dict())
    some_updates(resumed, 2, rng)
    for ours, theirs in ((through.network, resumed.network), (through.average, resumed.average)):
        other = theirs.state_dict()
        assert all(torch.equal(tensor, other[name]) for name, tensor in ours.state_dict().items())


@pytest.mark.parametrize(("first", "then"), [("adamw", "muon"), ("muon", "adamw")])
def test_another_optimiser_goes_on_from_the_same_weights(
    first: Literal["adamw", "muon"], then: Literal["adamw", "muon"]
) -> None:
    board_game = game("tic_tac_toe")
    samples, rng = few_samples(), np.random.default_rng(0)
    one = PolicyValueLearner(board_game, replace(CONFIG, optimiser=first))
    one.update(samples, rng, 0.3)
    other = PolicyValueLearner(board_game, replace(CONFIG, optimiser=then, seed=9))
    other.load_state_dict(one.state_dict())
    weights = one.network.state_dict()
    assert all(torch.equal(tensor, weights[name]) for name, tensor in other.network.state_dict().items())
    other.update(samples, rng, 0.3)
    assert other.updates == 2


def test_a_state_of_a_smaller_network_grows() -> None:
    board_game = game("tic_tac_toe")
    samples, rng = few_samples(), np.random.default_rng(0)
    small = PolicyValueLearner(board_game, CONFIG)
    for _ in range(3):
        small.update(samples, rng, 0.3)
    larger = replace(CONFIG, channels=CONFIG.channels + 5, blocks=CONFIG.blocks + 1, hidden_sizes=(40,))
    large = PolicyValueLearner(board_game, larger)
    large.load_state_dict(small.state_dict())
    planes = torch.from_numpy(board_game.planes(samples.states))
    with torch.inference_mode():
        for before, after in zip(small.average(planes), large.average(planes), strict=True):
            torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
    assert large.updates == 3
    large.update(samples, rng, 0.3)
    with pytest.raises(ValueError, match="can only grow"):
        small.load_state_dict(large.state_dict())
