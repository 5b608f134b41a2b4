"""The board: cells, stones, coordinates, last move, hints with numbers, and the expected line as ghosts."""

from collections.abc import Sequence
from dataclasses import dataclass

from envs.view import shapes, style
from envs.view.canvas import Canvas
from envs.view.looks import Look, look_of
from envs.view.pictures import BoardPicture, Cell
from envs.view.sdl import pygame

STONE = 0.42  # radius in cells
BADGE_MAX = 14  # points, radius of a ghost's number
LABELS = 22  # points kept free for coordinates
RIM_MAX = 7  # points of the board beyond its cells


@dataclass(frozen=True, slots=True)
class BoardGrid:
    """The cells of a board as pixels."""

    rect: pygame.Rect  # of all cells
    cell: int  # side in pixels
    shape: tuple[int, int]

    def centre(self, cell: Cell) -> tuple[float, float]:
        """The middle of a cell."""
        return (
            self.rect.left + (cell[1] + 0.5) * self.cell,
            self.rect.top + (cell[0] + 0.5) * self.cell,
        )

    def square(self, cell: Cell) -> pygame.Rect:
        """The rectangle of a cell."""
        return pygame.Rect(
            self.rect.left + cell[1] * self.cell, self.rect.top + cell[0] * self.cell, self.cell, self.cell
        )

    def cell_at(self, point: tuple[int, int]) -> Cell | None:
        """The cell below a point, None outside the board."""
        if not self.rect.collidepoint(point):
            return None
        return (point[1] - self.rect.top) // self.cell, (point[0] - self.rect.left) // self.cell


