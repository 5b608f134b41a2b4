"""What a controller says about time, as seconds for the next move."""

import time

import pytest

from agents.outside.gtp_clock import USED, Clock, bell
from agents.players import BasePlayer


def _clock(main: float, byo_yomi: float, stones: int) -> Clock:
    clock = Clock()
    clock.set(main, byo_yomi, stones)
    return clock


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        ((60, 0, 0), 2),  # all of it for the whole game
        ((0, 30, 10), 3),  # ten moves in thirty seconds
        ((60, 100, 10), 10),  # in the main time, with more to come
        ((90, 1, 1), 3),
        ((0, 1, 0), None),  # no limit, by the specification
        ((0, 0, 0), None),
    ],
)
def test_the_time_is_shared_out(settings: tuple[float, float, int], seconds: float | None) -> None:
    expected = None if seconds is None else pytest.approx(USED * seconds)
    assert _clock(*settings).move_seconds(0, 30) == expected
    assert Clock().move_seconds(0, 30) is None


def test_what_is_used_is_gone_and_each_side_has_its_own() -> None:
    clock = _clock(60, 0, 0)
    clock.used(0, 30)
    assert clock.move_seconds(0, 10) == pytest.approx(USED * 3)
    assert clock.move_seconds(1, 10) == pytest.approx(USED * 6)
    clock.used(0, 31)
    assert clock.move_seconds(0, 10) == 0
    clock.restart()
    assert clock.move_seconds(0, 10) == pytest.approx(USED * 6)


def test_byo_yomi_follows_the_main_time_and_begins_anew_when_its_stones_are_played() -> None:
    clock = _clock(5, 10, 2)
    clock.used(0, 6)
    assert clock.move_seconds(0, 30) == pytest.approx(USED * 5)
    clock.used(0, 8)
    assert clock.move_seconds(0, 30) == pytest.approx(USED * 2)
    clock.used(0, 1)
    assert clock.move_seconds(0, 30) == pytest.approx(USED * 5)


def test_the_controllers_clock_is_right() -> None:
    clock = _clock(60, 0, 0)
    clock.set_left(1, 8, 4)
    assert clock.move_seconds(1, 30) == pytest.approx(USED * 2)


def test_the_bell_rings_until_the_block_ends_and_not_before_its_time() -> None:
    class Listener(BasePlayer):
        heard = 0

        def stop(self) -> None:
            self.heard += 1

    player = Listener("listener")
    with bell(player, 0.1):
        time.sleep(0.3)
    assert player.heard > 2
    heard = player.heard
    with bell(player, 1e300):
        time.sleep(0.02)
    with bell(player, None):
        time.sleep(0.02)
    assert player.heard == heard
