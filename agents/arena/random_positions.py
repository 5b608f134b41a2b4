"""Positions from random games, to make test sets of: what players meet who know nothing."""

from collections.abc import Iterator

import numpy as np

from agents.arena.openings import canonical
from envs.boards.game import Game, Position

REPEATED_MAX = 10_000  # games in a row that bring nothing new; then there is hardly anything left


def random_positions(game: Game, plies: tuple[int, int], rng: np.random.Generator) -> Iterator[Position]:
    """Unfinished positions, each after a number of uniformly random moves that is itself drawn from `plies`.

    All are different, also after turning or mirroring the board. It ends where the game has no more of them.

    Args:
        plies: the lowest and the highest number of moves.
    """
    seen = set()
    repeated = 0
    while repeated < REPEATED_MAX:
        position = game.start()
        for _ in range(rng.integers(plies[0], plies[1], endpoint=True)):
            if position.is_over:
                break
            position = position.play(int(rng.choice(position.legal())))
        repeated += 1
        if position.is_over or (form := canonical(position)) in seen:
            continue
        seen.add(form)
        repeated = 0
        yield position
