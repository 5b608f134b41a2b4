"""The simple players: chance that can be repeated, and people who mistype."""

from collections import Counter

import pytest

from agents.players import BasePlayer, Decision, HumanPlayer, Player, RandomPlayer
from envs.boards.game import GAMES, Position, game


@pytest.mark.parametrize("name", GAMES)
def test_a_random_player_tries_every_legal_action_alike(name: str) -> None:
    player: Player = RandomPlayer(seed=1)
    start = game(name).start()
    chosen = Counter(player.choose(start).action for _ in range(2000))
    assert sorted(chosen) == start.legal()
    expected = 2000 / len(start.legal())
    assert all(abs(count - expected) < 5 * expected**0.5 for count in chosen.values())


def test_the_same_seed_repeats_the_choices_and_another_seed_does_not() -> None:
    start = game("othello").start()
    player = RandomPlayer(seed=4)
    drawn = [player.choose(start).action for _ in range(50)]
    player.reset(4)
    again = [player.choose(start).action for _ in range(50)]
    player.reset(5)
    other = [player.choose(start).action for _ in range(50)]
    assert drawn == again
    assert drawn != other


def test_a_person_is_asked_until_the_move_is_legal(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["x", "4", " 3 "])
    player = HumanPlayer(read=lambda prompt: next(answers))
    decision = player.choose(game("connect_four").position("444444"))
    assert decision.action == 2
    told = capsys.readouterr().out
    assert "'x' is not a move" in told
    assert "column 4 is full" in told


def test_many_positions_are_decided_one_after_the_other() -> None:
    class Echo(BasePlayer):
        def choose(self, position: Position) -> Decision:
            return Decision(action=len(position.moves))

    played = game("connect_four")
    decisions = Echo("echo").choose_many([played.position("1"), played.start(), played.position("123")])
    assert [decision.action for decision in decisions] == [1, 0, 3]
