"""What turns samples into networks: an optimiser on a schedule, and a running mean of the weights.

The mean (Polyak averaging) is what plays and what is saved: it plays better than the weights of the moment
and changes smoothly. On processors that gain by bfloat16 the forward and backward passes run in it; weights,
losses and optimiser stay float32.
"""

import copy
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.board_value.config import BoardValueConfig
from agents.board_value.targets import Samples
from agents.board_value.window import turned
from agents.runs.seeding import child_seed
from agents.values.learned import hardware_dtype
from agents.values.mlp import features, network_config
from agents.values.rollout import random_action
from agents.values.value import Value
from envs.boards import rules
from envs.boards.dispatch import kernel
from envs.boards.game import Game
from networks.averaging import follow
from networks.build import Network, build
from networks.config import NetworkConfig
from networks.growth import grow
from networks.losses import cross_entropy, squared_error
from networks.optimisers import make_optimiser


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The learning rate over a training: a linear rise over the first updates, then half a cosine."""

    peak: float
    end: float
    warmup_updates: int

    def rate(self, updates: int, progress: float) -> float:
        """The learning rate after `updates`, with `progress` in [0, 1] of the training behind."""
        falling = self.end + (self.peak - self.end) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
        return falling * min(1.0, (updates + 1) / max(1, self.warmup_updates))


class Learner:
    """A network, its optimiser, and the running mean of its weights.

    Args:
        network: trained in place.
        schedule: of the learning rate.
        config: of the training.
        optimiser: one of `networks.config.OPTIMISERS`.
    """

    def __init__(
        self, network: Network, schedule: Schedule, config: BoardValueConfig, optimiser: str = "adamw"
    ) -> None:
        self.network: Network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.updates = 0
        self._seed = config.seed
        self._schedule = schedule
        self._average_decay = config.average_decay
        self._rule = optimiser
        self._optimiser = make_optimiser(
            optimiser, network.parameters(), schedule.peak, weight_decay=config.weight_decay
        )

    def descend(self, loss: Tensor, progress: float) -> None:
        """One update along the gradient of `loss`."""
        for group in self._optimiser.param_groups:
            group["lr"] = self._schedule.rate(self.updates, progress)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self.updates += 1
        follow(self.average, self.network, decay=self._average_decay, updates=self.updates)

    def state_dict(self) -> dict[str, Any]:
        """All that a resume needs."""
        return {
            "config": self.network.config.to_json(),
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "rule": self._rule,
            "optimiser": self._optimiser.state_dict(),
            "updates": self.updates,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`; where it is of a smaller network, with what that has grown into.

        The optimiser begins anew with a larger network or under another rule.
        Raises: ValueError where the one cannot grow into the other (`networks.growth`).
        """
        saved = NetworkConfig.from_json(state["config"])
        for name, network in (("network", self.network), ("average", self.average)):
            small = _built(saved, self._seed, "small")
            small.load_state_dict(state[name])
            network.load_state_dict(grow(small, network.config, seed=self._seed).state_dict())
        rule = state.get("rule", "adamw")  # older states have no such field
        if saved == self.network.config and rule == self._rule:
            self._optimiser.load_state_dict(state["optimiser"])
        self.updates = state["updates"]


class PolicyValueLearner(Learner):
    """Learns the policy-value network: cross entropy plus weighted squared error (Silver et al. 2017)."""

    def __init__(self, game: Game, config: BoardValueConfig) -> None:
        schedule = _schedule(config, config.learning_rate)
        network = _built(config.network(game), config.seed, "policy_value")
        super().__init__(network, schedule, config, config.optimiser)
        self._game = game
        self._value_weight = config.value_weight

    def update(self, samples: Samples, rng: np.random.Generator, progress: float) -> dict[str, Tensor]:
        """Learn from a batch, each sample randomly turned. Returns: `policy_loss` and `value_loss`."""
        samples = turned(self._game, samples, rng)
        planes = torch.from_numpy(self._game.planes(samples.states))
        with torch.autocast("cpu", torch.bfloat16, enabled=hardware_dtype() == torch.bfloat16):
            logits, values = self.network(planes.contiguous(memory_format=torch.channels_last))
        legal = torch.from_numpy(self._game.legal_masks(samples.states))
        policy_loss = cross_entropy(logits, torch.from_numpy(samples.policy), legal=legal)
        value_loss = squared_error(values, torch.from_numpy(samples.value))
        self.descend(policy_loss + self._value_weight * value_loss, progress)
        return {"policy_loss": policy_loss.detach(), "value_loss": value_loss.detach()}


class MLPLearner(Learner):
    """Learns the small value network that alpha-beta calls in compiled code: squared error on raw bits.

    Alpha-beta asks about positions that good players never reach. So beside each sample the network learns
    from one a few random plies further on, where the policy-value network's judgement is the target.
    """

    def __init__(self, game: Game, config: BoardValueConfig) -> None:
        schedule = _schedule(config, config.mlp_learning_rate)
        super().__init__(
            _built(network_config(config.mlp_hidden_sizes), config.seed, "mlp"), schedule, config
        )
        self._game = game
        self._stray_plies_max = config.mlp_stray_plies_max

    def update(self, samples: Samples, rng: np.random.Generator, progress: float, teacher: Value) -> Tensor:
        """Learn from a batch and as many positions beside it, all randomly turned. Returns: the loss."""
        states = strayed(self._game, samples.states, self._stray_plies_max, rng)
        values = np.concatenate([samples.value, teacher.values(states)])
        every = np.concatenate([samples.states, states])
        batch = turned(self._game, Samples(every, np.tile(samples.policy, (2, 1)), values), rng)
        judged = self.network(torch.from_numpy(features(self._game.initial, batch.states)))
        loss = squared_error(judged, torch.from_numpy(batch.value))
        self.descend(loss, progress)
        return loss.detach()


def strayed(
    game: Game, states: NDArray[np.uint64], plies_max: int, rng: np.random.Generator
) -> NDArray[np.uint64]:
    """Each packed state [B, 2] after 1 to `plies_max` random plies, fewer where the game would end."""
    plies = rng.integers(1, plies_max, size=len(states), endpoint=True)
    stream = rng.integers(2**63, size=1, dtype=np.uint64)
    result = states.copy()
    _stray(game.initial, plies, stream, result)
    return result


@kernel
def _stray(
    like: rules.State, plies: NDArray[np.int64], stream: NDArray[np.uint64], states: NDArray[np.uint64]
) -> None:
    for i in range(len(states)):
        state = rules.rebuild(like, states[i, 0], states[i, 1])
        for _ in range(plies[i]):
            after = rules.play(state, random_action(state, stream))
            if rules.is_over(after):
                break
            state = after
        states[i, 0] = state[0]
        states[i, 1] = state[1]


def _schedule(config: BoardValueConfig, peak: float) -> Schedule:
    return Schedule(peak=peak, end=config.learning_rate_end, warmup_updates=config.warmup_updates)


def _built(config: NetworkConfig, seed: int, name: str) -> Network:
    """A new network whose weights depend on the seed and its name alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(child_seed(seed, name))
        network = build(config)
    assert isinstance(network, Network), "a board hides nothing: no memory"
    return network
