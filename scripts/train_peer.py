"""python scripts/train_peer.py PRESET [--field value ...]     train stable-baselines3's DQN, to compare with

It learns what `train_dqn.py PRESET` learns and is measured as ours is, every so many steps in our own envs;
`scripts/compare_runs.py` draws both. The run's folder holds the best and the last model as zips, and metrics
with the names of our runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import tyro

from agents.dqn.config import DQNConfig
from agents.dqn.presets import PRESETS, config_named
from scripts.command_line import UsageError, check_minutes, command, parse

DQN_PRESETS = tuple(name for name, preset in PRESETS.items() if isinstance(preset, DQNConfig))

USAGE = f"""\
usage: train_peer.py PRESET [--field value ...] [--settings own|ours] [--threads N] [--minutes M]
       train_peer.py PRESET --help      shows all fields with the preset's values

presets: {", ".join(DQN_PRESETS)};
         or any gymnasium id with discrete actions, such as Acrobot-v1"""


@dataclass(frozen=True)
class PeerRun:
    """What a run of the peer is asked for."""

    config: Annotated[DQNConfig, tyro.conf.arg(name="")] = field(default_factory=DQNConfig)
    settings: Literal["own", "ours"] = "own"
    """Its authors' hyperparameters, or those of our config, as far as it has them."""
    threads: int = 1
    """Of torch; 0: its own choice, whatever OMP_NUM_THREADS says."""
    runs_dir: Path = Path("runs")
    """The run's folder is made in here."""
    minutes: float | None = None
    """Stop after so much wall time."""

    def __post_init__(self) -> None:
        check_minutes(self.minutes)
        if self.threads < 0:
            raise ValueError(f"--threads must be at least 0, got {self.threads}")


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Train the peer; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0 if arguments else 2
    name = arguments[0]
    if name.startswith("-"):
        raise UsageError(f"PRESET comes first: one of {', '.join(DQN_PRESETS)}, or a gymnasium id")
    preset = _dqn_preset(name)
    wanted = parse(
        PeerRun,
        arguments[1:],
        description=f"Train stable-baselines3's DQN on the environment of preset {name}.",
        default=PeerRun(config=preset),
    )
    from agents.peer_settings import our_settings, own_settings, require_meaning  # late: gymnasium
    from envs.atari import PREFIX

    config = wanted.config
    require_meaning(config, preset)
    settings = own_settings(config, preset) if wanted.settings == "own" else our_settings(config)
    if config.env_id.startswith(PREFIX) and find_spec("cv2") is None:
        raise ValueError("stable-baselines3's Atari wrappers need OpenCV: pip install opencv-python-headless")
    if wanted.threads == 0:
        os.environ.pop("OMP_NUM_THREADS", None)  # set to 1 by command_line.py; read when torch is imported
    from agents.peer_training import BEST_MODEL, LAST_MODEL, make_peer, train_peer, use_threads  # late: torch
    from agents.runs.run import Run

    use_threads(wanted.threads)
    model = make_peer(config, settings)  # before the folder: what cannot run leaves none
    label = "peer-" + name.replace("/", "_").replace(":", "_")
    about = {
        "algorithm": "stable_baselines3.DQN",
        "version": metadata.version("stable-baselines3"),
        "settings": wanted.settings,
        "threads": wanted.threads,
        "hyperparameters": settings.to_json(),
        "protocol": config.to_json(),
    }
    with Run.create(wanted.runs_dir, label, about) as run:
        print(f"run folder: {run.path}", flush=True)
        reason = train_peer(run, model, config, label=label, minutes=wanted.minutes)
        found = next(path for name in (BEST_MODEL, LAST_MODEL) if (path := run.path / name).is_file())
        print(
            f"measure it: python scripts/evaluate.py episodes sb3:dqn:{config.env_id}:{found} --trust-pickle"
        )
        print(f"{reason}; models, metrics and curve: {run.path}")
    return 0


def _dqn_preset(name: str) -> DQNConfig:
    config: object = config_named(name)
    if not isinstance(config, DQNConfig):
        raise ValueError(f"preset {name!r} is no DQN ({type(config).__name__}); the peer trains only that")
    return config


if __name__ == "__main__":
    sys.exit(main())
