"""The checked face: names, text, legality, packed states, positions."""

import contextlib
import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.boards import batches, rules
from envs.boards.game import GAMES, IllegalMove, Position, game
from envs.boards.rules import PASS

OTHELLO_WIPE_OUT = "f5 d6 c5 f4 e7 f6 g5 e6 e3"  # after nine plies White has no disc left


@pytest.fixture(params=GAMES)
def board(request):
    return game(request.param)


# Names


def test_there_are_three_games_and_each_is_one_object():
    assert GAMES == ("tic_tac_toe", "connect_four", "othello")
    for name in GAMES:
        assert game(name).name == name
        assert pickle.loads(pickle.dumps(game(name))) is game(name)
        assert copy.deepcopy(game(name)) is game(name)


def test_an_unknown_game_is_refused_with_the_nearest_name():
    with pytest.raises(ValueError, match=r"unknown game 'conect4'; did you mean connect_four\? .*othello"):
        game("conect4")
    with pytest.raises(ValueError, match=r"^unknown game '' \(games: tic_tac_toe, connect_four, othello\)$"):
        game("")


# Text


def test_moves_and_their_text_are_inverse(board, random_games):
    games = random_games(board, 30, seed=1)
    for i in range(30):
        moves = games.moves(i)
        assert board.position(board.moves_text(moves)).moves == tuple(moves)
        assert board.position(" ".join(map(board.action_text, moves)).upper()).moves == tuple(moves)


def test_every_action_is_written_and_read_alike(board):
    texts = [board.action_text(action) for action in range(board.num_actions)]
    assert len(set(texts)) == board.num_actions
    assert [board.parse_action(f" {text.upper()} ") for text in texts] == list(range(board.num_actions))


def test_squares_are_numbered_row_by_row_from_the_top_left():
    assert [game("othello").parse_action(text) for text in ("a1", "h1", "a2", "h8", "pass", "--")] == [
        0,
        7,
        8,
        63,
        64,
        64,
    ]
    assert [game("tic_tac_toe").parse_action(text) for text in ("a1", "c1", "a2", "c3")] == [0, 2, 3, 8]
    assert [game("connect_four").parse_action(text) for text in "17"] == [0, 6]


def test_text_that_is_no_move_is_refused():
    with pytest.raises(IllegalMove, match=r"^connect_four: '8' is not a move \(columns 1-7\)$"):
        game("connect_four").parse_action("8")
    with pytest.raises(IllegalMove, match=r"^othello: 'z9' is not a move .* after d3c3; legal: "):
        game("othello").position("d3c3 z9")


@given(name=st.sampled_from(GAMES), text=st.text() | st.text("abcdefgh12345678 -pas"))
def test_any_text_is_a_position_or_an_illegal_move(name, text):
    board = game(name)
    position = None
    with contextlib.suppress(IllegalMove):
        position = board.position(text)
    if position is not None:
        assert board.position(board.moves_text(position.moves)) == position


def test_drawings_show_the_board_as_it_lies_on_the_table():
    assert game("connect_four").position("4453").text().splitlines() == [
        "1 2 3 4 5 6 7",
        ". . . . . . .",
        ". . . . . . .",
        ". . . . . . .",
        ". . . . . . .",
        ". . . O . . .",
        ". . O X X . .",
        "X to move",
    ]
    assert game("tic_tac_toe").position("b2 a1 c1 a3 a2 c2 b1 b3 c3").text().splitlines() == [
        "  a b c",
        "1 O X X",
        "2 X X O",
        "3 O O X",
        "drawn",
    ]
    othello = game("othello").position("d3").text().splitlines()
    assert othello[:6] == [
        "  a b c d e f g h",
        "1 . . . . . . . .",
        "2 . . . . . . . .",
        "3 . . . X . . . .",
        "4 . . . X X . . .",
        "5 . . . X O . . .",
    ]
    assert othello[-1] == "O to move"
    assert game("connect_four").position("1212121").text().endswith("X has won")
    assert game("connect_four").position("71212121").text().endswith("O has won")


