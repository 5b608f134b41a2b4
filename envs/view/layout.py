"""Where everything goes: rectangles computed once from the size of the picture, and nothing drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from envs.view.sdl import pygame
from envs.view.style import GAP, MARGIN

HEADER, FOOTER = 52, 18  # points
BESIDE_BOARD, ABOVE_BOARD = 54, 80  # points of a board's panel that are no cells: borders, title, coordinates
BOARD_SHARE_MAX = 0.56  # of the width
SEARCH_MIN = 190  # points: five facts and the line


@dataclass(frozen=True, slots=True)
class BoardLayout:
    """The page of a board game."""

    header: pygame.Rect
    board: pygame.Rect
    judgements: pygame.Rect
    terms: pygame.Rect
    search: pygame.Rect
    graph: pygame.Rect
    footer: pygame.Rect


@dataclass(frozen=True, slots=True)
class EpisodeLayout:
    """The page of an environment."""

    header: pygame.Rect
    frame: pygame.Rect
    obs: pygame.Rect
    actions: pygame.Rect
    facts: pygame.Rect
    graph: pygame.Rect
    footer: pygame.Rect


@dataclass(frozen=True, slots=True)
class InsideLayout:
    """The page of a network."""

    header: pygame.Rect
    frame: pygame.Rect
    output: pygame.Rect
    kernels: pygame.Rect
    shallow: pygame.Rect
    deep: pygame.Rect
    dense: pygame.Rect
    footer: pygame.Rect


@dataclass(frozen=True, slots=True)
class MemoryLayout:
    """The page of a memory."""

    header: pygame.Rect
    frame: pygame.Rect
    output: pygame.Rect
    strips: list[pygame.Rect]
    gates: pygame.Rect  # empty where there are none
    q: pygame.Rect
    footer: pygame.Rect


@dataclass(frozen=True, slots=True)
class TreeLayout:
    """The page of a search."""

    header: pygame.Rect
    board: pygame.Rect
    search: pygame.Rect
    tree: pygame.Rect
    footer: pygame.Rect


@lru_cache(maxsize=16)
def board_layout(size: tuple[int, int], unit: float, shape: tuple[int, int]) -> BoardLayout:
    """A board of `shape` cells at the left, as high as the page; bars, terms, search, graph at the right."""
    header, body, footer = _page(size, unit)
    gap = round(GAP * unit)
    cell = (body.height - ABOVE_BOARD * unit) / shape[0]
    width = min(round(cell * shape[1] + BESIDE_BOARD * unit), round(BOARD_SHARE_MAX * body.width))
    board = pygame.Rect(body.left, body.top, width, body.height)
    rest = pygame.Rect(board.right + gap, body.top, body.right - board.right - gap, body.height)
    judgements, middle, graph = split_rows(rest, (0.19, 0.43, 0.38), gap)
    terms, search = split_columns(middle, (0.5, 0.5), gap)
    return BoardLayout(header, board, judgements, terms, search, graph, footer)


@lru_cache(maxsize=16)
def episode_layout(size: tuple[int, int], unit: float, distribution: bool) -> EpisodeLayout:
    """A large frame at the left; what the network sees, what it thinks, and the curves at the right.

    With a return distribution, `facts` has room for both.
    """
    header, body, footer = _page(size, unit)
    gap = round(GAP * unit)
    frame, rest = split_columns(body, (0.44, 0.56), gap)
    obs, middle, graph = split_rows(rest, (0.31, 0.36, 0.33), gap)
    actions, facts = split_columns(middle, (0.42, 0.58) if distribution else (0.6, 0.4), gap)
    return EpisodeLayout(header, frame, obs, actions, facts, graph, footer)


@lru_cache(maxsize=16)
def inside_layout(size: tuple[int, int], unit: float) -> InsideLayout:
    """What the network is shown and answers at the left; its layers from shallow to deep at the right."""
    header, body, footer = _page(size, unit)
    gap = round(GAP * unit)
    left, right = split_columns(body, (0.34, 0.66), gap)
    frame, output = split_rows(left, (0.68, 0.32), gap)
    kernels, planes, dense = split_rows(right, (0.34, 0.46, 0.2), gap)
    shallow, deep = split_columns(planes, (0.5, 0.5), gap)
    return InsideLayout(header, frame, output, kernels, shallow, deep, dense, footer)


@lru_cache(maxsize=16)
def memory_layout(size: tuple[int, int], unit: float, num_strips: int, gates: bool) -> MemoryLayout:
    """What the network is shown and answers at the left; states over time and curves below at the right."""
    header, body, footer = _page(size, unit)
    gap = round(GAP * unit)
    left, right = split_columns(body, (0.34, 0.66), gap)
    frame, output = split_rows(left, (0.6, 0.4), gap)
    states, curves = split_rows(right, (0.66, 0.34), gap)
    strips = split_rows(states, (1.0,) * num_strips, gap)
    at_left, q = split_columns(curves, (0.5, 0.5) if gates else (0.0, 1.0), gap if gates else 0)
    return MemoryLayout(header, frame, output, strips, at_left, q, footer)


@lru_cache(maxsize=16)
def tree_layout(size: tuple[int, int], unit: float, shape: tuple[int, int]) -> TreeLayout:
    """A board of `shape` cells and what the search cost at the left, the search at the right."""
    header, body, footer = _page(size, unit)
    gap = round(GAP * unit)
    left, tree = split_columns(body, (0.36, 0.64), gap)
    cell = (left.width - BESIDE_BOARD * unit) / shape[1]
    height = round(min(cell * shape[0] + ABOVE_BOARD * unit, left.height - gap - SEARCH_MIN * unit))
    board = pygame.Rect(left.left, left.top, left.width, height)
    search = pygame.Rect(left.left, board.bottom + gap, left.width, left.bottom - board.bottom - gap)
    return TreeLayout(header, board, search, tree, footer)


def split_rows(rect: pygame.Rect, shares: Sequence[float], gap: int) -> list[pygame.Rect]:
    """Rows from the top down that fill the rectangle; shares are of the height left after the gaps."""
    return [
        pygame.Rect(rect.left, rect.top + start, rect.width, length)
        for start, length in _spans(rect.height, shares, gap)
    ]


def split_columns(rect: pygame.Rect, shares: Sequence[float], gap: int) -> list[pygame.Rect]:
    """Columns from the left that fill the rectangle; shares are of the width left after the gaps."""
    return [
        pygame.Rect(rect.left + start, rect.top, length, rect.height)
        for start, length in _spans(rect.width, shares, gap)
    ]


def _page(size: tuple[int, int], unit: float) -> tuple[pygame.Rect, pygame.Rect, pygame.Rect]:
    """Header, body and footer inside the margins."""
    margin, gap = round(MARGIN * unit), round(GAP * unit)
    width = size[0] - 2 * margin
    header = pygame.Rect(margin, margin, width, round(HEADER * unit))
    footer_height = max(round(FOOTER * unit), 14)
    footer = pygame.Rect(margin, size[1] - margin - footer_height + gap // 2, width, footer_height)
    body = pygame.Rect(margin, header.bottom + gap, width, footer.top - gap // 2 - header.bottom - gap)
    return header, body, footer


def _spans(total: int, shares: Sequence[float], gap: int) -> list[tuple[int, int]]:
    """Start and length of each part."""
    room = total - gap * (len(shares) - 1)
    edges = [round(room * sum(shares[:i]) / sum(shares)) for i in range(len(shares) + 1)]
    return [(edges[i] + gap * i, edges[i + 1] - edges[i]) for i in range(len(shares))]
