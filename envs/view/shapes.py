"""Smooth shapes as small sprites: each edge is computed from a distance function, so it is crisp at any size.

A sprite is a pygame Surface with an alpha channel, made once for each size and colour and kept.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.view.sdl import pygame
from envs.view.style import Colour

SUPERSAMPLING = 3  # for lines, which have no simple distance function


@lru_cache(maxsize=512)
def disc(radius: float, colour: Colour, alpha: int = 255) -> pygame.Surface:
    """A filled circle."""
    return _sprite(_coverage(_distance_from_centre(radius) - radius), colour, alpha)


@lru_cache(maxsize=512)
def ring(radius: float, width: float, colour: Colour, alpha: int = 255) -> pygame.Surface:
    """A circle line whose outer edge has the radius."""
    distance = np.abs(_distance_from_centre(radius) - (radius - width / 2)) - width / 2
    return _sprite(_coverage(distance), colour, alpha)


@lru_cache(maxsize=256)
def cross(radius: float, width: float, colour: Colour, alpha: int = 255) -> pygame.Surface:
    """Two crossed diagonal strokes with round ends inside a circle of that radius."""
    x, y = _grid(2 * int(np.ceil(radius)) + 2, 2 * int(np.ceil(radius)) + 2)
    along, across = (x + y) / np.sqrt(2), (x - y) / np.sqrt(2)
    reach = radius - width / 2
    strokes = [np.hypot(np.maximum(np.abs(a) - reach, 0), b) for a, b in ((along, across), (across, along))]
    return _sprite(_coverage(np.minimum(*strokes) - width / 2), colour, alpha)


@lru_cache(maxsize=512)
def box(size: tuple[int, int], radius: float, colour: Colour, alpha: int = 255) -> pygame.Surface:
    """A filled rectangle with round corners."""
    return _sprite(_coverage(_box_distance(size, radius)), colour, alpha)


@lru_cache(maxsize=256)
def frame(
    size: tuple[int, int], radius: float, width: float, colour: Colour, alpha: int = 255
) -> pygame.Surface:
    """The line of a rectangle with round corners, inside its size."""
    distance = np.abs(_box_distance(size, radius) + width / 2) - width / 2
    return _sprite(_coverage(distance), colour, alpha)


@lru_cache(maxsize=128)  # the costliest shape of all, and often the same as in the picture before
def polyline(
    size: tuple[int, int], points: tuple[tuple[float, float], ...], width: float, colour: Colour
) -> pygame.Surface:
    """A line of straight pieces through points in pixels, drawn large and scaled down."""
    large = pygame.Surface((size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING), pygame.SRCALPHA)
    large.fill((*colour, 0))
    scaled = [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points]
    if len(scaled) > 1:
        pygame.draw.lines(large, colour, False, scaled, max(1, round(width * SUPERSAMPLING)))
    for point in scaled:
        pygame.draw.circle(large, colour, point, width * SUPERSAMPLING / 2)
    return pygame.transform.smoothscale(large, size)


def _grid(width: int, height: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of pixel centres, the origin in the middle; indexed [x, y] as pygame does."""
    x, y = np.meshgrid(
        np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2, indexing="ij"
    )
    return x, y


def _distance_from_centre(radius: float) -> NDArray[np.float64]:
    side = 2 * int(np.ceil(radius)) + 2
    x, y = _grid(side, side)
    return np.asarray(np.hypot(x, y))


def _box_distance(size: tuple[int, int], radius: float) -> NDArray[np.float64]:
    """Signed distance to a rectangle with round corners, negative inside."""
    x, y = _grid(*size)
    radius = min(radius, size[0] / 2, size[1] / 2)
    outside_x = np.abs(x) - (size[0] / 2 - radius)
    outside_y = np.abs(y) - (size[1] / 2 - radius)
    corner = np.hypot(np.maximum(outside_x, 0), np.maximum(outside_y, 0))
    return np.asarray(corner + np.minimum(np.maximum(outside_x, outside_y), 0) - radius)


def _coverage(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each pixel a shape covers, from the signed distance of its centre."""
    return np.clip(0.5 - distance, 0, 1)


def _sprite(coverage: NDArray[np.float64], colour: Colour, alpha: int) -> pygame.Surface:
    sprite = pygame.Surface(coverage.shape, pygame.SRCALPHA)
    sprite.fill((*colour, 0))
    pixels = pygame.surfarray.pixels_alpha(sprite)
    pixels[:] = np.round(coverage * alpha).astype(np.uint8)
    del pixels  # unlocks the surface
    return sprite
