r"""Settings in one word of a command line: `key=value[,key=value...]`.

A value that holds a comma or begins with a quotation mark stands in double quotes, where \" and \\ mean a
quotation mark and a backslash: `command="engine --sizes 8,8",seconds=5`. Shells take bare quotes away; a
value without a comma may do without them, spaces and all.
"""

import re
from collections.abc import Iterator

_PAIR = re.compile(r'([^=,]*)(=(?:"((?:[^"\\]|\\.)*)"|([^,]*)))?(,|$)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_TO_ESCAPE = re.compile(r'(["\\])')
_NEEDS_QUOTES = re.compile(r'[,\s"\\]')


def read_pairs(text: str) -> Iterator[tuple[str, str | None]]:
    """The keys with their values, None for one without `=`.

    Raises: ValueError for quotes that do not enclose a whole value.
    """
    begin = 0 if text else None
    while begin is not None:
        found = _PAIR.match(text, begin)
        assert found is not None  # it matches anything up to the next comma
        key, equals, quoted, plain, comma = found.groups()
        if plain is not None and plain.startswith('"'):
            raise ValueError(f'{key} begins with a quotation mark; the next, not \\", must end the value')
        yield key, (_ESCAPED.sub(r"\1", quoted) if quoted is not None else plain) if equals else None
        begin = found.end() if comma else None


def spelt(value: str | float | bool) -> str:
    """A value as `read_pairs` reads it, in quotes only where it needs them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(value).removesuffix(".0")
    text = str(value)
    return '"' + _TO_ESCAPE.sub(r"\\\1", text) + '"' if _NEEDS_QUOTES.search(text) else text
