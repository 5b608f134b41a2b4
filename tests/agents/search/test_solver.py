"""The exact solver against published scores, and against the rules played out to the end."""

import threading
from functools import cache
from typing import Any

import numpy as np
import pytest

from agents.search.connect_four_solver import Solver, plies_to_go
from agents.search.limits import StopFlag, Stopped
from agents.search.solver import SolverPlayer
from envs.boards import rules
from envs.boards.game import Game, Position, game

# P. Pons, blog.gamesolver.org, part 2: excerpts of the sets L3_R1 (end), L2_R1 (middle), L1_R1 (begin).
PUBLISHED = """
553111312566546717444477713367364635522 0    75635436317334372651666521125725 2
661556433457252231661613114325732 3          5477453752771551176221454613644616236 -1
761455464533536251373326526272 2             47126616646675152277455541752 4
55652251124717734274112753673513266334 -1    74425337641465475671176741236615215533 0
5351252463263713771262625511175 -2           3575316255751336464276636772271112 -3
17212775541472532747241521554134 4           1141422265152155127333457534332467 -3
76642741435573447574271232313253652656111 0  44265456634726327751646317142111337227355 0
3361322225446776114363365642 2               44772346734124776534 10
65452257612667655615271112 -4                76171237167365516 -9
517727725412156674511725 -5                  34773631712336641477 -9
215551541524426475231361147 4                41115254224427567343271245 6
6723311145345551743351152 8                  64241512462236624761276154 3
33377623244637635747416466 6                 113422122167672244746117367 2
1454766773217323 -11                         1236157641351167 12
43613216614 -11                              72355436 16
7234472553 10                                47764211357713 11
34231416237 14                               52535561465437 11
11426443471631 13                            24732455556 15
147121634745 11                              3435664531267 -11
3175372764 10                                712724534761 11
46425611574 -12                              32163126 11
"""
MOVES, SCORES = PUBLISHED.split()[::2], list(map(int, PUBLISHED.split()[1::2]))
# The exact score of each column, of positions of the same sets; -1000 where it is full.
COLUMN_SCORES = """
63145666745611115 -10 -12 -12 -12 -12 -10 -12 -12
3672772744355666731766313 7 4 7 4 7 3 -1000 -1000
17621361463476716311236444 -7 -1000 -7 -8 -8 -8 -1000 -8
456542134214555124715114 3 -1000 2 -3 -1000 -1000 2 3
343464717253662622 -6 -12 -12 -12 -6 -12 -12 -12
154123667156454 -12 -13 -13 -13 -12 -13 -13 -13
74174352211462671123544 9 -9 -9 9 -9 -9 -9 -9
7725135517613477 12 1 10 10 12 11 -2 -2
""".strip().splitlines()


@pytest.fixture(scope="module")
def solver() -> Solver:
    return Solver(entries=1 << 18)


def moves_and_scores() -> list[tuple[Position, int, dict[int, int]]]:
    found = []
    for line in COLUMN_SCORES:
        moves, score, *columns = line.split()
        known = {column: int(each) for column, each in enumerate(columns) if each != "-1000"}
        found.append((game("connect_four").position(moves), int(score), known))
    return found


def test_published_scores_in_both_modes(solver: Solver) -> None:
    for moves, score in zip(MOVES, SCORES, strict=True):
        state = game("connect_four").position(moves).state
        assert solver.solve(state, weak=True) == np.sign(score)
        assert solver.solve(state) == score


def test_every_column_has_its_score(solver: Solver) -> None:
    for position, score, columns in moves_and_scores():
        assert solver.analyse(position.state) == columns
        signs = {column: np.sign(each) for column, each in columns.items()}
        assert solver.analyse(position.state, weak=True) == signs
        (column,), kept = solver.best_line(position.state)
        assert columns[column] == kept == score


