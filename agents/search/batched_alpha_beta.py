"""Alpha-beta for value functions that only answer in batches, such as torch networks.

It returns the same scores as agents.search.alpha_beta, from Python: the children of a node are evaluated
together, which settles them at the horizon and orders them above it.
"""

import numpy as np

from agents.search.alpha_beta import INFINITY, PROVEN, WIN
from agents.search.clock import NEVER, deadline_ns, now_ns
from agents.search.limits import DEPTH_MAX, NODES_MAX, Limits, StopFlag
from agents.search.result import Iteration, Result
from agents.values.value import Value, as_score
from envs.boards import rules
from envs.boards.rules import State

REMEMBERED_MAX = 200_000  # states


class _Stopped(Exception):
    """A limit was met, or the flag is set."""


class BatchedAlphaBeta:
    """The search with its memory: the scores of states it has evaluated."""

    def __init__(self, value: Value, stop: StopFlag) -> None:
        self._value = value
        self._stop = stop
        self._nodes = self._nodes_max = self._cutoffs = self._first_cutoffs = 0
        self._deadline = NEVER
        self._may_stop = self._met_horizon = False
        self.forget()

    def forget(self) -> None:
        """Drop the remembered scores."""
        self._scores: dict[State, int] = {}

    def search(self, state: State, limits: Limits) -> Result:
        """Search an unfinished state within the limits, or until the flag is set.

        The first iteration is always finished; one that was broken off does not count.
        """
        self._nodes, self._nodes_max = 0, limits.nodes or NODES_MAX
        self._cutoffs = self._first_cutoffs = 0
        self._deadline = deadline_ns(limits.seconds)
        iterations: list[Iteration] = []
        found, depth, proven = 0, 0, False
        line: tuple[int, ...] = ()
        while depth < (limits.depth or DEPTH_MAX) and not proven:
            self._may_stop, self._met_horizon = depth > 0, False
            try:
                found, line = self._negamax(state, depth + 1, -INFINITY, INFINITY, 0, line)
            except _Stopped:
                break
            depth += 1
            counts = self._nodes, self._cutoffs, self._first_cutoffs
            iterations.append(Iteration(depth, found, line, *counts))
            proven = abs(found) >= PROVEN or not self._met_horizon
        return Result(found, line, depth, self._nodes, proven, tuple(iterations))

    def _negamax(
        self, state: State, depth: int, alpha: int, beta: int, ply: int, first_line: tuple[int, ...]
    ) -> tuple[int, tuple[int, ...]]:
        """Fail-soft score of an unfinished state and the line it comes from; `first_line` is tried first."""
        if self._may_stop and (
            self._stop.byte[0] or self._nodes >= self._nodes_max or now_ns() >= self._deadline
        ):
            raise _Stopped
        children = {action: rules.play(state, action) for action in self._value.game.legal(state)}
        self._nodes += len(children)
        ended = {
            action: -int(rules.outcome(child)) * (WIN - ply - 1)
            for action, child in children.items()
            if rules.is_over(child)
        }
        unfinished = [action for action in children if action not in ended]
        judged = self._judge([children[action] for action in unfinished])
        promise = {**ended, **{a: -each for a, each in zip(unfinished, judged, strict=True)}}
        if depth == 1:
            self._met_horizon |= bool(unfinished)
            likely = max(promise, key=promise.__getitem__)
            return promise[likely], (likely,)

        best = -INFINITY
        best_line: tuple[int, ...] = ()
        ordered = sorted(promise, key=lambda a: (a not in first_line[:1], -promise[a]))
        for place, action in enumerate(ordered):
            found = promise[action]
            line: tuple[int, ...] = ()
            if action not in ended:
                first = first_line[1:] if action in first_line[:1] else ()
                floor = max(alpha, best)
                found, line = self._negamax(children[action], depth - 1, -beta, -floor, ply + 1, first)
                found = -found
            if found > best:
                best, best_line = found, (action, *line)
            if best >= beta:
                self._cutoffs += 1
                self._first_cutoffs += place == 0
                break
        return best, best_line

    def _judge(self, states: list[State]) -> list[int]:
        """Scores of unfinished states; those not remembered are evaluated in one batch."""
        unknown = [state for state in states if state not in self._scores]
        if len(self._scores) + len(unknown) > REMEMBERED_MAX:
            self.forget()
            unknown = states
        if unknown:
            judged = as_score(self._value.values(np.array(unknown, np.uint64)))
            self._scores.update(zip(unknown, judged.tolist(), strict=True))
        return [self._scores[state] for state in states]
