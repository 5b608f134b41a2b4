"""One sitting of a training in its run folder: log, measure, save, and end in good order when stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from agents.board_value.learner import Learner
from agents.board_value.train import Progress, Training
from agents.board_value.yardstick import Yardstick
from agents.runs.metrics import read_records
from agents.runs.model import ModelHeader, ModelKind
from agents.runs.plots import learning_curve
from agents.runs.progress import ProgressLine
from agents.runs.run import Run
from agents.runs.stopping import stop_requests
from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits
from agents.search.mcts import MCTSPlayer
from agents.values.learned import LearnedValue, hardware_dtype
from agents.values.mlp import MLPValue, network_config

LOG_SECONDS = 5.0  # between two records
MLP_PART = "alpha_beta"  # of the run's models: the small network
CURVES = ("policy_loss", "value_loss", "mlp_loss", "score", "games_per_minute", "evaluations_per_second")


def sit(run: Run, training: Training, yardstick: Yardstick | None, *, label: str) -> bool:
    """Train to the end or until Ctrl-C; the run folder is complete at any moment.

    Args:
        run: where everything goes.
        training: new, or with a loaded state.
        yardstick: measures the networks now and then; None: never.
        label: of the progress line.
    Returns: whether the training is finished.
    """
    config = training.config
    keeper = _Keeper(run, training, yardstick)
    log, measure, save = (_Every(s) for s in (LOG_SECONDS, config.evaluate_seconds, config.save_seconds))
    keeper.save()
    if training.learner.updates == 0:
        keeper.save_models()
    finished, measured = True, False
    progress = Progress(training.learner.updates, 1.0)  # of a run that has nothing left to do
    line = ProgressLine(label, 100, unit="%", start=100 * training.fraction)
    with stop_requests() as stopped, line:
        for progress in training.run():
            if log.strikes():
                keeper.log(progress)
            if not measured or measure.strikes():  # the first time before the clock runs
                keeper.measure(progress)
                measured = True
            if save.strikes():
                keeper.save()
            line.update(100 * progress.fraction, **keeper.shown)
            if stopped.is_set():
                finished = False
                break
        if finished:
            keeper.log(progress)
            keeper.measure(progress)
            line.update(100, **keeper.shown)
    keeper.save()
    keeper.draw(label)
    return finished


class _Every:
    """Strikes at most once in so many seconds, the first time after one interval."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._last = seconds, clock, clock()

    def strikes(self) -> bool:
        if self._clock() - self._last < self._seconds:
            return False
        self._last = self._clock()
        return True


class _Keeper:
    """The bookkeeping of a run."""

    def __init__(self, run: Run, training: Training, yardstick: Yardstick | None) -> None:
        self.shown: dict[str, float | Tensor] = {}  # in the progress line
        self._run = run
        self._training = training
        self._yardstick = yardstick
        self._before = training.seconds, training.counts

    def log(self, progress: Progress) -> None:
        """Record losses and speeds since the last record."""
        seconds, counts = self._training.seconds, self._training.counts
        before_seconds, before = self._before
        self._before = seconds, counts
        spent = max(1e-9, seconds - before_seconds)
        speeds = {
            "games": float(counts.games),
            "games_per_minute": 60 * (counts.games - before.games) / spent,
            "evaluations_per_second": (counts.evaluations - before.evaluations) / spent,
        }
        if self._training.deaths:
            speeds["workers_replaced"] = float(len(self._training.deaths))
        self.shown = {**self.shown, **speeds, **progress.losses}
        samples = {"samples": float(self._training.window.total)}
        self._run.log(progress.updates, {**speeds, **samples, **progress.losses})

    def measure(self, progress: Progress) -> None:
        """Measure both networks as they are now, record the figures, save the models."""
        training, config = self._training, self._training.config
        scores: list[float | None] = [None, None]
        if self._yardstick is not None:
            value = LearnedValue(training.game, training.learner.average, symmetries=config.symmetries)
            small_value = MLPValue(training.game, training.mlp_learner.average)
            mcts = MCTSPlayer("mcts", training.game, value, simulations=config.held_simulations)
            alpha_beta = AlphaBetaPlayer("alpha_beta", small_value, Limits(depth=config.held_depth))
            figures = self._yardstick.measure(mcts)
            small_figures = self._yardstick.measure(alpha_beta)
            scores = [figures["score"], small_figures["score"]]
            self.shown = {**self.shown, **figures}
            parts = {f"{MLP_PART}_{name}": figure for name, figure in small_figures.items()}
            self._run.log(progress.updates, figures | parts)
        self.save_models(*scores)

    def save_models(self, score: float | None = None, small_score: float | None = None) -> None:
        """Save both networks as they are now, with what they scored, if they were measured."""
        training, config = self._training, self._training.config
        network = config.network(training.game).to_json()
        self._save_model("board_value", network, training.learner, hardware_dtype(), score)
        small_network = network_config(config.mlp_hidden_sizes).to_json()
        self._save_model(
            "board_value_mlp", small_network, training.mlp_learner, torch.float32, small_score, MLP_PART
        )

    def draw(self, label: str) -> None:
        """Draw the learning curves, if anything has been recorded yet."""
        recorded = {name for record in read_records(self._run.metrics.path) for name in record}
        if curves := [name for name in CURVES if name in recorded]:
            learning_curve({label: self._run.path}, self._run.path / "curve.png", curves, x="minutes")

    def save(self) -> None:
        """Save what a resume needs."""
        self._run.save_state(self._training.state_dict())

    def _save_model(
        self,
        kind: ModelKind,
        network: dict[str, Any],
        learner: Learner,
        dtype: torch.dtype,
        score: float | None,
        part: str = "",
    ) -> None:
        config, counts = self._training.config, self._training.counts
        header = ModelHeader(
            kind=kind,
            subject=config.game,
            network=network,
            config=config.to_json(),
            step=learner.updates,
            score=score,
            notes={"minutes": round(self._training.seconds / 60, 2), "games": counts.games},
        )
        weights = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor  # but counters of batch norm
            for name, tensor in learner.average.state_dict().items()
        }
        self._run.save_model(weights, header, part)
