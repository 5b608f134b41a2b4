"""python scripts/export_connectx.py connect_four agent.py     a model as one file for Kaggle's ConnectX."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from agents.runs.atomic import write_text
from agents.runs.model import find_model
from scripts.command_line import check_output, command, parse

DESCRIPTION = """\
Write one Python file that needs numpy alone and plays Connect Four on the standard board (7 columns, 6 rows,
4 in a row) in about 0.9 s a move: it solves what it can and searches the rest with the model's network.
Submit it to https://www.kaggle.com/competitions/connectx, or import `agent` from it.
"""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What is written where."""

    model: Annotated[Positional[str], arg(metavar="MODEL")]
    """a Connect Four model for mcts: a file, a run folder or a name in pretrained/"""
    out: Annotated[Positional[Path], arg(metavar="OUT.py")]


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Write the file and tell its size."""
    options = parse(Export, argv, description=DESCRIPTION)
    if options.out.suffix != ".py":
        raise ValueError(f"OUT must end in .py, got {options.out}")
    check_output("OUT", options.out)
    model = find_model(options.model)
    from agents.outside.connectx_export import agent_source

    write_text(options.out, agent_source(model))
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB, the agent with {model.name} inside")
    return 0


if __name__ == "__main__":
    sys.exit(main())
