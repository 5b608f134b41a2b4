"""Settings in one word: what is spelt is read back, whatever it holds."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.key_values import read_pairs, spelt

KEYS = st.text("abcxyz_", min_size=1)
VALUES = st.text("ab ,=\"\\\n'é", min_size=1)


@given(st.lists(st.tuples(KEYS, VALUES)))
def test_every_value_survives_the_spelling(pairs: list[tuple[str, str]]) -> None:
    text = ",".join(f"{key}={spelt(value)}" for key, value in pairs)
    assert list(read_pairs(text)) == pairs


@given(st.text('ab,="\\ '))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    if '="' in text:
        with contextlib.suppress(ValueError):
            list(read_pairs(text))
    else:
        assert len(list(read_pairs(text))) == (text.count(",") + 1 if text else 0)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("a=1,b=2", [("a", "1"), ("b", "2")]),
        ("a", [("a", None)]),
        ("a=", [("a", "")]),
        ("a=1,", [("a", "1"), ("", None)]),
        (",a=1", [("", None), ("a", "1")]),
        ("a=b=c", [("a", "b=c")]),
        ('a="x,y",b=2', [("a", "x,y"), ("b", "2")]),
        (r'a="x \"y\" \\"', [("a", r'x "y" \ '.strip())]),
        ('a=x "y" z', [("a", 'x "y" z')]),
    ],
)
def test_pairs_are_read_as_they_look(text: str, pairs: list[tuple[str, str | None]]) -> None:
    assert list(read_pairs(text)) == pairs


def test_plain_values_are_spelt_without_quotes() -> None:
    assert [spelt(value) for value in ("runs/a=b:c", 3, 0.5, 2.0)] == ["runs/a=b:c", "3", "0.5", "2"]
