"""The checked face of the rules: games by name, positions that know their history, moves as text.

Kernels trust their input; everything that comes from people, files or networks comes through here.
"""

import difflib
import functools
import operator
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.boards import batches, connect_four, othello, rules, tic_tac_toe
from envs.boards.facts import Facts
from envs.boards.rules import PASS, State

_FACTS = {each.FACTS.name: each.FACTS for each in (tic_tac_toe, connect_four, othello)}
GAMES: tuple[str, ...] = tuple(_FACTS)
STONES = ".XO"  # of a drawing: empty, first player, second player


class IllegalMove(ValueError):
    """A move the rules do not allow; the message tells the game, the move, those before it, what is legal."""


@functools.cache
def game(name: str) -> "Game":
    """The game of that name, one object for each. ValueError, with the nearest name, where there is none."""
    if name not in _FACTS:
        nearest = difflib.get_close_matches(name, GAMES, n=1, cutoff=0.4)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(f"unknown game {name!r}{hint} (games: {', '.join(GAMES)})")
    return Game(_FACTS[name])


class Game:
    """One board game: its sizes, its moves as text, its rules over states and batches of packed states."""

    def __init__(self, facts: Facts) -> None:
        self.name = facts.name
        self.title = facts.title
        self.initial: State = facts.initial
        self.board_shape = facts.board_shape  # (H, W), row 0 at the top
        self.num_planes = facts.num_planes
        self.num_actions = len(facts.move_names)
        self.action_permutation = facts.action_permutation  # int64[K, A]
        self.num_symmetries = len(facts.action_permutation)
        self._facts = facts
        self._actions = {name: action for action, name in enumerate(facts.move_names)} | facts.move_aliases
        self._move = re.compile("|".join(map(re.escape, self._actions)))
        self._state_class = type(facts.initial)

    def __repr__(self) -> str:
        return f"game({self.name!r})"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return game, (self.name,)  # stays one object within a process

    # Positions

    def start(self) -> "Position":
        """The position before the first move."""
        return Position(self, self.initial)

    def position(self, moves_text: str) -> "Position":
        """The position after moves written one after the other, with or without spaces: "3332", "d3 c4".

        Raises: IllegalMove at the first that is no move or not allowed.
        """
        position = self.start()
        rest = moves_text.lower().lstrip()
        while rest:
            found = self._move.match(rest)
            if found is None:
                raise IllegalMove(
                    position.complaint(f"{rest.split()[0]!r} is not a move ({self._facts.notation})")
                )
            position = position.play(self._actions[found.group()])
            rest = rest[found.end() :].lstrip()
        return position

    # Moves as text

    def action_text(self, action: int) -> str:
        """How the action is written."""
        return self._facts.move_names[action]

    def parse_action(self, text: str) -> int:
        """The action that is written so, in either case. IllegalMove where there is none."""
        action = self._actions.get(text.strip().lower())
        if action is None:
            raise IllegalMove(f"{self.name}: {text.strip()!r} is not a move ({self._facts.notation})")
        return action

    def moves_text(self, actions: Iterable[int]) -> str:
        """Actions written one after the other, as `position` reads them."""
        return "".join(self._facts.move_names[action] for action in actions)

    # Rules of one state

    def legal(self, state: State) -> list[int]:
        """The legal actions in rising order: [PASS] where it is forced, none in a finished game."""
        if rules.is_over(state):
            return []
        mask = int(rules.legal_moves(state))
        return [action for action in range(mask.bit_length()) if mask >> action & 1] or [PASS]

    def legal_mask(self, state: State) -> NDArray[np.bool_]:
        """bool[A], True where legal; all False in a finished game."""
        mask = np.empty(self.num_actions, np.bool_)
        batches.fill_legal(state, mask)
        return mask

    def objection(self, state: State, action: int) -> str | None:
        """Why `action` is illegal, in the words of the game; None where it is legal."""
        if batches.is_legal(state, action):
            return None
        if not 0 <= action < self.num_actions:
            return f"there is no action {action} (0-{self.num_actions - 1})"
        if rules.is_over(state):
            return f"{self.action_text(action)} cannot be played, the game is over"
        return self._facts.objection(state, action)

    # Packed states: uint64[2] for one, uint64[B, 2] for many

    def pack(self, state: State) -> NDArray[np.uint64]:
        """The two words of a state, uint64[2]."""
        return np.array(state, np.uint64)

    def state(self, packed: NDArray[np.uint64]) -> State:
        """The state of a packed row."""
        return self._state_class(packed[0], packed[1])

    def legal_masks(
        self, states: NDArray[np.uint64], out: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """bool[B, A] of packed states, into `out` where given."""
        if out is None:
            out = np.empty((len(states), self.num_actions), np.bool_)
        batches.fill_legal_masks(self.initial, _packed(states), out)
        return out

    def planes(
        self, states: NDArray[np.uint64], out: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """float32[B, C, H, W] of packed states as the sides to move see them, into `out` where given."""
        if out is None:
            out = np.empty((len(states), self.num_planes, *self.board_shape), np.float32)
        batches.fill_all_planes(self.initial, _packed(states), out)
        return out

    def transformed(self, states: NDArray[np.uint64], symmetries: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Packed states uint64[B, 2], each under the symmetry int64[B] of its own number."""
        states = _packed(states)
        out = np.empty_like(states)
        batches.fill_transformed(self.initial, states, symmetries, out)
        return out

    # For people

    def cell_owner(self, position: "Position") -> NDArray[np.int8]:
        """int8[H, W]: 0 empty, 1 the first player's, 2 the second's. Row 0 at the top."""
        first, second = position.planes(0)[:2].astype(np.int8)
        owner: NDArray[np.int8] = first + 2 * second
        return owner

    def text(self, position: "Position") -> str:
        """A drawing of the board, and who is to move or has won."""
        columns, rows = self._facts.column_labels, self._facts.row_labels
        lines = [" ".join(STONES[owner] for owner in row) for row in self.cell_owner(position)]
        if rows:
            lines = [f"{label} {line}" for label, line in zip(rows, lines, strict=True)]
        header = ("  " if rows else "") + " ".join(columns)
        return "\n".join([header, *lines, _standing(position)])


@dataclass(frozen=True, slots=True)
class Position:
    """A state with its game, the moves that led to it, and who is to move: what players are shown.

    Attributes:
        moves: all actions since the start, passes included.
        player: 0 if the first player is to move, 1 if the second.
    """

    game: Game
    state: State
    moves: tuple[int, ...] = ()
    player: int = 0

    def play(self, action: int) -> "Position":
        """The position after `action`. IllegalMove where the rules do not allow it."""
        action = operator.index(action)
        objection = self.game.objection(self.state, action)
        if objection is not None:
            raise IllegalMove(self.complaint(objection))
        return Position(self.game, rules.play(self.state, action), (*self.moves, action), 1 - self.player)

    def complaint(self, what: str) -> str:
        """A message for people: the game, what is wrong, after which moves, what is legal."""
        legal = " ".join(self.game.action_text(action) for action in self.legal()) or "nothing"
        after = f"after {self.game.moves_text(self.moves)}" if self.moves else "before any move"
        return f"{self.game.name}: {what} {after}; legal: {legal}"

    def legal(self) -> list[int]:
        """The legal actions in rising order; none when the game is over."""
        return self.game.legal(self.state)

    @property
    def is_over(self) -> bool:
        """Whether the game has ended."""
        return bool(rules.is_over(self.state))

    @property
    def result(self) -> int:
        """For the first player: 1 won, 0 drawn, -1 lost. ValueError while the game goes on."""
        if not self.is_over:
            raise ValueError(self.complaint("there is no result yet"))
        outcome = int(rules.outcome(self.state))
        return outcome if self.player == 0 else -outcome

    def planes(self, player: int) -> NDArray[np.float32]:
        """float32[C, H, W] as `player` (0 or 1) sees the board, whoever is to move: plane 0 is his stones."""
        planes: NDArray[np.float32] = self.game.planes(self.game.pack(self.state)[None])[0]
        if player != self.player:
            planes[:2] = planes[1::-1].copy()
        return planes

    def text(self) -> str:
        """A drawing of the board, and who is to move or has won."""
        return self.game.text(self)


def _packed(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    if states.dtype != np.uint64 or states.ndim != 2 or states.shape[1] != 2:
        raise ValueError(f"packed states are uint64[B, 2], got {states.dtype}{list(states.shape)}")
    return states


def _standing(position: Position) -> str:
    if not position.is_over:
        return f"{STONES[1 + position.player]} to move"
    winner = {1: STONES[1], -1: STONES[2]}.get(position.result)
    return f"{winner} has won" if winner else "drawn"
