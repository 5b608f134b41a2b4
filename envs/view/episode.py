"""The page of an environment: the frame, what the network is shown, its action values, its curves."""

import numpy as np
from numpy.typing import NDArray

from envs.view import bars, chrome, graph, layout, shapes, style
from envs.view.canvas import Canvas
from envs.view.distribution import draw_distribution
from envs.view.pictures import EpisodePicture
from envs.view.sdl import pygame

COLUMNS_MAX = 3  # of bars for single numbers


def draw_page(canvas: Canvas, picture: EpisodePicture) -> None:
    """The whole page, without the help."""
    place = layout.episode_layout(canvas.rect.size, canvas.unit, picture.distribution is not None)
    canvas.region(place.header)
    chrome.draw_title(canvas, place.header, picture.title, picture.status)
    _frame(canvas, place.frame, picture)
    _obs(canvas, place.obs, picture.obs)
    room = canvas.panel(place.actions, "Action values Q", picture.choice)
    bars.draw_actions(canvas, room, picture.actions, picture.explored)
    facts = place.facts
    if picture.distribution is not None:
        spread, facts = layout.split_columns(facts, (0.58, 0.42), canvas.px(style.GAP))
        chosen = next((f" of {action.name}" for action in picture.actions if action.chosen), "")
        room = canvas.panel(spread, f"Return{chosen}", "distribution")
        draw_distribution(canvas, room, picture.distribution)
    bars.draw_facts(canvas, canvas.panel(facts, "Episode"), picture.facts)
    room = canvas.panel(place.graph, "Value and return over the episode")
    _curves(canvas, room, picture)
    chrome.draw_footer(canvas, place.footer, picture.footer, picture.tabs)


def _frame(canvas: Canvas, rect: pygame.Rect, picture: EpisodePicture) -> None:
    room = canvas.panel(rect)
    if picture.frame is None:
        canvas.text("this environment draws no picture", room, style.BODY, style.FAINT, "centre")
        return
    shown = picture.frame
    large = (
        shown.shape[1] * 1.5 > room.width
    )  # large pictures are scaled smoothly, small ones keep their pixels
    canvas.image(shown, room, smooth=large)


def _obs(canvas: Canvas, rect: pygame.Rect, obs: NDArray[np.generic]) -> None:
    if obs.ndim == 3:
        note = f"{obs.shape[0]} frames of {obs.shape[2]} x {obs.shape[1]}, newest at the right"
        _planes(canvas, canvas.panel(rect, "What the network sees", note), obs)
    else:
        note = f"{obs.size} number" + ("s, in reading order" if obs.size != 1 else "")
        _numbers(canvas, canvas.panel(rect, "What the network sees", note), obs.ravel())


def _planes(canvas: Canvas, rect: pygame.Rect, planes: NDArray[np.generic]) -> None:
    gap = canvas.px(8)
    for plane, place in zip(planes, layout.split_columns(rect, (1.0,) * len(planes), gap), strict=True):
        grey = np.repeat(as_grey(plane)[:, :, None], 3, axis=2)
        shown = canvas.image(grey, place, smooth=True)
        outline = shapes.frame(shown.size, 0, 1, style.LINE)
        canvas.surface.blit(outline, shown)


def _numbers(canvas: Canvas, rect: pygame.Rect, numbers: NDArray[np.generic]) -> None:
    """A few numbers as signed bars, many as tinted cells in reading order."""
    values = numbers.astype(np.float64)
    row_height = max(canvas.line_height(style.SMALL), canvas.px(22))
    rows = max(1, rect.height // row_height)
    columns = -(-len(values) // rows)
    if columns > COLUMNS_MAX:
        _cells(canvas, rect, values)
        return
    named = [(f"[{i}]", float(value)) for i, value in enumerate(values)]
    for column, place in enumerate(layout.split_columns(rect, (1.0,) * columns, canvas.px(style.GAP))):
        bars.draw_numbers(
            canvas, place, named[column * rows : (column + 1) * rows], float(np.abs(values).max())
        )


def _cells(canvas: Canvas, rect: pygame.Rect, values: NDArray[np.float64]) -> None:
    """One square for each number, as bright as it is far from zero; squares as large as they can be."""
    columns = next(
        c for c in range(1, len(values) + 1) if -(-len(values) // c) * rect.width <= c * rect.height
    )
    side = min(rect.width // columns, rect.height // -(-len(values) // columns))
    gap = max(1, side // 10)
    for i, share in enumerate(values / (np.abs(values).max() or 1.0)):
        square = pygame.Rect(
            rect.left + (i % columns) * side, rect.top + (i // columns) * side, side - gap, side - gap
        )
        colour = style.mixed(style.TRACK, style.SKY if share > 0 else style.PURPLE, abs(share))
        canvas.box(square, colour, canvas.px(3))


def as_grey(plane: NDArray[np.generic]) -> NDArray[np.uint8]:
    """A plane as grey levels: bytes as they are, other numbers stretched from lowest to highest."""
    if plane.dtype == np.uint8:
        return np.asarray(plane, np.uint8)
    values = plane.astype(np.float64)
    low, high = values.min(), values.max()
    if low == high:
        return np.full(plane.shape, 128 if high else 0, np.uint8)
    stretched: NDArray[np.uint8] = np.round(255 * (values - low) / (high - low)).astype(np.uint8)
    return stretched


def _curves(canvas: Canvas, rect: pygame.Rect, picture: EpisodePicture) -> None:
    """The two have units of their own, so each has its own graph."""
    left, right = layout.split_columns(rect, (0.5, 0.5), canvas.px(style.MARGIN))
    for place, curve in (
        (left, graph.Curve("highest Q", style.SKY, picture.values)),
        (right, graph.Curve("return so far", style.ORANGE, picture.returns)),
    ):
        steps = max(20, len(curve.values) - 1)
        axis = graph.nice_axis(curve.values)
        graph.draw_graph(canvas, place, [curve], axis, steps, "steps", cursor=picture.cursor)
