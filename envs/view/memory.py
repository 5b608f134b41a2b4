"""The page of a memory: its state unit by unit over the steps of an episode, its gates, the values."""

from collections.abc import Sequence

import numpy as np

from envs.view import bars, chrome, graph, layout, shapes, style
from envs.view.canvas import Canvas
from envs.view.colour_maps import diverging
from envs.view.pictures import MemoryPicture, Series, Spot, Strip
from envs.view.sdl import pygame

COLUMNS_MIN = 12  # steps for which there is room; fewer leave some of it free
COLOURS = (style.SKY, style.ORANGE, style.GREEN, style.PURPLE, style.YELLOW, style.VERMILLION)
SHARE = graph.Axis(0.0, 1.0, ((0.0, "closed"), (1.0, "open")))
LATER = 150  # alpha over what comes after the step that is shown


def draw_page(canvas: Canvas, picture: MemoryPicture) -> None:
    """The whole page, without the help."""
    place = layout.memory_layout(canvas.rect.size, canvas.unit, len(picture.strips), bool(picture.gates))
    chrome.draw_title(canvas, canvas.region(place.header), picture.title, picture.status)
    room = canvas.panel(place.frame, f"Step {picture.first + picture.cursor}")
    if picture.frame is None:
        canvas.text("this environment draws no picture", room, style.BODY, style.FAINT, "centre")
    else:
        canvas.image(picture.frame, room)
    room = canvas.panel(place.output, "Action values Q", "bars: from the mean")
    bars.draw_actions(canvas, room, picture.actions, explored=False)
    for rect, strip in zip(place.strips, picture.strips, strict=True):
        note = f"orange -{strip.high:.2g} · blue +{strip.high:.2g}"
        _strip(canvas, canvas.panel(rect, strip.title, note), strip, picture)
    if picture.gates:
        room = canvas.panel(place.gates, "Gates", "mean over the units")
        _graph(canvas, room, picture.gates, SHARE, picture)
    values = [value for series in picture.q for value in series.values]
    room = canvas.panel(place.q, "Action values over time")
    _graph(canvas, room, picture.q, graph.nice_axis(values), picture)
    chrome.draw_footer(canvas, place.footer, picture.footer, picture.tabs)


def _strip(canvas: Canvas, rect: pygame.Rect, strip: Strip, picture: MemoryPicture) -> None:
    """A row for each unit, a column for each step; the step that is shown is framed, later ones are dim."""
    count = strip.values.shape[1]
    line = canvas.line_height(style.SMALL)
    plot = pygame.Rect(rect.left, rect.top, rect.width, rect.height - line)
    edges = [plot.left + plot.width * step // max(COLUMNS_MIN, count) for step in range(count + 1)]
    columns = np.repeat(np.arange(count), np.diff(edges))
    rows = np.arange(plot.height) * strip.values.shape[0] // plot.height
    colours = diverging(strip.values, strip.high)[rows][:, columns]
    canvas.surface.blit(pygame.surfarray.make_surface(colours.swapaxes(0, 1)), plot)
    left, right = edges[picture.cursor], edges[picture.cursor + 1]
    canvas.box(pygame.Rect(right, plot.top, edges[-1] - right, plot.height), style.PANEL, 0, LATER)
    outline = pygame.Rect(left, plot.top, right - left, plot.height).inflate(2, 2)
    canvas.surface.blit(shapes.frame(outline.size, 0, max(1.0, 1.5 * canvas.unit), style.TEXT), outline)
    below = pygame.Rect(plot.left, plot.bottom, plot.width, line)
    canvas.text(f"step {picture.first}", below, style.SMALL, style.FAINT)
    drawn = pygame.Rect(plot.left, plot.top, edges[-1] - plot.left, plot.height)
    canvas.listen(
        drawn,
        lambda point: Spot("graph", (0, picture.first + int(columns[point[0] - plot.left]))),
    )


def _graph(
    canvas: Canvas, rect: pygame.Rect, series: Sequence[Series], axis: graph.Axis, picture: MemoryPicture
) -> None:
    curves = [
        graph.Curve(each.name, colour, each.values) for each, colour in zip(series, COLOURS, strict=False)
    ]
    steps = max(COLUMNS_MIN, len(series[0].values)) - 1
    graph.draw_graph(canvas, rect, curves, axis, steps, "steps", cursor=picture.cursor, first=picture.first)
