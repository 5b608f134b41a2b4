"""Solved ends of games: exact samples, played on from where a search stopped."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.board_value.endings import RANDOM_PLIES, play_endings, random_starts
from agents.board_value.presets import CONNECT_FOUR, OTHELLO
from agents.board_value.targets import Samples
from agents.search.connect_four_solver import Solver
from agents.search.exact_endings import endings_of
from agents.values.rollout import random_opening
from envs.boards.game import game
from tests.agents.board_value.test_self_play import play

GAME = game("connect_four")
STONES = 24


def starts(count: int, seed: int) -> NDArray[np.uint64]:
    stream = np.array([seed], np.uint64)
    return np.array([GAME.pack(random_opening(GAME.initial, STONES, stream)) for _ in range(count)])


def ended(count: int, share: float, seed: int = 0) -> Samples:
    endings = endings_of(GAME, STONES)
    return play_endings(GAME, endings, starts(count, seed=0), share, np.random.default_rng(seed))


def stones_of(samples: Samples) -> NDArray[np.int64]:
    return GAME.planes(samples.states)[:, :2].sum(axis=(1, 2, 3)).astype(np.int64)


def scores(state: NDArray[np.uint64]) -> dict[int, int]:
    return Solver(entries=1 << 16).analyse(GAME.state(state))


def test_targets_are_the_solvers() -> None:
    samples = ended(60, share=1.0)
    assert {-1.0, 1.0} <= set(samples.value)
    for state, policy, value in zip(samples.states, samples.policy, samples.value, strict=True):
        moves = scores(state)
        best = [move for move, score in moves.items() if score == max(moves.values())]
        assert value == np.sign(max(moves.values()))
        np.testing.assert_allclose(policy[best], 1 / len(best))
        assert policy.sum() == pytest.approx(1)


def test_each_ply_is_recorded_once_and_some_give_value_away() -> None:
    samples = ended(20, share=1.0)
    stones = stones_of(samples)
    begins = np.flatnonzero(stones == STONES)
    assert len(begins) == 20
    strays = kept = 0
    for begin, end in zip(begins, [*begins[1:], len(samples)], strict=True):
        assert stones[begin:end].tolist() == list(range(STONES, STONES + end - begin))
        for before, after in zip(samples.value[begin:end], samples.value[begin + 1 : end], strict=False):
            kept += after == -before
            strays += after != -before
    assert strays > 0
    assert kept > 4 * strays  # most moves are good ones, and some strays are good too


def test_a_share_is_recorded_and_a_seed_repeats_it() -> None:
    plies = len(ended(60, share=1.0))
    assert 0.18 < len(ended(60, share=0.25)) / plies < 0.32
    assert len(ended(60, share=0.0)) == 0
    first, again, other = (ended(60, share=0.25, seed=seed) for seed in (0, 0, 1))
    assert (first.states == again.states).all()
    assert len(first) != len(other) or (first.states != other.states).any()


def test_self_play_stops_where_the_solver_begins_and_learns_what_it_says() -> None:
    """With outcomes alone as targets, the search's samples agree with the solver's that follow them."""
    samples, player, _ = play(
        "connect_four",
        games=40,
        games_at_once=1,
        full_fraction=1.0,
        opening_fraction=0.0,
        search_value_share=0.0,
        solve_from_ply=STONES,
    )
    stones = stones_of(samples)
    begins = np.flatnonzero(stones == 0)
    assert player.counts.games == len(begins) == 40
    reached = 0
    for begin, end in zip(begins, [*begins[1:], len(samples)], strict=True):
        in_order = np.append(stones[begin:end] == np.arange(end - begin), False)
        searched = min(STONES, int(in_order.argmin()))
        assert (stones[begin + searched : end] >= STONES).all()
        if in_order[: STONES + 1].all():
            reached += 1
            last, first = samples.value[begin + STONES - 1], samples.value[begin + STONES]
            assert last in (-first, np.sign(max(scores(samples.states[begin + STONES - 1]).values())))
            assert first == np.sign(max(scores(samples.states[begin + STONES]).values()))
    assert reached > 3
    assert player.counts.plies <= 40 * STONES


def test_random_starts_are_unfinished_and_late() -> None:
    found = random_starts(GAME, STONES, 200, np.random.default_rng(0))
    stones = GAME.planes(found)[:, :2].sum(axis=(1, 2, 3)).astype(int)
    assert set(stones) == set(range(STONES, STONES + RANDOM_PLIES + 1))
    assert GAME.legal_masks(found).any(axis=1).all()


def test_a_config_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"solve_from_ply must be above opening_plies_max \(14\), got 14"):
        replace(CONNECT_FOUR, solve_from_ply=14)
    with pytest.raises(ValueError, match="solve_from_ply must be at most 40: hardly a random game is longer"):
        replace(CONNECT_FOUR, solve_from_ply=41)
    with pytest.raises(ValueError, match="solve_from_ply must be 0 for this game, got 50"):
        replace(OTHELLO, solve_from_ply=50)
