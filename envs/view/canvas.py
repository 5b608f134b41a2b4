"""A surface that places text into rectangles and remembers where, so that a layout can be checked.

Text never leaves its rectangle: what is too long is cut with an ellipsis. `problems` lists every text that
does not fit its panel, every panel outside the picture, and whatever overlaps: empty for a good layout.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from envs.view import shapes, style
from envs.view.pictures import Spot
from envs.view.sdl import pygame
from envs.view.style import Colour

Meaning: TypeAlias = Callable[[tuple[int, int]], Spot | None]  # of a point in pixels
Align = Literal["left", "centre", "right"]
REFERENCE_SIZE = (1280, 720)  # where one point is one pixel
SMALLEST_SIZE, SIDE_MAX = (800, 500), 7680  # pixels
ELLIPSIS, NOTE_PARTS = "…", " · "


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A text as drawn: its ink's rectangle and the panel it belongs to."""

    text: str
    rect: pygame.Rect
    panel: pygame.Rect


@lru_cache(maxsize=4096)
def _rendered(text: str, pixels: int, bold: bool, colour: Colour) -> pygame.Surface:
    return style.font(pixels, bold).render(text, True, colour)


class Canvas:
    """A picture in the making."""

    def __init__(self, size: tuple[int, int], unit: float | None = None) -> None:
        """`unit`: pixels of a point, by the size if None. Raises: ValueError for a size no picture has."""
        self.surface = pygame.Surface(checked_size(size))
        self.rect = self.surface.get_rect()
        self.unit = unit or self.unit_of(size)
        self.clear()

    @staticmethod
    def unit_of(size: tuple[int, int]) -> float:
        """Pixels of a point on a picture of that size."""
        return min(size[0] / REFERENCE_SIZE[0], size[1] / REFERENCE_SIZE[1])

    def clear(self) -> None:
        """Start the picture anew."""
        self.surface.fill(style.BACKGROUND)
        self.panels: list[pygame.Rect] = []
        self.texts: list[PlacedText] = []
        self._spots: list[tuple[pygame.Rect, Meaning]] = []

    def px(self, points: float) -> int:
        """Points in pixels of this picture, at least one."""
        return max(1, round(points * self.unit))

    def font_pixels(self, points: float) -> int:
        """The size of a font in pixels, never too small to read."""
        return max(style.SMALLEST, round(points * self.unit))

    def line_height(self, points: float) -> int:
        """Pixels from one line of text to the next."""
        return style.font(self.font_pixels(points)).get_linesize()

    def panel(self, rect: pygame.Rect, title: str = "", note: str = "") -> pygame.Rect:
        """A card with a title at its upper left and a note at its right; returns what is left for content.

        Of a note in parts, a · b · c, as many are shown as fit: it is never cut within one.
        """
        self.box(rect, style.PANEL, self.px(style.CORNER))
        self.region(rect)
        content = rect.inflate(-2 * self.px(style.PADDING), -2 * self.px(style.PADDING))
        if title:
            bar = pygame.Rect(content.left, content.top, content.width, self.line_height(style.HEADING))
            used = self.text(title, bar, style.HEADING, style.MUTED, bold=True)
            left = used.right + self.px(style.GAP)
            place = pygame.Rect(left, bar.top, max(0, bar.right - left), bar.height)
            while note and width(note, self.font_pixels(style.SMALL)) > place.width:
                note = note.rpartition(NOTE_PARTS)[0]
            self.text(note, place, style.SMALL, style.FAINT, "right")
            offset = bar.height + self.px(6)
            content = pygame.Rect(content.left, content.top + offset, content.width, content.height - offset)
        return content

    def region(self, rect: pygame.Rect) -> pygame.Rect:
        """A panel without a card: the texts that follow belong to it."""
        self.panels.append(rect)
        return rect

    def text(
        self,
        text: str,
        rect: pygame.Rect,
        points: float = style.BODY,
        colour: Colour = style.TEXT,
        align: Align = "left",
        bold: bool = False,
    ) -> pygame.Rect:
        """One line, centred in height, cut where too long. Returns the rectangle of what was drawn."""
        pixels = self.font_pixels(points)
        fitted = fit(text, rect.width, pixels, bold)
        if not fitted:
            return pygame.Rect(rect.left, rect.centery, 0, 0)
        ink = _rendered(fitted, pixels, bold, colour)
        place = ink.get_rect(centery=rect.centery)
        if align == "left":
            place.left = rect.left
        elif align == "right":
            place.right = rect.right
        else:
            place.centerx = rect.centerx
        self.surface.blit(ink, place)
        self.texts.append(PlacedText(fitted, place, self.panels[-1] if self.panels else self.rect))
        return place

    def paragraph(
        self, text: str, rect: pygame.Rect, points: float = style.SMALL, colour: Colour = style.MUTED
    ) -> None:
        """Words over as many lines as the rectangle holds; the last one is cut where more would follow."""
        height = self.line_height(points)
        pixels = self.font_pixels(points)
        words = text.split()
        for top in range(rect.top, rect.bottom - height + 1, height):
            if not words:
                return
            count = 1
            while count < len(words) and width(" ".join(words[: count + 1]), pixels) <= rect.width:
                count += 1
            last = top + 2 * height > rect.bottom
            line = " ".join(words if last else words[:count])
            self.text(line, pygame.Rect(rect.left, top, rect.width, height), points, colour)
            words = words[count:]

    def box(self, rect: pygame.Rect, colour: Colour, radius: float = 0, alpha: int = 255) -> None:
        """A filled rectangle with round corners."""
        if rect.width > 0 and rect.height > 0:
            self.surface.blit(shapes.box(rect.size, radius, colour, alpha), rect)

    def sprite(self, sprite: pygame.Surface, centre: tuple[float, float]) -> None:
        """Put a shape's middle at a point."""
        self.surface.blit(
            sprite,
            (round(centre[0] - sprite.get_width() / 2), round(centre[1] - sprite.get_height() / 2)),
        )

    def image(self, pixels: NDArray[np.uint8], rect: pygame.Rect, smooth: bool = False) -> pygame.Rect:
        """A picture uint8[H, W, 3] as large as fits the rectangle in its own proportions; returns where."""
        source = pygame.surfarray.make_surface(pixels.swapaxes(0, 1))
        scale = min(rect.width / source.get_width(), rect.height / source.get_height())
        size = (max(1, int(source.get_width() * scale)), max(1, int(source.get_height() * scale)))
        resize = pygame.transform.smoothscale if smooth else pygame.transform.scale
        place = pygame.Rect((0, 0), size)
        place.center = rect.center
        self.surface.blit(resize(source, size), place)
        return place

    def cover(self) -> None:
        """Dim all that was drawn; what lies below no longer counts as text."""
        self.surface.blit(shapes.box(self.rect.size, 0, style.BACKGROUND, 200), (0, 0))
        self.panels.clear()
        self.texts.clear()
        self._spots.clear()

    def listen(self, rect: pygame.Rect, meaning: Meaning) -> None:
        """Give clicks inside the rectangle a meaning, which is asked with the point."""
        self._spots.append((rect, meaning))

    def spot_at(self, point: tuple[int, int]) -> Spot | None:
        """What a click on a point of the picture means."""
        for rect, meaning in self._spots:
            if rect.collidepoint(point):
                return meaning(point)
        return None

    def pixels(self) -> NDArray[np.uint8]:
        """The picture as uint8[H, W, 3]."""
        return np.ascontiguousarray(pygame.surfarray.array3d(self.surface).swapaxes(0, 1))

    def problems(self) -> list[str]:
        """What is wrong with the layout, in words; empty for a good one."""
        found = [
            f"panel {panel} leaves the picture" for panel in self.panels if not self.rect.contains(panel)
        ]
        found += [f"panels {a} and {b} overlap" for a, b in combinations(self.panels, 2) if a.colliderect(b)]
        found += [f"{t.text!r} {t.rect} leaves {t.panel}" for t in self.texts if not t.panel.contains(t.rect)]
        found += [
            f"{a.text!r} {a.rect} and {b.text!r} {b.rect} overlap"
            for a, b in combinations(self.texts, 2)
            if a.rect.colliderect(b.rect)
            and a.rect.clip(b.rect).height > 0.3 * min(a.rect.height, b.rect.height)
        ]
        return found


def checked_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size in pixels, if a picture can have it. Raises: ValueError."""
    (width, height), (least_width, least_height) = size, SMALLEST_SIZE
    if not (least_width <= width <= SIDE_MAX and least_height <= height <= SIDE_MAX):
        raise ValueError(
            f"a picture is {least_width}x{least_height} to {SIDE_MAX}x{SIDE_MAX}, got {width}x{height}"
        )
    return size


def width(text: str, pixels: int, bold: bool = False) -> int:
    """How wide a text is, in pixels."""
    return style.font(pixels, bold).size(text)[0]


@lru_cache(maxsize=4096)
def fit(text: str, room: int, pixels: int, bold: bool = False) -> str:
    """The text, or as much as fits the room in pixels with an ellipsis; empty where nothing does."""
    if width(text, pixels, bold) <= room:
        return text
    low, high = 0, len(text)
    while low < high:  # the longest beginning that fits
        middle = (low + high + 1) // 2
        if width(text[:middle].rstrip() + ELLIPSIS, pixels, bold) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS if low else ""
