"""Gumbel search at the root: its visits counted by hand, its choices against the arithmetic of the paper."""

from typing import Any

import numpy as np
import pytest

from agents.search.gumbel import GumbelConfig, visit_schedule
from agents.search.mcts import MCTSPlayer, RootNoise
from agents.values.handcrafted import HandcraftedValue
from envs.boards.bits import mixed
from envs.boards.game import GAMES, Game, Position, game

C4 = game("connect_four")
SAMPLED = GumbelConfig(noise_scale=1.0)


class Hashed:
    """Values and priors from a hash of the state: any function will do."""

    name, kernel = "hashed", None

    def __init__(self, board_game: Game) -> None:
        self.game = board_game

    def evaluate(self, states: Any) -> tuple[Any, Any]:
        judged = [self._judge(row) for row in states]
        return np.array([v for v, _ in judged], np.float32), np.array([p for _, p in judged], np.float32)

    def values(self, states: Any) -> Any:
        return self.evaluate(states)[0]

    def _judge(self, words: Any) -> tuple[float, np.ndarray]:
        rng = np.random.default_rng(int(mixed(np.uint64(words[0]) ^ mixed(np.uint64(words[1])))))
        priors = rng.dirichlet(np.full(self.game.num_actions, 0.7))
        priors[~self.game.legal_mask(self.game.state(np.array(words, np.uint64)))] = 0
        return float(rng.uniform(-0.9, 0.9)), priors / priors.sum()


class BatchedOnly(HandcraftedValue):
    """The handcrafted value without its in-kernel form."""

    def __init__(self, board_game: Game) -> None:
        super().__init__(board_game)
        self._inner = HandcraftedValue(board_game)
        self.kernel = None

    def values(self, states: Any) -> Any:
        return self._inner.values(states)


