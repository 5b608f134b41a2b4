"""The GTP script: a conversation through pipes, and our own engine as somebody's outside opponent."""

import shlex
import subprocess
import sys

import pytest

from agents.arena.match import play_match
from agents.roster import build_player
from envs.boards.game import game
from scripts.gtp import main


def test_a_conversation_through_pipes() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/gtp.py", "othello", "random"],
        input=b"1 protocol_version\n\xff\xfe\n2 play black d3\n3 genmove white\nquit",
        capture_output=True,
    )
    assert run.returncode == 0
    assert run.stderr == b""
    answers = run.stdout.decode().split("\n\n")
    assert answers[:3] == ["=1 2", "? unknown command", "=2"]
    assert answers[3] in ("=3 C3", "=3 C5", "=3 E3")
    assert answers[4:] == ["=", ""]


def test_our_engine_plays_from_outside_as_it_does_inside() -> None:
    spec = "alpha_beta:value=handcrafted,depth=2"
    command = shlex.join([sys.executable, "scripts/gtp.py", "tic_tac_toe", spec])
    played = game("tic_tac_toe")
    outside, inside = build_player(f'gtp:command="{command}",seconds=60', played), build_player(spec, played)
    result = play_match(played, (outside, build_player("random", played)), 6)
    again = play_match(played, (inside, build_player("random", played)), 6)
    assert result.forfeits == (0, 0)
    assert [record.moves for record in result.records] == [record.moves for record in again.records]
    outside.reset(0)  # ends the process


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["othello", "human"], "a person cannot be an engine"),
        (["othelo", "random"], "did you mean othello"),
        (["othello", "randon"], "did you mean 'random'"),
        (["othello"], "Missing value|required"),
    ],
)
def test_what_a_user_can_mend_is_told(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert any(part in told.err for part in message.split("|"))
