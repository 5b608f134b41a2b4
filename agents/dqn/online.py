"""The network that learns: float32 masters, the copy that computes, the optimiser, and one update.

What it learns is the caller's: `update` takes parts of a batch and a function that judges one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from agents.dqn.config import TrainingConfig
from agents.dqn.lanes import Lanes, lane_count
from agents.dqn.precision import QNetwork, WorkingCopy, choose_device, choose_dtype
from agents.dqn.shards import Shards
from networks.averaging import copy_buffers, share_of_now
from networks.build import build
from networks.config import NetworkConfig
from networks.optimisers import make_optimiser

Metrics = dict[str, Tensor]
Part = TypeVar("Part")


class Judged(NamedTuple):
    """What a network said of the samples of one part, and how wrong it was."""

    loss: Tensor  # float32[]: the mean over the samples, with its gradient
    q: Tensor  # float32[b], of the actions taken
    errors: Tensor  # float32[b]: how far each sample is off, for priorities; of a sequence, one number
    outside: Tensor | None = None  # float32[]: the share of targets beyond the ends of a categorical head


class OnlineNetwork:
    """A Q-network and what makes it better.

    `online` holds the float32 weights; `acting` is the network to act with while learning; `average` holds
    those that are saved, a running mean of `online` where the config asks for one. Weights are drawn from
    torch's global generator.
    """

    def __init__(self, network_config: NetworkConfig, config: TrainingConfig) -> None:
        self.network_config = network_config
        self.device = choose_device(config.device)
        convolutions = network_config.trunk != "mlp"
        self.dtype = choose_dtype(
            config.precision, self.device, convolutions=convolutions, batch_norm=config.norm == "batch"
        )
        network = build(network_config).to(self.device)
        if convolutions:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.online: QNetwork = network
        self._average_decay = config.average_decay
        self.average: QNetwork = deepcopy(network) if config.average_decay else network
        self.copy = WorkingCopy(network, self.dtype)
        self.acting: QNetwork = self.copy.network.eval()  # in eval mode, except within `learning`
        cudnn_memory = (
            config.memory != "none" and self.device.type == "cuda"
        )  # goes back in training mode only
        self._modes_differ = (
            config.norm == "batch" or config.dropout > 0 or cudnn_memory
        )  # training from eval
        self.lanes = Lanes(
            1
            if self._modes_differ or self.device.type != "cpu"  # whole batches; one order of random numbers
            else lane_count(config.lanes, pays=convolutions)
        )
        self._limit = config.clip_gradient_norm if config.clip_gradient_norm is not None else torch.inf
        self._weights = list(self.acting.parameters())
        mean = list(self.average.parameters()) if config.average_decay else None
        self._shards = Shards(
            list(network.parameters()), self._weights, mean, partial(_optimiser, config), self.lanes
        )
        self.learning_rate = config.learning_rate  # of the next update
        self.updates = 0

    def update(self, parts: Sequence[Part], judge: Callable[[Part], Judged]) -> tuple[Metrics, Tensor]:
        """One optimiser step on the mean loss of all samples of all parts.

        Args:
            parts: of a batch, each computed in a lane of its own.
            judge: a part, by the network `acting`.
        Raises: ValueError where the gradient is not finite; the weights are as before.
        Returns: scalars on the device (loss, mean q of the actions taken, gradient norm, with a categorical
            head `outside_support`, as `Judged.outside`); the errors float32[B] in the order of the parts.
        """

        def slopes(part: Part) -> tuple[Judged, tuple[Tensor, ...]]:
            judged = judge(part)
            if self._modes_differ:
                self.acting.eval()
            return judged, torch.autograd.grad(judged.loss, self._weights)

        answers = self.lanes.map(slopes, parts)
        counts = [judged.q.numel() for judged, _ in answers]
        shares = [count / sum(counts) for count in counts]
        norm = self._shards.gather([slope for _, slope in answers], shares)
        if not norm.isfinite():
            raise ValueError(
                f"training diverged: the gradient of update {self.updates + 1:,} has norm {norm.item()}; "
                "lower --learning-rate or set --clip-gradient-norm; --resume goes on from the last save"
            )
        self.updates += 1
        share = share_of_now(self._average_decay, self.updates)
        self._shards.step(norm, self._limit, self.learning_rate, share)
        if self.average is not self.online:
            copy_buffers(self.average, self.online)
        judged = [each for each, _ in answers]
        metrics = {
            "loss": _mean([each.loss.detach() for each in judged], shares),
            "q": torch.cat([each.q.detach() for each in judged]).mean(),
            "gradient_norm": norm,
        }
        if outside := [each.outside for each in judged if each.outside is not None]:
            metrics["outside_support"] = _mean(outside, shares)
        return metrics, torch.cat([each.errors.detach() for each in judged])

    def learning(self) -> QNetwork:
        """The network in training mode, for the one pass of a judge that its gradient goes back through."""
        return self.acting.train() if self._modes_differ else self.acting

    def evaluated(self) -> QNetwork:
        """The network whose play is measured: `acting`, or a copy like it of the running mean."""
        if self.average is self.online:
            return self.acting
        return WorkingCopy(self.average, self.dtype).network.eval()

    def state_dict(self) -> dict[str, Any]:
        """All that a resume needs."""
        return {
            "online": self.online.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self._shards.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.average.load_state_dict(state["average"])
        self.online.load_state_dict(state["online"])
        self._shards.load_state_dict(state["optimiser"])
        self.updates = state["updates"]
        self.copy.push()


def _mean(numbers: list[Tensor], shares: list[float]) -> Tensor:
    """Of one number for each part, weighted with the part's share of the samples."""
    return torch.as_tensor(sum(number * share for number, share in zip(numbers, shares, strict=True)))


def _optimiser(config: TrainingConfig, weights: list[nn.Parameter]) -> torch.optim.Optimizer:
    return make_optimiser(config.optimiser, weights, config.learning_rate, epsilon=config.optimiser_epsilon)
