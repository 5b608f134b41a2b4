"""python scripts/publish_model.py MODEL NAME     put a trained model into pretrained/, at half its size

The weights are rounded to bfloat16, but for the last layer, where digits decide between actions. Measure the
published file, not the run: evaluate.py episodes NAME. A card beside it, NAME.md, says how it was made.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from agents.runs.model import PRETRAINED, SUFFIX, find_model
from scripts.command_line import command, parse


@dataclass(frozen=True)
class Publication:
    """What is published, and as what."""

    model: Annotated[str, tyro.conf.Positional]
    """A run folder (its best model) or a model file."""
    name: Annotated[str, tyro.conf.Positional]
    """What people will type for it."""
    folder: Path = PRETRAINED
    """Where it goes."""

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name or not self.name:
            raise ValueError(f"NAME must be a plain name such as pong, got {self.name!r}")


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Round and write; returns the exit code."""
    wanted = parse(Publication, argv, description=__doc__ or "")
    source = find_model(wanted.model)
    import torch  # late

    from agents.runs.model import load_model, save_model

    header, weights = load_model(source)
    small = {
        name: tensor.to(torch.bfloat16)
        if tensor.is_floating_point() and not name.startswith("head.")
        else tensor
        for name, tensor in weights.items()
    }
    path = wanted.folder / f"{wanted.name}{SUFFIX}"
    save_model(path, small, header)
    print(f"{source} of step {header.step:,} is now {path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
