"""How oriented first-layer kernels are, as one number each: "they become edge detectors" seen or refuted.

The response of a linear filter to gratings of one orientation is its power spectrum along that direction, so
selectivity is measured there: 1 minus the circular variance over orientations, as in physiology (Ringach,
Shapley & Hawken 2002, J. Neurosci. 22:5639). 0 answers all orientations alike, 1 a single one. Small random
kernels are not at 0, so a trained layer is to be compared with random ones of its own size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SPECTRUM = 32  # frequencies a side; kernels are padded with zeros to it
CHANCE = 0.05  # share of random kernels that lie above the bar


@dataclass(frozen=True, slots=True)
class Comparison:
    """A layer's kernels beside others of the same shape.

    Attributes:
        selectivity, before: medians over the kernels, now and at the start.
        above_chance: kernels that are more selective than 95 % of the random draw.
        expected: how many would be so by chance.
        likeness: mean cosine between each kernel and what it was at the start.
    """

    selectivity: float
    before: float
    above_chance: int
    expected: float
    likeness: float


def orientation_selectivity(kernels: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32[O] in [0, 1], of kernels [O, I, h, w]; power is summed over the inputs.

    Raises: ValueError for kernels of one cell, which have no orientation.
    """
    if kernels.ndim != 4 or min(kernels.shape[2:]) < 2:
        raise ValueError(f"kernels must be [O, I, h, w] with h and w at least 2, got {list(kernels.shape)}")
    centred = kernels - kernels.mean(axis=(2, 3), keepdims=True)
    spectrum = np.fft.fft2(centred, s=(SPECTRUM, SPECTRUM))
    power = (np.abs(spectrum) ** 2).sum(axis=1)  # [O, S, S]
    frequency = np.fft.fftfreq(SPECTRUM)
    angle = np.arctan2(frequency[:, None], frequency[None, :])
    radius = np.hypot(frequency[:, None], frequency[None, :])
    inside = (radius > 0) & (radius < 0.5)  # a disc: the corners of the square would favour diagonals
    total = power[:, inside].sum(axis=1)
    turned = (power[:, inside] * np.exp(2j * angle[inside])).sum(axis=1)  # orientations repeat after pi
    return np.asarray(np.abs(turned) / np.maximum(total, 1e-30), np.float32)


def compare(
    trained: NDArray[np.float32], initial: NDArray[np.float32], random: NDArray[np.float32]
) -> Comparison:
    """Trained kernels [O, I, h, w] beside the same ones at the start, and random ones [R, I, h, w]."""
    now = orientation_selectivity(trained)
    bar = float(np.quantile(orientation_selectivity(random), 1 - CHANCE))
    flat, start = trained.reshape(len(trained), -1), initial.reshape(len(initial), -1)
    lengths = np.linalg.norm(flat, axis=1) * np.linalg.norm(start, axis=1)
    return Comparison(
        selectivity=float(np.median(now)),
        before=float(np.median(orientation_selectivity(initial))),
        above_chance=int((now > bar).sum()),
        expected=CHANCE * len(now),
        likeness=float(((flat * start).sum(axis=1) / np.maximum(lengths, 1e-30)).mean()),
    )
