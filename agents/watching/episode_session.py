"""Episodes of an agent in an environment that a person can pause, step, take back and take over.

At each step the agent's action values are known before it acts: they are what the page shows. Environment and
network run in a thread; `advance` collects where they have come to. Steps are taken back by playing the
episode's actions again from its seed: what goes on afterwards is the environment itself, not a film.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

import gymnasium
import numpy as np
from numpy.typing import NDArray

from agents.watching.thought import Thought

NEXT_EPISODE_SECONDS = 1.5  # how long the end of an episode is shown
CLOSE_SECONDS = 0.6  # at most, for a running step to end
STEPS_AT_ONCE = 64  # before the page is drawn again
GLIMPSES_MAX = 128  # of an agent with memory, kept before and after the step that is shown


class QAgent(Protocol):
    """An agent with action values."""

    name: str
    epsilon: float  # share of random actions
    state: Any  # of a memory; None without one

    def reset(self, num_envs: int, seed: int) -> None:
        """Begin new episodes in so many envs."""

    def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        """float32[N, A] of obs [N, ...]; `starts` is True where an episode begins."""


@dataclass(frozen=True, slots=True)
class Spread:
    """The distribution of each action's return: float32[A, K] returns, rising, and their probabilities."""

    returns: NDArray[np.float32]
    weights: NDArray[np.float32]


