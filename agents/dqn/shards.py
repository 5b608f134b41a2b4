"""What follows the gradients, shared out to the lanes: each does it for its own rows of the large weights.

To add up the parts' gradients, to apply the optimiser's rule, and to copy the result, for computing in
bfloat16 and for the running mean, takes a fifth of a small update's time. None of it needs another weight,
but for the norm of the whole gradient, where the lanes meet (Rajbhandari et al. 2020 share it out among
machines so).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from agents.dqn.lanes import Lanes

WHOLE_MAX = 1 << 15  # numbers of a weight that is left to one lane

MakeOptimiser = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
Gradients = Sequence[Sequence[Tensor]]  # of each part of a batch, of each weight


class Rows(NamedTuple):
    """Some of the first axis of the weight of that number."""

    weight: int
    rows: slice


class Shards:
    """An optimiser over `masters`, in as many shards as there are lanes.

    Args:
        masters: float32 weights that learn.
        copies: those that compute, in their own dtype; the masters themselves, or in their order.
        mean: the running mean of the masters, in their order; None for none.
        make: an optimiser, for some weights.
        lanes: that the work is shared out to.
    """

    def __init__(
        self,
        masters: Sequence[nn.Parameter],
        copies: Sequence[nn.Parameter],
        mean: Sequence[nn.Parameter] | None,
        make: MakeOptimiser,
        lanes: Lanes,
    ) -> None:
        self._lanes = lanes
        self._shards = [
            _Shard(rows, masters, copies, mean, make) for rows in _shared_out(masters, lanes.count) if rows
        ]

    def gather(self, gradients: Gradients, shares: Sequence[float]) -> Tensor:
        """Take the gradients of all parts, each counted with its share of the samples.

        Returns: float32[], the norm of their sum.
        """
        norms = self._lanes.map(lambda shard: shard.gather(gradients, shares), self._shards)
        norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
        return norm

    def step(self, norm: Tensor, limit: float, learning_rate: float, mean_share: float) -> None:
        """One step by what was gathered, whose `norm` is cut to `limit`.

        `mean_share` of the new weights goes into the mean.
        """
        self._lanes.map(lambda shard: shard.step(norm, limit, learning_rate, mean_share), self._shards)

    def state_dict(self) -> dict[str, Any]:
        """The optimiser's state of each weight, whole: it does not depend on the number of lanes."""
        found: dict[int, dict[str, list[Any]]] = {}
        for shard in self._shards:
            for number, state in shard.states():
                for key, value in state.items():
                    found.setdefault(number, {}).setdefault(key, []).append(value)
        return {
            "state": {
                number: {key: _joined(values) for key, values in state.items()}
                for number, state in found.items()
            }
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`; rates and such stay as the optimiser was made with."""
        for shard in self._shards:
            shard.load(state["state"])


class _Shard:
    """The rows that one lane steps."""

    def __init__(
        self,
        rows: list[Rows],
        masters: Sequence[nn.Parameter],
        copies: Sequence[nn.Parameter],
        mean: Sequence[nn.Parameter] | None,
        make: MakeOptimiser,
    ) -> None:
        self._rows = rows
        self._weights = [nn.Parameter(masters[number].detach()[part]) for number, part in rows]
        for weight in self._weights:  # torch's fused optimisers go by memory: laid out as the weight is
            weight.grad = torch.empty_like(weight)
        self._copies = [
            (weight, copies[number].detach()[part])
            for weight, (number, part) in zip(self._weights, rows, strict=True)
            if copies[number] is not masters[number]
        ]
        self._mean = None if mean is None else [mean[number].detach()[part] for number, part in rows]
        self._optimiser = make(self._weights)

    @torch.no_grad()
    def gather(self, gradients: Gradients, shares: Sequence[float]) -> Tensor:
        """See `Shards.gather`; the norm of these rows."""
        sums = []
        for (number, rows), weight in zip(self._rows, self._weights, strict=True):
            assert weight.grad is not None
            total = weight.grad.copy_(gradients[0][number][rows])
            if len(gradients) > 1:
                total.mul_(shares[0])
            for part, share in zip(gradients[1:], shares[1:], strict=True):
                total.add_(part[number][rows], alpha=share)
            sums.append(total)
        return nn.utils.get_total_norm(sums)

    @torch.no_grad()
    def step(self, norm: Tensor, limit: float, learning_rate: float, mean_share: float) -> None:
        """See `Shards.step`."""
        if norm > limit:  # else it would multiply each gradient by 1
            nn.utils.clip_grads_with_norm_(self._weights, limit, norm)
        for group in self._optimiser.param_groups:
            group["lr"] = learning_rate
        self._optimiser.step()
        for weight, copied in self._copies:
            copied.copy_(weight)
        if self._mean is not None:
            for weight, mean in zip(self._weights, self._mean, strict=True):
                mean.lerp_(weight, mean_share)

    def states(self) -> list[tuple[int, dict[str, Any]]]:
        """What the optimiser keeps of each weight, with the weight's number."""
        kept = [self._optimiser.state[weight] for weight in self._weights]
        return [(number, state) for (number, _), state in zip(self._rows, kept, strict=True)]

    def load(self, states: dict[int, dict[str, Any]]) -> None:
        """Take these rows' part of the state of each weight."""
        own = {
            at: {key: _part(value, rows, weight) for key, value in states[number].items()}
            for at, ((number, rows), weight) in enumerate(zip(self._rows, self._weights, strict=True))
            if number in states
        }
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": own, "param_groups": groups})


def _shared_out(masters: Sequence[Tensor], count: int) -> list[list[Rows]]:
    """`count` shards: equal rows of every large weight, the small weights all in the first."""
    shards: list[list[Rows]] = [[] for _ in range(count)]
    for number, master in enumerate(masters):
        parts = count if master.numel() > WHOLE_MAX else 1
        bounds = [len(master) * part // parts for part in range(parts + 1)]
        for shard, start, end in zip(shards, bounds, bounds[1:], strict=False):
            if end > start:
                shard.append(Rows(number, slice(start, end)))
    return shards


def _joined(values: list[Any]) -> Any:
    """One entry of a weight's state, from those of its rows: counters agree, the rest is row by row."""
    is_of_rows = isinstance(values[0], Tensor) and values[0].ndim > 0
    return torch.cat(values) if is_of_rows else deepcopy(values[0])


def _part(value: Any, rows: slice, weight: Tensor) -> Any:
    """The inverse of `_joined`, in memory of its own and laid out as these rows of the weight are."""
    is_of_rows = isinstance(value, Tensor) and value.ndim > 0
    return torch.empty_like(weight).copy_(value[rows]) if is_of_rows else deepcopy(value)
