"""A sheet of tiles: many small pictures in titled sections, each tile scaled up in whole steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.view import bars, style
from envs.view.canvas import SMALLEST_SIZE, Canvas
from envs.view.chrome import draw_title
from envs.view.pictures import ActionValue
from envs.view.sdl import pygame

WIDTH = 1280  # pixels
TILE_MIN, TILE_MAX = 56, 280  # pixels: the shorter side at least, the longer at most
LABEL, GAP, PART_GAP = 18, 10, 3  # pixels
HEADER, TITLE = 52, 26  # pixels
ROW = 26  # pixels, of a bar


@dataclass(frozen=True, slots=True)
class Tile:
    """One small picture and its name; or a few of one size, uint8[H, W, 3], side by side."""

    label: str
    parts: Sequence[NDArray[np.uint8]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Tiles of one size or bars under a title."""

    title: str
    note: str = ""
    tiles: Sequence[Tile] = ()
    actions: Sequence[ActionValue] = ()  # with bars from their mean
    numbers: Sequence[tuple[str, float]] = ()  # with bars from zero


@dataclass(frozen=True, slots=True)
class _Grid:
    """How tiles are set: pixels of a picture's pixel, of a tile, and tiles in a row."""

    enlargement: int
    size: tuple[int, int]
    columns: int


def draw_sheet(title: str, subtitle: str, sections: Sequence[Section]) -> NDArray[np.uint8]:
    """The sheet as uint8[H, 1280, 3], as high as its sections need."""
    return lay_out(title, subtitle, sections).pixels()


def lay_out(title: str, subtitle: str, sections: Sequence[Section]) -> Canvas:
    """The sheet as a canvas, whose layout can be checked."""
    inner = WIDTH - 2 * style.MARGIN - 2 * style.PADDING
    heights = [_height(section, inner) for section in sections]
    total = 2 * style.MARGIN + HEADER + sum(height + style.GAP for height in heights)
    canvas = Canvas((WIDTH, max(total, SMALLEST_SIZE[1])), unit=1.0)
    header = pygame.Rect(style.MARGIN, style.MARGIN, WIDTH - 2 * style.MARGIN, HEADER)
    canvas.region(header)
    draw_title(canvas, header, title, subtitle)
    top = header.bottom + style.GAP
    for section, height in zip(sections, heights, strict=True):
        card = pygame.Rect(style.MARGIN, top, header.width, height)
        room = canvas.panel(card, section.title, section.note)
        bars.draw_actions(canvas, room, section.actions, explored=False)
        bars.draw_numbers(canvas, room, section.numbers, _largest(section.numbers))
        _tiles(canvas, room, section.tiles)
        top += height + style.GAP
    return canvas


def _height(section: Section, width: int) -> int:
    content = ROW * max(bars.rows_of(len(section.actions)), len(section.numbers))
    if section.tiles:
        grid = _grid(section.tiles, width)
        content += -(-len(section.tiles) // grid.columns) * (grid.size[1] + LABEL + GAP)
    return 2 * style.PADDING + TITLE + content


def _largest(numbers: Sequence[tuple[str, float]]) -> float:
    return max((abs(value) for _, value in numbers), default=1.0)


def _grid(tiles: Sequence[Tile], width: int) -> _Grid:
    """As large as fills the rows, within limits."""
    parts = len(tiles[0].parts)
    part_height, part_width = tiles[0].parts[0].shape[:2]
    tile_width = parts * part_width
    in_a_row = min(len(tiles), 8 if len(tiles) <= 32 else 16)
    fills = (width // in_a_row - GAP - parts * PART_GAP) // tile_width
    readable = -(-TILE_MIN // min(part_height, part_width))
    possible = (width - parts * PART_GAP) // tile_width
    sensible = TILE_MAX // max(part_height, part_width)
    enlargement = max(1, min(max(fills, readable), possible, max(sensible, 1)))
    if part_width > 4 * part_height:  # a strip may be as long as the sheet
        enlargement = max(1, possible)
    size = (enlargement * tile_width + (parts - 1) * PART_GAP, enlargement * part_height)
    return _Grid(enlargement, size, max(1, min(len(tiles), (width + GAP) // (size[0] + GAP))))


def _tiles(canvas: Canvas, room: pygame.Rect, tiles: Sequence[Tile]) -> None:
    if not tiles:
        return
    grid = _grid(tiles, room.width)
    width, height = grid.size
    for i, tile in enumerate(tiles):
        left = room.left + (i % grid.columns) * (width + GAP)
        top = room.top + (i // grid.columns) * (height + LABEL + GAP)
        canvas.text(tile.label, pygame.Rect(left, top + height, width, LABEL), style.SMALL, style.MUTED)
        for part in tile.parts:
            shown = part.repeat(grid.enlargement, axis=0).repeat(grid.enlargement, axis=1)
            canvas.image(shown, pygame.Rect(left, top, shown.shape[1], shown.shape[0]))
            left += shown.shape[1] + PART_GAP
