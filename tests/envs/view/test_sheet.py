"""Sheets of tiles, and the colours of numbers."""

import numpy as np
import pytest

from envs.view.colour_maps import diverging, over_grey, rising
from envs.view.pictures import ActionValue
from envs.view.sheet import WIDTH, Section, Tile, draw_sheet, lay_out
from envs.view.style import ORANGE, SKY, TEXT


def tiles(count: int, height: int, width: int, parts: int = 1) -> list[Tile]:
    return [Tile(f"{i}", [np.full((height, width, 3), 99, np.uint8)] * parts) for i in range(count)]


@pytest.mark.parametrize(
    ("count", "height", "width", "parts"),
    [
        (32, 8, 8, 4),
        (64, 7, 7, 1),
        (4, 84, 84, 1),
        (1, 4, 128, 1),
        (1, 16, 32, 1),
        (128, 8, 8, 2),
        (1, 1, 1, 1),
    ],
)
def test_every_tile_is_drawn_inside_the_sheet(count: int, height: int, width: int, parts: int) -> None:
    sections = [Section(title="many tiles", note="a note", tiles=tiles(count, height, width, parts))]
    canvas = lay_out("title", "subtitle", sections)
    assert canvas.problems() == []
    ink = (canvas.pixels() == 99).all(axis=2).sum()
    pixel = ink / (count * height * width * parts)
    assert pixel == round(pixel**0.5) ** 2  # each pixel of each tile became a whole square


def test_a_sheet_has_bars_of_all_kinds_without_overlap() -> None:
    actions = [ActionValue(name=f"action {i}", value=float(i), chosen=i == 3) for i in range(18)]
    numbers = [(f"number {i}", i - 4.0) for i in range(12)]
    canvas = lay_out("t", "s", [Section(title="a", actions=actions), Section(title="b", numbers=numbers)])
    assert canvas.problems() == []
    assert sum("action" in text.text for text in canvas.texts) == 18


def test_a_sheet_is_the_same_each_time() -> None:
    sections = [Section(title="x", tiles=tiles(5, 9, 9))]
    first, second = draw_sheet("t", "s", sections), draw_sheet("t", "s", sections)
    assert first.shape[1] == WIDTH
    assert np.array_equal(first, second)


def test_signs_have_their_own_colours_and_zero_is_dark() -> None:
    colours = diverging(np.array([-2.0, -1.0, 0.0, 1.0, np.nan]), 1.0)
    assert tuple(colours[0]) == tuple(colours[1]) == ORANGE
    assert tuple(colours[3]) == SKY
    assert colours[2].max() < 40
    assert tuple(colours[4]) == tuple(colours[2])


def test_amounts_rise_in_brightness() -> None:
    brightness = rising(np.linspace(0, 1, 20), 1.0).astype(int).sum(axis=-1)
    assert (np.diff(brightness) > 0).all()
    assert tuple(rising(np.array([1.0]), 1.0)[0]) == TEXT


def test_heat_covers_the_picture_only_where_it_is() -> None:
    grey = np.full((2, 2), 200, np.uint8)
    shown = over_grey(grey, np.array([[1.0, 0.0], [0.0, 0.0]]), 1.0)
    assert tuple(shown[0, 0]) == ORANGE
    assert tuple(shown[1, 1]) == (90, 90, 90)