def test_the_last_stones_are_solved_as_the_rules_play_out(solver: Solver) -> None:
    @cache
    def played_out(state: Any) -> int:
        """Score in the same convention, from the rules alone."""
        stones = int(state.occupied).bit_count()
        best = -100
        for action in Game.legal(None, state):  # type: ignore[arg-type]
            child = rules.play(state, action)
            if rules.is_over(child):
                best = max(best, -int(rules.outcome(child)) * ((43 - stones) // 2))
            else:
                best = max(best, -played_out(child))
        return best

    rng = np.random.default_rng(5)
    solved = 0
    while solved < 60:
        position = game("connect_four").start()
        while not position.is_over and len(position.moves) < 33:
            position = position.play(rng.choice(position.legal()))
        if not position.is_over:
            assert solver.solve(position.state) == played_out(position.state)
            solved += 1


def test_effort_is_that_of_the_published_program(solver: Solver) -> None:
    # Pons counts 51 and 450 nodes a position for his end and middle sets; these excerpts have 14 of each.
    nodes = []
    for moves in MOVES[:28]:
        solver.forget()
        solver.solve(game("connect_four").position(moves).state)
        nodes.append(solver.nodes)
    assert np.mean(nodes[:14]) < 100
    assert np.mean(nodes[14:]) < 900


def test_the_table_helps_and_forgetting_it_restores_the_effort(solver: Solver) -> None:
    state = game("connect_four").position("147121634745").state
    solver.forget()
    solver.solve(state)
    first = solver.nodes
    solver.solve(state)
    assert solver.nodes < first / 5
    solver.forget()
    solver.solve(state)
    assert solver.nodes == first


def test_a_stopped_solver_says_so_instead_of_guessing() -> None:
    flag = StopFlag()
    endless = Solver(flag, entries=1 << 10)
    endless.solve(game("connect_four").position("553111312566546717444477713367364635522").state)
    threading.Timer(0.1, flag.set).start()
    with pytest.raises(Stopped):
        endless.solve(game("connect_four").initial)


def test_the_player_keeps_the_value_and_tells_it() -> None:
    player = SolverPlayer("solver", game("connect_four"))
    for position, score, columns in moves_and_scores():
        decision = player.choose(position)
        assert columns[decision.action] == score
        assert decision.value == np.sign(score)
        assert decision.statistics["proven"] == 1
        assert player.analyse(position) == {column: np.sign(each) for column, each in columns.items()}


def test_a_player_can_be_stopped_from_another_thread() -> None:
    player = SolverPlayer("solver", game("connect_four"))
    player.choose(game("connect_four").position("553111312566546717444477713367364635522"))
    threading.Timer(0.1, player.stop).start()
    with pytest.raises(Stopped):
        player.choose(game("connect_four").position("123456712"))  # past the book: seconds


def test_tic_tac_toe_is_solved_too() -> None:
    player = SolverPlayer("solver", game("tic_tac_toe"))
    assert player.choose(game("tic_tac_toe").start()).value == 0
    # A corner is answered by the centre alone; anything else loses.
    assert player.analyse(game("tic_tac_toe").position("a1")) == {
        action: 0 if action == 4 else -1 for action in range(1, 9)
    }
    # Three in the top row at once.
    position = game("tic_tac_toe").position("a1b2b1a2")
    assert position.game.action_text(player.choose(position).action) == "c1"


def test_the_solver_refuses_what_it_cannot_play() -> None:
    with pytest.raises(ValueError, match="solver plays connect_four, was given a position of othello"):
        SolverPlayer("solver", game("connect_four")).choose(game("othello").start())
    with pytest.raises(ValueError, match="solver cannot move, the game is over after 1212121"):
        SolverPlayer("solver", game("connect_four")).analyse(game("connect_four").position("1212121"))


def test_an_action_reaches_its_value_and_no_more() -> None:
    for name, moves in (("connect_four", "5554224333234511764415115"), ("tic_tac_toe", "a1b1")):
        player, position = SolverPlayer("solver", game(name)), game(name).position(moves)
        for action, value in player.analyse(position).items():
            assert player.reaches(position, action, value)
            assert value == 1 or not player.reaches(position, action, value + 1)


def test_a_score_tells_how_long_perfect_play_lasts() -> None:
    solver = Solver()
    for moves, score in zip(MOVES[:24], SCORES[:24], strict=True):
        position = game("connect_four").position(moves)
        plies = 0
        while not position.is_over:
            (action,), _ = solver.best_line(position.state)
            position = position.play(action)
            plies += 1
        assert plies == plies_to_go(len(moves), score), moves