def board_grid(panel: pygame.Rect, shape: tuple[int, int], unit: float, title_height: int) -> BoardGrid:
    """The largest grid of square cells that fits the panel below its title, with room for coordinates."""
    rows, columns = shape
    labels, padding, rim = round(LABELS * unit) + 4, round(style.PADDING * unit), round(RIM_MAX * unit)
    room = pygame.Rect(
        panel.left + labels,
        panel.top + padding + title_height + rim,
        panel.width - 2 * labels,
        panel.height - 2 * padding - title_height - rim - labels,
    )
    cell = min(room.width // columns, room.height // rows)
    rect = pygame.Rect(0, 0, cell * columns, cell * rows)
    rect.midtop = (room.centerx, room.top + (room.height - rect.height) // 2)
    return BoardGrid(rect, cell, shape)


def draw_board(canvas: Canvas, picture: BoardPicture, grid: BoardGrid, coordinates: bool = True) -> None:
    """Everything on the board, from the ground up."""
    look = look_of(picture.game)
    _ground(canvas, look, grid)
    if coordinates:
        _coordinates(canvas, look, grid)
    _hints(canvas, picture, look, grid)
    if look.marks == "signs":
        for cell in picture.marked:
            _light_up(canvas, grid, cell, style.TEXT, 44)
    for (row, column), owner in _owned(picture):
        _stone(canvas, look, owner - 1, grid.centre((row, column)), STONE * grid.cell)
    if look.marks == "discs":
        _mark_discs(canvas, grid, picture.marked)
    if picture.last is not None and picture.last not in picture.marked:
        _last(canvas, picture, look, grid)
    _ghosts(canvas, picture, look, grid)
    _hint_numbers(canvas, picture, grid)


def draw_stone(canvas: Canvas, game: str, player: int, centre: tuple[float, float], radius: float) -> None:
    """One player's stone, for legends."""
    _stone(canvas, look_of(game), player, centre, radius)


def _owned(picture: BoardPicture) -> list[tuple[Cell, int]]:
    rows, columns = picture.cells.shape
    return [
        ((row, column), int(picture.cells[row, column]))
        for row in range(rows)
        for column in range(columns)
        if picture.cells[row, column]
    ]


def _ground(canvas: Canvas, look: Look, grid: BoardGrid) -> None:
    border = _border(canvas, grid)
    canvas.box(grid.rect.inflate(2 * border, 2 * border), look.board, 2 * border)
    line = _line_width(grid)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            if look.holes:
                canvas.sprite(shapes.disc(STONE * grid.cell, look.cell), grid.centre((row, column)))
            else:
                canvas.box(grid.square((row, column)).inflate(-line, -line), look.cell, 0.04 * grid.cell)


def _border(canvas: Canvas, grid: BoardGrid) -> int:
    return min(max(3, round(0.07 * grid.cell)), canvas.px(RIM_MAX))


def _line_width(grid: BoardGrid) -> int:
    return max(1, round(0.022 * grid.cell))


def _coordinates(canvas: Canvas, look: Look, grid: BoardGrid) -> None:
    border = _border(canvas, grid)
    height = canvas.line_height(style.SMALL)
    top = grid.rect.bottom + border + 1
    for column in range(grid.shape[1]):
        label = "abcdefgh"[column] if look.column_letters else str(column + 1)
        square = grid.square((0, column))
        canvas.text(
            label, pygame.Rect(square.left, top, square.width, height), style.SMALL, style.MUTED, "centre"
        )
    if not look.row_labels:
        return
    width = canvas.px(LABELS) - border
    for row in range(grid.shape[0]):
        square = grid.square((row, 0))
        place = pygame.Rect(grid.rect.left - border - width - 2, square.top, width, square.height)
        canvas.text(str(row + 1), place, style.SMALL, style.MUTED, "right")


def _stone(
    canvas: Canvas, look: Look, player: int, centre: tuple[float, float], radius: float, alpha: int = 255
) -> None:
    """Sides differ in form and in colour: crosses and rings, or discs with and without an inner ring."""
    colour = look.stones[player]
    if look.marks == "signs":
        width = max(2.0, 0.24 * radius)
        make = shapes.cross if player == 0 else shapes.ring
        canvas.sprite(make((1.08 if player == 0 else 0.9) * radius, width, colour, alpha), centre)
        return
    rim = style.mixed(colour, (0, 0, 0) if sum(colour) > 150 else (255, 255, 255), 0.28)
    canvas.sprite(shapes.disc(radius, rim, alpha), centre)
    canvas.sprite(shapes.disc(radius - max(1.0, 0.07 * radius), colour, alpha), centre)
    if player == 1:
        canvas.sprite(shapes.ring(0.64 * radius, max(1.0, 0.08 * radius), rim, alpha), centre)


def _mark_discs(canvas: Canvas, grid: BoardGrid, cells: Sequence[Cell]) -> None:
    ring = shapes.ring(STONE * grid.cell + 1, max(2.0, 0.045 * grid.cell), style.TEXT)
    for cell in cells:
        canvas.sprite(ring, grid.centre(cell))


def _light_up(canvas: Canvas, grid: BoardGrid, cell: Cell, colour: style.Colour, alpha: int) -> None:
    """A tinted square below a sign, which may be a ring itself."""
    inner = grid.square(cell).inflate(-_line_width(grid), -_line_width(grid))
    canvas.box(inner, colour, 0.04 * grid.cell, alpha)


def _last(canvas: Canvas, picture: BoardPicture, look: Look, grid: BoardGrid) -> None:
    """A dot on discs; a frame around signs, whose middle is the sign itself."""
    assert picture.last is not None
    if look.marks == "signs":
        square = grid.square(picture.last).inflate(-0.1 * grid.cell, -0.1 * grid.cell)
        width = max(2.0, 0.02 * grid.cell)
        canvas.sprite(shapes.frame(square.size, 0.05 * grid.cell, width, style.TEXT), square.center)
        return
    owner = int(picture.cells[picture.last]) - 1
    ground = look.stones[owner] if owner >= 0 else look.cell
    canvas.sprite(shapes.disc(max(3.0, 0.09 * grid.cell), style.ink_on(ground)), grid.centre(picture.last))


def _hints(canvas: Canvas, picture: BoardPicture, look: Look, grid: BoardGrid) -> None:
    """Legal moves: a tint as strong as the move's weight, and a small dot where there is no number."""
    ghosts = {ghost.cell for ghost in picture.ghosts}
    for hint in picture.hints:
        centre = grid.centre(hint.cell)
        alpha = round(30 + 130 * min(1.0, hint.weight))
        if hint.weight > 0 and look.marks == "signs":
            _light_up(canvas, grid, hint.cell, style.SKY, alpha)
        elif hint.weight > 0:
            canvas.sprite(shapes.disc(STONE * grid.cell, style.SKY, alpha), centre)
        if not hint.label and hint.cell not in ghosts:
            canvas.sprite(shapes.disc(max(2.5, 0.07 * grid.cell), style.TEXT, 120), centre)


def _hint_numbers(canvas: Canvas, picture: BoardPicture, grid: BoardGrid) -> None:
    for hint in picture.hints:
        if hint.label:
            points = min(style.NUMBER, 0.26 * grid.cell / canvas.unit)
            place = grid.square(hint.cell).inflate(-0.12 * grid.cell, 0)
            canvas.text(hint.label, place, points, style.TEXT, "centre", bold=True)


def _ghosts(canvas: Canvas, picture: BoardPicture, look: Look, grid: BoardGrid) -> None:
    """Faint stones with their number in a badge at the upper left."""
    for ghost in picture.ghosts:
        x, y = grid.centre(ghost.cell)
        colour = look.stones[ghost.player]
        outline = style.mixed(colour, style.MUTED, 0.35)
        radius = STONE * grid.cell
        if look.marks == "signs":
            _stone(canvas, look, ghost.player, (x, y), radius, alpha=60)
        else:
            canvas.sprite(shapes.disc(radius, colour, 70), (x, y))
            canvas.sprite(shapes.ring(radius, max(1.5, 0.03 * grid.cell), outline, 210), (x, y))
        badge_radius = min(0.15 * grid.cell, BADGE_MAX * canvas.unit)
        badge = (x - 0.45 * grid.cell + badge_radius, y - 0.45 * grid.cell + badge_radius)
        canvas.sprite(shapes.disc(badge_radius, outline), badge)
        place = pygame.Rect(0, 0, round(2 * badge_radius), round(2 * badge_radius))
        place.center = (round(badge[0]), round(badge[1]))
        points = 1.25 * badge_radius / canvas.unit
        canvas.text(str(ghost.number), place, points, style.ink_on(outline), "centre", bold=True)
