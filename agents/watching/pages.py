"""The pages of a scene and the key that goes from one to the next."""

from collections.abc import Sequence

from agents.watching.keys import Key
from envs.view.pictures import Tabs


class Pages:
    """Names of pages, one of which is shown."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._current = 0

    @property
    def shown(self) -> str:
        """The name of the page."""
        return self._names[self._current]

    @property
    def tabs(self) -> Tabs:
        """For the foot of a picture; nothing where there is but one page."""
        return Tabs(self._names if len(self._names) > 1 else (), self._current)

    @property
    def keys(self) -> list[Key]:
        """The key that turns the pages, where there is more than one."""
        if len(self._names) == 1:
            return []
        return [Key(("tab",), "tab", f"next page: {', '.join(self._names)}", self.turn)]

    def turn(self) -> None:
        """The next page, after the last the first."""
        self._current = (self._current + 1) % len(self._names)

    def show(self, name: str) -> None:
        """A page by its name. Raises: ValueError naming the pages there are."""
        if name not in self._names:
            raise ValueError(f"no page {name!r} here; pages: {', '.join(self._names)}")
        self._current = self._names.index(name)
