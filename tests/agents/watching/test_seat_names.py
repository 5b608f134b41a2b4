"""Seats are called what people would call them."""

import pytest

from agents.player_specs import KINDS as ROSTER
from agents.watching.seat_names import KINDS, spoken


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("mcts:value=learned,simulations=400", "MCTS, learned value, 400 simulations"),
        ("mcts:value=rollout,simulations=1", "MCTS, random games, 1 simulation"),
        ("alpha_beta:value=handcrafted,depth=8", "Alpha-beta, handcrafted value, depth 8"),
        ("alpha_beta:nodes=20000,seconds=2.5", "Alpha-beta, handcrafted value, 20,000 nodes, 2.5 s a move"),
        ("greedy:model=runs/mine/best.safetensors", "Greedy, learned value, model mine"),
        ("greedy:model=other.safetensors", "Greedy, learned value, model other"),
        ('gtp:command="edax -q",seconds=5', "Engine, edax -q, 5 s a move"),
        ("random", "Random moves"),
        ("a scripted player", "a scripted player"),
    ],
)  # fmt: skip
def test_a_spec_is_said_in_words_and_another_name_stays(spec: str, said: str) -> None:
    assert spoken(spec) == said


def test_every_kind_of_player_has_a_name() -> None:
    assert set(KINDS) == set(ROSTER)
