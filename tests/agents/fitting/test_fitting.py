"""Games, labels, and both models, on little data."""

from dataclasses import replace

import numpy as np
import pytest

from agents.fitting.config import FittingConfig
from agents.fitting.games import NO_SCORE, Samples, play_games
from agents.fitting.models import DISC, fit_features, fit_ntuple, labels
from agents.search.othello_last_squares import final_score
from agents.values.fitted import TERMS, FittedValue
from agents.values.handcrafted import HandcraftedValue
from agents.values.handcrafted.othello import features
from agents.values.ntuple import NTupleValue
from agents.values.value import score
from envs.boards import rules
from envs.boards.game import game
from envs.boards.othello import Othello

OTHELLO = game("othello")
CONFIG = FittingConfig(depth=1, exact_empties=4, workers=1, iterations=30)


@pytest.fixture(scope="module")
def samples() -> Samples:
    return play_games(HandcraftedValue(OTHELLO).kernel, CONFIG, 150, seed=1)


def test_a_seed_plays_the_same_games_and_another_seed_others(samples: Samples) -> None:
    kernel = HandcraftedValue(OTHELLO).kernel
    again = play_games(kernel, CONFIG, 150, seed=1)
    np.testing.assert_array_equal(again.states, samples.states)
    np.testing.assert_array_equal(again.result, samples.result)
    other = play_games(kernel, CONFIG, 150, seed=2)
    assert len(other) != len(samples) or not np.array_equal(other.states, samples.states)


def test_results_change_their_sign_with_the_side_and_fit_the_board(samples: Samples) -> None:
    """A sample's side has own discs; following a game, the same discs keep the same result."""
    starts = np.flatnonzero(np.diff(samples.empties, prepend=0) >= 0)  # of games: no fewer empty squares
    assert len(starts) == 150
    for first, end in zip(starts[:40], [*starts[1:41]], strict=True):
        results = samples.result[first:end]
        assert len(set(np.abs(results))) == 1
        assert np.all(results % 2 == 0)  # empty squares count for the winner: 64 discs in all
        for before, after in zip(range(first, end - 1), range(first + 1, end), strict=True):
            own = int(samples.states[before, 0])
            kept_side = own & int(samples.states[after, 0]) == own  # after a pass of the other side
            assert samples.result[after] == (1 if kept_side else -1) * samples.result[before]


def true_sign(state: Othello) -> int:
    """Won, drawn or lost for the side to move, by looking at every line."""
    if rules.is_over(state):
        return rules.outcome(state)
    return max(-true_sign(rules.play(state, action)) for action in OTHELLO.legal(state))


def test_the_last_moves_are_played_perfectly(samples: Samples) -> None:
    for i in np.flatnonzero(samples.empties <= 4)[:60]:
        assert np.sign(samples.result[i]) == true_sign(Othello(*samples.states[i]))


def test_the_winner_gets_the_empty_squares() -> None:
    assert final_score(np.uint64(0b111), np.uint64(0b1000)) == 62
    assert final_score(np.uint64(0b1), np.uint64(0b1110)) == -62
    assert final_score(np.uint64(0b11), np.uint64(0b1100)) == 0


def test_labels_mix_result_and_search_unless_it_was_proven() -> None:
    made = Samples(
        np.zeros((2, 2), np.uint64), np.array([10, -4], np.int8), np.array([128, NO_SCORE], np.int16)
    )
    np.testing.assert_allclose(labels(made, 0.25), [0.75 * 10 * DISC + 0.25 * 128, -4 * DISC])
    np.testing.assert_allclose(labels(made, 0.0), [10 * DISC, -4 * DISC])


def test_fitted_features_find_the_weights_that_made_the_targets(samples: Samples) -> None:
    truth = np.array([800, 200, 300, 100, -250, -70, 5, 30, -20.0])
    rows = np.array([[*features(Othello(*state)), 1.0] for state in samples.states])
    weights = fit_features(samples, (rows @ truth).astype(np.float32))
    present = np.unique(samples.empties)
    np.testing.assert_allclose((rows @ weights[present].T).T.mean(), (rows @ truth).mean(), rtol=0.05)
    value = FittedValue(weights)
    for i in range(0, len(samples), 97):
        state = Othello(*samples.states[i])
        assert abs(score(value.kernel, state) - np.clip(rows[i] @ truth, -5000, 5000)) < 8
        assert sum(value.explain(state).values()) == score(value.kernel, state)
        assert tuple(value.explain(state))[: len(TERMS)] == TERMS


def test_an_ntuple_network_explains_results_it_has_not_seen(samples: Samples) -> None:
    weights = fit_ntuple(samples, labels(samples, 0.0), replace(CONFIG, ridge=20.0))
    held = play_games(HandcraftedValue(OTHELLO).kernel, CONFIG, 60, seed=9)
    late = held.empties <= 24
    truth = labels(held, 0.0)[late]
    states = held.states[late]
    guessed = np.array([score(NTupleValue(weights).kernel, Othello(*state)) for state in states])
    assert np.corrcoef(guessed, truth)[0, 1] > 0.5


@pytest.mark.parametrize(
    "wrong", [{"games": 0}, {"search_share": 1.5}, {"opening_plies_min": 30}, {"ridge": 0}]
)
def test_a_config_refuses_what_makes_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        FittingConfig(**wrong)
