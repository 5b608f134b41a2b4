"""Alpha-beta: how good is the best line when both sides look equally far ahead?

One kernel for all games and all in-kernel values: negamax principal variation search with iterative
deepening, a transposition table, and move ordering by table, killers, history and the game's own rule of
thumb. At a fixed depth it returns the score of plain minimax, whatever the table contains; ordering, windows
and pruning only save time. Late-move reductions, which are off unless they are asked for, give that up: what
is proven stays true, but estimates and the distances of wins may differ.

Scores are for the side to move. An estimate of a value function lies within +-SCORE_MAX; what is proven lies
outside: a win in n plies is WIN - n, a loss in n plies is n - WIN, so that wins come soon and losses late. A
draw is 0.

Sources: T. A. Marsland & M. Campbell 1982 (principal variation search); D. Knuth & R. Moore 1975
(alpha-beta); S. Akl & M. Newborn 1977 (killers); J. Schaeffer 1983 (history).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.search.clock import NEVER, deadline_ns, now_ns
from agents.search.limits import DEPTH_MAX, NODES_MAX, Limits, StopFlag
from agents.search.ordering import ACTION_BITS, PROMISE_MAX, promise, take_best
from agents.search.result import Iteration, Result
from agents.search.table import (
    AT_LEAST,
    AT_MOST,
    DEFAULT_ENTRIES,
    EXACT,
    NO_MOVE,
    find,
    new_table,
    slot_for,
)
from agents.values.value import SCORE_MAX, ValueKernel, score
from envs.boards import rules
from envs.boards.bits import ZERO, lowest_index, without_lowest
from envs.boards.dispatch import inner_kernel, kernel

WIN = 30_000  # score of a win in 0 plies; fits the table's 16 bits
PROVEN = WIN - 1_000  # scores at least this far from 0 are proven wins and losses
INFINITY = WIN + 1
WINDOW = 50  # score units to each side of what an iteration expects; see `search`
_PLIES = DEPTH_MAX + 2
_MOVES_MAX = 65
_TABLE_MOVE_RANK, _KILLER_RANK = 1 << 40, 1 << 39
_HISTORY_MAX = 1 << 20
# Places in `counters`; DEADLINE is a time of agents.search.clock, looked at when NODES reaches LOOK_AT.
NODES, NODE_LIMIT, HORIZON, MAY_STOP, STOPPED, GENERATION, LINE_LENGTH, DEADLINE, LOOK_AT = range(9)
CUTOFFS, FIRST_CUTOFFS = 9, 10  # moves that refuted; those of them that were the first to be tried
REDUCTIONS = 11  # whether late moves are searched a ply less deep
_COUNTERS = 12
_LINE = 6  # where the line begins in a row of `Memory.iterations`
_NODES_A_LOOK = 256  # 0.2 ms or less
_LATE = 5  # moves tried before the first that is reduced
_REDUCED_DEPTH_MIN = 3  # plies; nearer the horizon nothing is reduced


class AlphaBeta:
    """The compiled search with its memory: what it learns in one search helps the next, until `forget`.

    With `reductions` it looks deeper in the same time, and is no longer plain minimax.
    """

    def __init__(
        self, value: ValueKernel, stop: StopFlag, entries: int = DEFAULT_ENTRIES, reductions: bool = False
    ) -> None:
        self._value = value
        self._stop = stop
        self._entries = entries
        self._reductions = reductions
        self.forget()

    def forget(self) -> None:
        """Begin with an empty table."""
        self._memory = new_memory(new_table(self._entries), self._stop.byte)
        self._memory.counters[REDUCTIONS] = self._reductions

    def search(self, state: rules.State, limits: Limits) -> Result:
        """Search an unfinished state within the limits, or until the flag is set."""
        memory = self._memory
        memory.counters[DEADLINE] = deadline_ns(limits.seconds)
        depth_max, nodes_max = limits.depth or DEPTH_MAX, limits.nodes or NODES_MAX
        found, depth, proven = search(state, self._value, memory, depth_max, nodes_max)
        line = tuple(memory.best_line[: memory.counters[LINE_LENGTH]].tolist())
        iterations = tuple(_iteration(row) for row in memory.iterations[:depth].tolist())
        return Result(int(found), line, depth, int(memory.counters[NODES]), bool(proven), iterations)


def _iteration(row: list[int]) -> Iteration:
    depth, score_units, nodes, cutoffs, first_cutoffs, length, *line = row
    return Iteration(depth, score_units, tuple(line[:length]), nodes, cutoffs, first_cutoffs)


class Memory(NamedTuple):
    """All that a search writes to. `counters` are named above; the first index of most arrays is the ply."""

    table: NDArray[np.void]  # see agents.search.table
    ranked: NDArray[np.int64]  # [PLIES, MOVES_MAX] moves still to be tried, rank and action in one number
    killers: NDArray[np.int64]  # [PLIES, 2] the last actions that refuted a sibling
    history: NDArray[np.int64]  # [2, MOVES_MAX] how often an action of the side refuted, by depth squared
    lines: NDArray[np.int64]  # [PLIES, PLIES] principal variation from each ply on
    line_lengths: NDArray[np.int64]  # [PLIES]
    best_line: NDArray[np.int64]  # [PLIES] of the root, from the last iteration that had one
    iterations: NDArray[np.int64]  # [PLIES, _LINE + PLIES] a row for each, see `_record_iteration`
    counters: NDArray[np.int64]
    stop: NDArray[np.uint8]  # [1] see agents.search.limits.StopFlag


def new_memory(table: NDArray[np.void], stop: NDArray[np.uint8]) -> Memory:
    """Fresh memory around a table and a stop byte; without a deadline until one is written."""
    counters = np.zeros(_COUNTERS, np.int64)
    counters[DEADLINE] = NEVER
    return Memory(
        table=table,
        ranked=np.zeros((_PLIES, _MOVES_MAX), np.int64),
        killers=np.full((_PLIES, 2), NO_MOVE),
        history=np.zeros((2, _MOVES_MAX), np.int64),
        lines=np.zeros((_PLIES, _PLIES), np.int64),
        line_lengths=np.zeros(_PLIES, np.int64),
        best_line=np.zeros(_PLIES, np.int64),
        iterations=np.zeros((_PLIES, _LINE + _PLIES), np.int64),
        counters=counters,
        stop=stop,
    )


@kernel
def search(
    state: rules.State, value: ValueKernel, memory: Memory, depth_max: int, nodes_max: int
) -> tuple[int, int, bool]:
    """Deepen from one ply until a limit is met, the stop byte is set, or the score is proven.

    From the third iteration on the root is searched in a window around the score of two iterations before,
    when the same side had the last move; a score outside widens the side on which it lies, to all scores at
    last. On 90 positions each, that took 0.99 times the nodes in Othello (depth 9 handcrafted, 8 fitted, 7
    learned), 0.92 and 0.89 times in Connect Four (depth 12 handcrafted, 10 learned); around the score of the
    iteration just before it costs nodes.

    The first iteration is always finished, so that `best_line` has a move. Every later attempt begins with
    the best move known, so one that was broken off counts as soon as a move was found inside the window or
    above it: no move searched by then is better. One that has found none keeps what was known.

    Args:
        state: not over.
        depth_max, nodes_max: the limits; see agents.search.limits.Limits. The deadline is in `counters`.
    Returns: score for the side to move; plies searched in full; whether the score is proven.
    """
    counters = memory.counters
    counters[NODES], counters[NODE_LIMIT], counters[STOPPED], counters[LOOK_AT] = 0, nodes_max, 0, 0
    counters[CUTOFFS], counters[FIRST_CUTOFFS], counters[LINE_LENGTH] = 0, 0, 0
    counters[GENERATION] = (counters[GENERATION] + 1) % 256
    memory.killers[:] = NO_MOVE
    memory.history[:] = 0
    best, depth_done, proven = 0, 0, False
    ply = int(0)  # noqa: UP018, RUF046 (see `negamax`)
    for depth in range(1, depth_max + 1):
        counters[MAY_STOP] = depth > 1
        alpha, beta, width = int(-INFINITY), int(INFINITY), WINDOW
        if depth > 2:
            expected = memory.iterations[depth - 3, 1]
            alpha, beta = expected - width, expected + width
        while True:
            counters[HORIZON] = 0
            found = negamax(state, value, memory, depth, alpha, beta, ply)
            if memory.line_lengths[0] > 0:
                best = found
                _keep_line(memory)
            if counters[STOPPED] or alpha < found < beta:
                break
            width *= 2
            if found <= alpha:
                alpha = found - width if found - width > -SCORE_MAX else int(-INFINITY)
            else:
                beta = found + width if found + width < SCORE_MAX else int(INFINITY)
        if counters[STOPPED]:
            break
        depth_done = depth
        _record_iteration(memory, depth, best)
        proven = abs(best) >= PROVEN or counters[HORIZON] == 0
        if proven:
            break
    return best, depth_done, proven


@inner_kernel
def negamax(
    state: rules.State, value: ValueKernel, memory: Memory, depth: int, alpha: int, beta: int, ply: int
) -> int:
    """Score of an unfinished state, `depth` >= 1 plies deep: exact within (alpha, beta), else a bound.

    Fail-soft: a result <= alpha is an upper bound, one >= beta a lower bound. Meaningless once STOPPED is
    set, but at the root (ply 0), where it is the best of the moves that were finished.

    Integers must come in as int64, not as literals: those give a second signature, and a recursive function
    of two signatures crashes when it is loaded from numba's cache (numba issue 6061).
    """
    counters = memory.counters
    memory.line_lengths[ply] = 0
    if counters[MAY_STOP] and _must_stop(memory):
        counters[STOPPED] = 1
        return 0
    in_line = beta - alpha > 1
    key = rules.hash_key(state)
    table_move = NO_MOVE
    index = find(memory.table, key)
    if index >= 0:
        entry = memory.table[index]
        table_move = int(entry["move"])
        if not in_line and entry["depth_from"] <= depth <= entry["depth_to"]:
            known = _from_table(int(entry["score"]), ply)
            bound = entry["bound"]
            if (
                bound == EXACT
                or (bound == AT_LEAST and known >= beta)
                or (bound == AT_MOST and known <= alpha)
            ):
                counters[HORIZON] += entry["depth_to"] != DEPTH_MAX
                return known
    if ply == 0 and counters[LINE_LENGTH] > 0:
        table_move = memory.best_line[0]

    horizon_before = counters[HORIZON]
    best, best_action, floor = -INFINITY, NO_MOVE, alpha
    num_moves = _rank_moves(state, memory, table_move, ply)
    for i in range(num_moves):
        action = take_best(memory.ranked[ply], i, num_moves)
        child = rules.play(state, action)
        ended, found = _settle(child, value, memory, depth - 1, ply + 1)
        if not ended:
            if i == 0:
                found = -negamax(child, value, memory, depth - 1, -beta, -floor, ply + 1)
            else:
                less = 0
                if counters[REDUCTIONS] and i >= _LATE and depth >= _REDUCED_DEPTH_MIN:
                    less = int(memory.ranked[ply, i] >> ACTION_BITS < _KILLER_RANK)
                found = -negamax(child, value, memory, depth - 1 - less, -floor - 1, -floor, ply + 1)
                if less > 0 and found > floor and not counters[STOPPED]:
                    found = -negamax(child, value, memory, depth - 1, -floor - 1, -floor, ply + 1)
                if floor < found < beta and not counters[STOPPED]:
                    found = -negamax(child, value, memory, depth - 1, -beta, -floor, ply + 1)
        if counters[STOPPED]:
            return best
        if found > best:
            best, best_action = found, action
        if found > floor:
            floor = found
            if in_line:
                _extend_line(memory, action, ply)
        if floor >= beta:
            counters[CUTOFFS] += 1
            counters[FIRST_CUTOFFS] += i == 0
            _remember_refutation(memory, action, depth, ply)
            break

    if abs(best) >= PROVEN:
        counters[HORIZON] = horizon_before  # a forced end stays one, however deep the search
    depth_to = DEPTH_MAX if counters[HORIZON] == horizon_before else depth
    bound = AT_MOST if best <= alpha else AT_LEAST if best >= beta else EXACT
    index = slot_for(memory.table, key, depth, counters[GENERATION])
    entry = memory.table[index]
    entry["key"], entry["score"], entry["bound"] = key, _to_table(best, ply), bound
    entry["depth_from"], entry["depth_to"] = depth, depth_to
    entry["move"], entry["generation"] = best_action, counters[GENERATION]
    return best


@inner_kernel
def _must_stop(memory: Memory) -> bool:
    counters = memory.counters
    if memory.stop[0] or counters[NODES] >= counters[NODE_LIMIT]:
        return True
    if counters[NODES] < counters[LOOK_AT]:
        return False
    counters[LOOK_AT] = counters[NODES] + _NODES_A_LOOK
    return bool(now_ns() >= counters[DEADLINE])


@inner_kernel
def _settle(child: rules.State, value: ValueKernel, memory: Memory, depth: int, ply: int) -> tuple[bool, int]:
    """Whether the line ends at `child`, by the rules or at the horizon; its score for the side that moved."""
    memory.counters[NODES] += 1
    if rules.is_over(child):
        memory.line_lengths[ply] = 0
        return True, -rules.outcome(child) * (WIN - ply)
    if depth == 0:
        memory.line_lengths[ply] = 0
        memory.counters[HORIZON] += 1
        return True, -score(value, child)
    return False, 0


@inner_kernel
def _rank_moves(state: rules.State, memory: Memory, table_move: int, ply: int) -> int:
    """Write the legal moves with their ranks into `ranked[ply]`; how many there are."""
    ranked, killers, history = memory.ranked[ply], memory.killers[ply], memory.history[ply & 1]
    legal = rules.legal_moves(state)
    if legal == ZERO:
        ranked[0] = rules.PASS
        return 1
    count = 0
    while legal != ZERO:
        action = lowest_index(legal)
        legal = without_lowest(legal)
        if action == table_move:
            rank = _TABLE_MOVE_RANK
        elif action == killers[0]:
            rank = _KILLER_RANK + 1
        elif action == killers[1]:
            rank = _KILLER_RANK
        else:
            rank = history[action] * PROMISE_MAX + promise(state, action)
        ranked[count] = rank << ACTION_BITS | action
        count += 1
    return count


@inner_kernel
def _remember_refutation(memory: Memory, action: int, depth: int, ply: int) -> None:
    killers = memory.killers[ply]
    if killers[0] != action:
        killers[1] = killers[0]
        killers[0] = action
    history = memory.history[ply & 1]
    history[action] += depth * depth
    if history[action] > _HISTORY_MAX:
        for i in range(history.size):
            history[i] //= 2


@inner_kernel
def _keep_line(memory: Memory) -> None:
    length = memory.line_lengths[0]
    memory.counters[LINE_LENGTH] = length
    for i in range(length):  # array assignment compiles for two seconds longer
        memory.best_line[i] = memory.lines[0, i]


@inner_kernel
def _record_iteration(memory: Memory, depth: int, found: int) -> None:
    row, counters = memory.iterations[depth - 1], memory.counters
    length = counters[LINE_LENGTH]
    row[0], row[1], row[2] = depth, found, counters[NODES]
    row[3], row[4], row[5] = counters[CUTOFFS], counters[FIRST_CUTOFFS], length
    for i in range(length):
        row[_LINE + i] = memory.best_line[i]


@inner_kernel
def _extend_line(memory: Memory, action: int, ply: int) -> None:
    """The principal variation from `ply` is `action` and then that of the next ply."""
    length = memory.line_lengths[ply + 1]
    memory.lines[ply, 0] = action
    for i in range(length):
        memory.lines[ply, i + 1] = memory.lines[ply + 1, i]
    memory.line_lengths[ply] = length + 1


@kernel
def _to_table(known: int, ply: int) -> int:
    """Count the distance of a proven end from this state instead of the root."""
    if known >= PROVEN:
        return known + ply
    return known - ply if known <= -PROVEN else known


@kernel
def _from_table(known: int, ply: int) -> int:
    if known >= PROVEN:
        return known - ply
    return known + ply if known <= -PROVEN else known
