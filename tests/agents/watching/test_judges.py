"""Two opinions in one unit: the expected score of the first player."""

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.values.handcrafted import HandcraftedValue
from agents.values.ntuple import NTupleValue
from agents.watching.judges import Judges, expected_score, move_scores
from agents.watching.scenes import _judges, programme
from envs.boards.game import GAMES, Game, game


class Material:
    """Likes stones of the side to move; a value that can be checked by hand."""

    kernel = None
    name = "material"

    def __init__(self, game: Game) -> None:
        self.game = game

    def values(self, states: NDArray[np.uint64]) -> NDArray[np.float32]:
        planes = self.game.planes(states)
        return ((planes[:, 0].sum((1, 2)) - planes[:, 1].sum((1, 2))) / 100).astype(np.float32)

    def evaluate(self, states: NDArray[np.uint64]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        return self.values(states), None


def test_values_become_expected_scores() -> None:
    assert [expected_score(v) for v in (-1, -0.5, 0, 1)] == [0, 0.25, 0.5, 1]


@pytest.mark.parametrize("name", GAMES)
def test_judgements_are_the_first_players_whoever_is_to_move(name: str) -> None:
    rules = game(name)
    judges = Judges(rules, HandcraftedValue(rules), Material(rules))
    position = rules.start()
    for _ in range(4):
        judged = judges.judge(position)
        value = float(HandcraftedValue(rules).values(rules.pack(position.state)[None])[0])
        sign = 1 if position.player == 0 else -1
        assert judged.handcrafted == pytest.approx((1 + sign * value) / 2)
        owners = rules.cell_owner(position)
        lead = int((owners == 1).sum()) - int((owners == 2).sum())
        assert judged.learned == pytest.approx((1 + lead / 100) / 2, abs=1e-6)
        explained = HandcraftedValue(rules).explain(position.state)
        assert judged.terms == {term: sign * units for term, units in explained.items()}
        position = position.play(position.legal()[0])


def test_move_scores_are_the_movers_and_exact_where_the_game_ends() -> None:
    rules = game("tic_tac_toe")
    position = rules.position("a1 b1 a2 b2")  # a3 wins at once
    scores = move_scores(Material(rules), position)
    assert scores[rules.parse_action("a3")] == 1.0
    assert scores[rules.parse_action("c3")] == pytest.approx((1 + 0.01) / 2, abs=1e-6)
    assert np.isnan(scores[rules.parse_action("a1")])


@pytest.mark.parametrize(("moves", "score"), [("a1b1a2b2a3", 1.0), ("a1b1a2b2c3b3", 0.0)])
def test_a_finished_game_has_its_true_score(moves: str, score: float) -> None:
    rules = game("tic_tac_toe")
    judged = Judges(rules, HandcraftedValue(rules), None).judge(rules.position(moves))
    assert judged.handcrafted == score
    assert judged.learned is None


def test_alpha_betas_own_learned_value_is_shown_beside_the_networks_prior() -> None:
    shown = programme(["othello", "alpha_beta:value=learned,depth=1", "random"])
    judges = _judges(game("othello"), shown)
    assert isinstance(judges.learned, NTupleValue)
    position = game("othello").start()
    judged = judges.judge(position)
    assert judged.learned == pytest.approx(
        (1 + judges.learned.values(game("othello").pack(position.state)[None])[0]) / 2
    )
    assert judged.prior is not None
    assert judged.prior.sum() == pytest.approx(1, abs=1e-3)
    network = _judges(game("othello"), programme(["othello", "mcts:value=learned,simulations=2", "random"]))
    assert not isinstance(network.learned, NTupleValue)
