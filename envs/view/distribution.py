"""The distribution of an action's return: bars of probability, whether atoms or quantiles are known."""

import numpy as np

from envs.view import shapes, style
from envs.view.canvas import Canvas
from envs.view.pictures import ReturnDistribution
from envs.view.sdl import pygame

BINS = 40  # at most, fewer in narrow panels
BIN_WIDTH = 5  # points, at least
TICK = 10  # points
ENDS = (0.01, 0.99)  # what lies outside is not shown


def draw_distribution(canvas: Canvas, rect: pygame.Rect, spread: ReturnDistribution) -> None:
    """A histogram over the range that holds the probability; the mean as a line, other actions' as ticks."""
    line = canvas.line_height(style.SMALL)
    plot = pygame.Rect(rect.left, rect.top + line, rect.width, rect.height - 2 * line - canvas.px(TICK))
    low, high = _range(spread)
    bins = max(4, min(BINS, plot.width // canvas.px(BIN_WIDTH)))
    heights, _ = np.histogram(spread.returns, bins, (low, high), weights=spread.weights)
    top = float(heights.max()) or 1.0
    for i, height in enumerate(heights.tolist()):
        left, right = (plot.left + j * plot.width // bins for j in (i, i + 1))
        size = round(plot.height * height / top)
        canvas.box(pygame.Rect(left, plot.bottom - size, right - left - 1, size), style.SKY)
    canvas.box(pygame.Rect(plot.left, plot.bottom, plot.width, 1), style.LINE)
    for other in spread.others:
        x = _x(plot, other, low, high)
        canvas.box(pygame.Rect(x, plot.bottom + 2, canvas.px(2), canvas.px(TICK) - 2), style.PURPLE)
    x = _x(plot, spread.mean, low, high)
    canvas.box(pygame.Rect(x, plot.top, canvas.px(2), plot.height + canvas.px(TICK)), style.TEXT)
    canvas.sprite(shapes.disc(canvas.px(3), style.TEXT), (x + 1, plot.top))
    above = pygame.Rect(rect.left, rect.top, rect.width, line)
    canvas.text(f"mean {spread.mean:+.2f}", above, style.SMALL)
    if spread.others:
        canvas.text("ticks: others", above, style.SMALL, style.PURPLE, "right")
    below = pygame.Rect(rect.left, rect.bottom - line, rect.width, line)
    canvas.text(f"{low:+.1f}", below, style.SMALL, style.FAINT)
    canvas.text(f"{high:+.1f}", below, style.SMALL, style.FAINT, "right")


def _range(spread: ReturnDistribution) -> tuple[float, float]:
    """From the 1 % to the 99 % point, and all means."""
    returns, weights = np.asarray(spread.returns), np.asarray(spread.weights)
    order = np.argsort(returns)
    reached = np.cumsum(weights[order]) / weights.sum()
    low, high = (float(returns[order][min(int(np.searchsorted(reached, p)), len(order) - 1)]) for p in ENDS)
    low, high = min(low, spread.mean, *spread.others), max(high, spread.mean, *spread.others)
    border = 0.05 * (high - low) or 0.5
    return low - border, high + border


def _x(plot: pygame.Rect, value: float, low: float, high: float) -> int:
    return plot.left + round((plot.width - 2) * (value - low) / (high - low))
