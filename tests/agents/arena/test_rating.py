"""Ratings: against arithmetic by hand, scipy, and simulated players of known strength."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import binomtest

from agents.arena.rating import (
    ELO_MAX,
    Pairing,
    bradley_terry,
    effective_trials,
    elo,
    expected_score,
    match_elo,
    wilson,
)


@pytest.mark.parametrize(
    ("score", "difference"), [(0.5, 0.0), (10 / 11, 400.0), (1 / 11, -400.0), (0.75, 190.85)]
)
def test_elo_is_the_logistic_scale_of_four_hundred(score: float, difference: float) -> None:
    assert elo(score) == pytest.approx(difference, abs=0.005)
    assert expected_score(difference) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize(("wins", "trials"), [(0, 10), (3, 10), (10, 10), (117, 200)])
def test_wilson_agrees_with_scipy(wins: int, trials: int) -> None:
    ours = wilson(wins / trials, trials)
    theirs = binomtest(wins, trials).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_refuses_what_is_no_rate() -> None:
    with pytest.raises(ValueError, match="rate in"):
        wilson(1.2, 10)
    with pytest.raises(ValueError, match="trials > 0"):
        wilson(0.5, 0)


def test_pairs_that_are_won_or_lost_whole_weigh_as_one_trial_each() -> None:
    assert effective_trials([1, 0] * 500) == pytest.approx(1000)


def test_independent_games_weigh_as_two_trials_a_pair() -> None:
    pairs = [0.0, 0.5, 0.5, 1.0] * 2500  # the mean of two coin flips
    assert effective_trials(pairs) == pytest.approx(2 * len(pairs), rel=1e-3)


def test_pairs_that_always_split_weigh_more() -> None:
    assert effective_trials([0.5] * 100) == pytest.approx(100 * 102 / 2)


def test_pairs_that_repeat_others_are_no_evidence() -> None:
    few, many = [1.0, 0.5, 0.75, 0.5, 0.25] * 4, [1.0, 0.5, 0.75, 0.5, 0.25] * 400
    repeated = match_elo(many, distinct_pairs=20)
    assert repeated.high - repeated.low == pytest.approx(match_elo(few).high - match_elo(few).low, rel=0.05)
    assert effective_trials([1.0] * 500, 2) == 2
    one, _ = bradley_terry(2, [Pairing(0, 1, many)])
    same, _ = bradley_terry(2, [Pairing(0, 1, many, distinct_pairs=20)])
    assert same.high - same.low > 5 * (one.high - one.low)


def test_a_clean_sweep_has_finite_figures_and_mirrors() -> None:
    swept, lost = match_elo([1.0] * 50), match_elo([0.0] * 50)
    assert swept.high == ELO_MAX
    assert swept.low == pytest.approx(elo(50 / (50 + 1.959964**2)), abs=1e-3)  # Wilson by hand
    assert swept.estimate == pytest.approx(elo(1 - 1 / 400))
    assert (lost.low, lost.estimate, lost.high) == pytest.approx((-swept.high, -swept.estimate, -swept.low))


def test_a_clean_sweep_is_worth_more_than_a_match_with_one_draw() -> None:
    near, swept = match_elo([1.0] * 49 + [0.75]), match_elo([1.0] * 50)
    assert near.estimate < swept.estimate
    assert near.high < swept.high


def test_no_games_have_no_rating() -> None:
    with pytest.raises(ValueError, match="no pair"):
        match_elo([])


@pytest.mark.parametrize("strength", [0, 100, 300])
@pytest.mark.parametrize("pairs", [20, 100])
def test_the_interval_covers_the_true_elo_in_95_of_100_matches(strength: int, pairs: int) -> None:
    rng = np.random.default_rng(strength + pairs)
    covered = 0
    for _ in range(1000):
        interval = match_elo(_simulated_pairs(rng, strength, pairs))
        covered += interval.low <= strength <= interval.high
    assert 925 <= covered <= 980  # 950 +- 3.6 standard deviations, and small matches lie on the safe side


def test_pairs_shrink_the_interval_where_openings_decide_games() -> None:
    decided = [0.5] * 80 + [1.0] * 15 + [0.0] * 5  # the opening's better side nearly always wins
    unpaired = wilson(float(np.mean(decided)), 2 * len(decided))
    paired = match_elo(decided)
    assert paired.high - paired.low < elo(unpaired.high) - elo(unpaired.low)


def test_two_players_are_rated_as_their_match_says() -> None:
    pairs = [1.0, 0.5, 0.75, 0.5, 1.0, 0.25] * 100
    first, second = bradley_terry(2, [Pairing(0, 1, pairs)])
    match = match_elo(pairs)
    assert first.estimate - second.estimate == pytest.approx(match.estimate, abs=0.5)
    assert first.estimate == -second.estimate
    assert 2 * (first.high - first.low) == pytest.approx(match.high - match.low, rel=0.01)


def test_ratings_agree_with_a_general_optimiser_on_the_likelihood() -> None:
    rng = np.random.default_rng(4)
    pairings = [
        Pairing(i, j, list(rng.integers(0, 5, 30) / 4)) for i, j in itertools.combinations(range(4), 2)
    ]

    def minus_log_likelihood(elos: NDArray[np.float64]) -> float:
        total = 0.0
        for who in range(4):
            p = 1 / (1 + 10 ** (-elos[who] / 400))
            total -= 0.5 * math.log(p) + 0.5 * math.log(1 - p)
        for pairing in pairings:
            p = 1 / (1 + 10 ** ((elos[pairing.second] - elos[pairing.first]) / 400))
            points = 2 * sum(pairing.pair_scores)
            total -= points * math.log(p) + (60 - points) * math.log(1 - p)
        return total

    best = minimize(minus_log_likelihood, np.zeros(4), tol=1e-12).x
    ours = [rating.estimate for rating in bradley_terry(4, pairings)]
    assert np.diff(ours) == pytest.approx(np.diff(best), abs=0.05)


def test_ratings_recover_known_strengths_within_their_intervals() -> None:
    truth = np.array([-250.0, -50.0, 60.0, 240.0])
    scores = 1 / (1 + 10 ** ((truth - truth[:, None]) / 400))
    information = (scores * (1 - scores)).sum(axis=1) - 0.25  # not against themselves
    truth = truth - (truth * information).sum() / information.sum()
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        pairings = [
            Pairing(i, j, _simulated_pairs(rng, truth[i] - truth[j], 60))
            for i, j in itertools.combinations(range(4), 2)
        ]
        ratings = bradley_terry(4, pairings)
        covered += sum(r.low <= t <= r.high for r, t in zip(ratings, truth, strict=True))
    assert 735 <= covered <= 785  # of 800


def test_a_player_who_wins_everything_has_a_finite_rating_above_all() -> None:
    pairings = [Pairing(0, 1, [1.0] * 20), Pairing(0, 2, [1.0] * 20), Pairing(1, 2, [0.5] * 20)]
    ratings = bradley_terry(3, pairings)
    assert ratings[0].low > max(ratings[1].high, ratings[2].high)
    assert all(abs(r.high) < ELO_MAX for r in ratings)
    assert abs(ratings[1].estimate) < abs(ratings[0].estimate) / 4  # zero is near those who are well measured


def test_a_player_who_loses_everything_leaves_the_ratings_of_others_sharp() -> None:
    between = Pairing(0, 1, [0.5, 0.75, 0.25, 0.5] * 10)
    alone = bradley_terry(2, [between])[0]
    swept = [Pairing(0, 2, [1.0] * 40), Pairing(1, 2, [1.0] * 40)]
    together = bradley_terry(3, [between, *swept])[0]
    assert together.high - together.low < 1.5 * (alone.high - alone.low)


def _simulated_pairs(rng: np.random.Generator, difference: float, pairs: int) -> Sequence[float]:
    """Scores of pairs with draws, whose opening helps one player in one game and hurts him in the other."""
    score = expected_score(difference)
    tilt = rng.choice([-1, 1], pairs) * min(0.25, score, 1 - score)
    points = np.zeros(pairs)
    for sign in (1, -1):
        expected = score + sign * tilt
        draw = np.minimum(0.2, 2 * np.minimum(expected, 1 - expected))
        u = rng.random(pairs)
        points += np.where(u < expected - draw / 2, 1.0, np.where(u < expected + draw / 2, 0.5, 0.0))
    return [float(p) for p in points / 2]
