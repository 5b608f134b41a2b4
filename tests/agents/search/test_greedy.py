"""The greedy player is its value function and nothing else."""

import numpy as np
import pytest

from agents.search.greedy import GreedyPlayer
from agents.values.handcrafted import HandcraftedValue
from envs.boards.game import GAMES, game


@pytest.mark.parametrize("name", GAMES)
def test_it_takes_the_move_whose_outcome_the_value_likes_best(name: str) -> None:
    value = HandcraftedValue(game(name))
    player = GreedyPlayer("greedy", value)
    rng = np.random.default_rng(1)
    for _ in range(5):
        position = game(name).start()
        while not position.is_over:
            decision = player.choose(position)
            worth = {}
            for action in position.legal():
                child = position.play(action)
                if child.is_over:
                    worth[action] = child.result if position.player == 0 else -child.result
                else:
                    worth[action] = -float(value.values(child.game.pack(child.state)[None])[0])
            assert decision.value == max(worth.values()) == worth[decision.action]
            position = position.play(rng.choice(position.legal()))


def test_it_takes_a_win_and_refuses_a_finished_game() -> None:
    player = GreedyPlayer("greedy", HandcraftedValue(game("connect_four")))
    decision = player.choose(game("connect_four").position("121212"))
    assert (decision.action, decision.value) == (0, 1.0)
    with pytest.raises(ValueError, match="greedy cannot move, the game is over after 1212121"):
        player.choose(game("connect_four").position("1212121"))
