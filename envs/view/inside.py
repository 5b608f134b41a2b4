"""The page of a network: its kernels beside their start, its feature maps, and what it looks at."""

import numpy as np
from numpy.typing import NDArray

from envs.view import bars, chrome, layout, shapes, style
from envs.view.board import board_grid, draw_board
from envs.view.canvas import Canvas
from envs.view.colour_maps import DIMMED, over_grey, stretched
from envs.view.pictures import InsidePicture
from envs.view.sdl import pygame
from envs.view.tiles import draw_map_grid, draw_tiles, scale_note

GREY = np.array([0.299, 0.587, 0.114])  # luma of ITU-R BT.601


def draw_page(canvas: Canvas, picture: InsidePicture) -> None:
    """The whole page, without the help."""
    place = layout.inside_layout(canvas.rect.size, canvas.unit)
    chrome.draw_title(canvas, canvas.region(place.header), picture.title, picture.status)
    _input(canvas, place.frame, picture)
    if picture.missing:
        canvas.paragraph(picture.missing, canvas.panel(place.kernels, "Inside the network"), style.BODY)
    else:
        _kernels(canvas, place.kernels, picture)
        for rect, grid in zip((place.shallow, place.deep, place.dense), picture.layers, strict=False):
            draw_map_grid(canvas, canvas.panel(rect, grid.title, scale_note(grid.maps)), grid)
        room = canvas.panel(place.output, picture.output_title)
        bars.draw_actions(canvas, room, picture.actions, explored=False)
        bars.draw_shares(canvas, room, picture.numbers)
    chrome.draw_footer(canvas, place.footer, picture.footer, picture.tabs)


def heated(frame: NDArray[np.uint8], heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The frame in dim grey with heat [h, w] over all of it, the largest in full orange."""
    grey = (frame @ GREY).astype(np.uint8)
    return over_grey(grey, stretched(heat, frame.shape[:2]), float(heat.max()))


def _input(canvas: Canvas, rect: pygame.Rect, picture: InsidePicture) -> None:
    room = canvas.panel(rect, picture.heat_title or "Input")
    if picture.board is not None:
        title = canvas.line_height(style.HEADING) + canvas.px(6)
        shown = _board(canvas, rect, picture, title)
    elif picture.frame is not None:
        pixels = picture.frame if picture.heat is None else heated(picture.frame, picture.heat)
        shown = canvas.image(pixels, room)
    else:
        canvas.text("this environment draws no picture", room, style.BODY, style.FAINT, "centre")
        return
    if picture.field is not None:
        _field(canvas, shown, picture.field)


def _board(canvas: Canvas, rect: pygame.Rect, picture: InsidePicture, title_height: int) -> pygame.Rect:
    assert picture.board is not None
    grid = board_grid(rect, picture.board.cells.shape, canvas.unit, title_height)
    draw_board(canvas, picture.board, grid)
    if picture.heat is not None:
        _heat_board(canvas.surface.subsurface(grid.rect), picture.heat)
    return grid.rect


def _heat_board(board: pygame.Surface, heat: NDArray[np.floating]) -> None:
    """Make the board dim grey and lay heat [h, w] over it, one square for each number, as `heated` does."""
    board.blit(pygame.transform.grayscale(board), (0, 0))
    board.fill((round(255 * DIMMED),) * 3, special_flags=pygame.BLEND_RGB_MULT)
    squares = pygame.Surface(heat.shape[::-1], pygame.SRCALPHA)
    squares.fill((*style.ORANGE, 0))
    alpha = pygame.surfarray.pixels_alpha(squares)
    alpha[:] = np.round(255 * heat.T / (heat.max() or 1.0)).astype(np.uint8)
    del alpha  # unlocks the surface
    board.blit(pygame.transform.scale(squares, board.get_size()), (0, 0))


def _field(canvas: Canvas, shown: pygame.Rect, field: tuple[float, float, float, float]) -> None:
    top, left, bottom, right = field
    place = pygame.Rect(
        shown.left + round(left * shown.width),
        shown.top + round(top * shown.height),
        round((right - left) * shown.width),
        round((bottom - top) * shown.height),
    )
    canvas.surface.blit(shapes.frame(place.size, 2, max(2.0, 2.5 * canvas.unit), style.TEXT), place)


def _kernels(canvas: Canvas, rect: pygame.Rect, picture: InsidePicture) -> None:
    """Now and at the start side by side, on one scale; the verdict below."""
    room = canvas.panel(rect, "First-layer kernels")
    if picture.kernels is None:
        canvas.text("this network has none: its input is a list of numbers", room, style.BODY, style.FAINT)
        return
    line = canvas.line_height(style.SMALL)
    said = pygame.Rect(room.left, room.bottom - 2 * line, room.width, 2 * line)
    canvas.paragraph(picture.verdict, said, style.SMALL, style.TEXT)
    tiles = pygame.Rect(room.left, room.top, room.width, said.top - room.top - canvas.px(4))
    high = max(float(np.abs(each).max()) for each in (picture.kernels, picture.initial) if each is not None)
    pair = ((picture.kernels_title, picture.kernels), (picture.initial_title, picture.initial))
    for half, (title, kernels) in zip(
        layout.split_columns(tiles, (0.5, 0.5), canvas.px(style.MARGIN)), pair, strict=True
    ):
        canvas.text(title, pygame.Rect(half.left, half.top, half.width, line), style.SMALL, style.MUTED)
        below = pygame.Rect(half.left, half.top + line + 2, half.width, half.height - line - 2)
        if kernels is None:
            canvas.text("not known", below, style.SMALL, style.FAINT)
        else:
            draw_tiles(canvas, below, kernels, high)
