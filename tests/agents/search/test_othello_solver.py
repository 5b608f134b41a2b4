"""The Othello solver against the published end-game suite, and against the rules played out to the end."""

import threading
from functools import cache

import numpy as np
import pytest

from agents.search.limits import StopFlag, Stopped
from agents.search.othello_last_squares import final_score
from agents.search.othello_solver import OthelloSolver, empty_squares
from agents.search.solver import OTHELLO_EMPTY_MAX, SolverPlayer
from agents.search.stability import stable_discs
from envs.boards import rules
from envs.boards.game import Game, Position, game
from envs.boards.othello import Othello

# Excerpts of the FFO end-game suite as distributed with Edax: the board from a1 to h8, the side to move, and
# the exact final disc difference of each move for that side.
FFO = """
--XXXXX--OOOXX-O-OOOXXOX-OXOXOXXOXXXOXXX--XOXOXX-XXXOOO--OOOOO-- X
    g8:+18 h1:+12 h7:+6 a2:+6 a3:+4 b1:-4 a4:-22 g2:-24
-XXXXXX---XOOOO--XOXXOOX-OOOOOOOOOOOXXOOOOOXXOOX--XXOO----XXXXX- X
    a4:+10 b2:+0 a3:-6 g7:-8 a7:-12 h7:-14 b7:-14 h2:-24
---X-X--X-XXXX--XXXXOXXXXXXOOOOOXXOXXXO-XOXXXXO-XOOXXX--XOOXXO-- O
    e1:+8 h2:+4 g2:+4 b2:+4 g7:+4 b1:+2 g1:-6 c1:-8
--O--O--X-OOOOX-XXOOOXOOXXOXOXOOXXOXXOOOXXXXOOOO--OXXX---XXXXX-- O
    b7:-8 a7:-10 g7:-14 g8:-14 h2:-16 g1:-16 h1:-20
XXXOXXXXOXXXXXXXOOXXXXXXOOOXXXXXOOOXXOO-OOOOO---OOOOOOO-OOOOOOO- X
    h5:+6 g6:-2 f6:-4 h6:-10
OOOOOOOOXOOXXX--XXOOXOO-XOXOOO--XOOOOX--XOOXOO--XOOOOO--XXXX---- O
    g5:+0 g2:-2 g4:-4 g6:-6
"""


def suite() -> list[tuple[Othello, dict[int, int]]]:
    """States with the score of each legal action."""
    found = []
    lines = FFO.strip().splitlines()
    for board_and_side, moves in zip(lines[::2], lines[1::2], strict=True):
        board, side = board_and_side.split()
        own = sum(1 << square for square, disc in enumerate(board) if disc == side)
        occupied = sum(1 << square for square, disc in enumerate(board) if disc != "-")
        scores = dict(move.split(":") for move in moves.split())
        state = Othello(np.uint64(own), np.uint64(occupied ^ own))
        found.append((state, {game("othello").parse_action(m): int(each) for m, each in scores.items()}))
    return found


def late_positions(count: int, empty: tuple[int, int], seed: int = 0) -> list[Position]:
    """Unfinished positions of random games with a random number of empty squares."""
    rng = np.random.default_rng(seed)
    found: list[Position] = []
    while len(found) < count:
        left = rng.integers(*empty)
        position = game("othello").start()
        while not position.is_over and empty_squares(position.state) > left:
            position = position.play(rng.choice(position.legal()))
        if not position.is_over:
            found.append(position)
    return found


@cache
def played_out(state: Othello) -> int:
    """The final disc difference by the rules alone; empty squares go to the winner."""
    if rules.is_over(state):
        ours, theirs = int(state.own).bit_count(), int(state.opponent).bit_count()
        if ours == theirs:
            return 0
        return 64 - 2 * theirs if ours > theirs else 2 * ours - 64
    actions = Game.legal(None, state)  # type: ignore[arg-type]
    return max(-played_out(rules.play(state, action)) for action in actions)


@pytest.fixture(scope="module")
def solver() -> OthelloSolver:
    return OthelloSolver(entries=1 << 16)


