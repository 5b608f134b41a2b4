"""Many small maps in one panel: each a tile, all of one size, as large as fits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.view import shapes, style
from envs.view.canvas import Canvas
from envs.view.colour_maps import diverging, rising
from envs.view.pictures import MapGrid, Spot
from envs.view.sdl import pygame

WHOLE_FROM = 8.0  # pixels of a map's pixel from which only whole enlargements are taken
SIDE_MAX = 160  # points of a tile
BRIGHT = 0.995  # share of the numbers below full colour: a single large one would darken all others


@dataclass(frozen=True, slots=True)
class Tiling:
    """How tiles are set in a rectangle."""

    left: int
    top: int
    columns: int
    shown: int  # how many of the maps there is room for
    tile: tuple[int, int]  # width and height in pixels
    gap: int

    def place(self, index: int) -> pygame.Rect:
        """The rectangle of a tile."""
        row, column = divmod(index, self.columns)
        width, height = self.tile
        return pygame.Rect(
            self.left + column * (width + self.gap), self.top + row * (height + self.gap), width, height
        )


def draw_map_grid(canvas: Canvas, rect: pygame.Rect, grid: MapGrid) -> None:
    """The maps of a layer; a click on one of their cells is a spot."""
    maps = _folded(grid.maps, rect)
    tiling = draw_tiles(canvas, rect, maps, brightest(grid.maps))
    height, width = grid.maps.shape[1:]

    def meaning(point: tuple[int, int]) -> Spot | None:
        for index in range(tiling.shown):
            place = tiling.place(index)
            if place.collidepoint(point):
                row = (point[1] - place.top) * height // place.height
                column = (point[0] - place.left) * width // place.width
                return Spot(grid.name, (row, column), index)
        return None

    if maps is not grid.maps:  # a vector set in rows: its units see everything
        return
    canvas.listen(rect, meaning)
    if grid.picked is not None and grid.picked[0] < tiling.shown:
        _mark(canvas, tiling.place(grid.picked[0]), grid.picked[1], (height, width))


def draw_tiles(canvas: Canvas, rect: pygame.Rect, maps: NDArray[np.float32], high: float) -> Tiling:
    """Maps [C, h, w] on one scale up to `high`, row by row from the upper left."""
    tiling = _tiling(canvas, rect, maps.shape)
    for index, pixels in enumerate(tinted(maps[: tiling.shown], high)):
        small = pygame.surfarray.make_surface(pixels.swapaxes(0, 1))
        canvas.surface.blit(pygame.transform.scale(small, tiling.tile), tiling.place(index))
    return tiling


def tinted(maps: NDArray[np.float32], high: float) -> NDArray[np.uint8]:
    """uint8[..., 3]: signed numbers in proportion; amounts by their square root, which lifts faint ones."""
    if maps.size and maps.min() < 0:
        return diverging(maps, high)
    return rising(np.sqrt(np.maximum(maps, 0)), high**0.5)


def scale_note(maps: NDArray[np.float32]) -> str:
    """What the colours of `tinted` mean in numbers, and how many of several maps are all zero."""
    high = brightest(maps)
    if maps.size and maps.min() < 0:
        return f"orange -{high:.2g} · blue +{high:.2g}"
    if len(maps) == 1:
        return f"black 0 · blue {high / 4:.2g} · white {high:.2g}"
    silent = int((maps == 0).all(axis=(1, 2)).sum())
    return (f"{silent} silent · " if silent else "") + f"white {high:.2g}"


def brightest(maps: NDArray[np.float32]) -> float:
    """The number that gets the full colour; a few lie above it, lest one alone darken all others."""
    amounts = np.abs(maps)
    return float(np.quantile(amounts, BRIGHT)) or float(amounts.max())


def _tiling(canvas: Canvas, rect: pygame.Rect, shape: tuple[int, ...]) -> Tiling:
    """The number of columns that makes the tiles largest; fewer tiles where one pixel is too much."""
    count, height, width = shape
    gap = canvas.px(3)
    best, best_columns = 0.0, 1
    for columns in range(1, count + 1):
        lines = -(-count // columns)
        scale = min(
            ((rect.width + gap) // columns - gap) / width,
            ((rect.height + gap) // lines - gap) / height,
            canvas.px(SIDE_MAX) / max(1, min(width, height)),
        )
        if scale > best:
            best, best_columns = scale, columns
    if best < 1:
        best, best_columns = 1.0, max(1, (rect.width + gap) // (width + gap))
    scale = float(int(best)) if best >= WHOLE_FROM else best
    tile = (min(rect.width, int(width * scale)), min(rect.height, int(height * scale)))
    lines = max(1, (rect.height + gap) // (tile[1] + gap))
    return Tiling(rect.left, rect.top, best_columns, min(count, lines * best_columns), tile, gap)


def _folded(maps: NDArray[np.float32], rect: pygame.Rect) -> NDArray[np.float32]:
    """A vector [1, 1, F] in rows that suit the rectangle, filled up with zeros; others as they are."""
    if maps.shape[:2] != (1, 1):
        return maps
    size = maps.shape[2]
    columns = min(size, max(1, round((size * rect.width / max(1, rect.height)) ** 0.5)))
    rows = -(-size // columns)
    folded = np.zeros(rows * columns, np.float32)
    folded[:size] = maps.ravel()
    return folded.reshape(1, rows, columns)


def _mark(canvas: Canvas, tile: pygame.Rect, cell: tuple[int, int], shape: tuple[int, int]) -> None:
    """A frame around a tile and around one of its cells."""
    height, width = shape
    top, left = tile.top + cell[0] * tile.height // height, tile.left + cell[1] * tile.width // width
    bottom = tile.top + (cell[0] + 1) * tile.height // height
    right = tile.left + (cell[1] + 1) * tile.width // width
    for place in (tile.inflate(2, 2), pygame.Rect(left - 1, top - 1, right - left + 2, bottom - top + 2)):
        canvas.surface.blit(shapes.frame(place.size, 0, max(1.0, 1.5 * canvas.unit), style.TEXT), place)
