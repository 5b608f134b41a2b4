"""python scripts/gtp.py othello alpha_beta:value=handcrafted,seconds=0.1     a player as a GTP engine."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Annotated

from tyro.conf import Positional, arg

from agents.player_specs import BadSpec, check_spec, help_text, parse_spec
from agents.roster import build_player
from scripts.command_line import command, parse

DESCRIPTION = f"""\
Speak the Go Text Protocol (version 2) on standard input and output, for the controllers and tournaments of
other programs. `list_commands` tells what is understood. A clock (`time_settings`, `time_left`) shortens a
player's thinking and never lengthens it.

  othello alpha_beta:value=handcrafted,seconds=0.1
  connect_four mcts:value=learned,simulations=400

{help_text()}
"""


@dataclass(frozen=True, kw_only=True)
class Engine:
    """Who plays what."""

    game: Annotated[Positional[str], arg(metavar="GAME", help="tic_tac_toe, connect_four or othello")]
    player: Annotated[Positional[str], arg(metavar="PLAYER")]
    seed: int = 0
    """of the first game; each further game adds one"""


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Build the player, then answer until `quit` or the end of the input."""
    options = parse(Engine, argv, description=DESCRIPTION)
    spec = parse_spec(options.player)
    if spec.kind == "human":
        raise BadSpec("a person cannot be an engine; python scripts/watch.py GAME human PLAYER plays a game")
    from envs.boards.game import game

    played = game(options.game)
    check_spec(spec, options.game)
    from agents.outside.gtp_engine import GTPEngine, serve

    player = build_player(options.player, played, options.seed)
    engine = GTPEngine(played, player, version=metadata.version("advantage"), seed=options.seed)
    serve(engine, sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
