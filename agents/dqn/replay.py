"""Uniform replay that owns the episodes' borders, and stores each observation once.

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
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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


class Sequences(NamedTuple):
    """B stretches of T = burn_in + length + n consecutive places; time comes first."""

    obs: NDArray[Any]  # [T, B, ...]
    starts: NDArray[np.bool_]  # [T, B]: first observation of an episode
    state: NDArray[
        np.float32
    ]  # [parts, B, M]: the memory's state before the first place, when it was acted on
    action: NDArray[np.int64]  # [length, B], as all below: of the places after the burn-in
    reward: NDArray[np.float32]  # [length, B], of the n-step window from there
    discount: NDArray[np.float32]  # [length, B]
    steps: NDArray[np.int64]  # [length, B]: places from here to the one that the window ends at
    learned: NDArray[np.bool_]  # [length, B]: False at a border, where nobody acted


class Replay:
    """The last `size` steps of N envs, uniformly sampled.

    Args:
        size: steps kept, of all envs together.
        num_envs: N.
        obs_shape, obs_dtype: of one observation.
        frame_stack: frames that an observation holds along its first axis, newest last; 0: it is no stack.
        n_step, discount: of the windows that are sampled.
        state_shape: (parts, M) of the memory's state, kept for each place; None: the network has no memory.
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
    ) -> None:
        """Append one step of all envs.

        Args:
            obs: [N, ...], what was acted on.
            action, reward, terminated, truncated: [N], what came of it; `reward` after any clipping.
            last_obs: [N, ...], the true next observation; read only where an episode ended.
            state: float32[N, parts, M], the memory's state before `obs`, where there is one.
        """
        marks = START * self._starting | TERMINATED * terminated | TRUNCATED * (truncated & ~terminated)
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

    def sample(self, batch: int, generator: np.random.Generator) -> Transitions:
        """B windows, uniform over all steps whose window is complete."""
        tapes, places = self._draw(batch, generator, self._complete)
        reward, discount, steps = self._windows(tapes, places)
        return Transitions(
            obs=self._obs(tapes, places),
            action=self.columns["action"][tapes, places % self.places].astype(np.int64),
            reward=reward,
            discount=discount,
            next_obs=self._obs(tapes, places + steps),
        )

    def sample_sequences(
        self, batch: int, burn_in: int, length: int, generator: np.random.Generator
    ) -> Sequences:
        """B stretches of `burn_in` + `length` + n places, uniform over where they can begin."""
        total = burn_in + length + self.n_step
        tapes, first = self._draw(batch, generator, lambda t, p: p + total <= self.written[t])
        places = first + np.arange(total)[:, None]  # [T, B]
        every_tape = np.broadcast_to(tapes, places.shape)
        slots = places % self.places
        marks = self.columns["marks"][every_tape, slots]
        learned = slice(burn_in, burn_in + length)
        reward, discount, steps = self._windows(every_tape[learned].ravel(), places[learned].ravel())
        obs = self._obs(every_tape.ravel(), places.ravel())
        return Sequences(
            obs=obs.reshape(total, batch, *obs.shape[1:]),
            starts=(marks & START) != 0,
            state=np.moveaxis(self.columns["state"][tapes, slots[0]], 1, 0),
            action=self.columns["action"][every_tape[learned], slots[learned]].astype(np.int64),
            reward=reward.reshape(length, batch),
            discount=discount.reshape(length, batch),
            steps=steps.reshape(length, batch),
            learned=(marks[learned] & BORDER) == 0,
        )

    def _oldest(self) -> NDArray[np.int64]:
        """int64[N]: the oldest place of each tape whose observation can still be rebuilt."""
        lost = np.maximum(self.written - self.places, 0)
        return np.where(lost > 0, lost + max(self.frame_stack - 1, 0), 0)

    def _draw(
        self, batch: int, generator: np.random.Generator, allowed: Any
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """B (tape, place) pairs, uniform over those that `allowed(tapes, places)` lets pass."""
        oldest = self._oldest()
        counts = np.maximum(self.written - oldest, 0)
        ends = counts.cumsum()
        drawn: list[NDArray[np.int64]] = []
        missing = batch
        for _ in range(DRAWS_MAX):
            flat = generator.integers(max(int(ends[-1]), 1), size=missing)
            tapes = np.searchsorted(ends, flat, side="right").clip(max=self.num_envs - 1)
            places = oldest[tapes] + flat - (ends - counts)[tapes]
            good = allowed(tapes, places)
            drawn.append(np.stack([tapes[good], places[good]]))
            missing -= int(good.sum())
            if not missing:
                pairs = np.concatenate(drawn, axis=1)
                return pairs[0], pairs[1]
        raise ValueError(
            f"nothing to sample yet: no complete window on tapes of {self.written.tolist()} places"
        )

    def _complete(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.bool_]:
        """bool[B]: someone acted there, and all that his window needs is written."""
        border = (self.columns["marks"][tapes, places % self.places] & BORDER) != 0
        _, steps = self._alive(tapes, places)
        return np.asarray(~border & (places + steps < self.written[tapes]))

    def _alive(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which of the n steps from each place on belong to its episode: bool[B, n], and their number [B]."""
        slots = (places[:, None] + np.arange(self.n_step)) % self.places
        goes_on = (self.columns["marks"][tapes[:, None], slots] & ENDED) == 0
        alive = np.ones_like(goes_on)
        alive[:, 1:] = np.logical_and.accumulate(goes_on[:, :-1], axis=1)
        return alive, alive.sum(axis=1)

    def _windows(
        self, tapes: NDArray[np.int64], places: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """The windows from each place on: summed reward, discount of what follows, and steps, all [B]."""
        alive, steps = self._alive(tapes, places)
        slots = (places[:, None] + np.arange(self.n_step)) % self.places
        rewards = self.columns["reward"][tapes[:, None], slots]
        marks = self.columns["marks"][tapes, (places + steps - 1) % self.places]
        discount = self.gammas[steps] * ((marks & TERMINATED) == 0)
        return (rewards * self.gammas[:-1] * alive).sum(axis=1), discount, steps

    def _obs(self, tapes: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[Any]:
        """The observations at [B] places; stacks are rebuilt, with zeros before an episode's first frame."""
        if not self.frame_stack:
            return np.asarray(self.columns["obs"][tapes, places % self.places])
        slots = (
            places[:, None] + np.arange(1 - self.frame_stack, 1)
        ) % self.places  # [B, stack], newest last
        stacks = self.columns["obs"][tapes[:, None], slots]
        starts = (self.columns["marks"][tapes[:, None], slots] & START) != 0
        started_later = np.logical_or.accumulate(starts[:, :0:-1], axis=1)[:, ::-1]  # [B, stack - 1]
        stacks[:, :-1][started_later] = 0
        return np.asarray(stacks)

    def rows_since(self, written: NDArray[np.int64]) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
        """What the tapes gained since `written` was their `written`, as far as it is still there.

        Returns: (int64[N], the first place given of each tape; each column's rows, tape after tape).
        """
        first = np.maximum(written, self.written - self.places)
        tapes, slots = self._rows(first, self.written)
        return first, {name: column[tapes, slots] for name, column in self.columns.items()}

    def put_rows(
        self, first: NDArray[np.int64], until: NDArray[np.int64], rows: dict[str, NDArray[Any]]
    ) -> None:
        """Write what `rows_since` gave for places `first` to `until` of each tape; the tapes end there."""
        tapes, slots = self._rows(first, until)
        for name, column in self.columns.items():
            column[tapes, slots] = rows[name]
        self.written = until.copy()
        newest = self.columns["marks"][np.arange(self.num_envs), (until - 1) % self.places]
        self._starting = ((newest & BORDER) != 0) | (until == 0)

    def _rows(
        self, first: NDArray[np.int64], until: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        tapes = np.repeat(np.arange(self.num_envs), until - first)
        ranges = [np.arange(a, b) for a, b in zip(first.tolist(), until.tolist(), strict=True)]
        return tapes, np.concatenate(ranges) % self.places


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
) -> int:
    """The memory of a full `Replay` with the same arguments."""
    obs_bytes = int(np.prod(obs_shape[1:] if frame_stack else obs_shape)) * obs_dtype.itemsize
    state_bytes = 4 * int(np.prod(state_shape)) if state_shape is not None else 0
    other_bytes = 2 + 4 + 1  # action, reward, marks
    return (
        num_envs * places_for(size, num_envs, n_step, frame_stack) * (obs_bytes + state_bytes + other_bytes)
    )
