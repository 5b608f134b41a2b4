"""The compiled part of scaling pixels; in a file of its own, as numba takes its time to import."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.boards.dispatch import kernel


@kernel
def fill(
    frames: NDArray[np.uint8], which: NDArray[np.int64], levels: NDArray[Any], scaled: NDArray[Any]
) -> None:
    """The `levels` of rows `which` [B] of frames [N, C, H, W], into `scaled` [B, H, W, C]."""
    _, channels, height, width = frames.shape
    for number, row in enumerate(which):
        for channel in range(channels):
            for y in range(height):
                for x in range(width):
                    scaled[number, y, x, channel] = levels[frames[row, channel, y, x]]
