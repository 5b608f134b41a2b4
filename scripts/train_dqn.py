"""python scripts/train_dqn.py PRESET [--field value ...]     train a DQN; see --help for presets and fields

PRESET is an environment (cartpole, pong, breakout, ...), a published algorithm (nature_dqn, rainbow, pqn; its
environment is Pong unless --env-id says another), or any gymnasium id with discrete actions. The run's folder
holds the best and the last model, metrics, TensorBoard events and what --resume needs.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import tyro

from agents.dqn.config import TrainingConfig, config_from_json
from agents.dqn.presets import PRESETS, config_named
from scripts.command_line import UsageError, check_minutes, command, parse, resumed_path

USAGE = f"""\
usage: train_dqn.py PRESET [--field value ...] [--runs-dir DIR] [--minutes M]
       train_dqn.py --resume RUN [--minutes M] [--field value ...]
       train_dqn.py PRESET --help      shows all fields with the preset's values

A run goes on as it was begun, but for the fields that are given, such as --env-steps or --average-decay.

{textwrap.fill(f"presets: {', '.join(PRESETS)};", 100, subsequent_indent=" " * 9)}
         or any gymnasium id with discrete actions, such as Acrobot-v1"""

Config = TypeVar("Config", bound=TrainingConfig)


@dataclass(frozen=True)
class NewRun(Generic[Config]):
    """What a new run is asked for."""

    config: Annotated[Config, tyro.conf.arg(name="")]
    runs_dir: Path = Path("runs")
    """The run's folder is made in here."""
    minutes: float | None = None
    """Stop after so much wall time."""

    def __post_init__(self) -> None:
        check_minutes(self.minutes)


@dataclass(frozen=True)
class ResumedRun(Generic[Config]):
    """What a resume is asked for."""

    resume: Path
    """The folder of a run that was stopped or killed, or is to go on for longer."""
    config: Annotated[Config, tyro.conf.arg(name="")]
    minutes: float | None = None
    """Stop after so much more wall time."""

    def __post_init__(self) -> None:
        check_minutes(self.minutes)


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Train or resume; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0 if arguments else 2
    if (path := resumed_path(arguments)) is not None:
        return _resume(path, arguments)
    if arguments[0].startswith("-"):
        raise UsageError(f"PRESET comes first: one of {', '.join(PRESETS)}, or a gymnasium id")
    return _start(arguments[0], arguments[1:])


def _start(name: str, arguments: list[str]) -> int:
    preset = config_named(name)
    wanted = parse(
        NewRun[type(preset)],  # type: ignore[misc]  # the preset's own fields become the flags
        arguments,
        description=f"Train with preset {name}, {preset.ALGORITHM.upper()}.",
        default=NewRun(config=preset),
    )
    from agents.dqn.supervise import make_training, supervise  # late: torch
    from agents.runs.run import Run

    training = make_training(wanted.config)  # before the folder: what cannot run leaves none
    label = name.replace("/", "_").replace(":", "_")
    with Run.create(wanted.runs_dir, label, wanted.config.to_json()) as run:
        print(f"run folder: {run.path}", flush=True)
        reason = supervise(run, training, label=label, minutes=wanted.minutes)
        _report(run.path, reason)
    return 0


def _resume(path: Path, arguments: list[str]) -> int:
    from agents.runs.run import Run, resumable_config  # late: torch

    config = config_from_json(resumable_config(path))
    if not arguments[0].startswith("-"):
        raise UsageError(f"--resume needs no preset: {path} knows its own; leave out {arguments[0]}")
    wanted = parse(
        ResumedRun[type(config)],  # type: ignore[misc]  # as above
        arguments,
        description=f"Go on with {path}.",
        default=ResumedRun(resume=path, config=config),
    )
    config.check_resume(wanted.config)
    from agents.dqn.supervise import make_training, supervise

    with Run.open(path) as run:
        training = make_training(wanted.config)
        reason = supervise(run, training, label=run.path.name, resume=True, minutes=wanted.minutes)
        _report(run.path, reason)
    return 0


def _report(path: Path, reason: str) -> None:
    from agents.runs.model import find_model, read_header

    header = read_header(find_model(path))
    score = "not evaluated yet" if header.score is None else f"best evaluation {header.score:.4g}"
    curve = f"; curve: {path / 'curve.png'}" if (path / "curve.png").is_file() else ""
    print(f"{reason}; {score}, model of step {header.step:,}{curve}")
    print(f"watch it:   python scripts/watch.py {path}")
    print(f"measure it: python scripts/evaluate.py episodes {path} --episodes 100")


if __name__ == "__main__":
    sys.exit(main())
