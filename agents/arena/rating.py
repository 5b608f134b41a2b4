"""How strong: Elo from scores, and intervals that know games come in pairs.

A score is a mean of points (win 1, draw 1/2, loss 0). On the Elo scale a difference of d means an expected
score of 1 / (1 + 10^(-d / 400)). The two games of a pair share an opening and are no independent trials, so a
pair is the unit of evidence. Its mean score x lies in [0, 1] and has variance r * s * (1 - s), where r is 1
for pairs that are all won or all lost, and less when pairs split; n pairs weigh as much as n / r coin flips,
and Wilson's interval is taken with that number. r is estimated as if PRIOR_PAIRS more had been seen, of
variance s * (1 - s): never 0, and 1 when all games ended alike. Simulated matches (see the tests) are covered
as they should be from ten pairs on.

A pair that repeats another move for move is no new evidence: where only D of the n pairs differ, they weigh
as much as D of them would.

Figures stay finite. After a clean sweep of N games, which no Elo fits, the estimate is that of a score a
quarter of a point short of N, the near bound is Wilson's, and the far bound, about which the games say
nothing, is ELO_MAX.

Sources: Elo 1978, The Rating of Chessplayers; Wilson 1927, JASA 22:209.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
ELO_MAX = 3600.0  # expected score 1 - 1e-9: no match told such players from better ones
PRIOR_PAIRS = 2
ELO_SCALE = 400 / math.log(10)  # Elo for one unit of log-odds
NEWTON_STEPS_MAX = 100
NEWTON_TOLERANCE = 1e-10  # log-odds


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval, all in one unit."""

    estimate: float
    low: float
    high: float


def elo(score: float) -> float:
    """The Elo difference at which `score` in [0, 1] is expected, cut to [-ELO_MAX, ELO_MAX]."""
    if score <= 0 or score >= 1:
        return ELO_MAX if score >= 1 else -ELO_MAX
    return min(ELO_MAX, max(-ELO_MAX, ELO_SCALE * math.log(score / (1 - score))))


def expected_score(elo_difference: float) -> float:
    """The score in (0, 1) that `elo_difference` makes expected."""
    return 1 / (1 + math.exp(-elo_difference / ELO_SCALE))


def wilson(rate: float, trials: float) -> Interval:
    """Wilson's score interval of a rate in [0, 1] seen in `trials` > 0 independent trials, whole or not."""
    if trials <= 0 or not 0 <= rate <= 1:
        raise ValueError(f"wilson: needs a rate in [0, 1] and trials > 0, got {rate!r} and {trials!r}")
    weight = Z95 * Z95 / trials
    centre = (rate + weight / 2) / (1 + weight)
    half_width = math.sqrt(weight * (rate * (1 - rate) + weight / 4)) / (1 + weight)
    return Interval(rate, max(0.0, centre - half_width), min(1.0, centre + half_width))


def effective_trials(pair_scores: Sequence[float], distinct_pairs: int | None = None) -> float:
    """How many coin flips tell as much as these pairs; at least as many as there are different ones.

    Args:
        pair_scores: of each pair of games, the first player's mean score: 0, 1/4, 1/2, 3/4 or 1.
        distinct_pairs: how many of them differ in their moves; None: all.
    """
    if len(pair_scores) == 0:
        raise ValueError("effective_trials: no pair of games was played")
    x = np.asarray(pair_scores)
    coin_variance = float(x.mean() * (1 - x.mean()))
    different = len(x) if distinct_pairs is None else distinct_pairs
    if coin_variance == 0:
        return float(different)
    squares = different * float(((x - x.mean()) ** 2).mean())
    variance = (squares + PRIOR_PAIRS * coin_variance) / (different + PRIOR_PAIRS)
    return different * coin_variance / variance


def match_elo(pair_scores: Sequence[float], distinct_pairs: int | None = None) -> Interval:
    """Elo of the first player over the second; the arguments are those of `effective_trials`."""
    trials = effective_trials(pair_scores, distinct_pairs)
    score = float(np.mean(pair_scores))
    bounds = wilson(score, trials)
    quarter_point = 1 / (8 * len(pair_scores))
    estimate = elo(min(1 - quarter_point, max(quarter_point, score)))
    low = -ELO_MAX if score == 0 else elo(bounds.low)
    high = ELO_MAX if score == 1 else elo(bounds.high)
    return Interval(estimate, low, high)


@dataclass(frozen=True, slots=True)
class Pairing:
    """What two of several players scored against each other."""

    first: int  # index of the player whose scores these are
    second: int
    pair_scores: Sequence[float]  # of each pair of games, 0..1
    distinct_pairs: int | None = None  # as for `effective_trials`


def bradley_terry(num_players: int, pairings: Sequence[Pairing]) -> list[Interval]:
    """Elo of each player: the maximum of the likelihood, draws counting half.

    Zero is the players' mean, each weighted by how much the games tell about it: one who loses everything has
    an uncertain rating, which would make those of all others uncertain too if it counted as much.

    One virtual draw of each player against a player of rating 0 keeps clean sweeps finite and joins players
    who never met. The intervals are 95 %, from the sandwich covariance with the evidence of pairs (see the
    module).

    Source: Bradley & Terry 1952, by Newton's method; White 1982, Econometrica 50:1, for the covariance.
    """
    strength = np.zeros(num_players)  # log-odds
    for _ in range(NEWTON_STEPS_MAX):
        gradient, curvature, spread = _likelihood(strength, pairings)
        step = np.linalg.solve(curvature, gradient)
        strength += step * min(1.0, 1.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < NEWTON_TOLERANCE:
            break
    else:
        raise ArithmeticError(f"bradley_terry: no maximum after {NEWTON_STEPS_MAX} steps")
    information = np.diag(curvature)
    centring = np.eye(num_players) - information / information.sum()
    sandwich = centring @ np.linalg.inv(curvature)
    deviation = np.sqrt(np.diag(sandwich @ spread @ sandwich.T)) * ELO_SCALE
    ratings = centring @ strength * ELO_SCALE
    return [
        Interval(float(r), float(r - Z95 * d), float(r + Z95 * d))
        for r, d in zip(ratings, deviation, strict=True)
    ]


def _likelihood(
    strength: NDArray[np.float64], pairings: Sequence[Pairing]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Gradient [P] of the log-likelihood, minus its Hessian [P, P], and the gradient's covariance [P, P]."""
    virtual = 1 / (1 + np.exp(-strength))
    gradient = 0.5 - virtual
    curvature = np.diag(virtual * (1 - virtual))
    spread = curvature.copy()
    for pairing in pairings:
        expected = 1 / (1 + math.exp(strength[pairing.second] - strength[pairing.first]))
        games = 2 * len(pairing.pair_scores)
        sign = np.zeros(len(strength))
        sign[pairing.first], sign[pairing.second] = 1, -1
        flip_variance = expected * (1 - expected)
        gradient = gradient + sign * games * (float(np.mean(pairing.pair_scores)) - expected)
        curvature = curvature + np.outer(sign, sign) * games * flip_variance
        trials = effective_trials(pairing.pair_scores, pairing.distinct_pairs)
        spread = spread + np.outer(sign, sign) * games**2 * flip_variance / trials
    return gradient, curvature, spread
