"""The layout check itself, and what keeps text in its place."""

import pytest

from envs.view import style
from envs.view.canvas import Canvas, fit, width
from envs.view.sdl import pygame


@pytest.fixture
def canvas() -> Canvas:
    return Canvas((1280, 720))


def test_a_text_that_fits_is_left_alone_and_a_longer_one_is_cut_to_the_room() -> None:
    assert fit("short", 500, 14) == "short"
    for room in range(20, 300, 7):
        cut = fit("a long text that does not fit at all, whatever is done", room, 14)
        assert width(cut, 14) <= room
        assert cut == "" or cut.endswith("…")
    assert fit("long", 2, 14) == ""


def test_a_cut_text_keeps_as_much_as_fits() -> None:
    text = "a long text that does not fit"
    cut = fit(text, 120, 14)
    longer = text[: len(cut)].rstrip() + "…"
    assert width(longer, 14) > 120


@pytest.mark.parametrize(
    ("room", "shown"), [(600, "greedy · bars: from the mean"), (200, "greedy"), (130, None)]
)
def test_a_note_is_shown_in_whole_parts_or_not_at_all(canvas: Canvas, room: int, shown: str | None) -> None:
    canvas.panel(pygame.Rect(10, 10, room, 100), "Action values", "greedy · bars: from the mean")
    assert [text.text for text in canvas.texts] == ["Action values", *([shown] if shown else [])]
    assert canvas.problems() == []


def test_text_outside_its_panel_is_a_problem(canvas: Canvas) -> None:
    canvas.region(pygame.Rect(10, 10, 100, 30))
    canvas.text("inside", pygame.Rect(10, 10, 100, 30))
    assert canvas.problems() == []
    canvas.text("outside", pygame.Rect(90, 10, 100, 30))
    assert len(canvas.problems()) == 1
    assert "outside" in canvas.problems()[0]


def test_overlapping_texts_and_panels_are_problems(canvas: Canvas) -> None:
    panel = canvas.region(pygame.Rect(10, 10, 200, 100))
    canvas.text("one", panel)
    canvas.text("two", panel)
    canvas.region(pygame.Rect(100, 50, 200, 100))
    canvas.region(pygame.Rect(1200, 50, 200, 100))
    problems = " ".join(canvas.problems())
    assert "'one'" in problems
    assert "panels" in problems
    assert "leaves the picture" in problems


def test_a_paragraph_never_leaves_its_rectangle(canvas: Canvas) -> None:
    for height in (5, 20, 50, 90):
        canvas.clear()
        canvas.region(pygame.Rect(10, 10, 150, height))
        canvas.paragraph("many words that go on and on " * 9, pygame.Rect(10, 10, 150, height))
        assert canvas.problems() == []
    assert len(canvas.texts) >= 4
    assert canvas.texts[-1].text.endswith("…")


def test_points_grow_with_the_picture() -> None:
    assert Canvas((2560, 1440)).px(10) == 2 * Canvas((1280, 720)).px(10)
    assert Canvas((960, 600)).font_pixels(style.SMALL) >= style.SMALLEST


def test_text_outlives_an_environment_that_shuts_pygame_down(canvas: Canvas) -> None:
    canvas.text("before", canvas.rect)
    pygame.quit()
    canvas.text("after, in another size", canvas.rect, style.TITLE)
    assert len(canvas.texts) == 2


def test_pixels_are_rows_of_columns(canvas: Canvas) -> None:
    canvas.surface.set_at((5, 3), (1, 2, 3))
    assert tuple(canvas.pixels()[3, 5]) == (1, 2, 3)
