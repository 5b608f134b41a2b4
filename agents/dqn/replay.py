"""Replay that owns the episodes' borders, and stores each observation once; uniform or prioritised.

Every env has a tape of its own, a ring of places. An episode of L steps takes L + 1 places: one for each
decision, and one, marked BORDER, for the true last observation, which nobody acted on. So "the next
observation" is always the next place, at terminations and truncations too, and nothing is inferred from
what another episode wrote there.

    place   0      1      2      3        4      5     ... obs     s0     s1     s2     s3       s0'    s1'
    (the newest frame only, where observations are stacks) action  a0     a1     a2     -        a0'    a1'
    marks   START         ENDED  BORDER   START

A window of n steps begins at a decision, stops where the episode ends, and is sampled only once all of it
is written. Sequences (for networks with memory) may run over a border: the memory is cleared at START, and
BORDER is not learned.

A cut, such as a lost life, is marked TERMINATED without a BORDER after it: windows stop there, the game
goes on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.dqn.priorities import Allowed, Priorities, stretches
from agents.dqn.sum_tree import tree_bytes

START, TERMINATED, TRUNCATED, BORDER = np.array([1, 2, 4, 8], np.uint8)
ENDED = TERMINATED | TRUNCATED
DRAWS_MAX = 10_000  # rounds of rejection before giving up


class Transitions(NamedTuple):
    """B windows of up to n steps, each from one episode."""

    obs: NDArray[Any]  # [B, ...]
    action: NDArray[np.int64]  # [B]
    reward: NDArray[np.float32]  # [B]: sum of gamma^j * reward over the window
    discount: NDArray[np.float32]  # [B]: gamma^k after k steps, 0 where the episode terminated
    next_obs: NDArray[Any]  # [B, ...]: after the window; the true last one where the episode ended
    weights: NDArray[np.float32]  # [B], in (0, 1]: of each one's loss; all 1 where sampling is uniform
    keys: NDArray[np.int64]  # [B]: for `Replay.update_priorities`

    def part(self, which: slice) -> Transitions:
        """Some of the windows."""
        arrays: list[NDArray[Any]] = [array[which] for array in self]
        return Transitions(*arrays)


class Sequences(NamedTuple):
    """B stretches of T = burn_in + length + n consecutive places; time comes first."""

    obs: NDArray[Any]  # [T, B, ...]
    starts: NDArray[np.bool_]  # [T, B]: first observation of an episode
    state: NDArray[np.float32]  # [parts, B, M]: the memory's state before the first place, when acted on
    action: NDArray[np.int64]  # [length, B], as all below: of the places after the burn-in
    reward: NDArray[np.float32]  # [length, B], of the n-step window from there
    discount: NDArray[np.float32]  # [length, B]
    steps: NDArray[np.int64]  # [length, B]: places from here to the one that the window ends at
    learned: NDArray[np.bool_]  # [length, B]: False at a border, where nobody acted
    weights: NDArray[np.float32]  # [B], as of `Transitions`
    keys: NDArray[np.int64]  # [B]: of the places where the sequences start

    def part(self, which: slice) -> Sequences:
        """Some of the stretches."""
        of_time = {name: array[:, which] for name, array in self._asdict().items() if array.ndim > 1}
        return self._replace(**of_time, weights=self.weights[which], keys=self.keys[which])


class Replay:
    """The last `size` steps of N envs.

    Args:
        size: steps kept, of all envs together.
        num_envs: N.
        obs_shape, obs_dtype: of one observation.
        frame_stack: frames that an observation holds along its first axis, newest last; 0: it is no stack.
        n_step, discount: of the windows that are sampled.
        state_shape: (parts, M) of the memory's state, kept for each place; None: the network has no memory.
        priority_exponent: alpha; steps are sampled in proportion to |td error|^alpha, new ones to the largest
            so far (Schaul et al. 2016); 0: all alike.
    """

    def __init__(
        self,
        size: int,
        num_envs: int,
        obs_shape: tuple[int, ...],
        obs_dtype: np.dtype[Any],
        *,
        frame_stack: int = 0,
        n_step: int = 1,
        discount: float = 0.99,
        state_shape: tuple[int, int] | None = None,
        priority_exponent: float = 0.0,
    ) -> None:
        self.places = places_for(size, num_envs, n_step, frame_stack)
        self.num_envs, self.frame_stack, self.n_step = num_envs, frame_stack, n_step
        self.gammas = (discount ** np.arange(n_step + 1)).astype(np.float32)
        stored = obs_shape[1:] if frame_stack else obs_shape
        tape = (num_envs, self.places)
        self.columns: dict[str, NDArray[Any]] = {
            "obs": np.zeros((*tape, *stored), obs_dtype),
            "action": np.zeros(tape, np.uint16),
            "reward": np.zeros(tape, np.float32),
            "marks": np.zeros(tape, np.uint8),
        }
        if state_shape is not None:
            self.columns["state"] = np.zeros((*tape, *state_shape), np.float32)
        self.written = np.zeros(num_envs, np.int64)  # places written on each tape since the beginning
        self.priorities = Priorities(num_envs, self.places, priority_exponent) if priority_exponent else None
        self._starting = np.ones(num_envs, np.bool_)

    def add(
        self,
        obs: NDArray[Any],
        action: NDArray[np.int64],
        reward: NDArray[np.float32],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        last_obs: NDArray[Any],
        state: NDArray[np.float32] | None = None,
        cut: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append one step of all envs.

        Args:
            obs: [N, ...], what was acted on.
            action, reward, terminated, truncated: [N], what came of it; `reward` after any clipping.
            last_obs: [N, ...], the true next observation; read only where an episode ended.
            state: float32[N, parts, M], the memory's state before `obs`, where there is one.
            cut: [N]; the step is learned from as if it had terminated, unless it was truncated.
        """
        worthless = terminated if cut is None else terminated | (cut & ~truncated)
        marks = START * self._starting | TERMINATED * worthless | TRUNCATED * (truncated & ~terminated)
        tapes = np.arange(self.num_envs)
        entry = {"obs": self._newest(obs), "action": action, "reward": reward, "marks": marks}
        self._write(tapes, entry if state is None else entry | {"state": state})
        ended = np.flatnonzero(terminated | truncated)
        if ended.size:
            border = {"obs": self._newest(last_obs)[ended], "action": 0, "reward": 0.0, "marks": BORDER}
            self._write(ended, border)
        self._starting = terminated | truncated

    def _newest(self, obs: NDArray[Any]) -> NDArray[Any]:
        return obs[:, -1] if self.frame_stack else obs

    def _write(self, tapes: NDArray[np.int64], entry: dict[str, Any]) -> None:
        slots = self.written[tapes] % self.places
        for name, values in entry.items():
            self.columns[name][tapes, slots] = values
        self.written[tapes] += 1

    def sample(self, batch: int, generator: np.random.Generator, correction: float = 1.0) -> Transitions:
        """B windows, of all whose steps are complete.

        Args:
            batch: B.
            generator: decides which.
            correction: beta, 0 to 1: how far the weights undo the priorities' bias (Schaul et al. 2016, 3.4).
        """
        tapes, places = self._draw(batch, generator, self._complete)
        reward, discount, steps = self._windows(tapes, places)
        # One gather for both: from 4 MiB on numpy asks for huge pages; a fault for each small one costs ten
        # times the copying.
        obs = self._obs(np.tile(tapes, 2), np.concatenate([places, places + steps]))
        return Transitions(
            obs=obs[:batch],
            action=self._at("action", tapes, places).astype(np.int64),
            reward=reward,
            discount=discount,
            next_obs=obs[batch:],
            weights=self._weights(tapes, places, correction),
            keys=places * self.num_envs + tapes,
        )

    def sample_sequences(
        self,
        batch: int,
        burn_in: int,
        length: int,
        generator: np.random.Generator,
        correction: float = 1.0,
    ) -> Sequences:
        """B stretches of `burn_in` + `length` + n places, of all that are written.

        A stretch's priority is that of its first place (Kapturowski et al. 2019). `correction`: see `sample`.
        """
        total = burn_in + length + self.n_step
        tapes, first = self._draw(batch, generator, lambda t, p: p + total <= self.written[t])
        places = first + np.arange(total)[:, None]  # [T, B]
        every_tape = np.broadcast_to(tapes, places.shape)
        marks = self._at("marks", every_tape, places)
        learned = slice(burn_in, burn_in + length)
        reward, discount, steps = self._windows(every_tape[learned].ravel(), places[learned].ravel())
        obs = self._obs(every_tape.ravel(), places.ravel())
        return Sequences(
            obs=obs.reshape(total, batch, *obs.shape[1:]),
            starts=(marks & START) != 0,
            state=np.moveaxis(self._at("state", tapes, first), 1, 0),
            action=self._at("action", every_tape[learned], places[learned]).astype(np.int64),
            reward=reward.reshape(length, batch),
            discount=discount.reshape(length, batch),
            steps=steps.reshape(length, batch),
            learned=(marks[learned] & BORDER) == 0,
            weights=self._weights(tapes, first, correction),
            keys=first * self.num_envs + tapes,
        )

    def update_priorities(self, keys: NDArray[np.int64], errors: NDArray[np.floating]) -> None:
        """Set how much what was sampled wants to be sampled again; without priorities, change nothing.

        Args:
            keys: int64[B], as sampled. One whose place was overwritten since is ignored.
            errors: float[B], |td error|; of a sequence, the mix of its largest and its mean.
        Raises: ValueError where shapes differ, or an error is negative or not finite.
        """
        if keys.shape != errors.shape:
            raise ValueError(f"keys {keys.shape} and errors {errors.shape} must have one shape")
        if not (np.isfinite(errors) & (errors >= 0)).all():
            raise ValueError(f"errors must be finite and at least 0, got {errors.min()} to {errors.max()}")
        if self.priorities is not None:
            places, tapes = np.divmod(keys, self.num_envs)
            self.priorities.update(tapes, places, errors)

    def _weights(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64], correction: float
    ) -> NDArray[np.float32]:
        if self.priorities is None:
            return np.ones(len(tapes), np.float32)
        return self.priorities.weights(tapes, places, correction)

    def _oldest(self) -> NDArray[np.int64]:
        """int64[N]: the oldest place of each tape whose observation can still be rebuilt."""
        lost = np.maximum(self.written - self.places, 0)
        return np.where(lost > 0, lost + max(self.frame_stack - 1, 0), 0)

    def _draw(
        self, batch: int, generator: np.random.Generator, allowed: Allowed
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """B (tape, place) pairs, of those that `allowed(tapes, places)` lets pass."""
        oldest = self._oldest()
        if self.priorities is not None:
            self.priorities.follow(oldest, self.written, lambda t, p: self._acted(t, p) & allowed(t, p))
            if not self.priorities.tree.total:
                raise self._nothing_yet()
        drawn: list[NDArray[np.int64]] = []
        missing = batch
        for _ in range(DRAWS_MAX):
            if self.priorities is not None:
                tapes, places = self.priorities.draw(missing, generator)
            else:
                tapes, places = self._uniform(missing, generator, oldest)
            good = allowed(tapes, places)
            drawn.append(np.stack([tapes[good], places[good]]))
            missing -= int(good.sum())
            if not missing:
                pairs = np.concatenate(drawn, axis=1)
                return pairs[0], pairs[1]
        raise self._nothing_yet()

    def _nothing_yet(self) -> ValueError:
        places = self.written.tolist()
        return ValueError(f"nothing to sample yet: no complete window on tapes of {places} places")

    def _uniform(
        self, count: int, generator: np.random.Generator, oldest: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(tapes, places), both [count], uniform over all places from `oldest` [N] on."""
        counts = np.maximum(self.written - oldest, 0)
        ends = counts.cumsum()
        flat = generator.integers(max(int(ends[-1]), 1), size=count)
        tapes = np.searchsorted(ends, flat, side="right").clip(max=self.num_envs - 1)
        return tapes, flat + (oldest - ends + counts)[tapes]

    def _acted(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        return np.asarray((self._at("marks", tapes, places) & BORDER) == 0)

    def _complete(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[B]: someone acted there, and all that his window needs is written."""
        _, steps = self._alive(tapes, places)
        return np.asarray(self._acted(tapes, places) & (places + steps < self.written[tapes]))

    def _alive(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of the n steps from each place on belong to its window: bool[B, n], and their number [B]."""
        alive = np.ones((len(tapes), self.n_step), np.bool_)
        if self.n_step > 1:
            before = places[:, None] + np.arange(self.n_step - 1)
            goes_on = (self._at("marks", tapes[:, None], before) & ENDED) == 0
            alive[:, 1:] = np.logical_and.accumulate(goes_on, axis=1)
        return alive, alive.sum(axis=1)

    def _windows(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """The windows from each place on: summed reward, discount of what follows, and steps, all [B]."""
        alive, steps = self._alive(tapes, places)
        rewards = self._at("reward", tapes[:, None], places[:, None] + np.arange(self.n_step))
        marks = self._at("marks", tapes, places + steps - 1)
        discount = self.gammas[steps] * ((marks & TERMINATED) == 0)
        return (rewards * self.gammas[:-1] * alive).sum(axis=1), discount, steps

    def _obs(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[Any]:
        """The observations at [B] places; stacks are rebuilt, with zeros before an episode's first frame."""
        if not self.frame_stack:
            return self._at("obs", tapes, places)
        frames = places[:, None] + np.arange(1 - self.frame_stack, 1)  # [B, stack], newest last
        stacks = self._at("obs", tapes[:, None], frames)
        starts = (self._at("marks", tapes[:, None], frames[:, 1:]) & START) != 0
        started_later = np.logical_or.accumulate(starts[:, ::-1], axis=1)[:, ::-1]  # [B, stack - 1]
        stacks[:, :-1][started_later] = 0
        return stacks

    def _at(self, name: str, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[Any]:
        """A column's entries there; `tapes` and `places` broadcast."""
        column = self.columns[name]
        rows = column.reshape(self.num_envs * self.places, *column.shape[2:])  # no copy
        return np.take(rows, tapes * self.places + places % self.places, axis=0)

    def rows(self, first: NDArray[np.int64], until: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Each column's entries of the places `first` to `until`, both int64[N], tape after tape.

        They must still be there: written, and not more than the ring ago.
        """
        tapes, places = stretches(first, until)
        return {name: self._at(name, tapes, places) for name in self.columns}

    def put_rows(
        self, first: NDArray[np.int64], until: NDArray[np.int64], rows: dict[str, NDArray[Any]]
    ) -> None:
        """Write what `rows` gave for places `first` to `until` of each tape; the tapes end there."""
        tapes, places = stretches(first, until)
        for name, column in self.columns.items():
            column[tapes, places % self.places] = rows[name]
        self.written = until.copy()
        newest = self.columns["marks"][np.arange(self.num_envs), (until - 1) % self.places]
        self._starting = ((newest & BORDER) != 0) | (until == 0)


def places_for(size: int, num_envs: int, n_step: int, frame_stack: int) -> int:
    """Places on each tape so that `size` steps can be sampled, borders aside."""
    return -(-size // num_envs) + n_step + max(frame_stack, 1)


def bytes_needed(
    size: int,
    num_envs: int,
    obs_shape: tuple[int, ...],
    obs_dtype: np.dtype[Any],
    *,
    frame_stack: int = 0,
    n_step: int = 1,
    state_shape: tuple[int, int] | None = None,
    priority_exponent: float = 0.0,
) -> int:
    """The memory of a full `Replay` with the same arguments."""
    obs_bytes = int(np.prod(obs_shape[1:] if frame_stack else obs_shape)) * obs_dtype.itemsize
    state_bytes = 4 * int(np.prod(state_shape)) if state_shape is not None else 0
    place_bytes = obs_bytes + state_bytes + 2 + 4 + 1  # action, reward, marks
    places = num_envs * places_for(size, num_envs, n_step, frame_stack)
    return places * place_bytes + (tree_bytes(places) if priority_exponent else 0)
