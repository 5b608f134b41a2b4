"""Outside engines: in step with our board, and out of the game in time when they misbehave."""

import os
import time
from collections.abc import Callable

import pytest

from agents.arena.match import play_match
from agents.arena.tournament import play_tournament
from agents.outside.gtp_player import FAILURES_MAX, GTPPlayer
from agents.players import OutsideFailure, RandomPlayer
from envs.boards.game import game
from envs.boards.rules import PASS

CONNECT_FOUR = game("connect_four")
AFTER_MIDDLE_FILLED = CONNECT_FOUR.position("444444")
FAULTS = {
    "hangs": "did not answer 'genmove black' in time",
    "hangs at the start": "did not answer 'list_commands' in time",
    "dies": "saying 'Segmentation fault, said nobody', when it was asked 'genmove black'",
    "closes its output": "ended or closed its output",
    "floods": "wrote more than 65536 bytes without an answer",
    "floods with empty lines": "wrote more than 65536 bytes without an answer",
    "floods its stderr": "did not answer 'genmove black' in time",
    "answers another number": "answered number '999' when it was asked",
    "answers without a number": "answered number '' when it was asked",
    "answers nonsense": "'I think, therefore I move' is not an answer",
    "answers binary": "is not an answer",
    "answers with half a line": "did not answer 'genmove black' in time",
    "plays off the board": "answered genmove with 'Z9'",
    "plays an illegal move": "played '4', which is illegal, after 444444; legal: 1 2 3 5 6 7",
    "passes": "answered genmove with 'pass'",
    "resigns": "resigned",
    "refuses": "refused 'genmove black': 'I would rather not'",
}


