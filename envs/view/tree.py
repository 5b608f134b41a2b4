"""The page of a search: the tree that grew, or what each depth found."""

from collections.abc import Sequence

import numpy as np

from envs.view import chrome, layout, shapes, style
from envs.view.bars import draw_search, short_number
from envs.view.board import BoardGrid, board_grid, draw_board, draw_stone
from envs.view.canvas import Canvas
from envs.view.pictures import BoardPicture, DepthLine, TreeNode, TreePicture
from envs.view.sdl import pygame

ROW, ROW_MAX = 38, 48  # points from one leaf to the next: at least, at most
COLUMN_GAP = 26  # points between a node and its children
BOX_WIDTH_MAX = 150  # points
EDGE_MAX = 7  # points, of the edge that all visits take
CURVE_POINTS = 14
LINE_BOARDS_MAX = 6  # worth showing
LINE_CELL, LINE_CELL_MAX = 8, 30  # points, of the boards of a line: at least, at most


def draw_page(canvas: Canvas, picture: TreePicture) -> None:
    """The whole page, without the help."""
    shape = picture.board.cells.shape
    place = layout.tree_layout(canvas.rect.size, canvas.unit, shape)
    chrome.draw_title(canvas, canvas.region(place.header), picture.title, picture.status)
    canvas.panel(place.board, picture.board.hints_title)
    title = canvas.line_height(style.HEADING) + canvas.px(6)
    draw_board(canvas, picture.board, board_grid(place.board, shape, canvas.unit, title))
    draw_search(canvas, canvas.panel(place.search, picture.board.search_title), picture.board)
    room = canvas.panel(place.tree, picture.tree_title, picture.tree_note)
    if picture.nodes:
        _tree(canvas, room, picture)
    elif picture.depths:
        used = _depths(canvas, room, picture.depths)
        left = pygame.Rect(room.left, used, room.width, room.bottom - used)
        _line(canvas, left, picture.line_boards)
    else:
        canvas.paragraph(picture.missing, room, style.BODY)
    chrome.draw_footer(canvas, place.footer, picture.footer, picture.tabs)


def leaves_that_fit(size: tuple[int, int]) -> int:
    """How many leaves a tree may have on a picture of that size."""
    unit = Canvas.unit_of(size)
    return int(layout.tree_layout(size, unit, (1, 1)).tree.height / (ROW * unit)) - 2


