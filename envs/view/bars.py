"""Bars: expected scores on one scale, and signed rows for contributions, action values and plain numbers."""

import math
from collections.abc import Sequence

from envs.view import style
from envs.view.canvas import Canvas, width
from envs.view.pictures import ActionValue, BoardPicture, Judgement
from envs.view.sdl import pygame
from envs.view.style import Colour

NUMBER_WIDTH = 52  # points for the number at the end of a row
ONE_COLUMN_MAX = 9  # actions
LABEL_SHARE = 0.4  # of a row's width, for the names of terms
LABEL_SHARE_MAX = 0.55  # for any that are long


def draw_judgements(canvas: Canvas, rect: pygame.Rect, judgements: Sequence[Judgement]) -> None:
    """One bar below the other, 0 to 100 %, with a tick at one half: whose opinion of who stands better."""
    if not judgements:
        return
    height = rect.height // len(judgements)
    label_width, number_width, gap = canvas.px(104), canvas.px(70), canvas.px(10)
    thickness = min(canvas.px(18), height - canvas.px(6))
    for i, judgement in enumerate(judgements):
        row = pygame.Rect(rect.left, rect.top + i * height, rect.width, height)
        canvas.text(judgement.label, pygame.Rect(row.left, row.top, label_width, height), style.BODY)
        number = pygame.Rect(row.right - number_width, row.top, number_width, height)
        track = pygame.Rect(row.left + label_width + gap, 0, 0, thickness)
        track.width = number.left - gap - track.left
        track.centery = row.centery
        canvas.box(track, style.TRACK, canvas.px(4))
        if judgement.expected_score is None:
            canvas.text(judgement.missing, track.inflate(-canvas.px(16), 0), style.SMALL, style.MUTED)
            continue
        filled = pygame.Rect(track)
        filled.width = max(canvas.px(4), round(track.width * judgement.expected_score))
        canvas.box(filled, judgement.colour, canvas.px(4))
        share = f"{100 * judgement.expected_score:.0f} %"
        canvas.text(share, number, style.NUMBER, style.TEXT, "right", bold=True)
        tick = pygame.Rect(0, 0, canvas.px(2), thickness + canvas.px(6))
        tick.center = track.center
        canvas.box(tick, style.TEXT, 0, 170)


