"""The keys of a scene: what each does, in words for the help and as a call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envs.view.pictures import KeyHelp

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 16.0)


@dataclass(frozen=True, slots=True)
class Key:
    """A wish with the names of the keys that mean it, and how they are written in the help."""

    names: tuple[str, ...]
    written: str
    meaning: str
    act: Callable[[], object]


class Keys:
    """Finds the key of an event."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)
        self._acts = {name: key.act for key in keys for name in key.names}

    @property
    def help(self) -> tuple[KeyHelp, ...]:
        """Key and meaning, in order."""
        return tuple((key.written, key.meaning) for key in self._keys)

    def press(self, name: str) -> bool:
        """Do what the key means; False where it means nothing."""
        act = self._acts.get(name)
        if act is None:
            return False
        act()
        return True


def next_speed(speed: float, by: int) -> float:
    """The speed so many places further in SPEEDS, within its ends."""
    nearest = min(range(len(SPEEDS)), key=lambda i: abs(SPEEDS[i] - speed))
    return SPEEDS[min(max(nearest + by, 0), len(SPEEDS) - 1)]