def _tree(canvas: Canvas, room: pygame.Rect, picture: TreePicture) -> None:
    depths = max(node.depth for node in picture.nodes)
    leaves = 1 + max(node.row for node in picture.nodes)
    pitch = min(canvas.px(ROW_MAX), room.height / leaves)
    gap = canvas.px(COLUMN_GAP)
    width = min(canvas.px(BOX_WIDTH_MAX), (room.width - depths * gap) // depths)
    height = round(min(pitch - canvas.px(5), canvas.px(42)))
    middle = sum(node.row for node in picture.nodes if node.depth == 1)
    middle /= max(1, sum(node.depth == 1 for node in picture.nodes))
    root = (room.left + canvas.px(4), room.top + (middle + 0.5) * pitch)
    boxes = [
        pygame.Rect(
            room.left + gap + (node.depth - 1) * (width + gap),
            round(room.top + (node.row + 0.5) * pitch - height / 2),
            width,
            height,
        )
        for node in picture.nodes
    ]
    for node, box in zip(picture.nodes, boxes, strict=True):
        start = root if node.parent is None else boxes[node.parent].midright
        _edge(canvas, start, box.midleft, node)
    canvas.sprite(shapes.disc(canvas.px(5), style.TEXT), root)
    for node, box in zip(picture.nodes, boxes, strict=True):
        _node(canvas, box, node, picture.board.game)


def _edge(canvas: Canvas, start: tuple[float, float], end: tuple[float, float], node: TreeNode) -> None:
    """As thick as the share of visits that went this way."""
    share = np.linspace(0, 1, CURVE_POINTS)
    along = start[0] + (end[0] - start[0]) * share
    across = start[1] + (end[1] - start[1]) * (3 * share**2 - 2 * share**3)
    thickness = max(1.2 * canvas.unit, EDGE_MAX * canvas.unit * node.share)
    border = canvas.px(EDGE_MAX)
    left, top = int(start[0]) - border, int(min(start[1], end[1])) - border
    size = (int(end[0]) - left + border, int(abs(end[1] - start[1])) + 2 * border + 1)
    points = tuple((float(x) - left, float(y) - top) for x, y in zip(along, across, strict=True))
    colour = style.TEXT if node.is_line else style.LINE
    canvas.surface.blit(shapes.polyline(size, points, thickness, colour), (left, top))


def _node(canvas: Canvas, box: pygame.Rect, node: TreeNode, game: str) -> None:
    """The move and its visits above, value and prior below; a blue ground as wide as its share of visits."""
    corner = canvas.px(5)
    canvas.box(box, style.TRACK, corner)
    filled = pygame.Rect(box.left, box.top, max(2 * corner, round(box.width * node.share)), box.height)
    canvas.box(filled, style.mixed(style.TRACK, style.SKY, 0.42), corner)
    if node.is_line:
        outline = shapes.frame(box.size, corner, max(1.5, 1.6 * canvas.unit), style.TEXT)
        canvas.surface.blit(outline, box)
    radius = 0.3 * box.height
    centre = (box.left + radius + canvas.px(6), box.centery)
    canvas.sprite(shapes.disc(radius * 1.2, style.LINE), centre)
    draw_stone(canvas, game, node.player, centre, radius)
    left = round(centre[0] + radius + canvas.px(6))
    text = pygame.Rect(left, box.top + 1, box.right - left - canvas.px(5), box.height - 2)
    upper, lower = layout.split_rows(text, (0.5, 0.5), 0)
    move = canvas.text(node.move, upper, style.BODY, style.TEXT, bold=True)
    rest = pygame.Rect(move.right, upper.top, upper.right - move.right, upper.height)
    canvas.text(short_number(node.visits), rest, style.SMALL, style.TEXT, "right")
    score = "" if node.expected_score is None else f"{100 * node.expected_score:.0f} %"
    shown = canvas.text(node.proof or score, lower, style.SMALL, style.TEXT)
    rest = pygame.Rect(shown.right, lower.top, lower.right - shown.right, lower.height)
    if not node.proof:
        canvas.text(f"p {100 * node.prior:.0f}", rest, style.SMALL, style.MUTED, "right")


def _depths(canvas: Canvas, room: pygame.Rect, depths: Sequence[DepthLine]) -> int:
    """A table: depth, score with a bar, nodes, growth, cut-offs, line; the newest where not all fit.

    Returns its lower edge.
    """
    height = max(canvas.line_height(style.BODY), canvas.px(27))
    fit = max(1, room.height // height - 1)
    shares = (0.07, 0.23, 0.09, 0.09, 0.1, 0.15, 0.27)
    gap = canvas.px(style.GAP)
    head = pygame.Rect(room.left, room.top, room.width, height)
    titles = (
        "depth",
        "expected score",
        "nodes",
        "growth",
        "cut-offs",
        "at first move",
        "principal variation",
    )
    for i, (title, cell) in enumerate(zip(titles, layout.split_columns(head, shares, gap), strict=True)):
        canvas.text(title, cell, style.SMALL, style.FAINT, "right" if 2 <= i <= 5 else "left")
    before = {line.depth: line.nodes for line in depths}
    for i, line in enumerate(depths[-fit:]):
        row = pygame.Rect(room.left, head.bottom + i * height, room.width, height)
        if line.is_new:
            canvas.box(
                row.inflate(canvas.px(8), -2), style.mixed(style.PANEL, style.ORANGE, 0.18), canvas.px(4)
            )
        _depth(canvas, layout.split_columns(row, shares, gap), line, before.get(line.depth - 1))
    return head.bottom + min(fit, len(depths)) * height


def _line(canvas: Canvas, room: pygame.Rect, boards: Sequence[BoardPicture]) -> None:
    """The positions of the principal variation, as large as they all fit; nothing where that is too small."""
    if not boards:
        return
    caption, gap = canvas.line_height(style.SMALL), canvas.px(style.GAP)
    rim = canvas.px(8)
    shape = boards[0].cells.shape

    def cell_of(columns: int) -> int:
        rows = -(-len(boards) // columns)
        width = (room.width - (columns - 1) * gap) / columns - 2 * rim
        height = (room.height - rows * (gap + caption)) / rows - 2 * rim
        return int(min(width / shape[1], height / shape[0], canvas.px(LINE_CELL_MAX)))

    columns = max(range(1, len(boards) + 1), key=lambda count: (cell_of(count), -count))
    cell = cell_of(columns)
    if cell < LINE_CELL * canvas.unit:
        return
    width, height = cell * shape[1] + 2 * rim, cell * shape[0] + 2 * rim
    lefts = [place.left for place in layout.split_columns(room, (1.0,) * columns, gap)]
    for i, board in enumerate(boards):
        row, column = divmod(i, columns)
        left = lefts[column]
        top = room.top + gap + row * (caption + height + gap)
        canvas.text(board.title, pygame.Rect(left + rim, top, width - 2 * rim, caption), style.SMALL)
        cells = pygame.Rect(left + rim, top + caption + rim, cell * shape[1], cell * shape[0])
        draw_board(canvas, board, BoardGrid(cells, cell, shape), coordinates=False)


def _depth(canvas: Canvas, cells: list[pygame.Rect], line: DepthLine, nodes_before: int | None) -> None:
    canvas.text(str(line.depth), cells[0], style.BODY, style.TEXT, bold=True)
    track = pygame.Rect(cells[1].left, 0, round(0.55 * cells[1].width), canvas.px(12))
    track.centery = cells[1].centery
    canvas.box(track, style.TRACK, canvas.px(3))
    filled = pygame.Rect(track)
    filled.width = max(canvas.px(3), round(track.width * line.expected_score))
    canvas.box(filled, style.GREEN, canvas.px(3))
    canvas.box(pygame.Rect(track.centerx, track.top - 2, canvas.px(1), track.height + 4), style.TEXT, 0, 170)
    left = track.right + canvas.px(8)
    rest = pygame.Rect(left, cells[1].top, cells[1].right - left, cells[1].height)
    canvas.text(line.score_text, rest, style.SMALL)
    canvas.text(short_number(line.nodes), cells[2], style.SMALL, style.TEXT, "right")
    if nodes_before:
        canvas.text(f"x {line.nodes / nodes_before:.1f}", cells[3], style.SMALL, style.MUTED, "right")
    canvas.text(short_number(line.cutoffs), cells[4], style.SMALL, style.TEXT, "right")
    if line.cutoffs:
        share = f"{100 * line.first_cutoffs / line.cutoffs:.0f} %"
        canvas.text(share, cells[5], style.SMALL, style.TEXT, "right")
    canvas.text(line.line, cells[6], style.SMALL, style.TEXT if line.is_new else style.MUTED)
