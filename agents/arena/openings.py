"""Where games begin, so that players who never vary still play different games.

An opening is a position a few random plies from the start: unfinished, and without a move that wins at once.
Two openings of one list are different positions even after turning or mirroring the board, unless the game
has not so many: then all of them are used equally often.
"""

import itertools
from collections.abc import Iterable

import numpy as np

from envs.boards import rules
from envs.boards.game import Game, Position

# Positions kept of each ply while openings grow: so many at least, and so many for each opening asked for.
KEPT_MIN, KEPT_FOR_EACH = 256, 4


def default_plies(game: Game) -> int:
    """A tenth of the cells, at least 2: tic_tac_toe 2, connect_four 4, othello 6."""
    height, width = game.board_shape
    return max(2, height * width // 10)


def openings(game: Game, count: int, plies: int, seed: int) -> list[Position]:
    """Draw `count` openings of `plies` plies; the same seed draws the same.

    All openings of that length are equally likely while a ply has at most KEPT_FOR_EACH * count (at least
    KEPT_MIN) different positions; beyond that, each ply continues from a random choice of so many.

    Raises: ValueError where the game has no opening of that length.
    """
    if count < 1 or plies < 0:
        raise ValueError(f"openings: needs count >= 1 and plies >= 0, got {count} and {plies}")
    rng = np.random.default_rng(seed)
    level = [game.start()]
    for _ in range(plies):
        level = _one_ply_on(level)
        keep = min(len(level), max(KEPT_MIN, KEPT_FOR_EACH * count))
        level = [level[i] for i in rng.permutation(len(level))[:keep]]
    fair = _fair(level)
    if not fair:
        raise ValueError(f"{game.name} has no opening of {plies} plies; take fewer (--opening-plies)")
    return list(itertools.islice(itertools.cycle(fair), count))


def every_opening(game: Game, plies: int) -> list[Position]:
    """All openings of `plies` plies, one of each class under the game's symmetries."""
    level = [game.start()]
    for _ in range(plies):
        level = _one_ply_on(level)
    return _fair(level)


def _one_ply_on(positions: Iterable[Position]) -> list[Position]:
    return _distinct(position.play(action) for position in positions for action in position.legal())


def _fair(positions: Iterable[Position]) -> list[Position]:
    return [each for each in positions if not each.is_over and not _wins_at_once(each)]


def _distinct(positions: Iterable[Position]) -> list[Position]:
    """One position of each class under the game's symmetries, the first that comes."""
    found: dict[tuple[int, int], Position] = {}
    for position in positions:
        found.setdefault(canonical(position), position)
    return list(found.values())


def canonical(position: Position) -> tuple[int, int]:
    """The smallest of the state's symmetric forms, as two integers."""
    return min(
        (int(first), int(second))
        for first, second in (rules.transform(position.state, k) for k in range(position.game.num_symmetries))
    )


def _wins_at_once(position: Position) -> bool:
    """Whether the side to move has a move that ends the game in its favour."""
    mover_wins = 1 if position.player == 0 else -1
    after = (position.play(action) for action in position.legal())
    return any(p.is_over and p.result == mover_wins for p in after)
