"""Pictures on disk: one as PNG, many as mp4 or gif."""

from pathlib import Path
from types import TracebackType
from typing import Any

import imageio.v2 as imageio
import numpy as np
from numpy.typing import NDArray

SUFFIXES = (".mp4", ".gif")
GIF_RATE_MAX = 50  # pictures a second; viewers slow down gifs that ask for more


def save_png(path: str | Path, pixels: NDArray[np.uint8]) -> Path:
    """Write uint8[H, W, 3]; makes the folder. Raises: ValueError unless the name ends in .png."""
    path = checked_name(path, (".png",))
    path.parent.mkdir(parents=True, exist_ok=True)
    imageio.imwrite(path, pixels)
    return path


def checked_name(path: str | Path, suffixes: tuple[str, ...]) -> Path:
    """The path, if its name ends in one of the suffixes. Raises: ValueError."""
    path = Path(path)
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"a file named *{' or *'.join(suffixes)} is wanted, got {str(path)!r}")
    return path


class Recorder:
    """A film in the making; a context manager that finishes the file."""

    def __init__(self, path: str | Path, pictures_per_second: float) -> None:
        """Raises: ValueError for a name that is neither *.mp4 nor *.gif."""
        self.path = checked_name(path, SUFFIXES)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.suffix.lower() == ".gif":
            rate = min(pictures_per_second, GIF_RATE_MAX)
            self._writer: Any = imageio.get_writer(self.path, mode="I", duration=1000 / rate, loop=0)
        else:
            self._writer = imageio.get_writer(
                self.path,
                fps=pictures_per_second,
                macro_block_size=2,  # any even size
                quality=8,  # of 10: small text stays sharp
            )

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Append uint8[H, W, 3]; all of one even size."""
        self._writer.append_data(pixels)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
