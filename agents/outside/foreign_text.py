"""Text that others wrote: it may be of any length and hold anything."""

from collections.abc import Iterator
from typing import BinaryIO


def bounded_lines(source: BinaryIO, bytes_max: int) -> Iterator[bytes | None]:
    """The lines of a stream to its end, the last with or without its newline; None in place of a longer one.

    No more than `bytes_max` bytes of a line are ever held.
    """
    while line := source.readline(bytes_max + 1):
        if len(line) <= bytes_max or line.endswith(b"\n"):
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(bytes_max)
        yield None


def shown(text: str, length_max: int = 60) -> str:
    """Foreign text for a message: quoted, in ASCII, on one line, and not long."""
    return ascii(text if len(text) <= length_max else f"{text[:length_max]}...")