def test_cell_owners_follow_the_players_not_the_side_to_move(board, random_games):
    games = random_games(board, 5, seed=2)
    for i in range(5):
        position = board.start()
        for action in games.moves(i)[:6]:
            before, position = board.cell_owner(position), position.play(action)
            after = board.cell_owner(position)
            mover = len(position.moves) % 2 or 2
            placed = after[before == 0].sum()
            assert placed == mover  # one stone more, of the one who moved
        assert after.dtype == np.int8
        assert after.shape == board.board_shape


# Legality


@pytest.mark.parametrize(
    ("name", "moves", "message"),
    [
        ("connect_four", "3333333", "connect_four: column 3 is full after 333333; legal: 1 2 4 5 6 7"),
        (
            "connect_four",
            "12121213",
            "connect_four: 3 cannot be played, the game is over after 1212121; legal: nothing",
        ),
        (
            "connect_four",
            "0",
            "connect_four: '0' is not a move (columns 1-7) before any move; legal: 1 2 3 4 5 6 7",
        ),
        ("tic_tac_toe", "b2 a1 b2", "tic_tac_toe: b2 is taken after b2a1; legal: b1 c1 a2 c2 a3 b3 c3"),
        ("othello", "a1", "othello: a1 turns no disc over before any move; legal: d3 c4 f5 e6"),
        ("othello", "d3 d3", "othello: d3 is taken after d3; legal: c3 e3 c5"),
        (
            "othello",
            "--",
            "othello: pass is not allowed while a square is legal before any move; legal: d3 c4 f5 e6",
        ),
    ],
)
def test_an_illegal_move_is_refused_with_who_what_where_and_what_is_allowed(name, moves, message):
    with pytest.raises(IllegalMove) as caught:
        game(name).position(moves)
    assert str(caught.value) == message


def test_actions_outside_the_game_are_refused(board):
    for action in (-1, board.num_actions, 10**6):
        with pytest.raises(IllegalMove, match=rf"there is no action {action} \(0-{board.num_actions - 1}\)"):
            board.start().play(action)
    with pytest.raises(TypeError):
        board.start().play(0.0)


def test_every_action_is_either_played_or_refused_just_as_the_legal_list_says(board, random_games):
    games = random_games(board, 10, seed=4)
    for packed in games.all_states()[::5]:
        position = Position(board, board.state(packed))
        for action in range(board.num_actions):
            if action in position.legal():
                assert position.play(action).moves == (action,)
            else:
                with pytest.raises(IllegalMove):
                    position.play(action)


def test_a_pass_is_forced_and_then_the_only_move(random_games):
    board = game("othello")
    games = random_games(board, 50, seed=5)
    rows, plies = np.nonzero(games.actions == PASS)
    assert len(rows) > 10
    for row, ply in zip(rows, plies, strict=True):
        state = board.state(games.states[row, ply])
        assert board.legal(state) == [PASS]
        assert np.flatnonzero(board.legal_mask(state)).tolist() == [PASS]
        after = rules.play(state, PASS)
        assert (after.own, after.opponent) == (state.opponent, state.own)


# Ends


def test_results_are_for_the_first_player():
    connect_four = game("connect_four")
    assert connect_four.position("1212121").result == 1
    assert connect_four.position("71212121").result == -1
    assert game("tic_tac_toe").position("b2 a1 c1 a3 a2 c2 b1 b3 c3").result == 0
    with pytest.raises(ValueError, match=r"^connect_four: there is no result yet after 1; legal: 1 2"):
        _ = connect_four.position("1").result


def test_a_side_without_discs_has_lost_at_once():
    position = game("othello").position(OTHELLO_WIPE_OUT)
    assert position.is_over
    assert position.legal() == []
    assert position.result == 1
    assert position.state.own == 0


