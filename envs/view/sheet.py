"""A sheet of tiles: many small pictures in titled sections, each tile scaled up in whole steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.view import bars, style
from envs.view.canvas import SMALLEST_SIZE, Canvas
from envs.view.episode import draw_title
from envs.view.pictures import ActionValue
from envs.view.sdl import pygame

WIDTH = 1280  # pixels
TILE_MIN, TILE_MAX = 56, 220  # pixels, the longer side of a tile
LABEL, GAP = 18, 10  # pixels
HEADER, TITLE = 52, 26  # pixels
BAR = 26  # pixels, one row of a section of bars


@dataclass(frozen=True, slots=True)
class Tile:
    """One small picture, uint8[H, W, 3], and its name."""

    label: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Tiles or bars under a title."""

    title: str
    note: str = ""
    tiles: Sequence[Tile] = ()
    bars: Sequence[ActionValue] = ()


def draw_sheet(title: str, subtitle: str, sections: Sequence[Section]) -> NDArray[np.uint8]:
    """The sheet as uint8[H, 1280, 3], as high as its sections need."""
    canvas = lay_out(title, subtitle, sections)
    return canvas.pixels()


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
        room = canvas.panel(pygame.Rect(style.MARGIN, top, header.width, height), section.title, section.note)
        bars.draw_actions(canvas, room, section.bars, explored=False)
        _tiles(canvas, room, section.tiles)
        top += height + style.GAP
    return canvas


def _height(section: Section, width: int) -> int:
    content = BAR * len(section.bars)
    if section.tiles:
        columns, _, tile = _grid(section.tiles, width)
        rows = -(-len(section.tiles) // columns)
        content += rows * (tile[1] + LABEL + GAP)
    return 2 * style.PADDING + TITLE + content


def _grid(tiles: Sequence[Tile], width: int) -> tuple[int, int, tuple[int, int]]:
    """Columns, enlargement and the size of a tile: as large as fills the rows, within limits."""
    tile_height = max(tile.pixels.shape[0] for tile in tiles)
    tile_width = max(tile.pixels.shape[1] for tile in tiles)
    longer = max(tile_height, tile_width)
    columns_wanted = min(len(tiles), 8 if len(tiles) <= 32 else 16)
    room = width // columns_wanted - GAP
    enlargement = max(1, min(room // tile_width, TILE_MAX // longer), -(-TILE_MIN // longer))
    size = (tile_width * enlargement, tile_height * enlargement)
    columns = max(1, min(len(tiles), width // (size[0] + GAP)))
    return columns, enlargement, size


def _tiles(canvas: Canvas, room: pygame.Rect, tiles: Sequence[Tile]) -> None:
    if not tiles:
        return
    columns, enlargement, (width, height) = _grid(tiles, room.width)
    for i, tile in enumerate(tiles):
        left = room.left + (i % columns) * (width + GAP)
        top = room.top + (i // columns) * (height + LABEL + GAP)
        shown = tile.pixels.repeat(enlargement, axis=0).repeat(enlargement, axis=1)
        canvas.image(shown, pygame.Rect(left, top, shown.shape[1], shown.shape[0]))
        canvas.text(tile.label, pygame.Rect(left, top + height, width, LABEL), style.SMALL, style.MUTED)
