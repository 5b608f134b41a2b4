"""python scripts/fit_value.py othello [--field value ...]     fit values to games of alpha-beta

Alpha-beta plays Othello against itself; linear models learn how such games end. The run's folder holds an
n-tuple network on the raw board (alpha_beta:value=learned) and weights for the experts' features
(alpha_beta:value=fitted), the games they were fitted to, and how strong each generation was.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from agents.fitting.config import FittingConfig
from scripts.command_line import UsageError, command, parse, resumed_path

if TYPE_CHECKING:
    from agents.runs.run import Run

GAME = "othello"
USAGE = """\
usage: fit_value.py othello [--field value ...] [--runs-dir DIR]
       fit_value.py --resume RUN
       fit_value.py othello --help      shows all fields"""


@dataclass(frozen=True)
class NewFit:
    """What a new run is asked for."""

    config: Annotated[FittingConfig, tyro.conf.arg(name="")] = field(default_factory=FittingConfig)
    runs_dir: Path = Path("runs")
    """The run's folder is made in here."""


@dataclass(frozen=True)
class ResumedFit:
    """What a resume is asked for; its config is the run's own."""

    resume: Path
    """The folder of a run that was stopped or killed."""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Fit or go on; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0 if arguments else 2
    if resumed_path(arguments) is not None:
        resumed = parse(ResumedFit, arguments, description="Go on with a run.")
        from agents.runs.run import Run  # late: torch

        with Run.open(resumed.resume) as run:
            return _fit(run, FittingConfig.from_json(run.config))
    if arguments[0] != GAME:
        raise UsageError(f"the game comes first, got {arguments[0]!r}; there is {GAME}")
    wanted = parse(NewFit, arguments[1:], description="Fit values of Othello to games of alpha-beta.")
    from agents.runs.run import Run

    with Run.create(wanted.runs_dir, f"{GAME}-fit", wanted.config.to_json()) as run:
        print(f"run folder: {run.path}", flush=True)
        run.save_state({"step": 0})
        return _fit(run, wanted.config)


def _fit(run: Run, config: FittingConfig) -> int:
    from agents.fitting.train import FITTED_PART, NTUPLE_PART, Fitting
    from agents.runs.progress import ProgressLine
    from agents.runs.stopping import stop_requests

    fitting = Fitting(run, config)
    done = run.load_state()["step"]
    total = config.generations * config.games
    with (
        stop_requests() as stopped,
        ProgressLine(f"{GAME} fit", total, "games", start=done * config.games) as line,
    ):
        for generation in range(done + 1, config.generations + 1):
            for games in fitting.play(generation):
                line.update((generation - 1) * config.games + games, generation=generation)
                if stopped.is_set():
                    print(f"stopped; go on with: python scripts/fit_value.py --resume {run.path}")
                    return 0
            line.update(generation * config.games, **fitting.fit(generation))
    learned, fitted = (run.model_path("best", part) for part in (NTUPLE_PART, FITTED_PART))
    print(f"best: {learned} (score {run.best_score(NTUPLE_PART):.3f} against handcrafted at equal depth)")
    print(f"      {fitted} (score {run.best_score(FITTED_PART):.3f})")
    player = f"alpha_beta:value=learned,model={learned},seconds=0.05"
    print(f"measure it: python scripts/evaluate.py match {GAME} {player} alpha_beta:seconds=0.05 --games 100")
    return 0


if __name__ == "__main__":
    sys.exit(main())
