"""Monte-Carlo tree search as a player: sparse search, which looks far along the moves that promise most.

Many positions are searched in lock step, one leaf of each tree in every batch; a single one may send several
leaves at once, kept apart by virtual loss. Trees outlive the move: a later position that lies in a kept tree
starts with the visits below it. Those of the last two calls are kept, since a match asks in turn about the
games that the player began and about those that it did not. With Gumbel search at the root, whose visits
follow a schedule from the first to the last, every search starts anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agents.players import BasePlayer, Decision, check_turn
from agents.search import gumbel, mcts_tree
from agents.search.clock import deadline_ns, now_ns
from agents.search.gumbel import GumbelConfig, GumbelRoot
from agents.search.limits import StopFlag
from agents.search.mcts_rounds import Stop
from agents.search.mcts_search import TreeSearch
from agents.search.mcts_tree import UNPROVEN, Forest, Index, Puct
from agents.values.value import Resettable, Value
from envs.boards.game import Game, Position

PLIES_BETWEEN_MOVES = 4  # how much longer a position's history may be than a kept tree's
SIMULATIONS_MAX = 2**30
LEAVES_PER_TIMED_BATCH = 8  # of a single tree: a batch of 8 costs a network little more than one of 1
ESTIMATE_BOUND = 1 - 2**-20  # what is not proven stays strictly inside (-1, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class RootNoise:
    """Dirichlet noise on the priors of the root, to make self-play look at every move."""

    alpha: float = 1.0  # concentration; 10 / mean number of legal moves (Silver et al. 2018)
    fraction: float = 0.25  # of the noise in the mix (Silver et al. 2018)


@dataclass(frozen=True, slots=True)
class Line:
    """A line the search has looked at, from the root on.

    Attributes:
        actions: the line, most visited move after most visited move.
        visits: of its first action.
        value: of its first action, for the side to move at the root; None without a visit.
        proven: whether that value is exact.
    """

    actions: tuple[int, ...]
    visits: int
    value: float | None
    proven: bool


class MCTSPlayer(BasePlayer):
    """Plays the most visited move of a tree search, or a proven one.

    Args:
        name: as tables print it.
        game: that it plays.
        value: judges leaves.
        simulations: of each tree when it decides, counting those kept from earlier moves.
        seconds: instead of simulations: thinking time for each position, one after the other.
        leaves_per_batch: of a single tree; None: 1 with simulations (more cost strength), 8 with seconds.
        puct: constants of selection.
        temperature: of the priors, for values without a policy; None: what is usual (`TreeSearch`).
        noise: only where asked for.
        gumbel: search the root by sequential halving instead of PUCT; needs simulations.
        seed: of the noise.
    Raises: ValueError for limits outside their range, a value for another game, or settings that contradict
        each other.
    """

    def __init__(
        self,
        name: str,
        game: Game,
        value: Value,
        *,
        simulations: int | None = None,
        seconds: float | None = None,
        leaves_per_batch: int | None = None,
        puct: Puct | None = None,
        temperature: float | None = None,
        noise: RootNoise | None = None,
        gumbel: GumbelConfig | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(name)
        if (simulations is None) == (seconds is None):
            raise ValueError(f"{name}: mcts needs either simulations or seconds")
        if simulations is not None and not 1 <= simulations <= SIMULATIONS_MAX:
            raise ValueError(f"{name}: simulations must be in 1..{SIMULATIONS_MAX}, got {simulations!r}")
        if seconds is not None and not 0 < seconds < np.inf:
            raise ValueError(f"{name}: seconds must be positive and finite, got {seconds!r}")
        if leaves_per_batch is not None and leaves_per_batch < 1:
            raise ValueError(f"{name}: leaves_per_batch must be at least 1, got {leaves_per_batch!r}")
        if gumbel is not None and (seconds is not None or noise is not None):
            raise ValueError(f"{name}: gumbel needs simulations, and has noise of its own")
        if value.game is not game:
            raise ValueError(f"{name}: the value {value.name} is for {value.game.name}, not {game.name}")
        self.game = game
        self._simulations = simulations
        self._seconds = seconds
        self._leaves_per_batch = leaves_per_batch or (1 if seconds is None else LEAVES_PER_TIMED_BATCH)
        self._noise = noise
        self._puct = puct or Puct()
        self._gumbel = gumbel
        self._search = TreeSearch(game, value, rule=self._puct, temperature=temperature)
        self._stop = StopFlag()
        self._compiled = seconds is None
        self._trees: dict[tuple[int, ...], int] = {}  # of the last call: history of the root -> slot
        self._older_trees: dict[tuple[int, ...], int] = {}  # of the one before, as far as nobody took them up
        self._shown: int | None = None  # slot of the last position
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Forget all trees and what the value remembers; restart all chance from `seed`."""
        if isinstance(self._search.value, Resettable):
            self._search.value.reset(seed)
        self._trees, self._older_trees = {}, {}
        self._shown = None
        self._rng = np.random.default_rng(seed)

    def stop(self) -> None:
        """End the search that is running, from another thread; it decides on what it has."""
        self._stop.set()

    def choose(self, position: Position) -> Decision:
        """Search one position."""
        return self.choose_many([position])[0]

    def choose_many(self, positions: Sequence[Position]) -> list[Decision]:
        """Search all positions; in lock step where the effort is counted in simulations."""
        for position in positions:
            check_turn(self.name, self.game, position)
        self._compile()
        self._shown = None
        began = now_ns()
        slots = self._seats(positions)
        self._shown = int(slots[-1]) if len(slots) else None
        groups = [slots] if self._seconds is None else np.split(slots, len(slots))
        seconds: list[float] = []
        for group in groups:
            self._think(group, Stop(self._stop.byte, deadline_ns(self._seconds, began)))
            ended = now_ns()
            seconds += [(ended - began) * 1e-9 / max(1, len(group))] * len(group)
            began = ended
        if self._gumbel is None:
            self._older_trees = self._trees
            self._trees = {position.moves: int(slot) for position, slot in zip(positions, slots, strict=True)}
        return [
            self._decide(position, int(slot), spent)
            for position, slot, spent in zip(positions, slots, seconds, strict=True)
        ]

    def shown_tree(self) -> tuple[Forest, int] | None:
        """The tree of the last position as (forest, slot), to be read only; while a search runs, it grows."""
        shown = self._shown
        return None if shown is None else (self._search.forest, shown)

    def shown_choice(self) -> int:
        """The node in the shown tree of the move that the player would play now; -1: none yet."""
        assert self._shown is not None
        return int(mcts_tree.choice(self._search.rule, self._search.forest, self._shown))

    def lines(self, count: int = 5) -> list[Line]:
        """The lines of the last position, most visited first; while a search runs, those of the moment."""
        if self._shown is None:
            return []
        forest, slot = self._search.forest, self._shown
        children = _children(forest, slot)
        order = np.argsort(-forest.visits[slot, children], kind="stable")[:count]
        return [_line(forest, slot, children.start + int(child)) for child in order]

    def _seats(self, positions: Sequence[Position]) -> NDArray[np.int32]:
        """A slot for each position: with the kept tree that contains it, else newly planted."""
        kept = [self._kept_slot(position) for position in positions]
        taken = {*kept, *self._trees.values()}
        self._search.reserve_slots(len(positions) + len(self._trees))
        free = iter(sorted(set(range(self._search.num_slots)) - taken))
        slots = np.array([next(free) if slot is None else slot for slot in kept], np.int32)
        for position, slot, old in zip(positions, slots, kept, strict=True):
            if old is None:
                self._search.plant(slot, self.game.pack(position.state))
        return slots

    def _kept_slot(self, position: Position) -> int | None:
        """Take the tree of an earlier move in the game of `position` and make the position its root."""
        forest = self._search.forest
        for before in range(min(len(position.moves), PLIES_BETWEEN_MOVES) + 1):
            kept = len(position.moves) - before
            history = position.moves[:kept]
            trees = self._trees if history in self._trees else self._older_trees
            slot = trees.pop(history, None)
            if slot is None:
                continue
            if all(
                mcts_tree.reroot(forest, slot, self.game.initial, action) for action in position.moves[kept:]
            ) and np.array_equal(forest.roots[slot], self.game.pack(position.state)):
                return slot
            return None
        return None

    def _compile(self) -> None:
        """Let no compilation count as thinking time."""
        if not self._compiled:
            trial = TreeSearch(self.game, self._search.value, temperature=self._search.temperature)
            trial.plant(0, self.game.pack(self.game.initial))
            one_slot, simulations = np.zeros(1, np.int32), np.full(1, self._leaves_per_batch + 1, np.int32)
            trial.run(one_slot, simulations, leaves_per_tree=self._leaves_per_batch)
            trial.reserve_slots(2)  # as a tree that outgrows its slot
            first = int(trial.forest.action[0, 1])
            mcts_tree.reroot(trial.forest, 0, self.game.initial, first)  # as a tree that is kept
            self._compiled = True

    def _think(self, slots: NDArray[np.int32], until: Stop) -> None:
        """Search the trees of `slots` together."""
        wanted = np.full(len(slots), self._simulations or SIMULATIONS_MAX, np.int32)
        if self._gumbel is not None:
            self._search.rule = self._gumbel_rule(slots, self._gumbel)
        self._stop.clear()
        if self._noise is not None:
            self._search.run(slots, np.zeros_like(wanted))
            self._add_noise(slots, self._noise)
        self._search.run(slots, wanted, until, leaves_per_tree=self._leaves_per_batch)

    def _add_noise(self, slots: NDArray[np.int32], noise: RootNoise) -> None:
        draws = self._rng.gamma(noise.alpha, size=(len(slots), self.game.num_actions))
        for slot, draw in zip(slots, draws, strict=True):
            mcts_tree.mix_root_priors(self._search.forest, slot, draw, noise.fraction)

    def _gumbel_rule(self, slots: NDArray[np.int32], config: GumbelConfig) -> GumbelRoot:
        """The rule of one search, with fresh noise for the trees of `slots`."""
        assert self._simulations is not None
        noise = np.zeros((self._search.num_slots, self.game.num_actions))
        noise[slots] = config.noise_scale * self._rng.gumbel(size=(len(slots), self.game.num_actions))
        considered = min(config.considered_max, self._simulations, self.game.num_actions)
        schedule = gumbel.visit_schedule(considered, self._simulations)
        return GumbelRoot(self._puct, noise, schedule, config.c_visit, config.c_scale)

    def _decide(self, position: Position, slot: int, seconds: float) -> Decision:
        forest = self._search.forest
        children = _children(forest, slot)
        best = int(mcts_tree.choice(self._search.rule, forest, slot))
        line = _line(forest, slot, best)
        visits = np.zeros(self.game.num_actions, np.int64)
        visits[forest.action[slot, children]] = forest.visits[slot, children]
        policy = np.zeros(self.game.num_actions, np.float32)
        proven = bool(forest.proven[slot, 0] != UNPROVEN)
        if proven:
            policy[line.actions[0]] = 1.0
        elif isinstance(self._search.rule, GumbelRoot):
            gumbel.improved_policy(self._search.rule, forest, slot, policy)
        elif visits.any():
            policy[:] = visits / visits.sum()
        else:  # stopped before the first simulation
            policy[forest.action[slot, children]] = forest.prior[slot, children]
        return Decision(
            action=line.actions[0],
            value=line.value if proven else _mean_value(forest, slot, best),
            policy=policy,
            visits=visits,
            principal_variation=line.actions,
            statistics={
                "simulations": float(visits.sum()),
                "nodes": float(forest.size[slot]),
                "proven": float(proven),
                "seconds": seconds,
            },
        )


def _children(forest: Forest, slot: int) -> slice:
    """The nodes of the root's children."""
    first = int(forest.first_child[slot, 0])
    return slice(first, first + int(forest.num_children[slot, 0]))


def _line(forest: Forest, slot: int, node: Index) -> Line:
    """The line through a child of the root."""
    visits, proven = int(forest.visits[slot, node]), bool(forest.proven[slot, node] != UNPROVEN)
    value = float(forest.proven[slot, node]) if proven else _mean_value(forest, slot, node)
    actions: list[int] = []
    while node > 0 and (not actions or forest.visits[slot, node] > 0):
        actions.append(int(forest.action[slot, node]))
        node = mcts_tree.best_child(forest, slot, node)
    return Line(tuple(actions), visits, value, proven)


def _mean_value(forest: Forest, slot: int, node: Index) -> float | None:
    """What the simulations through `node` came to, for the side that chose it; None without any."""
    visits = forest.visits[slot, node]
    if visits == 0:
        return None
    return float(np.clip(forest.value_sum[slot, node] / visits, -ESTIMATE_BOUND, ESTIMATE_BOUND))
