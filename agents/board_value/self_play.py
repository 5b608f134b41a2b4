"""Games of a network against itself, hundreds at once, for the samples they leave behind.

Each game owns a tree. A round brings one leaf of every tree to the network in one batch; games whose search
is complete then move and go on within the same batch, so that it stays full. Most moves are searched quickly
and only advance the game; a quarter are searched well, with noise at the root, and become samples (playout
cap randomisation: Wu 2019, "Accelerating Self-Play Learning in Go", section 3.1). Many games begin with
random moves, so that all kinds of positions are met. Games are played to their end: once a position is
proven, its tree answers without further evaluations. Or, with `solve_from_ply`, until a solver can tell how
they end: outcomes and leaves from there on are exact, and the rest of the game is played by the solver.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.board_value.config import BoardValueConfig
from agents.board_value.endings import play_endings, random_starts
from agents.board_value.targets import ILLEGAL, Samples, joined, policy_targets, value_targets
from agents.search import mcts_tree
from agents.search.exact_endings import NO_ENDINGS, Endings, ending_value, endings_of
from agents.search.mcts_rounds import is_done
from agents.search.mcts_search import TreeSearch
from agents.search.mcts_tree import UNPROVEN, Forest
from agents.values.rollout import random_opening
from agents.values.value import Value
from envs.boards import rules
from envs.boards.dispatch import kernel
from envs.boards.game import Game


@dataclass(frozen=True, slots=True)
class SelfPlayCounts:
    """How much was played."""

    games: int
    plies: int
    evaluations: int  # leaves judged, from a network's memory too

    def __add__(self, other: "SelfPlayCounts") -> "SelfPlayCounts":
        return SelfPlayCounts(
            self.games + other.games, self.plies + other.plies, self.evaluations + other.evaluations
        )

    def __sub__(self, other: "SelfPlayCounts") -> "SelfPlayCounts":
        return SelfPlayCounts(
            self.games - other.games, self.plies - other.plies, self.evaluations - other.evaluations
        )

    def to_list(self) -> list[int]:
        """The fields in their order."""
        return [self.games, self.plies, self.evaluations]


@dataclass(slots=True)
class _Sample:
    """A searched position of a game that still goes on."""

    ply: int
    state: NDArray[np.uint64]
    policy: NDArray[np.float32]
    search_value: float
    proof: int


class SelfPlay:
    """Plays games and hands out their samples.

    Args:
        game: that is played.
        value: judges leaves.
        config: how games are played.
        rng: all randomness.
    """

    def __init__(self, game: Game, value: Value, config: BoardValueConfig, rng: np.random.Generator) -> None:
        slots = config.games_at_once
        self.game = game
        self._config = config
        self._rng = rng
        self._stream = np.zeros(1, np.uint64)  # of random openings
        known_from = config.solve_from_ply
        self._endings: Endings = endings_of(game, known_from) if known_from else NO_ENDINGS
        self._search = TreeSearch(game, value, endings=self._endings)
        self._search.reserve_slots(slots)
        self._playing = np.zeros(slots, np.bool_)
        self._wanted = np.zeros(slots, np.int32)  # simulations of the move that is being searched
        self._full = np.zeros(slots, np.bool_)
        self._noise_due = np.zeros(slots, np.bool_)
        self._ply = np.zeros(slots, np.int32)  # of the position at the root
        self._opening_plies = np.zeros(slots, np.int32)
        self._pending: list[list[_Sample]] = [[] for _ in range(slots)]
        self._finished: list[Samples] = []
        self._games = self._plies = self._evaluations = 0

    def use(self, value: Value) -> None:
        """Judge leaves by `value` from the next round on; running searches go on with the new judgement."""
        self._search.value = value

    @property
    def counts(self) -> SelfPlayCounts:
        """What was done since the start."""
        return SelfPlayCounts(self._games, self._plies, self._evaluations)

    def play_rounds(self, rounds: int) -> Samples:
        """Bring so many batches to the network; ended games are replaced. Returns: their samples."""
        for _ in range(rounds):
            self._begin(np.flatnonzero(~self._playing))
            self._round()
        return self._handed_out()

    def play_games(self, count: int) -> Samples:
        """Play exactly `count` new games to their end. No other game may be running."""
        left = count
        while left or self._playing.any():
            idle = np.flatnonzero(~self._playing)[:left]
            self._begin(idle)
            left -= len(idle)
            self._round()
        return self._handed_out()

    def _handed_out(self) -> Samples:
        samples = joined(self._finished, self.game.num_actions)
        self._finished = []
        return samples

    def _begin(self, slots: NDArray[np.int64]) -> None:
        """Start a game in each of the idle slots."""
        if not len(slots):
            return
        config = self._config
        random_plies = self._rng.integers(1, config.opening_plies_max, size=len(slots), endpoint=True)
        random_plies[self._rng.random(len(slots)) >= config.opening_fraction] = 0
        self._stream[0] = self._rng.integers(2**63, dtype=np.uint64)
        plant_openings(self._search.forest, slots, self.game.initial, random_plies, self._stream)
        self._ply[slots] = self._opening_plies[slots] = random_plies
        self._playing[slots] = True
        self._schedule(slots)

    def _schedule(self, slots: NDArray[np.int64]) -> None:
        """Decide how well the positions at the roots will be searched."""
        config = self._config
        full = self._rng.random(len(slots)) < config.full_fraction
        self._full[slots] = self._noise_due[slots] = full
        self._wanted[slots] = np.where(full, config.full_simulations, config.fast_simulations)

    def _round(self) -> None:
        """One batch for all games; those whose search is complete move."""
        slots = np.flatnonzero(self._playing).astype(np.int32)
        self._mix_noise(slots)
        self._evaluations += self._search.round(slots, self._wanted[slots])
        done = slots[searches_done(self._search.forest, slots, self._wanted)]
        if len(done):
            self._move(done.astype(np.int64))

    def _mix_noise(self, slots: NDArray[np.int32]) -> None:
        """Noise for full searches, as soon as their root has priors."""
        due = slots[self._noise_due[slots] & (self._search.forest.visits[slots, 0] > 0)]
        draws = self._rng.gamma(self._config.noise_alpha, size=(len(due), self.game.num_actions))
        for slot, draw in zip(due, draws, strict=True):
            mcts_tree.mix_root_priors(self._search.forest, slot, draw, self._config.noise_fraction)
        self._noise_due[due] = False

    def _move(self, slots: NDArray[np.int64]) -> None:
        """Choose and play a move in each game; record the well-searched positions, and the games that end."""
        forest = self._search.forest
        roots = read_roots(forest, slots, self.game.num_actions)
        policy = policy_targets(roots.visits, roots.proofs, roots.proof)
        for i in np.flatnonzero(self._full[slots]):
            slot = slots[i]
            state = forest.roots[slot].copy()
            sample = _Sample(
                int(self._ply[slot]), state, policy[i], float(roots.value[i]), int(roots.proof[i])
            )
            self._pending[slot].append(sample)
        results = np.zeros(len(slots), np.int8)
        play_on(forest, slots, self.game.initial, self._endings, self._drawn(slots, policy), results)
        self._ply[slots] += 1
        self._plies += len(slots)
        ended = results != UNPROVEN
        for slot, result in zip(slots[ended], results[ended], strict=True):
            self._finish(int(slot), int(result))
        if self._config.solve_from_ply and ended.any():
            self._solve_on(forest.roots[slots[ended]])
        self._schedule(slots[~ended])

    def _solve_on(self, states: NDArray[np.uint64]) -> None:
        """Samples from the ends of games [K, 2] that the solver knows, and of as many random ones."""
        config = self._config
        starts = random_starts(self.game, config.solve_from_ply, len(states), self._rng)
        both = np.concatenate([states, starts])
        share = config.full_fraction
        self._finished.append(play_endings(self.game, self._endings, both, share, self._rng))

    def _drawn(self, slots: NDArray[np.int64], policy: NDArray[np.float32]) -> NDArray[np.int64]:
        """An action for each policy [K, A]: drawn as it is early in a game, more greedily later."""
        config = self._config
        early = self._ply[slots] - self._opening_plies[slots] < config.temperature_plies
        exponent = np.where(early, 1.0, 1.0 / config.late_temperature)[:, None]
        shares = np.cumsum(policy.astype(np.float64) ** exponent, axis=1)
        marks = self._rng.random(len(slots))[:, None] * shares[:, -1:]
        actions: NDArray[np.int64] = (shares > marks).argmax(axis=1)
        return actions

    def _finish(self, slot: int, result: int) -> None:
        """Turn the records of a game into samples; `result` is for the side to move after the last ply."""
        records, self._pending[slot] = self._pending[slot], []
        self._playing[slot] = False
        self._games += 1
        if not records:
            return
        plies_left = np.array([int(self._ply[slot]) - record.ply for record in records])
        value = value_targets(
            np.where(plies_left % 2, -result, result).astype(np.float32),
            np.array([record.search_value for record in records], np.float32),
            np.array([record.proof for record in records], np.int8),
            self._config.search_value_share,
        )
        states = np.array([record.state for record in records])
        self._finished.append(Samples(states, np.array([record.policy for record in records]), value))


class Roots(NamedTuple):
    """What K searches found at their roots, for the side to move."""

    visits: NDArray[np.int32]  # [K, A]
    proofs: NDArray[np.int8]  # [K, A]: -1, 0, 1, UNPROVEN, or ILLEGAL
    proof: NDArray[np.int8]  # [K] of the root
    value: NDArray[np.float64]  # [K] mean of the simulations


@kernel
def read_roots(forest: Forest, slots: NDArray[np.int64], num_actions: int) -> Roots:
    """The results at the roots of `slots`."""
    visits = np.zeros((len(slots), num_actions), np.int32)
    proofs = np.full((len(slots), num_actions), ILLEGAL, np.int8)
    proof = np.zeros(len(slots), np.int8)
    value = np.zeros(len(slots), np.float64)
    for i in range(len(slots)):
        slot = slots[i]
        for child in range(1, 1 + forest.num_children[slot, 0]):  # the root's children come first
            action = forest.action[slot, child]
            visits[i, action] = forest.visits[slot, child]
            proofs[i, action] = forest.proven[slot, child]
        known = forest.proven[slot, 0]
        proof[i] = known if known == UNPROVEN else -known
        value[i] = -forest.value_sum[slot, 0] / max(1, forest.visits[slot, 0])
    return Roots(visits, proofs, proof, value)


@kernel
def searches_done(forest: Forest, slots: NDArray[np.int32], wanted: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether the tree of each slot is complete; `wanted` is indexed by slot."""
    done = np.zeros(len(slots), np.bool_)
    for i in range(len(slots)):
        done[i] = is_done(forest, slots[i], wanted[slots[i]])
    return done


@kernel
def play_on(
    forest: Forest,
    slots: NDArray[np.int64],
    like: rules.State,
    endings: Endings,
    actions: NDArray[np.int64],
    results: NDArray[np.int8],
) -> None:
    """Play an action in each tree; `results` gets the value for the side then to move if it is known.

    UNPROVEN otherwise.
    """
    for i in range(len(slots)):
        mcts_tree.reroot(forest, slots[i], like, actions[i])
        state = rules.rebuild(like, forest.roots[slots[i], 0], forest.roots[slots[i], 1])
        results[i] = rules.outcome(state) if rules.is_over(state) else ending_value(endings, state)


@kernel
def plant_openings(
    forest: Forest,
    slots: NDArray[np.int64],
    start: rules.State,
    plies: NDArray[np.int64],
    stream: NDArray[np.uint64],
) -> None:
    """Start each tree after so many random plies from `start`, none of which ends the game."""
    for i in range(len(slots)):
        state = random_opening(start, plies[i], stream)
        mcts_tree.plant(forest, slots[i], state[0], state[1])
