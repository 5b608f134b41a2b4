"""Players from their specs: the one place that knows how every kind is built. See `agents.player_specs`.

Nothing heavy is imported before the spec is known to be good.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

from agents.player_specs import KINDS, PlayerSpec, check_spec, model_of, parse_spec

if TYPE_CHECKING:
    from agents.players import Player
    from agents.values.value import Value
    from envs.boards.game import Game, Position


def build_player(spec: str, game: Game, seed: int = 0) -> Player:
    """The player of that name.

    Args:
        spec: as `agents.player_specs` describes.
        seed: of its random stream; `reset` changes it.
    Raises: BadSpec or ModelNotFound, before torch is imported; ValueError from a damaged model.
    """
    parsed = parse_spec(spec)
    check_spec(parsed, game.name)
    player = _build(parsed, game)
    player.reset(seed)
    return player


def exact_solver(game: Game) -> Callable[[Position, int, int], bool] | None:
    """What tells whether an action in a position is worth at least 1, 0 or -1 when nobody errs.

    None for a game without a solver.
    """
    if game.name not in (KINDS["solver"].games or ()):
        return None
    from agents.search.solver import SolverPlayer

    return SolverPlayer("solver", game).reaches


def _build(spec: PlayerSpec, game: Game) -> Player:
    from agents.players import HumanPlayer, RandomPlayer
    from agents.search.alpha_beta_player import AlphaBetaPlayer
    from agents.search.greedy import GreedyPlayer
    from agents.search.gumbel import GumbelConfig
    from agents.search.limits import Limits
    from agents.search.mcts import MCTSPlayer
    from agents.search.solver import SolverPlayer

    name = spec.text
    match spec.kind:
        case "random":
            return RandomPlayer(name)
        case "human":
            return HumanPlayer(name)
        case "solver":
            return SolverPlayer(name, game)
        case "greedy":
            return GreedyPlayer(name, build_value(spec, game))
        case "alpha_beta":
            limits = Limits(depth=spec.depth, nodes=spec.nodes, seconds=spec.seconds)
            return AlphaBetaPlayer(name, build_value(spec, game), limits, reductions=bool(spec.reductions))
        case "mcts":
            return MCTSPlayer(
                name,
                game,
                build_value(spec, game),
                simulations=spec.simulations,
                seconds=spec.seconds,
                gumbel=GumbelConfig() if spec.root == "gumbel" else None,
            )
        case "gtp":
            from agents.outside.gtp_player import GTPPlayer

            assert spec.command is not None
            assert spec.seconds is not None
            return GTPPlayer(name, game, shlex.split(spec.command), spec.seconds)
        case _:
            raise AssertionError(f"no builder for {spec.kind}")


def build_value(spec: PlayerSpec, game: Game) -> Value:
    """The judgement that the player of `spec` asks. Raises: as `build_player`."""
    if spec.value == "handcrafted":
        from agents.values.handcrafted import HandcraftedValue

        return HandcraftedValue(game)
    if spec.value == "rollout":
        from agents.values.rollout import RolloutValue

        return RolloutValue(game)
    if spec.value == "squares":
        from agents.values.handcrafted import SquaresValue

        return SquaresValue(game)
    path, header = model_of(spec, game.name)
    match header.kind:
        case "board_value_mlp":
            from agents.values.mlp import MLPValue

            return MLPValue.load(path)
        case "board_value_ntuple":
            from agents.values.ntuple import NTupleValue

            return NTupleValue.load(path)
        case "board_value_fitted":
            from agents.values.fitted import FittedValue

            return FittedValue.load(path)
        case _:
            from agents.values.learned import LearnedValue

            return LearnedValue.load(path)
