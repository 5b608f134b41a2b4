"""python scripts/train_board_value.py GAME [--field value ...]     learn to judge boards from self-play

GAME is tic_tac_toe, connect_four or othello, or connect_four_90, which grows. The run's folder holds the best
policy-value network (for mcts), the best small value network (for alpha_beta), metrics, TensorBoard events
and what --resume needs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from agents.board_value.config import BoardValueConfig
from agents.board_value.presets import PRESETS, following
from agents.workers.places import open_site
from agents.workers.site import Site
from envs.boards.game import GAMES
from scripts.command_line import UsageError, command, flags_named, parse, resumed_path

if TYPE_CHECKING:
    from agents.runs.run import Run

USAGE = f"""\
usage: train_board_value.py GAME [--minutes M] [--workers N | ray[:N]] [--field value ...] [--runs-dir DIR]
       train_board_value.py --resume RUN [--minutes M] [--workers N | ray[:N]] [--field value ...]
       train_board_value.py GAME --help      shows all fields with the game's values

A run goes on as it was begun, but for the fields that are given: --minutes counts all sittings together;
more --channels, --blocks, --squeezed-planes or wider --hidden-sizes let the networks grow from what they
have learned.

--workers N plays in N processes of this machine, ray[:N] on a Ray cluster (ray alone: a worker for each CPU):
the one at --ray-address or RAY_ADDRESS, else one that is started here for the time of the training.

games: {", ".join(GAMES)}
longer: connect_four_90, as it was shipped: 30 minutes, then a larger network for 60 more (flags change the
        first part alone; --then names what follows any training)"""


@dataclass(frozen=True)
class NewRun:
    """What a new run is asked for."""

    config: Annotated[BoardValueConfig, tyro.conf.arg(name="")] = field(
        default_factory=lambda: PRESETS["connect_four"]
    )
    runs_dir: Path = Path("runs")
    """The run's folder is made in here."""
    ray_address: str | None = None
    """of the Ray cluster that --workers ray joins; default RAY_ADDRESS, else a cluster of its own"""


@dataclass(frozen=True)
class ResumedRun:
    """What a resume is asked for."""

    resume: Path
    """The folder of a run that was stopped or killed, or is to go on for longer."""
    config: Annotated[BoardValueConfig, tyro.conf.arg(name="")]
    ray_address: str | None = None
    """of the Ray cluster that workers on ray join; default RAY_ADDRESS, else a cluster of its own"""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Train or resume; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments or arguments in (["--help"], ["-h"]):
        print(USAGE)
        return 0 if arguments else 2
    if (path := resumed_path(arguments)) is not None:
        return _resume(path, arguments)
    return _start(arguments[0], arguments[1:])


def _start(name: str, arguments: list[str]) -> int:
    if name not in PRESETS:
        nearest = get_close_matches(name, PRESETS, n=1, cutoff=0.4)
        hint = f"did you mean {nearest[0]}? " if nearest else ""
        raise UsageError(f"the game comes first, got {name!r}; {hint}games: {', '.join(GAMES)}")
    wanted = parse(
        NewRun,
        arguments,
        description=f"Learn to judge {name} from self-play.",
        default=NewRun(config=PRESETS[name]),
    )
    from agents.runs.run import Run  # late: torch

    config = wanted.config
    if config.game != PRESETS[name].game:
        raise UsageError(f"the game is the first argument: {name} is {PRESETS[name].game}, not {config.game}")
    with flags_named():
        following(config)  # a wrong name leaves no folder
    with (
        open_site(config.workers, wanted.ray_address) as site,
        Run.create(wanted.runs_dir, name, config.to_json()) as run,
    ):
        print(f"run folder: {run.path}", flush=True)
        return _train(run, config, site, resume=False)


def _resume(path: Path, arguments: list[str]) -> int:
    names = [argument for argument in arguments[:1] if argument in PRESETS]
    from agents.runs.run import Run, resumable_config  # late: torch

    config = BoardValueConfig.from_json(resumable_config(path))
    default = ResumedRun(resume=path, config=config)
    flags = arguments[len(names) :]
    wanted = parse(ResumedRun, flags, description=f"Go on with {path}.", default=default)
    for name in (*names, wanted.config.game):
        if PRESETS[name].game != config.game:
            raise UsageError(f"{path} is a run of {config.game}, not of {name}")
    with Run.open(path) as run, open_site(wanted.config.workers, wanted.ray_address) as site:
        return _train(run, wanted.config, site, resume=True)


def _train(run: Run, config: BoardValueConfig, site: Site, *, resume: bool) -> int:
    import torch

    from agents.board_value.sitting import sit
    from agents.board_value.train import Training
    from agents.board_value.yardstick import yardstick_for

    after = following(config)
    torch.set_num_threads(1)  # self-play has the other cores
    training = Training(config, site)
    if resume:
        training.load_state_dict(run.load_state())
        run.go_on(config.to_json())
    finished = sit(run, training, yardstick_for(training.game, config), label=config.game)
    if training.deaths:
        print(f"workers replaced: {len(training.deaths)}, the last one died with {training.deaths[-1]}")
    if after is None or not finished:
        _report(run.path, config.game, finished)
        return 0
    print(f"goes on as {config.then}", flush=True)
    with open_site(after.workers) as next_site:
        return _train(run, after, next_site, resume=True)


def _report(path: Path, game_name: str, finished: bool) -> None:
    from agents.runs.model import find_model, read_header

    if not finished:
        print(f"stopped; go on with: python scripts/train_board_value.py --resume {path}")
        return
    header = read_header(find_model(path))
    score = "" if header.score is None else f", score {header.score:.4f}"
    print(f"best: {find_model(path)} after {header.step:,} updates{score}; curve: {path / 'curve.png'}")
    player = f"mcts:value=learned,model={path}"
    print(f"watch it:   python scripts/watch.py {game_name} human {player}")
    print(f"measure it: python scripts/evaluate.py match {game_name} {player} alpha_beta:depth=5 --games 100")


if __name__ == "__main__":
    sys.exit(main())
