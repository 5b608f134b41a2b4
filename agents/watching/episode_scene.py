"""An episode session at the window: its keys, and its page."""

from collections.abc import Sequence
from dataclasses import replace

from agents.watching.actions import action_of_keys
from agents.watching.episode_session import CLOSE_SECONDS, EpisodeSession
from agents.watching.inside_page import InsidePage
from agents.watching.keys import Key, Keys, next_speed
from agents.watching.pages import Pages
from agents.watching.study import Subject
from envs.view.pictures import (
    ActionValue,
    Cell,
    EpisodePicture,
    KeyHelp,
    Picture,
    ReturnDistribution,
    Spot,
)

PLAY, INSIDE = "Play", "Inside"
RETURNS_SHOWN = 4  # of past episodes
FOOTER = "h help · space pause · . step · left undo · + - speed · r next episode · f take over · m record"


class EpisodeScene:
    """Stands between the window and a session.

    Args:
        session: what is shown.
        title: the environment's name.
        model: who plays, in words: where the weights came from.
        action_names: in the order of the actions.
        inside: looks into the network; None where there is none of ours.
        seen: the rows of a frame that the network is shown, for what is laid over them.
    """

    def __init__(
        self,
        session: EpisodeSession,
        title: str,
        model: str,
        action_names: Sequence[str],
        inside: InsidePage | None = None,
        seen: slice = slice(None),
    ) -> None:
        self.session = session
        self._seen = seen
        self.pages = Pages((PLAY,) if inside is None else (PLAY, INSIDE))
        self._inside = inside
        self.title = title
        self._model = model
        self.action_names = action_names
        self._notice = ""
        self._held: set[str] = set()
        self._keys = Keys(
            [
                Key(("space",), "space", "pause and go on", self._pause),
                Key((".",), ".", "one step, then pause", session.step),
                Key(("left", "backspace"), "left  backspace", "one step back", self._undo),
                Key(("+", "="), "+", "faster", lambda: self._change_speed(1)),
                Key(("-",), "-", "slower", lambda: self._change_speed(-1)),
                Key(("r",), "r", "next episode", session.restart),
                Key(("f",), "f", "take over from the agent, and hand back", self._hand_over),
                *self.pages.keys,
                *(inside.keys("frame", self._tell) if inside else ()),
            ]
        )

    @property
    def keys(self) -> Sequence[KeyHelp]:
        """All keys with their meaning."""
        return (
            *self._keys.help,
            ("arrows  x  0 - 9", "when you have taken over: move, fire, or action"),
            ("click", "on the curves: go to that step, the game restored; on a map: what its cell sees"),
        )

    @property
    def pictures_per_second(self) -> float:
        """Of a film with one picture for each step."""
        return self.session.speed * self.session.steps_per_second

    def picture(self) -> Picture:
        """What is to be seen now."""
        if (inside := self._inside_shown) is not None:
            return replace(inside.picture(self._notice), tabs=self.pages.tabs)
        return self.play_page()

    def play_page(self) -> EpisodePicture:
        """The game and what its player thinks."""
        scenery = self.session.scenery
        return EpisodePicture(
            title=self.title,
            frame=scenery.frame,
            obs=scenery.obs,
            status=self._status(),
            footer=self._notice or FOOTER,
            facts=self._facts(),
            actions=[
                ActionValue(name=name, value=float(q), chosen=action == scenery.choice.action)
                for action, (name, q) in enumerate(zip(self.action_names, scenery.q, strict=True))
            ],
            choice=f"{self._origin()} · bars: from the mean",
            explored=scenery.choice.explored,
            values=scenery.episode.values[: scenery.step + 1] + scenery.episode.later_values,
            returns=scenery.episode.returns[: scenery.step + 1] + scenery.episode.later_returns,
            cursor=scenery.step,
            distribution=self._distribution(),
            tabs=self.pages.tabs,
        )

    def advance(self, seconds: float) -> bool:
        """Let the session go on, and what the page asks for."""
        changed = self.session.advance(seconds)
        if (inside := self._inside_shown) is not None:
            changed |= inside.advance(self._subject())
        return changed

    def settle(self) -> None:
        """Complete the picture, here and now."""
        self.session.settle()
        if (inside := self._inside_shown) is not None:
            inside.settle(self._subject())

    def step_now(self) -> bool:
        """One step, here and now; False when all episodes are over."""
        return self.session.step_now()

    def close(self) -> None:
        """End the work and close the environment."""
        self.session.close()
        if self._inside is not None:
            self._inside.close(CLOSE_SECONDS / 8)

    def press(self, key: str) -> None:
        """Obey a key; arrows steer where a person has taken over."""
        self._notice = ""
        self._held.add(key)
        if not (self.session.hand and key == "left"):
            self._keys.press(key)

    def release(self, key: str) -> None:
        """A steering key was let go."""
        self._held.discard(key)

    def click(self, cell: Cell) -> None:
        """There is no board to click on."""

    def pick(self, spot: Spot) -> None:
        """A click on the curves goes to that step; on a cell of a feature map, it shows what it sees."""
        self._notice = ""
        if spot.name == "graph":
            if not self.session.go_to(spot.cell[1]):
                self._notice = "the episode has not come so far"
        elif self._inside is not None:
            self._inside.pick(spot)

    @property
    def _inside_shown(self) -> InsidePage | None:
        """The look into the network, while its page is shown."""
        return self._inside if self.pages.shown == INSIDE else None

    def _tell(self, notice: str) -> None:
        self._notice = notice

    def _subject(self) -> Subject:
        """The step on the page, as the network is shown it."""
        scenery = self.session.scenery
        return Subject(
            key=(scenery.episode.number, scenery.step, scenery.obs.tobytes()),
            obs=scenery.obs,
            frame=None if scenery.frame is None else scenery.frame[self._seen],
            words=f"step {scenery.step}",
            glimpses=scenery.glimpses,
            num_later=scenery.num_later,
            step=scenery.step,
        )

    def _distribution(self) -> ReturnDistribution | None:
        scenery = self.session.scenery
        if scenery.spread is None:
            return None
        action = scenery.choice.action
        return ReturnDistribution(
            returns=scenery.spread.returns[action].tolist(),
            weights=scenery.spread.weights[action].tolist(),
            mean=float(scenery.q[action]),
            others=[float(q) for other, q in enumerate(scenery.q) if other != action],
        )

    def _status(self) -> str:
        session = self.session
        parts = [self._model]
        if session.scenery.ended:
            parts.append("the episode is over")
        if session.paused:
            parts.append("paused")
        if session.hand:
            parts.append("you play")
        return " · ".join([*parts, f"speed {session.speed:g}x"])

    def _facts(self) -> list[tuple[str, str]]:
        session, scenery = self.session, self.session.scenery
        episode = scenery.episode
        of = f" of {session.episodes}" if session.episodes else ""
        facts = [
            ("episode", f"{episode.number}{of}"),
            ("step", f"{scenery.step}"),
            ("return", f"{episode.returns[scenery.step]:g}"),
        ]
        if scenery.step:
            last = episode.choices[scenery.step - 1]
            facts.append(
                ("last action", self.action_names[last.action] + (" by hand" if last.by_hand else ""))
            )
            facts.append(("last reward", f"{episode.rewards[scenery.step - 1]:g}"))
        facts.append(("exploring", f"{100 * session.agent.epsilon:g} %"))
        if session.past_returns:
            past = ", ".join(f"{each:g}" for each in session.past_returns[-RETURNS_SHOWN:])
            facts.append(("past returns", past))
        return facts

    def _origin(self) -> str:
        if self.session.hand:
            return "you choose"
        return "explored" if self.session.scenery.choice.explored else "greedy"

    def _pause(self) -> None:
        self.session.paused = not self.session.paused

    def _undo(self) -> None:
        if not self.session.undo():
            self._notice = "this is the start of the episode"

    def _change_speed(self, by: int) -> None:
        self.session.speed = next_speed(self.session.speed, by)

    def _hand_over(self) -> None:
        self.session.hand = None if self.session.hand else self._steer

    def _steer(self) -> int:
        return action_of_keys(frozenset(self._held), self.action_names)
