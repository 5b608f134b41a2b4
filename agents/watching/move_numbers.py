"""The numbers on the legal moves: one kind at a time, named in the panel's title."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from agents.watching.judges import Judged
from agents.watching.moment import Moment
from envs.view.bars import short_number
from envs.view.looks import look_of
from envs.view.pictures import MoveHint

Numbers = Literal["visits", "prior", "learned", "handcrafted", "truth", "none"]
NUMBERS: tuple[Numbers, ...] = get_args(Numbers)
Numbered: TypeAlias = tuple[str, Mapping[int, str], Mapping[int, float]]  # title; label and weight by action
OUTCOMES = {1: "win", 0: "draw", -1: "loss"}
ONLY_LEGAL: Numbered = ("Legal moves", {}, {})


def move_hints(now: Moment, numbers: Numbers, unsolved: str) -> tuple[tuple[MoveHint, ...], str]:
    """The legal moves with the chosen kind of number, and what the number is.

    `unsolved`: said where the truth is asked for and not known.
    """
    if now.position.is_over:
        return (), ""
    title, labels, weights = _numbered(now, numbers, unsolved)
    hints = [
        MoveHint(cell=cell, label=labels.get(action, ""), weight=float(weights.get(action, 0.0)))
        for action, cell in now.landings.items()
    ]
    return tuple(hints), title


def _numbered(now: Moment, numbers: Numbers, unsolved: str) -> Numbered:
    side = look_of(now.position.game.name).sides[now.position.player]
    judged = now.judged or Judged()
    actions = list(now.landings)
    if numbers == "none":
        return ONLY_LEGAL
    if numbers == "truth":
        return _truth(now, side, unsolved)
    if numbers == "visits" and (counted := _visits(now, actions)) is not None:
        return counted
    if numbers == "prior":
        if judged.prior is None:
            return "Prior of the network: none here", {}, {}
        return "Prior of the network, %", *_percent(judged.prior, actions)
    if numbers == "handcrafted" or judged.learned_moves is None:  # where visits are unknown, values are shown
        kind, scores = "Handcrafted", judged.handcrafted_moves
    else:
        kind, scores = "Learned", judged.learned_moves
    if scores is None:
        return ONLY_LEGAL
    return f"{kind} value of each move: score of {side}, %", *_percent(scores, actions)


def _visits(now: Moment, actions: Sequence[int]) -> Numbered | None:
    """Of the decision, or of the search as far as it has come."""
    if now.decision is not None and now.decision.visits is not None:
        title, visits = "Visits of the search", {a: int(now.decision.visits[a]) for a in actions}
    elif now.decision is None and now.tree is not None:
        title = "Visits of the search so far"
        visits = {node.action: node.visits for node in now.tree.nodes if node.depth == 1}
    else:
        return None
    most = max(1, *visits.values()) if visits else 1
    return (
        title,
        {a: short_number(float(n)) for a, n in visits.items()},
        {a: n / most for a, n in visits.items()},
    )


def _truth(now: Moment, side: str, unsolved: str) -> Numbered:
    if now.truth is None:
        return f"True value of each move: {unsolved}", {}, {}
    labels = {action: OUTCOMES[value] for action, value in now.truth.items()}
    weights = {action: (1 + value) / 2 for action, value in now.truth.items()}
    return f"True value of each move, solved: for {side}", labels, weights


def _percent(shares: NDArray[np.float32], actions: Sequence[int]) -> tuple[dict[int, str], dict[int, float]]:
    """Labels, and weights from the lowest to the highest share."""
    labels = {a: f"{100 * shares[a]:.0f}" for a in actions}
    known = [float(shares[a]) for a in actions]
    low, high = min(known, default=0.0), max(known, default=1.0)
    return labels, {a: (float(shares[a]) - low) / ((high - low) or 1.0) for a in actions}
