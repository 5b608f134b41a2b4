"""Arrays as pictures: signed numbers on a diverging scale, amounts on a rising one. Zero is dark on both."""

import numpy as np
from numpy.typing import NDArray

from envs.view.style import ORANGE, SKY, TEXT, Colour

ZERO: Colour = (16, 20, 27)
DIMMED = 0.45  # brightness of a picture that heat lies over


def diverging(values: NDArray[np.floating], high: float) -> NDArray[np.uint8]:
    """uint8[..., 3]: -high is orange, 0 dark, high blue; in between and beyond it the nearest."""
    share = np.clip(np.nan_to_num(values) / (high or 1.0), -1, 1)[..., None]
    towards = np.where(share > 0, np.array(SKY), np.array(ORANGE))
    return _bytes(np.array(ZERO) + np.abs(share) * (towards - np.array(ZERO)))


def rising(values: NDArray[np.floating], high: float) -> NDArray[np.uint8]:
    """uint8[..., 3]: 0 and below is dark, half of `high` blue, `high` nearly white."""
    share = np.clip(np.nan_to_num(values) / (high or 1.0), 0, 1)[..., None]
    low_half = np.array(ZERO) + 2 * share * (np.array(SKY) - np.array(ZERO))
    high_half = np.array(SKY) + (2 * share - 1) * (np.array(TEXT) - np.array(SKY))
    return _bytes(np.where(share < 0.5, low_half, high_half))


def over_grey(grey: NDArray[np.uint8], heat: NDArray[np.floating], high: float) -> NDArray[np.uint8]:
    """uint8[H, W, 3]: a dimmed grey picture [H, W] with `heat` [H, W] in [0, high] on it in orange."""
    ground = np.repeat(grey[..., None] * DIMMED, 3, axis=-1)
    share = np.clip(heat / (high or 1.0), 0, 1)[..., None]
    return _bytes(ground + share * (np.array(ORANGE) - ground))


def stretched(values: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.float64]:
    """[h, w] smoothly enlarged to [H, W]: each number stands in the middle of its part of the picture."""
    rows, columns = (
        (np.arange(large) + 0.5) * small / large - 0.5
        for small, large in zip(values.shape, shape, strict=True)
    )
    wide = np.stack([np.interp(columns, np.arange(values.shape[1]), row) for row in values])
    return np.stack([np.interp(rows, np.arange(values.shape[0]), column) for column in wide.T], axis=1)


def _bytes(colours: NDArray[np.floating]) -> NDArray[np.uint8]:
    result: NDArray[np.uint8] = np.round(colours).astype(np.uint8)
    return result
