"""Line graphs over the plies of a game or the steps of an episode."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from envs.view import shapes, style
from envs.view.canvas import Canvas
from envs.view.pictures import Spot
from envs.view.sdl import pygame
from envs.view.style import Colour

MARK_WIDTH = 6  # points
LABEL_WIDTH = 52  # points for the numbers at the left


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: a y value for each x = 0, 1, 2, ...; nan leaves a gap."""

    label: str
    colour: Colour
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Axis:
    """The range of y and the values that get a grid line with a label."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]


PERCENT = Axis(0.0, 1.0, ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")))


def draw_graph(
    canvas: Canvas,
    rect: pygame.Rect,
    curves: Sequence[Curve],
    axis: Axis,
    x_max: int,
    unit: str,
    *,
    cursor: int | None = None,
    first: int = 0,
    mark: tuple[int, str] | None = None,
) -> None:
    """Curves over x from 0 to at least `x_max`, a legend above, the x range below; clicks mean an x.

    Args:
        cursor: the x that is looked at: a line, a dot on each curve; what lies behind it is faint. None: each
            curve ends in a dot.
        first: what x = 0 is called, and what a click there means.
        mark: an x to point out, with a word for the legend.
    """
    height = canvas.line_height(style.SMALL)
    plot = _plot(canvas, rect, height)
    x_max = max(1, x_max)
    if mark is not None:
        _mark(canvas, plot, mark[0] / x_max)
    _legend(canvas, pygame.Rect(rect.left, rect.top, rect.width, height), curves, mark and mark[1])
    _grid(canvas, plot, axis, height)
    below = pygame.Rect(plot.left, plot.bottom + 2, plot.width, rect.bottom - plot.bottom - 2)
    canvas.text(str(first), below, style.SMALL, style.FAINT)
    canvas.text(f"{first + x_max} {unit}", below, style.SMALL, style.FAINT, "right")
    if cursor is not None:
        left = plot.left + round(plot.width * cursor / x_max)
        canvas.box(pygame.Rect(left, plot.top, canvas.px(1), plot.height), style.MUTED)
    for curve in curves:
        _line(canvas, plot, curve, axis, x_max, cursor)
    canvas.listen(
        plot,
        lambda point: Spot("graph", (0, first + round((point[0] - plot.left) * x_max / plot.width))),
    )


def _plot(canvas: Canvas, rect: pygame.Rect, height: int) -> pygame.Rect:
    """Where the curves run: between the legend above, the x range below and the numbers at the left."""
    left, top = canvas.px(LABEL_WIDTH), height + height // 2
    width = rect.width - left - canvas.px(6)
    return pygame.Rect(rect.left + left, rect.top + top, width, rect.height - top - height)


def nice_axis(values: Sequence[float]) -> Axis:
    """An axis that holds all values and zero, with round numbers at its ends."""
    known = [value for value in values if math.isfinite(value)]
    low, high = min([0.0, *known]), max([0.0, *known])
    if low == high:
        high = 1.0
    step = 10 ** math.floor(math.log10(high - low))
    if (high - low) / step < 3:
        step /= 2
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    ticks = {low: f"{low:.3g}", high: f"{high:.3g}"}
    if low < 0 < high and min(high, -low) > 0.15 * (high - low):
        ticks[0.0] = "0"
    return Axis(low, high, tuple(ticks.items()))


def _mark(canvas: Canvas, plot: pygame.Rect, share: float) -> None:
    """A band at a share of the plot's width."""
    band = pygame.Rect(0, plot.top, canvas.px(MARK_WIDTH), plot.height)
    band.centerx = plot.left + round(share * plot.width)
    canvas.box(band.clip(plot.inflate(canvas.px(MARK_WIDTH), 0)), style.VERMILLION, canvas.px(3), 110)


