"""A self-play training: games make samples, samples make networks, networks make better games.

Two ways to run it. *Side by side*, for a number of minutes: workers play all the time, in processes of their
own or on a cluster, while this one learns; how much of each is done depends on the machines. *In turn*, for
a number of iterations: so many games, so many updates, the same to the bit for the same seed, also when it
was stopped and went on.
"""

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from agents.board_value.config import BoardValueConfig
from agents.board_value.learner import MLPLearner, PolicyValueLearner
from agents.board_value.self_play import SelfPlay, SelfPlayCounts
from agents.board_value.window import Window
from agents.board_value.workers import Harvest, SelfPlayCrew
from agents.runs.seeding import capture, generators, restore
from agents.values.learned import LearnedValue
from agents.workers.config import parse_workers
from agents.workers.processes import ProcessSite
from agents.workers.site import Site
from envs.boards.game import game

IDLE_SECONDS = 0.01  # of a learner that waits for samples
MUSTER_SECONDS = 60.0  # that workers are waited for after the first one plays
NO_COUNTS = SelfPlayCounts(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training is after an update, or while it waits for games.

    Attributes:
        updates: of the policy-value network.
        fraction: of the training that is done, in [0, 1].
        losses: of the last update.
    """

    updates: int
    fraction: float
    losses: Mapping[str, Tensor] = field(default_factory=dict)


class Training:
    """The networks, samples and random streams of one training; `run` it, save and load its state.

    Args:
        config: of the training.
        site: of the workers, if they play side by side with the learner; None: processes here.
    """

    def __init__(self, config: BoardValueConfig, site: Site | None = None) -> None:
        self.config = config
        self.game = game(config.game)
        self.learner = PolicyValueLearner(self.game, config)
        self.mlp_learner = MLPLearner(self.game, config)
        self.window = Window(
            self.game.num_actions,
            minimum=config.window_min,
            maximum=config.window_max,
            share=config.window_share,
        )
        self.seconds = 0.0  # of training, all sittings
        self._streams = generators(config.seed, "self_play", "batches")
        self._sitting = 0  # how often the training was begun or resumed; makes the workers' seeds differ
        self._iterations = 0
        self._teacher = self.value()  # of the small network: the large one, as it was sent last
        self.counts = NO_COUNTS  # games, plies and evaluations behind the samples, all sittings
        self.deaths: list[str] = []  # how workers of this sitting died whose place was taken by others
        self._site = site

    def value(self) -> LearnedValue:
        """The judgement as it is now: the averaged policy-value network."""
        return LearnedValue(self.game, self.learner.average)

    def run(self) -> Iterator[Progress]:
        """Train to the end; may be stopped between any two steps."""
        if self.config.iterations is None:
            return self._side_by_side()
        return self._in_turn(self.config.iterations)

    @property
    def fraction(self) -> float:
        """How much of the minutes or iterations is over, in [0, 1]."""
        done, total = self.seconds, 60 * self.config.minutes
        if self.config.iterations is not None:
            done, total = self._iterations, self.config.iterations
        return min(1.0, done / total)

    def state_dict(self) -> dict[str, Any]:
        """All that a resume needs."""
        return {
            "step": self.learner.updates,
            "learner": self.learner.state_dict(),
            "mlp_learner": self.mlp_learner.state_dict(),
            "window": self.window.state_dict(),
            "streams": capture(self._streams),
            "seconds": self.seconds,
            "sitting": self._sitting,
            "iterations": self._iterations,
            "counts": self.counts.to_list(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of a training for the same game, perhaps with smaller networks."""
        self.learner.load_state_dict(state["learner"])
        self.mlp_learner.load_state_dict(state["mlp_learner"])
        self.window.load_state_dict(state["window"])
        restore(self._streams, state["streams"])
        self.seconds = state["seconds"]
        self._sitting = state["sitting"]
        self._iterations = state["iterations"]
        self.counts = SelfPlayCounts(*state["counts"])

    def _in_turn(self, iterations: int) -> Iterator[Progress]:
        """Games, then updates, as often as asked."""
        config = self.config
        player = SelfPlay(self.game, self.value(), config, self._streams["self_play"])
        while self._iterations < iterations:
            started = time.monotonic()
            self._teacher = self.value()
            player.use(self._teacher)
            before = player.counts
            self.window.add(player.play_games(config.games_per_iteration))
            self.counts += player.counts - before
            losses: dict[str, Tensor] = {}
            for _ in range(config.updates_per_iteration):
                losses = self._learn((self._iterations + 1) / iterations)
            self._iterations += 1
            self.seconds += time.monotonic() - started
            yield Progress(self.learner.updates, self.fraction, losses)

    def _side_by_side(self) -> Iterator[Progress]:
        """Learn from what the workers send, until the time is over."""
        config = self.config
        self._sitting += 1
        site = self._site or _processes(config)
        crew = SelfPlayCrew(site, config, self._sitting, self.learner.average.state_dict())
        try:
            with crew:
                self._teacher = self.value()
                yield from self._until_all_play(crew)
                started = sent = time.monotonic()
                before = self.seconds
                while self.fraction < 1:
                    if time.monotonic() - sent >= config.send_seconds:
                        crew.send(self.learner.average.state_dict())
                        self._teacher = self.value()
                        sent = time.monotonic()
                    self._receive(crew)
                    losses: dict[str, Tensor] = {}
                    if self._has_work():
                        losses = self._learn(self.fraction)
                    else:
                        time.sleep(IDLE_SECONDS)
                    self.seconds = before + time.monotonic() - started
                    yield Progress(self.learner.updates, self.fraction, losses)
        finally:
            self._take(crew.collected())  # finished before the end came, not yet looked at

    def _receive(self, crew: SelfPlayCrew) -> None:
        """Take in what has been finished."""
        self._take(crew.receive())
        self.deaths = crew.deaths

    def _take(self, harvests: Sequence[Harvest]) -> None:
        """Count the games, keep the samples."""
        for harvest in harvests:
            self.window.add(harvest.samples)
            self.counts += harvest.counts

    def _until_all_play(self, crew: SelfPlayCrew) -> Iterator[Progress]:
        """Wait for the workers: compiling, the first time on a machine, is no part of the minutes.

        A worker that finds no free processor in a cluster may join later; the others do not wait for long.
        """
        deadline = math.inf
        while not crew.all_play and time.monotonic() < deadline:
            yield Progress(self.learner.updates, self.fraction)
            self._receive(crew)
            if crew.any_plays:
                deadline = min(deadline, time.monotonic() + MUSTER_SECONDS)
            time.sleep(IDLE_SECONDS)

    def _has_work(self) -> bool:
        """Whether there are samples enough to begin, and the learner is not too far ahead of the games."""
        config = self.config
        learned = self.learner.updates * config.batch_size
        return self.window.total >= config.batch_size and learned < config.reuse_max * self.window.total

    def _learn(self, fraction: float) -> dict[str, Tensor]:
        """One update of each network."""
        rng = self._streams["batches"]
        losses = self.learner.update(self.window.draw(rng, self.config.batch_size), rng, fraction)
        samples = self.window.draw(rng, self.config.mlp_batch_size)
        mlp_loss = self.mlp_learner.update(samples, rng, fraction, self._teacher)
        return losses | {"mlp_loss": mlp_loss}


def _processes(config: BoardValueConfig) -> Site:
    """Workers here, as many as the config says."""
    wanted = parse_workers(config.workers)
    if wanted.on_ray or wanted.count is None:
        raise ValueError(f"workers {config.workers} need a site (agents.workers.places.open_site)")
    return ProcessSite(wanted.count)
