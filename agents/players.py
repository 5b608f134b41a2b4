"""Who plays: a Player looks at a position and returns a Decision.

Search, networks, people and chance all stand behind this one face; `agents.player_specs` knows what a player
is made of.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from envs.boards.game import Game, IllegalMove, Position


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """A chosen action and what the player thought of it.

    Attributes:
        action: legal in the position that was given.
        value: of the position for the side to move, in [-1, 1]; 1, 0, -1 only where proven. None: no opinion.
        policy: float32[A], sums to 1 over the legal actions: what search or network recommends.
        visits: int64[A], how often a sparse search tried each action.
        principal_variation: the line expected, beginning with `action`.
        statistics: figures of the effort, such as depth, nodes, simulations, seconds.
    """

    action: int
    value: float | None = None
    policy: NDArray[np.float32] | None = None
    visits: NDArray[np.int64] | None = None
    principal_variation: tuple[int, ...] = ()
    statistics: Mapping[str, float] = field(default_factory=dict)


class OutsideFailure(ChildProcessError):
    """An outside program crashed, hung or answered nonsense; its player forfeits the game."""


class Player(Protocol):
    """Anything that can be seated at a board."""

    @property
    def name(self) -> str:
        """The spec that builds this player, as the tables print it."""

    @property
    def is_outside(self) -> bool:
        """Whether a program that is not ours decides: its faults lose games, ours are bugs and raise."""

    def reset(self, seed: int) -> None:
        """Begin anew: forget trees and tables, and restart the random stream from `seed`."""

    def choose(self, position: Position) -> Decision:
        """Decide in a position that is not over."""

    def choose_many(self, positions: Sequence[Position]) -> list[Decision]:
        """Decide in independent positions of different games, together where that is faster."""


def check_turn(name: str, game: Game, position: Position) -> None:
    """ValueError unless `position` is an unfinished one of the game that the player of that name plays."""
    if position.game is not game:
        raise ValueError(f"{name} plays {game.name}, was given a position of {position.game.name}")
    if position.is_over:
        raise ValueError(position.complaint(f"{name} cannot move, the game is over"))


class BasePlayer:
    """What most players share: a name and a `choose_many` that takes one position after the other."""

    is_outside: bool = False

    def __init__(self, name: str) -> None:
        self.name = name

    def reset(self, seed: int) -> None:
        """Nothing to forget."""

    def choose(self, position: Position) -> Decision:
        """Decide in one position; each player's own."""
        raise NotImplementedError

    def choose_many(self, positions: Sequence[Position]) -> list[Decision]:
        """Decide in each position on its own."""
        return [self.choose(position) for position in positions]


class RandomPlayer(BasePlayer):
    """Every legal action with equal probability."""

    def __init__(self, name: str = "random", seed: int = 0) -> None:
        super().__init__(name)
        self._rng = np.random.default_rng(seed)

    def reset(self, seed: int) -> None:
        """Restart the random stream."""
        self._rng = np.random.default_rng(seed)

    def choose(self, position: Position) -> Decision:
        """Draw a legal action."""
        return Decision(action=int(self._rng.choice(position.legal())))


class HumanPlayer(BasePlayer):
    """A person who types moves. Windows seat people by their own events instead."""

    def __init__(self, name: str = "human", read: Callable[[str], str] = input) -> None:
        super().__init__(name)
        self._read = read

    def choose(self, position: Position) -> Decision:
        """Ask until the answer is a legal move."""
        print(position.text())
        while True:
            try:
                action = position.game.parse_action(self._read("your move: "))
                position.play(action)
            except IllegalMove as error:
                print(error)
            else:
                return Decision(action=action)
