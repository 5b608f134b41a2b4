"""The players who answer the project's question, all with the same effort for each move.

{alpha-beta, MCTS} x {handcrafted, learned} in the middle, `greedy` and `random` at the bottom. The shipped
learned judgements differ, a quick one for alpha-beta and a deep one for MCTS, so MCTS plays with the quick
one too: what the search is worth can then be told from what the judgement is. Where a game has them,
alpha-beta with the judgements between the two (squares, fitted) and the solver beside them.
"""

from __future__ import annotations

import math

from agents.arena.tournament import JUDGEMENTS, SEARCHES
from agents.player_specs import ALPHA_BETA_PART, VALUE_GAMES

EFFORTS = ("seconds", "nodes")
ENDS_EARLY = ("tic_tac_toe",)  # games whose solver answers at once from any opening


def standard_field(game_name: str, effort: str) -> list[str]:
    """Specs of all players.

    Args:
        effort: of each move, `seconds=S` or `nodes=N`; a node is a state that was judged or passed through,
            so N nodes are N simulations of MCTS.
    Raises: ValueError for another effort.
    """
    unit, _, amount = effort.partition("=")
    try:
        right = unit in EFFORTS and 0 < float(amount) < math.inf
    except ValueError:
        right = False
    if not right:
        raise ValueError(f"--effort is seconds=S or nodes=N for each move, got {effort!r}")
    bounds = {"alpha_beta": effort, "mcts": f"simulations={amount}" if unit == "nodes" else effort}
    between = [value for value, games in VALUE_GAMES.items() if game_name in games]
    table = [(search, value) for search in SEARCHES for value in JUDGEMENTS]
    table += [("alpha_beta", value) for value in between]
    players = [f"{search}:value={value},{bounds[search]}" for search, value in table]
    players.append(f"mcts:value=learned,model={game_name}_{ALPHA_BETA_PART},{bounds['mcts']}")
    solver = ["solver"] if game_name in ENDS_EARLY else []
    return [*players, *solver, "greedy:value=handcrafted", "random"]
