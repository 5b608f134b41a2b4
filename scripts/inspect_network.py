"""python scripts/inspect_network.py pong --out inside."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from agents.runs.model import find_model, read_header
from scripts.command_line import command, parse

DESCRIPTION = """\
Look inside a network: kernels, feature maps (shallow, deep, output) and saliency, as PNG sheets.

  pong                                 a DQN, at step 60 of its own play
  connect_four --moves 3332            a board network, in a position
"""


@dataclass(frozen=True, kw_only=True)
class Inspect:
    """Which network, and what it is shown."""

    model: Annotated[Positional[str], arg(metavar="MODEL")]
    """a model file, a run folder or a name in pretrained/"""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """folder of the sheets; inspect_MODEL where it is left out"""
    moves: Annotated[str | None, arg(metavar="MOVES")] = None
    """the position, of a board network; a short opening where it is left out"""
    at: int = 60
    """the step, of a DQN"""
    seed: int = 0


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write the sheets and print their paths."""
    options = parse(Inspect, argv, description=DESCRIPTION)
    path = find_model(options.model)
    header = read_header(path)
    if options.moves is not None:
        _check_moves(options.moves, header.kind, header.subject)
    if options.at < 0:
        raise ValueError(f"--at counts from 0, got {options.at}")
    folder = options.out or Path(f"inspect_{path.stem}")

    from agents.inspection import sheets, specimen
    from envs.view.recorder import save_png

    for sheet in sheets(specimen(path, moves=options.moves, at=options.at, seed=options.seed)):
        print(save_png(folder / f"{sheet.name}.png", sheet.pixels))
    return 0


def _check_moves(moves: str, kind: str, subject: str) -> None:
    """ValueError unless the model is of a game in which the moves are legal."""
    if kind == "dqn":
        raise ValueError(f"--moves is for board networks; this is a DQN of {subject} (see --at)")
    from envs.boards.game import game

    game(subject).position(moves)


if __name__ == "__main__":
    sys.exit(main())
