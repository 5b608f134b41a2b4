"""Names that users type: the nearest valid ones for an error message."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, valid: Iterable[str], count: int = 3) -> str:
    """The valid names most like `name`, best first, separated by commas; capitals do not matter."""
    by_lower = {known.lower(): known for known in sorted(valid)}
    close = get_close_matches(name.lower(), by_lower, n=count, cutoff=0.4) or sorted(by_lower)[:count]
    return ", ".join(by_lower[known] for known in close)