def draw_terms(canvas: Canvas, rect: pygame.Rect, terms: Sequence[tuple[str, float]]) -> None:
    """Contributions around a common zero line, largest first; the last row sums what does not fit."""
    height = row_height(canvas)
    largest_first = sorted(terms, key=lambda term: -abs(term[1]))
    rows = [
        (name.replace("_", " "), v) for name, v in _shortened(largest_first, max(1, rect.height // height))
    ]
    scale = max((abs(value) for _, value in rows), default=0.0) or 1.0
    label_share = max(LABEL_SHARE, _label_share(canvas, [name for name, _ in rows], rect.width))
    for i, (name, value) in enumerate(rows):
        row = pygame.Rect(rect.left, rect.top + i * height, rect.width, height)
        number = f"{value:+.0f}" if round(value) else "0"
        colours = (style.POSITIVE, style.NEGATIVE)
        _row(canvas, row, name, number, value / scale, colours, label_share)


def draw_actions(canvas: Canvas, rect: pygame.Rect, actions: Sequence[ActionValue], explored: bool) -> None:
    """Action values as numbers, and as bars of how far each lies from their mean, since they differ little.

    The chosen action is bright, in another colour where it was explored; the best one bears a star.
    """
    if not actions:
        return
    rows = rows_of(len(actions))
    columns = -(-len(actions) // rows)
    height = min(rect.height // rows, canvas.px(30))
    mean = sum(action.value for action in actions) / len(actions)
    scale = max(abs(action.value - mean) for action in actions) or 1.0
    colour = style.ORANGE if explored else style.SKY
    best = max(actions, key=lambda action: action.value)
    gap = canvas.px(8)
    column_width = (rect.width - (columns - 1) * 2 * gap) // columns
    starred = [f"{action.name} ★" for action in actions]  # any of them may be the best
    label_share = _label_share(canvas, starred, column_width)
    for i, action in enumerate(actions):
        left = rect.left + (i // rows) * (column_width + 2 * gap)
        row = pygame.Rect(left, rect.top + (i % rows) * height, column_width, height)
        if action.chosen:
            canvas.box(row.inflate(gap, -2), style.mixed(style.PANEL, colour, 0.3), canvas.px(5))
        _row(
            canvas,
            row,
            action.name + (" ★" if action is best else ""),
            signed(action.value),
            (action.value - mean) / scale,
            (style.SKY, style.PURPLE),
            label_share,
            style.TEXT if action.chosen else style.MUTED,
        )


def rows_of(num_actions: int) -> int:
    """In how many rows `draw_actions` sets so many: one column, or two where they are many."""
    return num_actions if num_actions <= ONE_COLUMN_MAX else -(-num_actions // 2)


def draw_numbers(
    canvas: Canvas, rect: pygame.Rect, numbers: Sequence[tuple[str, float]], scale: float
) -> None:
    """Named numbers, each as a bar of its share of `scale`."""
    height = row_height(canvas)
    for i, (name, value) in enumerate(numbers):
        row = pygame.Rect(rect.left, rect.top + i * height, rect.width, height)
        _row(
            canvas,
            row,
            name,
            signed(value),
            value / (scale or 1.0),
            (style.SKY, style.PURPLE),
            label_share=0.15,
        )


def draw_shares(canvas: Canvas, rect: pygame.Rect, shares: Sequence[tuple[str, float]]) -> None:
    """Named percentages, as many as fit, each as a bar from the left; the first is bright."""
    height = row_height(canvas)
    gap, number_width = canvas.px(6), canvas.px(NUMBER_WIDTH)
    for i, (name, percent) in enumerate(shares[: max(0, rect.height // height)]):
        row = pygame.Rect(rect.left, rect.top + i * height, rect.width, height)
        label_width = round(0.18 * row.width)
        canvas.text(name, pygame.Rect(row.left, row.top, label_width, height), style.SMALL)
        end = pygame.Rect(row.right - number_width, row.top, number_width, height)
        canvas.text(f"{percent:.0f} %", end, style.SMALL, style.TEXT, "right")
        track = pygame.Rect(row.left + label_width + gap, 0, 0, min(canvas.px(12), height - 2))
        track.width = end.left - gap - track.left
        track.centery = row.centery
        canvas.box(track, style.TRACK, canvas.px(3))
        filled = pygame.Rect(track.left, track.top, round(track.width * percent / 100), track.height)
        canvas.box(filled, style.SKY if i == 0 else style.mixed(style.TRACK, style.SKY, 0.6), canvas.px(3))


def draw_facts(canvas: Canvas, rect: pygame.Rect, facts: Sequence[tuple[str, str]]) -> int:
    """Names at the left, values at the right; returns the pixel row below the last that fitted."""
    height = row_height(canvas)
    top = rect.top
    for name, value in facts:
        if top + height > rect.bottom:
            break
        row = pygame.Rect(rect.left, top, rect.width, height)
        used = canvas.text(name, row, style.SMALL, style.MUTED).right + canvas.px(8)
        canvas.text(value, pygame.Rect(used, top, rect.right - used, height), style.BODY, style.TEXT, "right")
        top += height
    return top


def draw_search(canvas: Canvas, room: pygame.Rect, picture: BoardPicture) -> None:
    """What a search cost and found, and its line in words below."""
    line = canvas.line_height(style.SMALL)
    facts = pygame.Rect(room)
    facts.height -= 2 * line if picture.line else 0
    bottom = draw_facts(canvas, facts, picture.search)
    if picture.line:
        rest = pygame.Rect(room.left, bottom + canvas.px(4), room.width, room.bottom - bottom - canvas.px(4))
        rest.height = min(rest.height, 5 * line)
        canvas.paragraph(f"Line: {picture.line}", rest)


def short_number(number: float) -> str:
    """At most four signs and a unit: 999, 1.2k, 45k, 3.4M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.1f}{unit}" if number < 10 * size else f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def signed(value: float) -> str:
    """With its sign and about four digits: +0.123, -21.00, +512.3, 0."""
    decimals = max(0, 3 - math.floor(math.log10(max(abs(value), 1.0))))
    text = f"{value:+.{decimals}f}"
    return text if float(text) else "0"


def row_height(canvas: Canvas) -> int:
    """Pixels for one row of a list."""
    return max(canvas.line_height(style.SMALL), canvas.px(23))


def _row(
    canvas: Canvas,
    row: pygame.Rect,
    name: str,
    number: str,
    share: float,
    colours: tuple[Colour, Colour],
    label_share: float,
    ink: Colour = style.TEXT,
) -> None:
    """A label, a bar from the middle of its track (to the right for share > 0), and the number."""
    gap, number_width = canvas.px(6), canvas.px(NUMBER_WIDTH)
    label_width = round(label_share * row.width)
    canvas.text(name, pygame.Rect(row.left, row.top, label_width, row.height), style.SMALL, ink)
    end = pygame.Rect(row.right - number_width, row.top, number_width, row.height)
    canvas.text(number, end, style.SMALL, ink, "right")
    track = pygame.Rect(row.left + label_width + gap, 0, 0, min(canvas.px(12), row.height - 2))
    track.width = end.left - gap - track.left
    track.centery = row.centery
    canvas.box(track, style.TRACK, canvas.px(3))
    length = round(abs(share) * track.width / 2)
    left = track.centerx if share > 0 else track.centerx - length
    canvas.box(pygame.Rect(left, track.top, length, track.height), colours[share <= 0], canvas.px(2))
    canvas.box(pygame.Rect(track.centerx, track.top - 1, 1, track.height + 2), style.TEXT, 0, 150)


def _label_share(canvas: Canvas, names: Sequence[str], row_width: int) -> float:
    """The share of a row that the longest of the labels needs, or the most that it may have."""
    longest = max((width(name, canvas.font_pixels(style.SMALL)) for name in names), default=0)
    return min(longest / row_width, LABEL_SHARE_MAX)


def _shortened(terms: list[tuple[str, float]], rows: int) -> list[tuple[str, float]]:
    if len(terms) <= rows:
        return terms
    kept, rest = terms[: rows - 1], terms[rows - 1 :]
    return [*kept, (f"{len(rest)} others", sum(value for _, value in rest))]
