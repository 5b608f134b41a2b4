"""Positions from random games, to make test sets of: what players meet who know nothing."""

from collections.abc import Iterator

import numpy as np

from agents.arena.openings import canonical
from envs.boards.game import Game, Position

TRIES = 10_000  # games in a row that bring nothing new; then there is hardly anything left


def random_positions(game: Game, plies: tuple[int, int], rng: np.random.Generator) -> Iterator[Position]:
    """Unfinished positions of uniformly random games, every number of moves within `plies` equally often.

    All are different, also after turning or mirroring the board. A number of moves that has no more of them
    is drawn no longer; it ends when none has.

    Args:
        plies: the lowest and the highest number of moves.
    """
    numbers = list(range(plies[0], plies[1] + 1))
    seen: set[tuple[int, int]] = set()
    while numbers:
        number = int(rng.choice(numbers))
        for _ in range(TRIES):
            position = after_random_moves(game, number, rng)
            if not position.is_over and (form := canonical(position)) not in seen:
                seen.add(form)
                yield position
                break
        else:
            numbers.remove(number)


def after_random_moves(game: Game, plies: int, rng: np.random.Generator) -> Position:
    """The position after so many moves, or at the end of a shorter game."""
    position = game.start()
    while len(position.moves) < plies and not position.is_over:
        position = position.play(int(rng.choice(position.legal())))
    return position