def _legend(canvas: Canvas, rect: pygame.Rect, curves: Sequence[Curve], marked: str | None) -> None:
    left = rect.left
    if marked:
        room = pygame.Rect(rect.centerx, rect.top, rect.right - rect.centerx, rect.height)
        shown = canvas.text(marked, room, style.SMALL, style.MUTED, "right")
        band = pygame.Rect(0, 0, canvas.px(MARK_WIDTH), canvas.px(12))
        band.midright = (shown.left - canvas.px(5), rect.centery)
        canvas.box(band, style.VERMILLION, canvas.px(3), 160)
        rect = pygame.Rect(rect.left, rect.top, band.left - rect.left - canvas.px(8), rect.height)
    for curve in curves:
        dash = pygame.Rect(left, 0, canvas.px(16), max(2, canvas.px(3)))
        dash.centery = rect.centery
        canvas.box(dash, curve.colour, 1)
        room = pygame.Rect(
            dash.right + canvas.px(6), rect.top, rect.right - dash.right - canvas.px(6), rect.height
        )
        if room.width <= 0:
            return
        left = canvas.text(curve.label, room, style.SMALL, style.MUTED).right + canvas.px(18)


def _grid(canvas: Canvas, plot: pygame.Rect, axis: Axis, height: int) -> None:
    for value, label in axis.ticks:
        y = _y(plot, axis, value)
        canvas.box(pygame.Rect(plot.left, y, plot.width, 1), style.LINE)
        place = pygame.Rect(
            plot.left - canvas.px(LABEL_WIDTH), y - height // 2, canvas.px(LABEL_WIDTH - 6), height
        )
        canvas.text(label, place, style.SMALL, style.FAINT, "right")


def _line(
    canvas: Canvas, plot: pygame.Rect, curve: Curve, axis: Axis, x_max: int, cursor: int | None
) -> None:
    """Runs of known values; each is drawn on a layer that is a little larger than itself."""
    if cursor is not None and cursor < len(curve.values) - 1:
        faint = style.mixed(style.PANEL, curve.colour, 0.45)
        later = [math.nan if x < cursor else value for x, value in enumerate(curve.values)]
        _line(canvas, plot, Curve("", faint, later), axis, x_max, None)
        curve = Curve(curve.label, curve.colour, curve.values[: cursor + 1])
    border = canvas.px(6)
    width = max(1.5, 2.2 * canvas.unit)
    last = None
    for run in _runs(curve.values):
        points = _thinned(
            [(plot.left + plot.width * x / x_max, float(_y(plot, axis, value))) for x, value in run]
        )
        left, top = int(points[0][0]) - border, int(min(y for _, y in points)) - border
        size = (int(points[-1][0]) - left + border, int(max(y for _, y in points)) - top + border)
        line = shapes.polyline(size, tuple((x - left, y - top) for x, y in points), width, curve.colour)
        canvas.surface.blit(line, (left, top))
        last = run[-1]
    if last is not None:
        centre = plot.left + plot.width * last[0] / x_max, _y(plot, axis, last[1])
        canvas.sprite(shapes.disc(max(2.5, 3.6 * canvas.unit), curve.colour), centre)


def _runs(values: Sequence[float]) -> list[list[tuple[int, float]]]:
    """Stretches without gaps, as (x, value)."""
    runs: list[list[tuple[int, float]]] = [[]]
    for x, value in enumerate(values):
        if math.isfinite(value):
            runs[-1].append((x, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most about two points a pixel: the lowest and the highest of each pixel column."""
    if len(points) < 2 * (points[-1][0] - points[0][0]) + 8:
        return points
    columns: dict[int, list[tuple[float, float]]] = {}
    for point in points:
        columns.setdefault(round(point[0]), []).append(point)
    kept = []
    for column in columns.values():
        low, high = min(column, key=lambda p: p[1]), max(column, key=lambda p: p[1])
        kept += [low, high] if low[0] <= high[0] else [high, low]
    return kept


def _y(plot: pygame.Rect, axis: Axis, value: float) -> int:
    share = (min(max(value, axis.low), axis.high) - axis.low) / (axis.high - axis.low)
    return round(plot.bottom - share * plot.height)
