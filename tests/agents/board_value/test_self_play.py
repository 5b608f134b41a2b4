"""Self-play: legal games, samples that fit their games, the same again from the same seed."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.board_value.presets import PRESETS
from agents.board_value.self_play import SelfPlay
from agents.board_value.targets import Samples
from agents.search.solver import SolverPlayer
from agents.values.handcrafted import HandcraftedValue
from envs.boards.game import GAMES, Game, Position, game


class Flat:
    """A policy-value network that knows nothing; counts what it is asked."""

    name, kernel = "flat", None

    def __init__(self, board_game: Game) -> None:
        self.game = board_game
        self.asked = 0

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        return np.zeros(len(states), np.float32)

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self.asked += len(states)
        legal = self.game.legal_masks(states).astype(np.float32)
        assert (legal.sum(axis=1) > 0).all(), "a finished state was evaluated"
        return self.values(states), legal / legal.sum(axis=1, keepdims=True)


def play(name: str, seed: int = 0, games: int = 40, **changes: Any) -> tuple[Samples, SelfPlay, Flat]:
    board_game = game(name)
    settings = {"games_at_once": 16, "full_simulations": 20, "fast_simulations": 6} | changes
    config = replace(PRESETS[name], **settings)
    value = Flat(board_game)
    player = SelfPlay(board_game, value, config, np.random.default_rng(seed))
    return player.play_games(games), player, value


@pytest.mark.parametrize("name", GAMES)
def test_samples_are_unfinished_positions_with_policies_over_legal_moves(name: str) -> None:
    board_game = game(name)
    samples, player, value = play(name)
    assert player.counts.games == 40
    assert player.counts.evaluations == value.asked
    assert len(samples) > 40
    legal = board_game.legal_masks(samples.states)
    assert legal.any(axis=1).all()
    assert not samples.policy[~legal].any()
    np.testing.assert_allclose(samples.policy.sum(axis=1), 1, atol=1e-6)
    assert (np.abs(samples.value) <= 1).all()


def test_a_quarter_of_the_moves_is_recorded() -> None:
    samples, player, _ = play("connect_four", games=100)
    assert 0.19 < len(samples) / player.counts.plies < 0.31


def test_without_random_openings_games_begin_at_the_start() -> None:
    board_game = game("tic_tac_toe")
    samples, player, _ = play("tic_tac_toe", opening_fraction=0.0, full_fraction=1.0, games=30)
    empty = (samples.states == board_game.pack(board_game.initial)).all(axis=1)
    assert empty.sum() == 30
    assert len(samples) == player.counts.plies


def test_outcomes_have_the_sign_of_the_side_to_move() -> None:
    """With outcomes alone as targets, the values along a game alternate or are all 0."""
    samples, _, _ = play(
        "tic_tac_toe",
        games=25,
        games_at_once=1,
        full_fraction=1.0,
        opening_fraction=0.0,
        search_value_share=0.0,
    )
    board_game = game("tic_tac_toe")
    stones = board_game.planes(samples.states)[:, :2].sum(axis=(1, 2, 3)).astype(int)
    beginnings = np.flatnonzero(stones == 0)
    assert len(beginnings) == 25
    solver = SolverPlayer("solver", board_game)
    for begin, end in zip(beginnings, [*beginnings[1:], len(samples)], strict=True):
        values, last = samples.value[begin:end], samples.states[end - 1]
        assert stones[begin:end].tolist() == list(range(end - begin))
        # The last move of a game is searched to a proof: its value is the solver's.
        exact = max(solver.analyse(Position(board_game, board_game.state(last))).values())
        assert values[-1] == exact
        results = {float(value) * (-1) ** int(ply) for ply, value in enumerate(values) if abs(value) == 1}
        assert len(results) <= 2  # a proof may contradict an outcome thrown away by a drawn move


def test_proven_targets_are_the_solvers() -> None:
    board_game = game("tic_tac_toe")
    samples, _, _ = play("tic_tac_toe", full_simulations=200, full_fraction=1.0, games=30)
    solver = SolverPlayer("solver", board_game)
    checked = 0
    for state, policy, value in zip(samples.states, samples.policy, samples.value, strict=True):
        exact = solver.analyse(Position(board_game, board_game.state(state)))
        if abs(value) == 1:
            checked += 1
            if max(exact.values()) == value == 1:
                taught = {action for action in exact if policy[action] > 0}
                assert all(exact[action] == 1 for action in taught)
    assert checked > 30


def same(ours: Samples, theirs: Samples) -> bool:
    return len(ours) == len(theirs) and all(
        (getattr(ours, name) == getattr(theirs, name)).all() for name in ("states", "policy", "value")
    )


@pytest.mark.parametrize("name", GAMES)
def test_a_seed_repeats_the_games_and_another_does_not(name: str) -> None:
    first, again, other = (play(name, seed=seed, games=12)[0] for seed in (0, 0, 1))
    assert same(first, again)
    assert not same(first, other)


def test_rounds_go_on_with_games_that_have_not_ended() -> None:
    board_game = game("connect_four")
    config = replace(PRESETS["connect_four"], games_at_once=8, full_simulations=20, fast_simulations=6)
    player = SelfPlay(board_game, Flat(board_game), config, np.random.default_rng(0))
    counts = []
    for _ in range(40):
        player.play_rounds(16)
        counts.append(player.counts)
    assert counts[-1].games > 16
    spent = [after.evaluations - before.evaluations for before, after in itertools.pairwise(counts)]
    assert max(spent) <= 16 * 8


def test_an_in_kernel_value_can_play_too_where_a_network_is_missing() -> None:
    board_game = game("connect_four")
    config = replace(PRESETS["connect_four"], games_at_once=8, full_simulations=12, fast_simulations=6)
    value = HandcraftedValue(board_game)
    samples = SelfPlay(board_game, value, config, np.random.default_rng(0)).play_games(8)
    assert len(samples) > 8
