"""Handcrafted values against the laws of judgement, and positions counted by hand."""

import numpy as np
import pytest

from agents.values.handcrafted import HandcraftedValue
from agents.values.handcrafted.othello import chained_edges, neighbours
from agents.values.value import SCORE_MAX, SCORE_SCALE, as_score, as_value, score
from envs.boards import rules
from envs.boards.connect_four import ConnectFour
from envs.boards.game import GAMES, Position, game
from envs.boards.othello import Othello
from envs.boards.tic_tac_toe import TicTacToe

# Terms that speak of whose turn it is; all others belong to the stones and change sign with their colours.
OF_THE_TURN = {
    "tic_tac_toe": set(),
    "connect_four": {"odd_threats", "even_threats", "winning_move", "forced_loss"},
    "othello": {"tempo"},
}


def positions(name: str) -> list[Position]:
    """Unfinished positions of random games."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(12):
        position = game(name).start()
        while not position.is_over:
            found.append(position)
            position = position.play(rng.choice(position.legal()))
    return found


def colours_exchanged(state: rules.State) -> rules.State:
    """The same turn with every stone in the other colour."""
    if isinstance(state, Othello):
        return Othello(state.opponent, state.own)
    return type(state)(state.own ^ state.occupied, state.occupied)


@pytest.mark.parametrize("name", GAMES)
def test_the_terms_sum_to_the_score(name: str) -> None:
    value = HandcraftedValue(game(name))
    for position in positions(name):
        assert sum(value.explain(position.state).values()) == score(value.kernel, position.state)


@pytest.mark.parametrize("name", GAMES)
def test_a_mirrored_board_is_worth_the_same(name: str) -> None:
    value = HandcraftedValue(game(name))
    for position in positions(name):
        for symmetry in range(value.game.num_symmetries):
            mirrored = rules.transform(position.state, symmetry)
            assert value.explain(mirrored) == value.explain(position.state)


@pytest.mark.parametrize("name", GAMES)
def test_exchanged_colours_change_the_sign_of_all_that_is_not_of_the_turn(name: str) -> None:
    value = HandcraftedValue(game(name))
    seen = set()
    for position in positions(name):
        ours, theirs = value.explain(position.state), value.explain(colours_exchanged(position.state))
        for term in ours.keys() - OF_THE_TURN[name] - {"limit"}:
            assert ours[term] == -theirs[term]
            seen |= {term} if ours[term] else set()
    assert seen == set(value.weights._fields) - OF_THE_TURN[name]  # every term was tested on something


@pytest.mark.parametrize("name", GAMES)
def test_values_in_a_batch_are_those_of_the_kernel_and_strictly_inside(name: str) -> None:
    value = HandcraftedValue(game(name))
    states = [position.state for position in positions(name)]
    batched = value.values(np.array(states, np.uint64))
    assert batched.dtype == np.float32
    assert np.all(np.abs(batched) < 1)
    one_by_one = [np.tanh(score(value.kernel, state) / SCORE_SCALE) for state in states]
    np.testing.assert_allclose(batched, one_by_one, atol=1e-6)
    assert value.evaluate(np.array(states, np.uint64))[1] is None


def test_scores_survive_the_way_to_values_and_back() -> None:
    units = np.arange(-3000, 3001)
    np.testing.assert_array_equal(as_score(as_value(units)), units)
    assert np.abs(as_value(np.array([-SCORE_MAX, SCORE_MAX]))).max() < 1


def test_tic_tac_toe_by_hand() -> None:
    # X a1, O b2, X c3, O to move. O has row 2, column b and the other diagonal: three lines with one.
    # X: row 1, row 3, column a, column c with one each (the main diagonal is shared).
    value = HandcraftedValue(game("tic_tac_toe"))
    explained = value.explain(game("tic_tac_toe").position("a1b2c3").state)
    assert explained == {"open_ones": (3 - 4) * 120, "open_twos": 0}
    # X b2 and a1 make a two with c3; O a3 has row 3 and column a... which X a1 blocks.
    state = TicTacToe(own=0b000_010_001, occupied=0b001_010_001)
    assert value.explain(state)["open_twos"] == 300


def test_connect_four_by_hand() -> None:
    value = HandcraftedValue(game("connect_four"))
    # 1: d1. From the second player's view: the stone is 3 columns from the edge, and nothing else.
    assert value.explain(game("connect_four").position("4").state) == {
        "centre": -3 * 20, "open_twos": 0, "open_threes": 0, "odd_threats": 0, "even_threats": 0,
        "winning_move": 0, "forced_loss": 0,
    }  # fmt: skip
    # First c1, d1, second c2, d2. Lines with two stones: c-d lie in a-d, b-e, c-f of their row; each of the
    # second player's also; the diagonals hold one stone each.
    explained = value.explain(game("connect_four").position("3344").state)
    assert explained["open_twos"] == 0
    assert explained["centre"] == 0
    # With e1 for the first: a-d 2, b-e 3, c-f 3, d-g 2. Both ends of c-d-e are open: the second loses.
    explained = value.explain(game("connect_four").position("33445").state)
    assert explained["open_threes"] == -2 * 100
    assert explained["forced_loss"] == -2500
    # And whoever has such a three on the move wins.
    assert value.explain(game("connect_four").position("334457").state)["winning_move"] == 3000


def test_a_threat_is_worth_something_on_the_right_rows_only() -> None:
    # First player b3 c3 d3 with a3 occupied by the second: its threat is e3, an odd row.
    value = HandcraftedValue(game("connect_four"))

    def cell(text: str) -> int:
        return 1 << (7 * "abcdefg".index(text[0]) + int(text[1]) - 1)

    first = sum(map(cell, ("b3", "c3", "d3", "a1", "a2", "b1", "d2")))
    second = sum(map(cell, ("a3", "b2", "c1", "c2", "d1", "g1", "g2")))
    on_move = ConnectFour(own=first, occupied=first | second)
    assert value.explain(on_move)["odd_threats"] == 700
    assert value.explain(on_move)["even_threats"] == 0
    # The same stones with exchanged colours: the threat on row 3 is the second player's, who needs even rows.
    assert value.explain(colours_exchanged(on_move))["even_threats"] == 0
    assert value.explain(colours_exchanged(on_move))["odd_threats"] == 0


def test_othello_by_hand() -> None:
    value = HandcraftedValue(game("othello"))
    # The start: both sides alike; 60 empty squares, so the second player has the last move.
    explained = value.explain(game("othello").start().state)
    assert explained.pop("tempo") == -20
    assert set(explained.values()) == {0}
    # Own a1 b1 c1 against h1: a corner each, two edge discs chained to one's own, move number 0.
    state = Othello(own=0b0000_0111, opponent=0b1000_0000)
    explained = value.explain(state)
    assert (explained["corners"], explained["stable_edges"]) == (0, 2 * 40)
    assert explained["discs"] == 0
    # b2 is beside the empty corner a1, b1 too.
    explained = value.explain(Othello(own=1 << 9 | 1 << 1, opponent=1 << 27))
    assert (explained["x_squares"], explained["c_squares"]) == (-250, -70)


def test_an_edge_disc_is_chained_only_without_a_gap() -> None:
    row_1 = 0b1011_0011  # a1 b1 . . e1 f1 . h1
    assert chained_edges(np.uint64(row_1)) == 0b1000_0011
    column_a = sum(1 << 8 * row for row in range(7))  # a1 to a7
    assert chained_edges(np.uint64(column_a)) == column_a
    assert chained_edges(np.uint64(column_a ^ 1)) == 0


def test_neighbours_do_not_wrap_around_the_board() -> None:
    assert neighbours(np.uint64(1 << 7)) == 1 << 6 | 1 << 7 | 1 << 14 | 1 << 15
    assert neighbours(np.uint64(1 << 27)) == sum(0b111 << shift for shift in (18, 26, 34))


def test_a_game_without_experts_is_refused() -> None:
    class Checkers:
        name = "checkers"

    with pytest.raises(ValueError, match="no handcrafted value for checkers"):
        HandcraftedValue(Checkers())  # type: ignore[arg-type]
