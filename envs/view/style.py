"""The look: a palette that colour-blind eyes can tell apart, a type scale, and the fonts.

Accents are those of Okabe & Ito 2008, "Color Universal Design"; no fact is told by colour alone. Sizes are in
points, one pixel on a picture of 1280 x 720, and grow with the picture. DejaVu Sans comes with matplotlib, so
pictures are the same on every machine.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from envs.view.sdl import pygame

Colour: TypeAlias = tuple[int, int, int]

BACKGROUND: Colour = (14, 17, 22)
PANEL: Colour = (23, 28, 36)
TRACK: Colour = (41, 48, 60)  # what a bar runs in
LINE: Colour = (58, 67, 82)
FAINT: Colour = (104, 115, 132)
MUTED: Colour = (157, 167, 182)
TEXT: Colour = (234, 238, 243)
INK: Colour = (12, 14, 18)  # text on light ground

ORANGE: Colour = (230, 159, 0)
SKY: Colour = (86, 180, 233)
GREEN: Colour = (0, 158, 115)
YELLOW: Colour = (240, 228, 66)
BLUE: Colour = (0, 114, 178)
VERMILLION: Colour = (213, 94, 0)
PURPLE: Colour = (204, 121, 167)

HANDCRAFTED, LEARNED = ORANGE, SKY  # whose judgement, everywhere
POSITIVE, NEGATIVE = GREEN, VERMILLION  # the side of the zero line says the same

TITLE, NUMBER, BODY, HEADING, SMALL = 22, 19, 14, 13, 12  # the type scale, points
SMALLEST = 10  # pixels; below this nobody reads

MARGIN, GAP, PADDING = 16, 12, 12  # points: around the picture, between panels, inside a panel
CORNER = 8  # points, of a panel


def font(pixels: int, bold: bool = False) -> pygame.font.Font:
    """The project's typeface in a size in pixels."""
    if not pygame.font.get_init():  # at first, and after an environment has shut pygame down (CartPole does)
        pygame.font.init()
        _load.cache_clear()
    return _load(pixels, bold)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """The colour that is `share` of the way from the first to the second, share in [0, 1]."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def ink_on(ground: Colour) -> Colour:
    """Dark or light text, whichever reads better on that ground (relative luminance, ITU-R BT.709)."""
    luminance = 0.2126 * ground[0] + 0.7152 * ground[1] + 0.0722 * ground[2]
    return INK if luminance > 110 else TEXT


@lru_cache(maxsize=64)
def _load(pixels: int, bold: bool) -> pygame.font.Font:
    spec = find_spec("matplotlib")  # found, not imported: importing it takes half a second
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the fonts come with matplotlib, which is not installed: run `make setup`")
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return pygame.font.Font(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / name, pixels)
