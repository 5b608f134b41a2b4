"""Our players as a GTP engine: the manners of the protocol, and nothing that brings it down."""

import io
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.outside.foreign_text import bounded_lines
from agents.outside.gtp_engine import GTPEngine, serve
from agents.outside.gtp_text import LINE_BYTES_MAX, parse_answer
from agents.players import BasePlayer, Decision, RandomPlayer
from agents.roster import build_player
from envs.boards.game import GAMES, Position, game

MUST_PASS = "e6f6d3e7e8d8g7f8"  # black has no move, and white three: e3, g5, h6


class Lowest(BasePlayer):
    """Always the lowest legal action."""

    def choose(self, position: Position) -> Decision:
        return Decision(action=position.legal()[0])


def _engine(name: str = "othello") -> GTPEngine:
    return GTPEngine(game(name), Lowest("lowest"), version="1.2.3")


def _told(engine: GTPEngine, *commands: str) -> list[str]:
    """Answers without their empty lines."""
    answers = [engine.answer(command.encode() + b"\n") for command in commands]
    assert all(
        answer is None or (answer.endswith("\n\n") and answer.index("\n\n") == len(answer) - 2)
        for answer in answers
    )
    return [answer.rstrip("\n") for answer in answers if answer is not None]


def _play(engine: GTPEngine, moves: Iterable[str]) -> None:
    for ply, move in enumerate(moves):
        assert _told(engine, f"play {'bw'[ply % 2]} {move}") == ["="]


def test_it_introduces_itself() -> None:
    assert _told(_engine(), "protocol_version", "7 name", "version") == [
        "= 2",
        "=7 Advantage lowest",
        "= 1.2.3",
    ]
    (listed,) = _told(_engine(), "list_commands")
    commands = listed.removeprefix("= ").split("\n")
    assert {
        "protocol_version", "name", "version", "known_command", "list_commands", "quit", "boardsize",
        "clear_board", "komi", "play", "genmove", "undo", "showboard", "time_settings", "time_left",
        "set_game", "list_games",
    } <= set(commands)  # fmt: skip
    assert _told(_engine(), "known_command undo", "known_command fly") == ["= true", "= false"]
    assert all(_told(_engine(), f"known_command {name}") == ["= true"] for name in commands)


def test_answers_carry_the_number_comments_and_empty_lines_have_none() -> None:
    commands = ["", "  # nothing", "12 komi 6.5 # half", "\t13\tfly\t", "komi", "3"]
    assert _told(_engine(), *commands) == [
        "=12", "?13 unknown command", "? syntax error: too few or too many arguments", "? unknown command",
    ]  # fmt: skip


@pytest.mark.parametrize("name", GAMES)
def test_it_plays_its_one_game_on_its_one_board(name: str) -> None:
    engine, title, width = _engine(name), game(name).title, game(name).board_shape[1]
    assert _told(engine, "list_games", f"set_game {title}", f"set_game {name}") == [f"= {title}", "=", "="]
    assert _told(engine, "set_game Go", "boardsize 19", "boardsize x") == [
        "? unsupported game", "? unacceptable size", "? syntax error: a number is needed",
    ]  # fmt: skip
    assert _told(engine, f"boardsize {width}", "komi -1") == [
        "=", "? syntax error: the number must be finite and at least 0",
    ]  # fmt: skip


def test_moves_are_played_generated_shown_and_taken_back() -> None:
    engine = _engine()
    assert _told(engine, "play black d3", "genmove white", "reg_genmove b", "play b f5") == [
        "=",
        "= C3",
        "= B3",
        "=",
    ]
    (board,) = _told(engine, "showboard")
    assert board.split("\n")[1:] == game("othello").position("d3c3f5").text().split("\n")
    assert _told(engine, "undo", "undo", "undo", "undo") == ["=", "=", "=", "? cannot undo"]
    assert _told(engine, "showboard")[0].split("\n")[1:] == game("othello").start().text().split("\n")


def test_what_the_rules_forbid_is_refused_and_changes_nothing() -> None:
    engine = _engine()
    before = _told(engine, "showboard")
    refused = _told(engine, "play black a1", "play white d3", "play black z9", "play red d3", "genmove white",
                    "play black pass", "play black")  # fmt: skip
    assert refused[0] == "? illegal move: othello: a1 turns no disc over before any move; legal: d3 c4 f5 e6"
    assert refused[1] == refused[4] == "? illegal move: it is the other colour's turn"
    assert refused[2].startswith("? illegal move: othello: 'z9' is not a move")
    assert refused[3] == "? 'red' is not a colour: black or white"
    assert all(each.startswith("?") for each in refused)
    assert _told(engine, "showboard") == before