SpreadOf: TypeAlias = Callable[[NDArray[Any], Any], Spread | None]  # of an obs and the memory before it


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What an agent with memory was shown at one step, and its memory before."""

    obs: NDArray[Any]
    memory: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """An action and where it came from."""

    action: int
    explored: bool = False
    by_hand: bool = False


@dataclass(kw_only=True, slots=True)
class Episode:
    """What is remembered of one episode: enough to draw its curves and to play it again."""

    number: int
    seed: int
    choices: list[Choice] = field(default_factory=list)  # one for each observation, the last not yet played
    values: list[float] = field(default_factory=list)  # the highest Q of each observation
    returns: list[float] = field(default_factory=lambda: [0.0])  # before each observation's action
    rewards: list[float] = field(default_factory=list)
    later_values: list[float] = field(default_factory=list)  # what followed once, before a step back
    later_returns: list[float] = field(default_factory=list)
    glimpses: deque[Glimpse] = field(default_factory=lambda: deque(maxlen=GLIMPSES_MAX))
    later_glimpses: list[Glimpse] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenery:
    """What there is to see at one step."""

    episode: Episode
    step: int  # actions played in the episode
    obs: NDArray[Any]
    frame: NDArray[np.uint8] | None
    q: NDArray[np.float32]  # [A]
    choice: Choice  # what the agent will do
    ended: bool
    spread: Spread | None  # of the returns, from a distributional agent
    glimpses: tuple[Glimpse, ...]  # up to this step and beyond, without gaps; empty without a memory
    num_later: int  # of them, seen once before a step back


class EpisodeSession:
    """An environment, an agent, and the clock between them.

    Args:
        env: with discrete actions and, where it can, `render` as rgb_array; closed with the session.
        agent: whose values are shown and whose actions are played.
        seed: of the first episode; each further one adds one.
        episodes: how many to play; 0 for no end.
        speed: 1 is the environment's own `render_fps`.
        spread_of: the distribution behind the agent's values, where it has one.
    """

    def __init__(
        self,
        env: gymnasium.Env[Any, Any],
        agent: QAgent,
        *,
        seed: int = 0,
        episodes: int = 0,
        speed: float = 1.0,
        spread_of: SpreadOf | None = None,
    ) -> None:
        if episodes < 0:
            raise ValueError(f"episodes must not be negative, got {episodes!r}")
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed!r}")
        self.agent = agent
        self.episodes = episodes
        self.speed = speed
        self.steps_per_second = float(env.metadata.get("render_fps") or 15)
        self.paused = False
        self.hand: Callable[[], int] | None = None  # the actions of a person who has taken over
        self.past_returns: list[float] = []
        self._env = env
        self._spread_of = spread_of
        self._rng = np.random.default_rng(seed)
        self._due = 0.0  # steps
        self._ended_seconds = 0.0
        self._wish: Literal["", "step", "back", "restart"] = ""
        self._goal = 0  # step to go back to
        self._job: Thought[Scenery] | None = None
        self.scenery = self._begin(Episode(number=1, seed=seed))

    @property
    def is_finished(self) -> bool:
        """Whether the last episode is over."""
        return self.scenery.ended and 0 < self.episodes <= self.scenery.episode.number

    # What passes by itself

    def advance(self, seconds: float) -> bool:
        """Collect steps that have been taken and start what is due. Returns whether anything has changed."""
        changed = self._collect()
        if self._job is not None:
            return changed
        if self._wish:
            self._fulfil_wish()
        elif self.scenery.ended:
            self._ended_seconds += seconds
            if self._ended_seconds >= NEXT_EPISODE_SECONDS and not self.paused and not self.is_finished:
                self._start_next()
        elif not self.paused:
            self._due = min(self._due + seconds * self.steps_per_second * self.speed, STEPS_AT_ONCE)
            if self._due >= 1:
                self._start_steps(int(self._due))
                self._due -= int(self._due)
        return changed

    def settle(self) -> None:
        """Wait for what is being done."""
        if self._job is not None:
            self._job.wait()
            self._collect()

    def step_now(self) -> bool:
        """One step, or the beginning of the next episode, here and now; False when all episodes are over."""
        self.settle()
        if self.is_finished:
            return False
        if self.scenery.ended:
            self._start_next()
        else:
            self._start_steps(1)
        self.settle()
        return True

    # What people do

    def step(self) -> None:
        """Take one step, then pause."""
        self.paused, self._wish = True, "step"

    def undo(self) -> bool:
        """Go back one step and pause; False at the start of an episode."""
        return self.go_to(self.scenery.step - 1)

    def go_to(self, step: int) -> bool:
        """Pause, and go to a step of this episode: back, or on to one that was seen. False where none is."""
        self.paused = True
        if not 0 <= step < len(self.scenery.episode.values) + len(self.scenery.episode.later_values):
            return False
        self._wish, self._goal = "back", step
        return True

    def restart(self) -> None:
        """Leave this episode and begin the next."""
        self._wish = "restart"

    def close(self) -> None:
        """Wait a moment for a running step, and close the environment unless it is still busy."""
        if self._job is None or self._job.wait(CLOSE_SECONDS):
            self._env.close()

    # Between the threads

    def _fulfil_wish(self) -> None:
        wish, self._wish = self._wish, ""
        if wish == "restart":
            self._start_next()
        elif wish == "step" and not self.scenery.ended:
            self._start_steps(1)
        elif wish == "back" and self._goal < self.scenery.step:
            goal = self._goal
            self._job = Thought(lambda: self._go_back(goal))
        elif wish == "back" and self._goal > self.scenery.step and not self.scenery.ended:
            self._start_steps(self._goal - self.scenery.step)

    def _start_steps(self, steps: int) -> None:
        hand = self.hand
        self._job = Thought(lambda: self._play(steps, hand))

    def _start_next(self) -> None:
        last = self.scenery.episode
        self._job = Thought(lambda: self._begin(Episode(number=last.number + 1, seed=last.seed + 1)))

    def _collect(self) -> bool:
        if self._job is None or not self._job.ready:
            return False
        was_over = self.scenery.ended
        self.scenery, self._job = self._job.result(), None
        if self.scenery.ended and not was_over:
            self.past_returns.append(self.scenery.episode.returns[-1])
            self._ended_seconds = 0.0
        return True

    # In the thread

    def _begin(self, episode: Episode) -> Scenery:
        obs, _ = self._env.reset(seed=episode.seed)
        self.agent.reset(1, episode.seed)
        return self._look(episode, obs, ended=False)

    def _play(self, steps: int, hand: Callable[[], int] | None) -> Scenery:
        scenery = self.scenery
        episode = scenery.episode
        for _ in range(steps):
            if scenery.ended:
                break
            if hand is not None:
                episode.choices[-1] = Choice(action=hand(), by_hand=True)
            obs, reward, terminated, truncated, _ = self._env.step(np.int64(episode.choices[-1].action))
            episode.rewards.append(float(reward))
            episode.returns.append(episode.returns[-1] + float(reward))
            scenery = self._look(episode, obs, ended=bool(terminated or truncated))
        return scenery

    def _look(self, episode: Episode, obs: NDArray[Any], *, ended: bool) -> Scenery:
        """Show the agent where it is; it makes up its mind."""
        memory = self.agent.state
        q = self._q(episode, obs, len(episode.rewards))
        explored = bool(self._rng.random() < self.agent.epsilon)
        action = int(self._rng.integers(len(q))) if explored else int(q.argmax())
        episode.choices.append(Choice(action=action, explored=explored))
        episode.values.append(float(q.max()))
        _compare_with_later(episode)
        return self._scenery(episode, obs, q, memory, ended=ended)

    def _go_back(self, keep: int) -> Scenery:
        """The state after `keep` steps: the same seed and the same actions, played again."""
        old = self.scenery.episode
        episode = Episode(
            number=old.number,
            seed=old.seed,
            choices=old.choices[: keep + 1],
            values=old.values[: keep + 1],
            returns=old.returns[: keep + 1],
            rewards=old.rewards[:keep],
            later_values=old.values[keep + 1 :] + old.later_values,
            later_returns=old.returns[keep + 1 :] + old.later_returns,
            later_glimpses=_glimpses_after(old, keep),
        )
        obs, _ = self._env.reset(seed=old.seed)
        self.agent.reset(1, old.seed)
        for step, choice in enumerate(episode.choices[:keep]):
            if self.agent.state is not None:
                self._q(episode, obs, step)  # a memory has to see every step again
            obs, *_ = self._env.step(np.int64(choice.action))
        memory = self.agent.state
        return self._scenery(episode, obs, self._q(episode, obs, keep), memory, ended=False)

    def _scenery(
        self, episode: Episode, obs: NDArray[Any], q: NDArray[np.float32], memory: Any, *, ended: bool
    ) -> Scenery:
        """`memory`: the agent's before it saw `obs`."""
        drawn = self._env.render_mode == "rgb_array"
        return Scenery(
            episode=episode,
            step=len(episode.rewards),
            obs=obs,
            frame=np.asarray(self._env.render(), np.uint8) if drawn else None,
            q=q,
            choice=episode.choices[-1],
            ended=ended,
            spread=None if self._spread_of is None else self._spread_of(obs, memory),
            glimpses=(*episode.glimpses, *episode.later_glimpses),
            num_later=len(episode.later_glimpses),
        )

    def _q(self, episode: Episode, obs: NDArray[Any], step: int) -> NDArray[np.float32]:
        if self.agent.state is not None:
            episode.glimpses.append(Glimpse(obs, self.agent.state))
        q: NDArray[np.float32] = self.agent.q_values(obs[None], np.array([step == 0]))[0]
        return q


def _glimpses_after(episode: Episode, step: int) -> list[Glimpse]:
    """Those of the steps that follow; none where the first of them is forgotten."""
    count = len(episode.rewards) - step
    if count > len(episode.glimpses):
        return []
    return [*list(episode.glimpses)[-count:], *episode.later_glimpses][:GLIMPSES_MAX]


def _compare_with_later(episode: Episode) -> None:
    """Keep what followed once as long as it comes true again; another turn makes it void."""
    if not episode.later_values:
        return
    same = (episode.values[-1], episode.returns[-1]) == (episode.later_values[0], episode.later_returns[0])
    episode.later_values = episode.later_values[1:] if same else []
    episode.later_returns = episode.later_returns[1:] if same else []
    episode.later_glimpses = episode.later_glimpses[1:] if same else []