def test_a_full_board_without_a_line_is_drawn():
    moves = "547125662261271266215743771576315353334444"
    assert len(moves) == 42
    position = game("connect_four").position(moves)
    assert (position.is_over, position.result, position.legal()) == (True, 0, [])


# Packed states


def test_batches_equal_one_by_one(board, random_games):
    packed = random_games(board, 20, seed=6).all_states()
    states = [board.state(row) for row in packed]
    masks, planes = board.legal_masks(packed), board.planes(packed)
    assert masks.dtype == np.bool_
    assert planes.dtype == np.float32
    assert planes.shape == (len(packed), board.num_planes, *board.board_shape)
    for state, row, mask, view in zip(states, packed, masks, planes, strict=True):
        np.testing.assert_array_equal(board.pack(state), row)
        np.testing.assert_array_equal(board.legal_mask(state), mask)
        assert np.flatnonzero(mask).tolist() == board.legal(state)
        single = np.full((board.num_planes, *board.board_shape), 7, np.float32)
        rules.fill_planes(state, single)
        np.testing.assert_array_equal(single, view)


def test_batches_are_written_into_a_given_array(board):
    packed = np.tile(board.pack(board.initial), (3, 1))
    masks = np.ones((3, board.num_actions), np.bool_)
    planes = np.ones((3, board.num_planes, *board.board_shape), np.float32)
    assert board.legal_masks(packed, out=masks) is masks
    assert board.planes(packed, out=planes) is planes
    np.testing.assert_array_equal(masks, board.legal_masks(packed))
    np.testing.assert_array_equal(planes, board.planes(packed))


@pytest.mark.parametrize(
    "states", [np.zeros((2, 2), np.int64), np.zeros(2, np.uint64), np.zeros((2, 3), np.uint64)]
)
def test_arrays_that_are_no_packed_states_are_refused(board, states):
    with pytest.raises(ValueError, match=r"packed states are uint64\[B, 2\], got"):
        board.planes(states)
    with pytest.raises(ValueError, match=r"packed states are uint64\[B, 2\], got"):
        board.legal_masks(states)


def test_planes_are_seen_from_either_side(board, random_games):
    moves = random_games(board, 1, seed=7).moves(0)
    position = board.position(board.moves_text(moves[:5]))
    first, second = position.planes(0), position.planes(1)
    np.testing.assert_array_equal(first[0], board.cell_owner(position) == 1)
    np.testing.assert_array_equal(first[::-1], second)
    np.testing.assert_array_equal(
        position.planes(position.player), board.planes(board.pack(position.state)[None])[0]
    )


def test_hash_keys_of_different_states_differ_and_fill_tables_evenly(board, random_games):
    packed = np.unique(random_games(board, 3000, seed=8).all_states(), axis=0)
    keys = np.array([rules.hash_key(board.state(row)) for row in packed[:20_000]], np.uint64)
    assert len(np.unique(keys)) == len(keys)
    for shift in (0, 58):  # the lowest and the highest six bits
        cells = np.bincount(((keys >> np.uint64(shift)) & np.uint64(63)).astype(int), minlength=64)
        expected = len(keys) / 64
        assert ((cells - expected) ** 2 / expected).sum() < 130  # chi-square, 63 degrees: 1 in a million


def test_words_stay_unsigned_through_python(board):
    state = board.initial
    for _ in range(4):
        assert {type(word) for word in state} == {np.uint64}
        state = rules.play(state, board.legal(state)[0])


def test_states_of_no_game_are_refused_by_the_rules():
    with pytest.raises(
        TypeError, match=r"play has no implementation for \(int, int\); registered: ConnectFour, "
    ):
        rules.play(1, 2)


def test_is_legal_is_never_true_after_the_end():
    position = game("connect_four").position("1212121")
    assert not any(batches.is_legal(position.state, action) for action in range(7))
