"""What goes on around training: log, evaluate, keep the best, save for a resume, stop in good order."""

from __future__ import annotations

import time

import numpy as np
from torch import Tensor

from agents.arena.episodes import EpisodeAgent, EpisodeReturns, play_episodes
from agents.dqn.agent import DQNAgent
from agents.dqn.config import DQNConfig, PQNConfig, TrainingConfig, crossed
from agents.dqn.online import Metrics
from agents.dqn.pqn import PQNTraining
from agents.dqn.replay_log import ReplayLog
from agents.dqn.train import DQNTraining, Progress, Training, make_envs
from agents.runs import seeding
from agents.runs.model import ModelHeader
from agents.runs.plots import learning_curve
from agents.runs.progress import ProgressLine
from agents.runs.run import Run
from agents.runs.stopping import stop_requests
from envs.vector import VectorEnvs

OUTSIDE_TOLERATED = 0.01  # of the targets, beyond the ends of a categorical head


def make_training(config: TrainingConfig) -> Training:
    """The training that a config is for. Raises: as the trainings themselves."""
    if isinstance(config, PQNConfig):
        return PQNTraining(config)
    assert isinstance(config, DQNConfig)
    return DQNTraining(config)


def supervise(
    run: Run, training: Training, *, label: str, resume: bool = False, minutes: float | None = None
) -> str:
    """Train until steps, a return, minutes or Ctrl-C end it; the run folder is complete at any moment.

    Args:
        run: where everything goes.
        training: what runs; with `resume` it is first set to where the run's last saved state was.
        label: of the progress line.
        resume: go on with `run`.
        minutes: of wall time for this sitting.
    Returns: why it ended, for people.
    """
    config = training.config
    supervisor = Supervisor(run, training)
    if resume:
        supervisor.restore()
        run.go_on(config.to_json())  # now that there is something to go on from
    else:
        supervisor.save_model(score=None)
    deadline = time.monotonic() + 60 * minutes if minutes is not None else float("inf")
    reason = "all steps are done"
    line = ProgressLine(label, config.env_steps, start=training.step)
    with stop_requests() as stopped, line:
        for progress in training.run():
            if advice := supervisor.log(progress):
                line.note(advice)
            stop = stopped.is_set() or time.monotonic() > deadline
            last = stop or progress.step >= config.env_steps
            if stop:
                reason = "stopped on request" if stopped.is_set() else "the minutes are over"
            due_now = crossed(progress.step, config.stride, config.evaluate_every_steps)
            if due_now or (last and not stopped.is_set()):
                returns = supervisor.evaluate()
                line.update(progress.step, evaluation=returns.mean)
                if config.stop_at_return is not None and returns.mean >= config.stop_at_return:
                    stop, reason = True, f"an evaluation reached {config.stop_at_return:g}"
            elif stop:
                supervisor.save_model(score=None)
            if training.returns:
                line.update(progress.step, train_return=float(np.mean(training.returns)))
            else:
                line.update(progress.step)
            supervisor.save(now=stop or last)
            if stop:
                break
    if run.has_metrics:
        learning_curve({label: run.path}, run.path / "curve.png")
    return reason


def evaluate(
    run: Run, agent: EpisodeAgent, envs: VectorEnvs, config: TrainingConfig, step: int
) -> EpisodeReturns:
    """Play fresh episodes, with seeds of this step's own, and record the returns in the run's metrics."""
    returns = play_episodes(
        agent,
        envs,
        config.evaluation_episodes,
        seeding.child_seed(config.seed, f"evaluation {step}"),
        steps_max=config.evaluation_steps_max,
    )
    low, high = returns.interval()
    run.log(step, {"evaluation_return": returns.mean, "evaluation_low": low, "evaluation_high": high})
    return returns


class Supervisor:
    """The bookkeeping of one run: sums since the last record, evaluation envs, time of the last save."""

    def __init__(self, run: Run, training: Training) -> None:
        self.run, self.training, self.config = run, training, training.config
        self.evaluation_envs = make_envs(self.config, self.config.evaluation_envs)
        self.replay_log = ReplayLog(run.path, training.replay) if isinstance(training, DQNTraining) else None
        self._sums: Metrics = {}
        self._count = 0
        self._saved_at = time.monotonic()
        self._advised = False

    def log(self, progress: Progress) -> str | None:
        """Sum up the metrics of a stride; write their means where a record is due.

        Returns: what people should be told about them; once in a sitting.
        """
        step = progress.step
        if progress.metrics:
            self._sums = {name: self._sums.get(name, 0.0) + x for name, x in progress.metrics.items()}
            self._count += 1
        if not crossed(step, self.config.stride, self.config.log_every_steps):
            return None
        record: dict[str, float | Tensor] = {"epsilon": self.training.agent.epsilon}
        if self._count:
            record |= {name: total / self._count for name, total in self._sums.items()}
        if self.training.returns:
            record["train_return"] = float(np.mean(self.training.returns))
        self.run.log(step, record)
        self._sums, self._count = {}, 0
        outside = float(record.get("outside_support", 0.0))
        if self._advised or outside <= OUTSIDE_TOLERATED:
            return None
        self._advised = True
        low, high = self.config.value_min, self.config.value_max
        return (
            f"{outside:.0%} of the targets lie outside [{low:g}, {high:g}], where all states look alike; "
            "train anew with a wider --value-min, --value-max"
        )

    def evaluate(self) -> EpisodeReturns:
        """Play fresh episodes with what is saved, the weights of now or their mean; record them."""
        config, training = self.config, self.training
        agent = DQNAgent(
            training.network.evaluated(),
            training.network_config,
            epsilon=config.evaluation_epsilon,
            lanes=training.network.lanes,
        )
        returns = evaluate(self.run, agent, self.evaluation_envs, config, training.step)
        self.save_model(returns.mean)
        return returns

    def save(self, *, now: bool = False) -> None:
        """Save what a resume needs, if it is time."""
        if not now and time.monotonic() - self._saved_at < self.config.save_every_seconds:
            return
        state = self.training.state() | {"sums": self._sums, "count": self._count}
        if self.replay_log is not None:
            state["replay"] = self.replay_log.append()
        self.run.save_state(state)
        if self.replay_log is not None:
            self.replay_log.prune()
        self._saved_at = time.monotonic()

    def restore(self) -> None:
        """Go on from the run's last save."""
        state = self.run.load_state()
        self.training.restore(state)
        if self.replay_log is not None:
            self.replay_log.restore(state["replay"])
        self._sums, self._count = state["sums"], state["count"]

    def save_model(self, score: float | None) -> None:
        """Save the weights of now; `score` is their evaluation, None where there was none."""
        training = self.training
        header = ModelHeader(
            kind="dqn",
            subject=self.config.env_id,
            network=training.network_config.to_json(),
            config=self.config.to_json(),
            step=training.step,
            score=score,
            notes={"evaluation_episodes": self.config.evaluation_episodes},
        )
        self.run.save_model(training.network.average.state_dict(), header)
