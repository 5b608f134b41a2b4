"""Tournaments: everybody meets, and the ratings order the players as their strength does."""

import numpy as np
import pytest

from agents.arena.tournament import play_tournament
from agents.players import BasePlayer, Decision, RandomPlayer
from envs.boards.game import Position, game

CONNECT_FOUR = game("connect_four")


class Sighted(BasePlayer):
    """Sees wins in one with the given probability; otherwise random."""

    def __init__(self, name: str, sight: float) -> None:
        super().__init__(name)
        self._sight = sight
        self._rng = np.random.default_rng(0)

    def reset(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def choose(self, position: Position) -> Decision:
        if self._rng.random() < self._sight:
            for action in position.legal():
                if position.play(action).is_over:
                    return Decision(action=action)
        return Decision(action=int(self._rng.choice(position.legal())))


def test_players_are_ranked_by_what_they_see() -> None:
    told: list[int] = []
    players = [Sighted("half", 0.5), Sighted("blind", 0.0), Sighted("sharp", 1.0)]
    result = play_tournament(CONNECT_FOUR, players, 100, seed=1, on_progress=told.append)
    assert [standing.player for standing in result.standings] == ["sharp", "half", "blind"]
    assert [match.players for match in result.matches] == [
        ("half", "blind"),
        ("half", "sharp"),
        ("blind", "sharp"),
    ]
    assert all(standing.games == 200 for standing in result.standings)
    assert sum(standing.score for standing in result.standings) == pytest.approx(1.5)
    assert told == sorted(told)
    assert told[-1] == 300


def test_all_pairings_meet_over_the_same_openings() -> None:
    players = [RandomPlayer(name) for name in "abc"]
    result = play_tournament(CONNECT_FOUR, players, 10, seed=3)
    openings = [[record.moves[:4] for record in match.records] for match in result.matches]
    assert openings[0] == openings[1] == openings[2]


def test_json_lists_ratings_best_first_and_every_pairing() -> None:
    told = play_tournament(game("tic_tac_toe"), [RandomPlayer(n) for n in "abc"], 4).to_json()
    assert sorted(rating["player"] for rating in told["ratings"]) == ["a", "b", "c"]
    elos = [rating["elo"] for rating in told["ratings"]]
    assert elos == sorted(elos, reverse=True)
    assert [pairing["players"] for pairing in told["pairings"]] == [["a", "b"], ["a", "c"], ["b", "c"]]


def test_fewer_than_two_players_and_namesakes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 players, got 1"):
        play_tournament(CONNECT_FOUR, [RandomPlayer()], 2)
    with pytest.raises(ValueError, match="player random is entered twice"):
        play_tournament(CONNECT_FOUR, [RandomPlayer(), RandomPlayer()], 2)