def test_every_move_of_the_published_suite_has_its_score(solver: OthelloSolver) -> None:
    for state, scores in suite():
        assert solver.solve(state) == max(scores.values())
        assert solver.analyse(state) == scores
        assert solver.solve(state, weak=True) == np.sign(max(scores.values()))
        assert solver.analyse(state, weak=True) == {a: np.sign(each) for a, each in scores.items()}


@pytest.mark.parametrize("entries", [2, 1 << 12])
def test_the_last_squares_are_solved_as_the_rules_play_out(entries: int) -> None:
    solver = OthelloSolver(entries=entries)
    for position in late_positions(300, (1, 7)):
        assert solver.solve(position.state) == played_out(position.state)


def test_middling_end_games_agree_whatever_the_window_and_the_table(solver: OthelloSolver) -> None:
    for position in late_positions(40, (9, 13), seed=1):
        solver.forget()
        score = solver.solve(position.state)
        tiny = OthelloSolver(entries=2)
        assert tiny.solve(position.state) == score
        reached = [a for a in position.legal() if solver.reaches(position.state, a, score)]
        assert reached
        assert not any(solver.reaches(position.state, a, score + 2) for a in position.legal())


def test_a_best_line_ends_in_its_score(solver: OthelloSolver) -> None:
    for position in late_positions(30, (4, 13), seed=2):
        line, score = solver.best_line(position.state)
        end = position
        for action in line:
            end = end.play(action)
        side = 1 if end.player == position.player else -1
        assert end.is_over
        assert side * final_score(end.state.own, end.state.opponent) == score
        assert solver.best_line(position.state) == (line, score)


def test_stable_discs_are_never_turned_over() -> None:
    rng = np.random.default_rng(3)
    seen = 0
    for position in late_positions(60, (2, 30), seed=3):
        ours = int(stable_discs(position.state.own, position.state.opponent))
        theirs = int(stable_discs(position.state.opponent, position.state.own))
        assert ours & ~int(position.state.own) == 0
        seen += ours.bit_count() + theirs.bit_count()
        state, side = position.state, 0
        while not rules.is_over(state):
            state = rules.play(state, int(rng.choice(Game.legal(None, state))))  # type: ignore[arg-type]
            side = 1 - side
            now = [int(state.own), int(state.opponent)]
            assert ours & ~now[side] == 0
            assert theirs & ~now[1 - side] == 0
    assert seen > 500


def test_a_full_board_is_stable_and_a_lone_corner_with_its_edge() -> None:
    everything = 2**64 - 1
    assert int(stable_discs(np.uint64(everything), np.uint64(0))) == everything
    # a1 b1 c1 and, past the gap at d1, e1: the chain from the corner alone cannot be turned.
    assert int(stable_discs(np.uint64(0b10111), np.uint64(1 << 40))) == 0b111
    assert int(stable_discs(np.uint64(0b10110), np.uint64(1 << 40))) == 0


def test_a_stopped_solver_says_so_instead_of_guessing() -> None:
    flag = StopFlag()
    solver = OthelloSolver(flag, entries=1 << 10)
    solver.solve(suite()[4][0])
    threading.Timer(0.1, flag.set).start()
    with pytest.raises(Stopped):
        solver.solve(game("othello").initial)


def test_a_table_has_a_power_of_two_of_entries() -> None:
    with pytest.raises(ValueError, match="power of two of entries, at least 2, got 3"):
        OthelloSolver(entries=3)


def test_the_player_solves_end_games_and_searches_before_them() -> None:
    player = SolverPlayer("solver", game("othello"))
    for position in late_positions(5, (6, 10), seed=4):
        decision = player.choose(position)
        exact = max(-played_out(rules.play(position.state, a)) for a in position.legal())
        assert decision.value == np.sign(exact)
        assert decision.statistics["score"] == exact
        assert decision.statistics["proven"] == 1
        for action, value in player.analyse(position).items():
            assert player.reaches(position, action, value)
            assert value == 1 or not player.reaches(position, action, value + 1)
    early = player.choose(game("othello").start())
    assert early.statistics["proven"] == 0
    with pytest.raises(ValueError, match=f"at most {OTHELLO_EMPTY_MAX} empty squares, this position has 60"):
        player.analyse(game("othello").start())
