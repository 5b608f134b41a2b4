"""Connect Four's opening book: exact scores where a search from the start would take minutes.

A book holds states with one number of stones; of mirror images it holds one. Every line of play from an
earlier state runs into it, so the solver answers there at once.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from agents.runs.atomic import replacing
from agents.runs.model import PRETRAINED
from envs.boards import rules
from envs.boards.connect_four import BOTTOM_ROW, ConnectFour
from envs.boards.dispatch import kernel

SHIPPED = PRETRAINED / "connect_four_book.npz"
NOT_IN_BOOK = -128


class Book(NamedTuple):
    """Scores of states, for the side to move, as `connect_four_solver` has them."""

    stones: int  # on the board, of each of them
    keys: NDArray[np.uint64]  # [n] ascending; see `book_key`
    scores: NDArray[np.int8]  # [n]


NO_BOOK = Book(-1, np.zeros(0, np.uint64), np.zeros(0, np.int8))


@kernel
def book_key(state: ConnectFour) -> np.uint64:
    """The same for a state and its mirror image, different for any other."""
    mirrored = rules.transform(state, 1)
    return min(state.own + state.occupied + BOTTOM_ROW, mirrored.own + mirrored.occupied + BOTTOM_ROW)


@kernel
def book_score(book: Book, state: ConnectFour) -> int:
    """The score of a state with `book.stones` stones, NOT_IN_BOOK if there is none."""
    key = book_key(state)
    place = np.searchsorted(book.keys, key)
    return int(book.scores[place]) if place < book.keys.size and book.keys[place] == key else NOT_IN_BOOK


@cache
def shipped_book() -> Book:
    """The book in pretrained/. Raises: OSError; ValueError where the file is no book."""
    return load_book(SHIPPED)


def load_book(path: Path) -> Book:
    """What `save_book` wrote. Raises: OSError; ValueError where it is no such file."""
    try:
        with np.load(path) as arrays:
            book = Book(int(arrays["stones"]), np.cumsum(arrays["steps"]), arrays["scores"])
    except (ValueError, KeyError, EOFError) as error:
        raise ValueError(f"{path} is no opening book: {error}") from error
    if book.keys.dtype != np.uint64 or book.scores.dtype != np.int8 or len(book.keys) != len(book.scores):
        raise ValueError(f"{path} is no opening book: its arrays do not fit together")
    return book


def save_book(path: Path, book: Book) -> None:
    """Write a book; steps from key to key are shorter than keys."""
    with replacing(path) as file:
        steps = np.diff(book.keys, prepend=np.uint64(0))
        np.savez_compressed(file, stones=book.stones, steps=steps, scores=book.scores)
