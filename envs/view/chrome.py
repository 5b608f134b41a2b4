"""What stands at the edge of every page: the title above, the keys and the pages' names below."""

from envs.view import layout, style
from envs.view.canvas import Canvas, width
from envs.view.pictures import NO_TABS, Tabs
from envs.view.sdl import pygame


def draw_title(canvas: Canvas, rect: pygame.Rect, title: str, status: str) -> None:
    """A large line and a quiet one below it."""
    upper, lower = layout.split_rows(rect, (0.58, 0.42), 0)
    canvas.text(title, upper, style.TITLE, style.TEXT, bold=True)
    canvas.text(status, lower, style.SMALL, style.MUTED)


def draw_footer(canvas: Canvas, rect: pygame.Rect, text: str, tabs: Tabs = NO_TABS) -> None:
    """One quiet line; the pages at its right, the one that is shown in bold."""
    canvas.region(rect)
    right = rect.right
    for i in reversed(range(len(tabs.names))):
        shown = i == tabs.current
        room = width(tabs.names[i], canvas.font_pixels(style.SMALL), shown)
        place = pygame.Rect(right - room, rect.top, room, rect.height)
        canvas.text(tabs.names[i], place, style.SMALL, style.TEXT if shown else style.MUTED, bold=shown)
        if shown:
            line = pygame.Rect(place.left, rect.bottom - canvas.px(1), room, canvas.px(2))
            canvas.box(line, style.SKY)
        right = place.left - canvas.px(14)
    if tabs.names:
        room = width("tab", canvas.font_pixels(style.SMALL))
        place = pygame.Rect(right - room, rect.top, room, rect.height)
        canvas.text("tab", place, style.SMALL, style.FAINT)
        right = place.left - canvas.px(14)
    canvas.text(
        text, pygame.Rect(rect.left, rect.top, right - rect.left, rect.height), style.SMALL, style.FAINT
    )
