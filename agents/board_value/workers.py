"""Self-play elsewhere: a job that plays, and a crew that plays all the time while the learner learns.

What is learned from and what is counted travel together: a harvest holds the samples of the games that were
finished since the one before, and their number. The learner adds up the harvests that reach it; a worker that
dies takes its unfinished games along, and no more.
"""

import functools
import queue
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.board_value.config import BoardValueConfig
from agents.board_value.self_play import SelfPlay, SelfPlayCounts
from agents.board_value.targets import Samples
from agents.runs.seeding import child_seed, generators
from agents.values.learned import LearnedValue
from agents.workers.crew import Crew, Post
from agents.workers.job import MakeJob
from agents.workers.site import Site
from envs.boards.game import game
from networks.build import build

ROUNDS_AT_ONCE = 16  # batches of a harvest: a fraction of a second

Weights: TypeAlias = Mapping[str, Tensor]  # the state dict of a policy-value network
Arrays: TypeAlias = Mapping[str, NDArray[np.float32]]  # the same, on its way


@dataclass(frozen=True, slots=True)
class Harvest:
    """What a worker has finished since its harvest before."""

    samples: Samples
    counts: SelfPlayCounts


class SelfPlayJob:
    """Games that go on from call to call.

    Args:
        config_json: of the training.
        seed: of this worker's games.
    """

    def __init__(self, config_json: Mapping[str, Any], seed: int) -> None:
        torch.set_num_threads(1)
        self._config = BoardValueConfig.from_json(config_json)
        self._game = game(self._config.game)
        self._rng = generators(seed, "self_play")["self_play"]
        self._player: SelfPlay | None = None

    def do(self, message: Arrays | None) -> Harvest:
        """Play on, with this network from now on; None: with the one before."""
        if message is not None:
            self._use(self._value(message))
        assert self._player is not None, "the first message is a network"
        before = self._player.counts
        samples = self._player.play_rounds(ROUNDS_AT_ONCE)
        return Harvest(samples, self._player.counts - before)

    def _value(self, arrays: Arrays) -> LearnedValue:
        network = build(self._config.network(self._game))
        # Copied: what comes from Ray's store cannot be written, and goes when its owner does.
        network.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
        return LearnedValue(self._game, network)

    def _use(self, value: LearnedValue) -> None:
        if self._player is None:
            self._player = SelfPlay(self._game, value, self._config, self._rng)
        else:
            self._player.use(value)


class SelfPlayCrew:
    """Workers that play with the newest network; use it in a `with`.

    Args:
        site: where.
        config: of the training.
        sitting: of the training; makes the games of each different.
        weights: to begin with.
    """

    def __init__(self, site: Site, config: BoardValueConfig, sitting: int, weights: Weights) -> None:
        self._site = site
        self._harvests: queue.SimpleQueue[tuple[int, Harvest]] = queue.SimpleQueue()
        self._heard: set[int] = set()
        self.send(weights)

        def make_job(i: int, before: int) -> MakeJob:
            name = f"worker {i} of sitting {sitting}" + (f", after {before} others" if before else "")
            return functools.partial(SelfPlayJob, config.to_json(), child_seed(config.seed, name))

        self._crew = Crew(site, make_job, self._lead, name="self-play worker")

    @property
    def deaths(self) -> list[str]:
        """How workers died whose place was taken by others."""
        return self._crew.deaths

    @property
    def any_plays(self) -> bool:
        """Whether a harvest has come."""
        return bool(self._heard)

    @property
    def all_play(self) -> bool:
        """Whether each place has sent a harvest."""
        return len(self._heard) == self._site.room

    def send(self, weights: Weights) -> None:
        """Let all play with this network from their next call on."""
        # Copied: the learner goes on in place, and the network leaves with the next call of each worker.
        self._newest = self._site.share({name: tensor.numpy().copy() for name, tensor in weights.items()})

    def receive(self) -> list[Harvest]:
        """What has come; does not wait. Raises: ChildProcessError when workers died one after the other."""
        self._crew.check()
        return self.collected()

    def collected(self) -> list[Harvest]:
        """What has come, whatever became of the workers: also after the end."""
        harvests: list[Harvest] = []
        while not self._harvests.empty():
            i, harvest = self._harvests.get()
            self._heard.add(i)
            harvests.append(harvest)
        return harvests

    def __enter__(self) -> "SelfPlayCrew":
        return self

    def __exit__(self, *raised: object) -> None:
        self._crew.close()

    def _lead(self, i: int, post: Post) -> None:
        """Call after call, with a network where the worker does not have the newest."""
        known: Any = None

        def message(is_new: bool) -> Any:
            nonlocal known
            if known is self._newest and not is_new:
                return None
            known = self._newest
            return known

        while True:
            self._harvests.put((i, post.call(message)))
