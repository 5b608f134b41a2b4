"""The progress line: rates and times by hand arithmetic on a clock of our own."""

import io

import pytest
from rich.console import Console

from agents.runs.progress import ProgressLine, duration


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


class Counted:
    """A metric that knows how often it was read, as a tensor on a device would feel it."""

    reads = 0

    def __float__(self) -> float:
        Counted.reads += 1
        return 0.25


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


def plain(output: io.StringIO) -> Console:
    return Console(file=output, force_terminal=False, width=40)


def test_plain_lines_come_every_ten_seconds_whole_and_without_control_codes(clock, output):
    with ProgressLine("pong", 10_000, console=plain(output), clock=clock) as line:
        for step in range(0, 2_501, 100):
            line.update(step, score=step / 100)
            clock.seconds += 1
    assert output.getvalue().splitlines() == [
        "pong  1,000 of 10,000 steps  100 steps/s  1 min 30 s left  score 10",
        "pong  2,000 of 10,000 steps  100 steps/s  1 min 20 s left  score 20",
        "pong: stopped at 2,500 of 10,000 steps in 26 s (96 steps/s)  score 25",
    ]


def test_parts_of_a_unit_move_the_line_and_what_earlier_sittings_did_is_no_speed(clock, output):
    with ProgressLine("othello", 100, "%", start=37.5, console=plain(output), clock=clock) as line:
        clock.seconds += 10
        line.update(37.75)
    assert output.getvalue().splitlines() == [
        "othello  37.8 of 100 %  0.025 %/s  41 min 30 s left",
        "othello: stopped at 37.8 of 100 % in 10 s (0.025 %/s)",
    ]


def test_a_terminal_gets_one_rewritten_line_and_then_the_summary(clock, output):
    console = Console(
        file=output, force_terminal=True, width=120, legacy_windows=False, _environ={"TERM": "xterm"}
    )
    with ProgressLine("pong", 100, console=console, clock=clock) as line:
        for step in range(101):
            line.update(step)
            clock.seconds += 0.25
    text = output.getvalue()
    assert "50 of 100 steps  4 steps/s  12 s left" in text
    assert "\x1b[2K" in text  # the line is erased before it is drawn anew
    assert text.splitlines()[-1].endswith("pong: 100 steps in 25 s (4 steps/s)")


def test_a_note_stands_on_a_line_of_its_own_as_it_is(clock, output):
    with ProgressLine("pong", 10, console=plain(output), clock=clock) as line:
        line.note("all of [0, 1] and [bold]")
    assert output.getvalue().splitlines()[0] == "pong: all of [0, 1] and [bold]"


def test_the_rate_is_that_of_the_last_half_minute(clock, output):
    line = ProgressLine("pong", 10**6, console=plain(output), clock=clock)
    done = 0
    for speed in [10] * 60 + [1_000] * 60:
        clock.seconds += 1
        done += speed
        line.update(done)
    assert line.rate() == 1_000


def test_a_resumed_run_counts_its_own_work_only(clock, output):
    with ProgressLine("pong", 1_000, start=900, console=plain(output), clock=clock) as line:
        clock.seconds += 10
        line.update(950)
        assert line.rate() == 5
    assert output.getvalue().splitlines()[-1] == "pong: stopped at 950 of 1,000 steps in 10 s (5 steps/s)"


def test_the_summary_comes_after_an_interruption_too(clock, output):
    def interrupted() -> None:
        with ProgressLine("games", 50, "games", console=plain(output), clock=clock) as line:
            clock.seconds += 4
            line.update(2, mean_return=-1.23456)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert output.getvalue() == "games: stopped at 2 of 50 games in 4 s (0.5 games/s)  mean return -1.235\n"


def test_metrics_are_read_only_when_a_line_is_drawn(clock, output):
    with ProgressLine("pong", 1_000, console=plain(output), clock=clock) as line:
        for step in range(1_000):
            line.update(step, loss=Counted())
            clock.seconds += 0.01
        assert Counted.reads == 0
    assert Counted.reads == 1


def test_a_line_without_any_progress_yet_says_so(clock, output):
    with ProgressLine("pong", 1_000, console=plain(output), clock=clock) as line:
        clock.seconds += 11
        line.update(0)
    assert output.getvalue().splitlines()[0] == "pong  0 of 1,000 steps  0 steps/s  time left unknown"


def test_the_line_goes_to_stderr(capsys, clock):
    with ProgressLine("pong", 1, clock=clock) as line:
        line.update(1)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "pong: 1 steps in 0 s (0 steps/s)\n")


def test_no_work_at_all_is_refused():
    with pytest.raises(ValueError, match=r"ProgressLine\.total must be at least 1, got 0"):
        ProgressLine("pong", 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (243, "4 min 03 s"),
        (3600, "1 h 00 min"),
        (7530, "2 h 05 min"),
    ],
)
def test_durations_read_like_speech(seconds, text):
    assert duration(seconds) == text