def some_positions(board_game: Game, count: int, seed: int = 0) -> list[Position]:
    """Too early in Connect Four for a threat, so that nothing is proven."""
    rng = np.random.default_rng(seed)
    found: list[Position] = []
    while len(found) < count:
        position = board_game.start()
        for _ in range(int(rng.integers(0, 5))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if not position.is_over:
            found.append(position)
    return found


def test_the_schedule_halves_the_moves_considered() -> None:
    rows = visit_schedule(7, 16).tolist()
    assert rows[4] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert rows[1] == list(range(16))
    assert visit_schedule(7, 8)[7].tolist() == [0] * 7 + [1]
    assert rows[2] == [visits for visits in range(8) for _ in range(2)]


@pytest.mark.parametrize(
    ("considered", "simulations", "visits"),
    [
        (4, 16, [6, 6, 2, 2, 0, 0, 0]),
        (16, 32, [12, 12, 4, 1, 1, 1, 1]),  # rounds: 7 x 1, 3 x 3, 2 x 5, and what is left
        (2, 6, [3, 3, 0, 0, 0, 0, 0]),
        (1, 5, [5, 0, 0, 0, 0, 0, 0]),
        (16, 3, [1, 1, 1, 0, 0, 0, 0]),
    ],
)
@pytest.mark.parametrize("value", [Hashed(C4), HandcraftedValue(C4)], ids=["batched", "compiled"])
def test_each_considered_move_gets_the_visits_of_sequential_halving(
    value: Any, considered: int, simulations: int, visits: list[int]
) -> None:
    config = GumbelConfig(considered_max=considered)
    player = MCTSPlayer("gumbel", C4, value, simulations=simulations, gumbel=config)
    decision = player.choose(C4.start())
    assert decision.visits is not None
    assert sorted(decision.visits.tolist(), reverse=True) == visits
    assert decision.visits[decision.action] == visits[0]
    if isinstance(value, Hashed):  # without noise those with the highest priors are considered
        priors = value.evaluate(C4.pack(C4.initial)[None])[1][0]
        likely = np.argsort(-priors)[: np.count_nonzero(visits)]
        assert set(np.flatnonzero(decision.visits)) == set(likely.tolist())


def test_the_choice_and_the_policy_are_those_of_the_formulas() -> None:
    """Each move is visited at most once, so that its value is that of its position."""
    value, simulations = Hashed(C4), 5
    player = MCTSPlayer("gumbel", C4, value, simulations=simulations, gumbel=GumbelConfig())
    for position in some_positions(C4, 40):
        decision = player.choose(position)
        assert decision.visits is not None
        assert decision.visits.max() == 1
        (estimate,), (priors,) = value.evaluate(C4.pack(position.state)[None])
        worth = {
            action: -float(value.values(C4.pack(position.play(action).state)[None])[0])
            for action in np.flatnonzero(decision.visits).tolist()
        }
        weight = sum(priors[action] for action in worth)
        mean = sum(priors[action] * worth[action] for action in worth) / weight
        mix = (estimate + simulations * mean) / (1 + simulations)
        merits = np.full(7, -np.inf)
        for action in position.legal():
            merits[action] = np.log(priors[action]) + 51 * (1 + worth.get(action, mix)) / 2
        assert decision.action == max(worth, key=merits.__getitem__)
        expected = np.exp(merits - merits.max())
        np.testing.assert_allclose(decision.policy, expected / expected.sum(), atol=1e-5)


def test_one_simulation_draws_from_the_prior_and_a_few_improve_on_it() -> None:
    """The mean value of the moves chosen is at least that of the prior, in every position."""
    value, samples = Hashed(C4), 400
    gains = []
    for position in some_positions(C4, 6, seed=1):
        priors = value.evaluate(C4.pack(position.state)[None])[1][0]
        worth = np.zeros(7)
        for action in position.legal():
            worth[action] = -float(value.values(C4.pack(position.play(action).state)[None])[0])
        drawn = MCTSPlayer("gumbel", C4, value, simulations=1, gumbel=SAMPLED)
        actions = [each.action for each in drawn.choose_many([position] * samples)]
        frequency = np.bincount(actions, minlength=7) / samples
        assert np.abs(frequency - priors).max() < 4 * 0.5 / np.sqrt(samples)
        searched = MCTSPlayer("gumbel", C4, value, simulations=3, gumbel=SAMPLED)
        found = worth[[each.action for each in searched.choose_many([position] * samples)]]
        gains.append(found.mean() - priors @ worth)
        assert gains[-1] > -3 * found.std() / np.sqrt(samples)
    assert np.mean(gains) > 0.1


def test_the_seed_decides_the_noise_and_without_noise_nothing() -> None:
    def searched(seed: int, config: GumbelConfig) -> list[list[int]]:
        player = MCTSPlayer("gumbel", C4, Hashed(C4), simulations=12, gumbel=config, seed=seed)
        return [each.visits.tolist() for each in map(player.choose, some_positions(C4, 10))]  # type: ignore[union-attr]

    assert searched(1, SAMPLED) == searched(1, SAMPLED) != searched(2, SAMPLED)
    assert searched(1, GumbelConfig()) == searched(2, GumbelConfig()) != searched(1, SAMPLED)


def test_lock_step_equals_one_by_one() -> None:
    positions = some_positions(C4, 12)
    together, alone = (
        MCTSPlayer("gumbel", C4, Hashed(C4), simulations=20, gumbel=SAMPLED, seed=3) for _ in range(2)
    )
    for ours, position in zip(together.choose_many(positions), positions, strict=True):
        theirs = alone.choose(position)
        np.testing.assert_array_equal(ours.visits, theirs.visits)
        assert ours.action == theirs.action


@pytest.mark.parametrize("name", GAMES)
def test_both_forms_of_a_value_give_the_same_visits(name: str) -> None:
    board_game = game(name)
    compiled, batched = (
        MCTSPlayer("gumbel", board_game, value, simulations=40, gumbel=SAMPLED, seed=1)
        for value in (HandcraftedValue(board_game), BatchedOnly(board_game))
    )
    for position in some_positions(board_game, 8):
        ours, theirs = compiled.choose(position), batched.choose(position)
        np.testing.assert_array_equal(ours.visits, theirs.visits)
        assert ours.action == theirs.action


def test_a_lost_move_is_not_visited_again_and_the_only_defence_is_played() -> None:
    position = C4.position("41424")  # 4 4 4 stand: every other move than 4 loses at once
    decision = MCTSPlayer("gumbel", C4, Hashed(C4), simulations=32, gumbel=GumbelConfig()).choose(position)
    assert decision.action == 3
    assert decision.visits is not None
    assert decision.visits.sum() == 32
    assert sorted(decision.visits.tolist())[:6] == [1] * 6
    assert decision.policy is not None
    assert decision.policy[3] == pytest.approx(1)


def test_every_move_begins_a_new_search() -> None:
    player = MCTSPlayer("gumbel", C4, Hashed(C4), simulations=30, gumbel=GumbelConfig())
    fresh = MCTSPlayer("gumbel", C4, Hashed(C4), simulations=30, gumbel=GumbelConfig())
    first = player.choose(C4.position("44"))
    later = C4.position("44").play(first.action)
    np.testing.assert_array_equal(player.choose(later).visits, fresh.choose(later).visits)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"seconds": 1.0}, "gumbel needs simulations"),
        ({"simulations": 8, "noise": RootNoise()}, "has noise of its own"),
    ],
)
def test_what_contradicts_the_schedule_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MCTSPlayer("gumbel", C4, Hashed(C4), gumbel=GumbelConfig(), **settings)


@pytest.mark.parametrize(
    ("field", "told"),
    [({"considered_max": 0}, "considered_max must be at least 1"), ({"noise_scale": -1.0}, "0 or more")],
)
def test_a_config_out_of_range_is_refused(field: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        GumbelConfig(**field)
