"""The one door to pygame: environment first, import second; and whether there is a display for a window.

SDL installs its own signal handlers unless told otherwise before it starts, and would then swallow SIGTERM.
Without a display it would open an invisible window in silence. pygame and pygame-ce install into the same
folder and overwrite each other; the project depends on pygame.
"""

import os
import sys

os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")  # nothing here makes a sound

import pygame

assert not getattr(pygame, "IS_CE", False), (
    "pygame-ce has overwritten pygame: pip uninstall pygame-ce; pip install pygame"
)

__all__ = ["has_display", "pygame"]


def has_display() -> bool:
    """Whether a window could be opened: a display or driver is named, or the system has its own."""
    if os.environ.get("SDL_VIDEODRIVER"):
        return True
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
