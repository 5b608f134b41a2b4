"""Bytes of pixels to a network's floats in one pass over memory, on a CPU.

Torch makes three passes (cast, channels last, division), and slow ones: a third of the learning of parallel
Q-learning with the small network. 256 stacks of 84 x 84 x 4 into bfloat16, one core: 13.8 ms by torch, 3.8
here.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from networks.blocks import as_floats

FRAMES_MIN = 4  # fewer, as one game to watch shows, are not worth the import of numba
_WORDS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}  # numpy knows no bfloat16


def network_input(obs: Tensor, dtype: torch.dtype, rows: Tensor | None = None) -> Tensor:
    """`obs` for a network with weights of `dtype`, which says the same of it as of `obs` itself.

    Args:
        obs: [N, ...], or [T, N, ...]. Frames of pixels, uint8[..., C, H, W], are scaled here, to the bit as
            `networks.blocks.as_floats` does; all else stays as it is, and so do few frames and a GPU's.
        dtype: float32 or bfloat16.
        rows: int64[B], of the first axis of [N, ...]; None for all.
    Returns: the rows, with the shape of `obs` but for their number.
    """
    if obs.dtype != torch.uint8 or obs.ndim < 4 or obs.device.type != "cpu":
        return obs if rows is None else obs.index_select(0, rows)  # copies rows; indexing copies bytes
    frames = obs.flatten(0, -4)
    if rows is None and len(frames) < FRAMES_MIN:
        return obs
    from agents.frames.kernels import fill

    which = np.arange(len(frames)) if rows is None else rows.numpy()
    channels, height, width = frames.shape[1:]
    scaled = torch.empty((len(which), height, width, channels), dtype=dtype)
    fill(frames.numpy(), which, _levels(dtype), scaled.view(_WORDS[dtype]).numpy())
    planes = scaled.permute(0, 3, 1, 2)
    return planes if rows is not None else planes.reshape(obs.shape)


@cache
def _levels(dtype: torch.dtype) -> NDArray[Any]:
    """The 256 brightnesses as a network has them, as words [256]."""
    return as_floats(torch.arange(256, dtype=torch.uint8), dtype).view(_WORDS[dtype]).numpy()