@pytest.mark.parametrize("passing", [["play b pass"], ["play B PASS"], ["genmove black"], []])
def test_a_forced_pass_may_be_played_asked_for_or_left_out(passing: list[str]) -> None:
    engine = _engine()
    _play(engine, [MUST_PASS[i : i + 2] for i in range(0, len(MUST_PASS), 2)])
    assert all(each in ("=", "= PASS") for each in _told(engine, *passing))
    assert _told(engine, "genmove white") == ["= E3"]


def test_a_finished_game_is_refused_until_the_board_is_cleared() -> None:
    engine = _engine("tic_tac_toe")
    _play(engine, ["a1", "a2", "b1", "b2", "c1"])
    assert _told(engine, "genmove white", "clear_board", "genmove black") == [
        "? illegal move: the game is over", "=", "= A1",
    ]  # fmt: skip


def test_each_game_has_its_own_chance_and_the_seed_repeats_them() -> None:
    def first_moves(seed: int) -> list[str]:
        engine = GTPEngine(game("othello"), RandomPlayer(), version="1", seed=seed)
        return [_told(engine, "clear_board", "genmove black")[1] for _ in range(20)]

    assert first_moves(0) == first_moves(0) != first_moves(100)
    assert len(set(first_moves(0))) > 1


def test_the_controllers_clock_cuts_a_search_short() -> None:
    player = build_player("alpha_beta:depth=60", game("othello"))
    engine = GTPEngine(game("othello"), player, version="1")
    assert _told(engine, "time_settings 0 1 1", "genmove black")[1] in ("= D3", "= C4", "= F5", "= E6")
    assert _told(engine, "time_left white 0 0", "genmove white")[1][:2] == "= "


def test_it_answers_until_quit_or_the_end() -> None:
    sink = io.BytesIO()
    serve(_engine(), io.BytesIO(b"name\r\nquit\nname\n"), sink)
    assert sink.getvalue() == b"= Advantage lowest\n\n=\n\n"
    sink = io.BytesIO()
    serve(_engine(), io.BytesIO(b"1 version"), sink)
    assert sink.getvalue() == b"=1 1.2.3\n\n"


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_each_line_of_anything_has_at_most_one_answer(garbage: list[bytes]) -> None:
    engine = _engine()
    for line in garbage:
        answer = engine.answer(line)
        if answer is not None:
            assert answer.count("\n\n") == 1
            parse_answer(answer.removesuffix("\n\n").encode())


@given(st.lists(st.integers(0, 12)), st.booleans())
def test_lines_are_cut_at_the_same_places_however_long(lengths: list[int], ends: bool) -> None:
    texts = [b"x" * length for length in lengths]
    stream = b"\n".join(texts) + (b"\n" if ends and texts else b"")
    expected = [line if len(line.rstrip(b"\n")) <= 8 else None for line in io.BytesIO(stream)]
    assert [line and line.rstrip(b"\n") for line in bounded_lines(io.BytesIO(stream), 8)] == [
        line and line.rstrip(b"\n") for line in expected
    ]


@pytest.mark.parametrize("count", [2000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_garbage_does_not_bring_it_down(count: int) -> None:
    rng = random.Random(count)
    sink = io.BytesIO()
    engine = _engine()
    serve(engine, io.BytesIO(b"".join(_garbage(rng) for _ in range(count)) + b"\n99 name\n1 half a li"), sink)
    answers = sink.getvalue().split(b"\n\n")
    assert b"=99 Advantage lowest" in answers[-4:]
    assert answers[-1] == b""
    assert all(answer[:1] in b"=?" for answer in answers)
    assert not engine.has_quit


def _garbage(rng: random.Random) -> bytes:
    """A line, or several: bytes, endless lines, half-right commands."""
    commands = b"play genmove undo showboard boardsize time_left time_settings komi set_game clear_board"
    arguments = b"black w d3 pass 1e999 -1 nan 0 99999999999999999999999999999 \xff\xfe # \0"
    words = [*commands.split(), *arguments.split(b" ")]
    match rng.randrange(10):
        case 0:
            return rng.randbytes(rng.randrange(200)).replace(b"quit", b"") + b"\n"
        case 1:
            return bytes([rng.randrange(256)]) * rng.randrange(LINE_BYTES_MAX * 3) + b"\n"
        case 2:
            return b"\r\n \t\n"
        case _:
            number = rng.choice([b"", b"12 ", b"-3 ", b"1" * 5000 + b" ", b"\xc2\xb2 "])
            return number + b" ".join(rng.choices(words, k=rng.randrange(1, 5))) + b"\n"
