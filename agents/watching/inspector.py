"""Looks inside a network: everything that its page shows about one input, as arrays.

Slow work (a perturbation asks the network hundreds of times) that a scene does beside the drawing thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from agents.watching.checkpoints import Gallery, network_of, random_kernels
from agents.watching.study import Heat, Layer, Study, Subject
from networks.build import Network, RecurrentNetwork
from networks.feature_maps import feature_maps, kernels, landmarks, perturbation_saliency, saliency
from networks.orientation import Comparison, compare
from networks.receptive_field import receptive_field


class Inspector:
    """Looks into the checkpoints of a network without memory."""

    def __init__(self, gallery: Gallery) -> None:
        self.gallery = gallery
        self._start = next((each for each in gallery.checkpoints if not each.header.step), None)
        self._comparisons: dict[int, tuple[NDArray[np.float32] | None, Comparison | None]] = {}

    def look(self, subject: Subject, which: int, heat: Heat) -> Study:
        """What checkpoint `which` makes of a subject's one input."""
        return self.study(subject.obs, which, heat)

    def study(self, obs: NDArray[Any], which: int, heat: Heat) -> Study:
        """Everything about one input [C, H, W] (or [F]) to checkpoint `which`."""
        network = self._network(which)
        shown = torch.from_numpy(np.ascontiguousarray(obs))[None]
        maps = {name: values[0] for name, values in feature_maps(network, shown).items()}
        names = dict.fromkeys(name for name in landmarks(maps) if name is not None)
        is_q = network.config.head == "q"
        output = maps["output.q"] if is_q else maps.get("output.logits", maps["output.value"].reshape(1))
        heat_of = int(output.argmax()) if is_q else None
        initial, comparison = self._compared(which, network)
        return Study(
            kernels=_newest(kernels(network)) if obs.ndim == 3 else None,
            initial=initial,
            comparison=comparison,
            layers=tuple(Layer(name, _as_planes(maps[name])) for name in names),
            output=output,
            value=float(maps["output.value"]) if "output.value" in maps else None,
            heat=_heat(network, shown, heat_of, heat),
            heat_of=heat_of,
        )

    def field(self, layer: str, cell: tuple[int, int]) -> tuple[float, float, float, float] | None:
        """(top, left, bottom, right) that a cell can depend on, as shares of the input; None for a vector."""
        network = self._network(self.gallery.shown)
        if len(network.config.input_shape) != 3 or not layer.startswith("trunk."):
            return None
        try:
            top, left, bottom, right = receptive_field(network, layer, cell)
        except ValueError:  # a dense layer of the trunk, which depends on everything
            return 0.0, 0.0, 1.0, 1.0
        _, height, width = network.config.input_shape
        return top / height, left / width, bottom / height, right / width

    def _network(self, which: int) -> Network:
        network = self.gallery.network(which)
        assert not isinstance(network, RecurrentNetwork)
        return network

    def _compared(self, which: int, network: Network) -> tuple[NDArray[np.float32] | None, Comparison | None]:
        """The kernels at the start, and how far those of `which` are from them; computed once."""
        if len(network.config.input_shape) != 3 or self._start is None:
            return None, None
        if which not in self._comparisons:
            initial, now = kernels(network_of(self._start)), kernels(network)
            small = min(now.shape[2:]) < 2
            comparison = None if small else compare(now, initial, random_kernels(network.config))
            self._comparisons[which] = _newest(initial), comparison
        return self._comparisons[which]


def _heat(network: Network, obs: torch.Tensor, index: int | None, heat: Heat) -> NDArray[np.float32] | None:
    if heat == "none" or obs.ndim != 4:
        return None
    if heat == "perturbation":
        return perturbation_saliency(network, obs, index)
    gradient: NDArray[np.float32] = np.abs(saliency(network, obs, index)[0]).sum(axis=0)
    return gradient


def _newest(weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """[O, I, h, w] -> [O, h, w] for the last input: the newest frame, or the opponent's stones."""
    return weights[:, -1]


def _as_planes(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return values if values.ndim == 3 else values.reshape(1, 1, -1)
