"""Alpha-beta against plain minimax: many small searches of every game and every compiled value, one table."""

import functools
from typing import Any

import numpy as np
import pytest

from agents.player_specs import KINDS, VALUE_GAMES
from agents.roster import build_player
from agents.search.alpha_beta import WIN, AlphaBeta
from agents.search.limits import Limits, StopFlag
from agents.values.handcrafted import HandcraftedValue
from agents.values.value import Value, ValueKernel, score
from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, without_lowest
from envs.boards.dispatch import kernel
from envs.boards.game import GAMES, Position, game

POSITIONS = 600  # of each game
DEPTH_MAX = 4
PLIES = {"tic_tac_toe": 8, "connect_four": 40, "othello": 58}  # random moves before a position, fewer than
JUDGED = [
    (name, value)
    for name in GAMES
    for value in KINDS["alpha_beta"].values
    if name in VALUE_GAMES.get(value, (name,))
]


@kernel
def minimax(state: rules.State, value: ValueKernel, depth: int, ply: int) -> int:
    """No bounds, no table, no order: the definition."""
    if rules.is_over(state):
        return int(np.int64(rules.outcome(state)) * (WIN - ply))
    if depth == 0:
        return int(np.int64(score(value, state)))
    legal = rules.legal_moves(state)
    if legal == ZERO:
        return -minimax(rules.play(state, rules.PASS), value, depth - 1, ply + 1)
    best = -WIN
    while legal != ZERO:
        best = max(best, -minimax(rules.play(state, lowest_index(legal)), value, depth - 1, ply + 1))
        legal = without_lowest(legal)
    return best


@functools.cache
def positions(name: str) -> list[Position]:
    """Unfinished, each after a random number of random moves."""
    rng = np.random.default_rng(20)
    found: list[Position] = []
    while len(found) < POSITIONS:
        position = game(name).start()
        for _ in range(int(rng.integers(PLIES[name]))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if not position.is_over:
            found.append(position)
    return found


@pytest.mark.parametrize(("name", "value_name"), JUDGED)
def test_alpha_beta_is_minimax_whatever_the_table_remembers(name: str, value_name: str) -> None:
    player: Any = build_player(f"alpha_beta:value={value_name},depth=1", game(name))
    value: Value = player.value
    assert value.kernel is not None
    engine = AlphaBeta(value.kernel, StopFlag())
    for i, position in enumerate(positions(name)):
        depth = 1 + i % DEPTH_MAX
        found = engine.search(position.state, Limits(depth=depth))
        assert found.score == minimax(position.state, value.kernel, depth, 0), (position.moves, depth)


@pytest.mark.parametrize("name", ["connect_four", "othello"])
def test_a_deeper_look_that_was_broken_off_does_not_make_the_choice_worse(name: str) -> None:
    """By the scores of the unfinished depth; where that counts, the score told is the choice's or less."""
    value = HandcraftedValue(game(name)).kernel
    engine = AlphaBeta(value, StopFlag())
    changed = 0
    for i, position in enumerate(positions(name)):
        engine.forget()
        found = engine.search(position.state, Limits(nodes=40 + 7 * i))
        if found.proven or found.depth > DEPTH_MAX:
            continue
        before, after = (
            -minimax(rules.play(position.state, action), value, found.depth, 1)
            for action in (found.iterations[-1].line[0], found.line[0])
        )
        assert after >= before, position.moves
        changed += after > before
        assert found.score <= after or found.score == found.iterations[-1].score
    assert changed > 0
