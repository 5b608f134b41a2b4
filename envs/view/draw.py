"""A picture's plain data in, pixels out: uint8[H, W, 3], with or without a display.

`paint` draws on a canvas that a window keeps; `draw` makes a new one and returns its pixels.
"""

import math

import numpy as np
from numpy.typing import NDArray

from envs.view import bars, chrome, episode, graph, inside, layout, memory, shapes, style, tree
from envs.view.board import BoardGrid, board_grid, draw_board, draw_stone
from envs.view.canvas import Canvas
from envs.view.looks import look_of
from envs.view.pictures import BoardPicture, Cell, EpisodePicture, Help, InsidePicture, MemoryPicture, Picture
from envs.view.sdl import pygame

DEFAULT_SIZE = (1280, 720)


def draw(picture: Picture, size: tuple[int, int] = DEFAULT_SIZE) -> NDArray[np.uint8]:
    """The picture as uint8[H, W, 3]; size is (width, height). Raises: ValueError for a size too small."""
    canvas = Canvas(size)
    paint(canvas, picture)
    return canvas.pixels()


def paint(canvas: Canvas, picture: Picture) -> None:
    """Draw the whole picture anew."""
    canvas.clear()
    if isinstance(picture, BoardPicture):
        _board_page(canvas, picture)
    elif isinstance(picture, EpisodePicture):
        episode.draw_page(canvas, picture)
    elif isinstance(picture, InsidePicture):
        inside.draw_page(canvas, picture)
    elif isinstance(picture, MemoryPicture):
        memory.draw_page(canvas, picture)
    else:
        tree.draw_page(canvas, picture)
    if picture.help is not None:
        draw_help(canvas, picture.help)


def cell_at(canvas: Canvas, picture: Picture, point: tuple[int, int]) -> Cell | None:
    """The board cell below a point of the picture, in pixels; None where there is none."""
    if not isinstance(picture, BoardPicture):
        return None
    return grid_of(canvas, picture).cell_at(point)


def grid_of(canvas: Canvas, picture: BoardPicture) -> BoardGrid:
    """Where the cells of a board picture are."""
    place = layout.board_layout(canvas.rect.size, canvas.unit, picture.cells.shape).board
    return board_grid(place, picture.cells.shape, canvas.unit, _title_height(canvas))


def draw_help(canvas: Canvas, text: Help) -> None:
    """The keys, over a dimmed picture."""
    canvas.cover()
    row_height = max(canvas.line_height(style.BODY), canvas.px(26))
    width = canvas.px(620)
    height = (len(text.keys) + 2) * row_height + 2 * canvas.px(style.MARGIN)
    card = pygame.Rect(0, 0, width, min(height, canvas.rect.height - 2 * canvas.px(style.MARGIN)))
    card.center = canvas.rect.center
    room = canvas.panel(card)
    title = pygame.Rect(room.left, room.top, room.width, row_height)
    canvas.text(text.title, title, style.TITLE, style.TEXT, bold=True)
    for i, (key, meaning) in enumerate(text.keys):
        row = pygame.Rect(room.left, room.top + round((i + 1.6) * row_height), room.width, row_height)
        key_width = canvas.px(150)
        canvas.text(
            key, pygame.Rect(row.left, row.top, key_width, row_height), style.BODY, style.SKY, bold=True
        )
        rest = pygame.Rect(row.left + key_width, row.top, row.width - key_width, row_height)
        canvas.text(meaning, rest, style.BODY)


def _board_page(canvas: Canvas, picture: BoardPicture) -> None:
    place = layout.board_layout(canvas.rect.size, canvas.unit, picture.cells.shape)
    look = look_of(picture.game)
    _header(canvas, place.header, picture)
    canvas.panel(place.board, picture.hints_title)
    draw_board(canvas, picture, grid_of(canvas, picture))
    title = f"Expected score of {look.sides[0]}"
    bars.draw_judgements(canvas, canvas.panel(place.judgements, title, "50 % is a draw"), picture.judgements)
    note = f"+ is for {look.sides[0]}" if picture.terms else picture.terms_note
    bars.draw_terms(canvas, canvas.panel(place.terms, "Handcrafted terms", note), picture.terms)
    bars.draw_search(canvas, canvas.panel(place.search, picture.search_title), picture)
    curves = [
        graph.Curve(judgement.label, judgement.colour, judgement.history)
        for judgement in picture.judgements
        if any(map(math.isfinite, judgement.history))
    ]
    plies = max([len(curve.values) - 1 for curve in curves], default=0)
    room = canvas.panel(place.graph, "Both judgements over the game", f"expected score of {look.sides[0]}")
    mark = picture.disagreement
    graph.draw_graph(
        canvas,
        room,
        curves,
        graph.PERCENT,
        max(10, plies),
        "plies",
        cursor=picture.cursor,
        mark=None if mark is None else (mark, f"largest disagreement: ply {mark}"),
    )
    chrome.draw_footer(canvas, place.footer, picture.footer, picture.tabs)


def _header(canvas: Canvas, rect: pygame.Rect, picture: BoardPicture) -> None:
    """The game's name and status at the left, the two seats at the right."""
    canvas.region(rect)
    name, seats = layout.split_columns(rect, (0.28, 0.72), canvas.px(style.GAP))
    chrome.draw_title(canvas, name, picture.title, picture.status)
    for player, place in enumerate(layout.split_columns(seats, (0.5, 0.5), canvas.px(style.GAP))):
        _seat(canvas, place, picture, player)


def _seat(canvas: Canvas, rect: pygame.Rect, picture: BoardPicture, player: int) -> None:
    seat = picture.seats[player]
    canvas.box(rect, style.PANEL, canvas.px(style.CORNER))
    if picture.to_move == player:
        line = shapes.frame(rect.size, canvas.px(style.CORNER), max(1.5, 2 * canvas.unit), style.TEXT)
        canvas.surface.blit(line, rect)
    radius = rect.height * 0.28
    centre = (rect.left + rect.height * 0.5, rect.centery)
    canvas.sprite(shapes.disc(radius * 1.25, style.LINE), centre)
    draw_stone(canvas, picture.game, player, centre, radius)
    text = pygame.Rect(
        rect.left + rect.height, rect.top, rect.width - rect.height - canvas.px(10), rect.height
    )
    upper, lower = layout.split_rows(text.inflate(0, -canvas.px(6)), (0.5, 0.5), 0)
    canvas.text(seat.name, upper, style.BODY, style.TEXT, bold=True)
    canvas.text(seat.note or look_of(picture.game).sides[player], lower, style.SMALL, style.MUTED)


def _title_height(canvas: Canvas) -> int:
    return canvas.line_height(style.HEADING) + canvas.px(6)
