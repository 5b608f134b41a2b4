"""Replace a file whole or not at all: whoever reads it sees the old content or the new, never a part.

The new content goes to a hidden neighbour (`.name.part`), reaches the disk, and takes the old name in one
step. The neighbour's name is fixed, so a killed save leaves at most one of them and the next save reuses
it; the price is that a path must have one writer at a time, which a run folder gives.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a binary file to write; on a clean exit it becomes `path`, on an exception `path` is untouched.

    Raises: OSError when the folder is missing, not writable or full; the old file stays.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)  # gone already, unless something above was interrupted
    _sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, whole or not at all."""
    with replacing(path) as file:
        file.write(text.encode())


def _sync_folder(folder: Path) -> None:
    """Put the new name itself on the disk; only POSIX systems can open a folder for that."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