@pytest.fixture(autouse=True)
def _short_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.outside.gtp_player.START_SECONDS", 5.0)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_a_failure_in_time_that_names_it_and_leaves_no_process(
    fault: str, engine: Callable[..., GTPPlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = _watch_processes(monkeypatch)
    began = time.monotonic()
    with pytest.raises(OutsideFailure) as error:
        engine(fault).choose(AFTER_MIDDLE_FILLED)
    assert time.monotonic() - began < 7
    assert FAULTS[fault] in str(error.value)
    assert not any(_is_alive(pid) for pid in started)


def test_an_engine_that_answers_without_reading_does_not_keep_us_waiting(
    engine: Callable[..., GTPPlayer],
) -> None:
    player = engine("answers without reading")
    with pytest.raises(OutsideFailure, match="genmove"):
        player.choose(AFTER_MIDDLE_FILLED)


def test_what_a_program_started_ends_with_it(
    engine: Callable[..., GTPPlayer], told: Callable[[], list[str]]
) -> None:
    with pytest.raises(OutsideFailure):
        engine("starts a child").choose(AFTER_MIDDLE_FILLED)
    child = int(next(line for line in told() if line.startswith("child")).split()[1])
    deadline = time.monotonic() + 5
    while _is_alive(child):  # until init has collected it
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_program_ends_with_the_player(
    engine: Callable[..., GTPPlayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    started = _watch_processes(monkeypatch)
    player = engine()
    player.choose(CONNECT_FOUR.start())
    (pid,) = started
    assert _is_alive(pid)
    player.close()
    assert not _is_alive(pid)


def test_an_engine_is_told_the_new_moves_alone_where_it_can_go_on(
    engine: Callable[..., GTPPlayer], told: Callable[[], list[str]]
) -> None:
    player = engine(seconds=3.0)
    opening = CONNECT_FOUR.position("4435")  # it comes from nowhere
    action = player.choose(opening).action
    assert told() == [
        "list_commands", "set_game Connect Four", "time_settings 0 2 1", "clear_board",
        "play black 4", "play white 4", "play black 3", "play white 5", "genmove black",
    ]  # fmt: skip
    position = opening.play(action).play(6)
    player.choose(position)
    assert told() == ["play white 7", "genmove black"]


def test_an_engine_is_told_everything_where_the_board_is_another(
    engine: Callable[..., GTPPlayer], told: Callable[[], list[str]]
) -> None:
    player = engine()
    assert player.choose(CONNECT_FOUR.position("44")).action == 0
    told()
    for elsewhere in ("44", "445", "4", ""):  # before its own move, instead of it, and far before
        assert player.choose(CONNECT_FOUR.position(elsewhere)).action == 0
        assert told()[0] == "clear_board"
    assert player.choose(CONNECT_FOUR.position("111111")).action == 1


def test_a_forced_pass_is_played_unasked_and_told_without_insisting() -> None:
    othello = game("othello")
    position = othello.position("e6f6d3e7e8d8g7f8")
    assert position.legal() == [PASS]
    refuses_passes = ["sh", "-c", 'while read n c; do case "$c" in *PASS) echo "?$n no";; '
                      'genmove*) echo "=$n G5";; *) echo "=$n";; esac; echo; done']  # fmt: skip
    player = GTPPlayer("no passes", othello, refuses_passes, 5.0)
    assert player.choose(position).action == PASS
    assert player.choose(position.play(PASS)).action == othello.parse_action("g5")
    player.close()


def test_an_engine_that_does_not_know_the_game_is_refused() -> None:
    script = (
        'while read n c; do case "$c" in '
        'set*) echo "?$n unsupported game";; *) echo "=$n set_game";; esac; echo; done'
    )
    player = GTPPlayer("go", game("othello"), ["sh", "-c", script], 5.0)
    with pytest.raises(OutsideFailure, match="refused 'set_game Othello': 'unsupported game'"):
        player.choose(game("othello").start())


def test_an_engine_that_fails_each_time_is_not_tried_for_ever(engine: Callable[..., GTPPlayer]) -> None:
    player = engine("hangs", seconds=0.1)
    for _ in range(FAILURES_MAX):
        with pytest.raises(OutsideFailure, match="did not answer"):
            player.choose(AFTER_MIDDLE_FILLED)
    began = time.monotonic()
    with pytest.raises(OutsideFailure, match="is not started again: failed 3 times in a row"):
        player.choose(AFTER_MIDDLE_FILLED)
    assert time.monotonic() - began < 0.05
    player.reset(0)
    with pytest.raises(OutsideFailure, match="did not answer"):
        player.choose(AFTER_MIDDLE_FILLED)


def test_a_match_against_an_honest_engine_has_no_forfeits(engine: Callable[..., GTPPlayer]) -> None:
    result = play_match(CONNECT_FOUR, (engine(), RandomPlayer()), 20)
    assert result.forfeits == (0, 0)
    for record in result.records:  # the engine's moves are those of its rule: its board was always ours
        position = CONNECT_FOUR.start()
        for ply, action in enumerate(record.moves):
            if ply >= 4 and ply % 2 == record.starter:
                assert action == position.legal()[0]
            position = position.play(action)


def test_a_tournament_goes_on_without_the_engine_that_hangs_and_counts_its_forfeits(
    engine: Callable[..., GTPPlayer],
) -> None:
    players = [engine("hangs later", seconds=0.2), RandomPlayer("a"), RandomPlayer("b")]
    result = play_tournament(CONNECT_FOUR, players, 6)
    told = result.to_json()
    assert told["games"] == 18
    forfeits = {rating["player"]: rating["forfeits"] for rating in told["ratings"]}
    assert forfeits["a"] == forfeits["b"] == 0
    assert forfeits["engine that hangs later"] == sum(
        "forfeit" in record for pairing in told["pairings"] for record in pairing["records"]
    )
    assert forfeits["engine that hangs later"] > 6


def _watch_processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process ids of the engines that are started from now on."""
    from agents.outside import gtp_player

    started: list[int] = []

    class Watched(gtp_player.EngineProcess):
        def __init__(self, arguments: list[str]) -> None:
            super().__init__(arguments)
            started.append(self.pid)

    monkeypatch.setattr(gtp_player, "EngineProcess", Watched)
    return started


def _is_alive(pid: int) -> bool:
    """Whether there is such a process, be it a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
