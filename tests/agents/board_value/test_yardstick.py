"""The training's own measure, held to players whose figures are known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from agents.board_value.presets import CONNECT_FOUR, OTHELLO, TIC_TAC_TOE
from agents.board_value.yardstick import HandcraftedMatch, SolvedPositions, yardstick_for
from agents.players import BasePlayer, Decision, RandomPlayer
from agents.search.solver import SolverPlayer
from envs.boards.game import Position, game

SOLVER = SolverPlayer("solver", game("tic_tac_toe"))


class Scripted(BasePlayer):
    """Plays and recommends what a function of the exact values says."""

    def __init__(self, pick: Callable[[dict[int, int]], int], sure: float = 1.0) -> None:
        super().__init__("scripted")
        self._pick, self._sure = pick, sure

    def choose(self, position: Position) -> Decision:
        values = SOLVER.analyse(position)
        action = self._pick(values)
        policy = np.zeros(9, np.float32)
        policy[list(values)] = (1 - self._sure) / len(values)
        policy[action] += self._sure
        return Decision(action=action, policy=policy)


def best(values: dict[int, int]) -> int:
    return max(values, key=lambda action: values[action])


def worst(values: dict[int, int]) -> int:
    return min(values, key=lambda action: values[action])


def solved(count: int = 40) -> SolvedPositions:
    rng = np.random.default_rng(0)
    return SolvedPositions(game("tic_tac_toe"), SOLVER.analyse, count=count, rng=rng)


def test_perfect_play_makes_no_mistake_and_the_worst_makes_all() -> None:
    yardstick = solved()
    assert yardstick.measure(SOLVER) == {"mistakes": 0.0, "score": 1.0}
    assert yardstick.measure(Scripted(best)) == {"mistakes": 0.0, "score": 1.0}
    assert yardstick.measure(Scripted(worst)) == {"mistakes": 1.0, "score": 0.0}


def test_the_score_tells_how_sure_a_policy_is() -> None:
    yardstick = solved()
    doubtful, sure = (yardstick.measure(Scripted(best, share)) for share in (0.5, 0.9))
    assert doubtful["mistakes"] == sure["mistakes"] == 0
    assert 0.5 < doubtful["score"] < sure["score"] < 1


def test_chance_lies_between() -> None:
    assert 0.2 < solved(200).measure(RandomPlayer())["mistakes"] < 0.8


def test_connect_four_is_measured_in_the_opening_too_and_solved_within_seconds() -> None:
    class Watching(RandomPlayer):
        def choose(self, position: Position) -> Decision:
            stones.append(len(position.moves))
            return super().choose(position)

    stones: list[int] = []
    yardstick = yardstick_for(game("connect_four"), replace(CONNECT_FOUR, held_positions=60))
    assert yardstick is not None
    assert 0 <= yardstick.measure(Watching())["mistakes"] <= 1
    early, late = ([n for n in stones if low <= n <= high] for low, high in ((4, 7), (16, 41)))
    assert len(early) == len(late) == 30


def test_othello_is_measured_by_end_games_or_a_match() -> None:
    board_game = game("othello")
    yardstick = HandcraftedMatch(board_game, games=4, seed=0)
    assert yardstick.measure(RandomPlayer())["score"] <= 0.25
    end_games = yardstick_for(board_game, replace(OTHELLO, held_positions=10))
    assert end_games is not None
    assert 0 <= end_games.measure(RandomPlayer())["mistakes"] <= 1
    assert yardstick_for(board_game, replace(OTHELLO, held_games=0)) is None


def test_nothing_is_measured_where_nothing_is_asked() -> None:
    assert yardstick_for(game("tic_tac_toe"), replace(TIC_TAC_TOE, held_positions=0)) is None
