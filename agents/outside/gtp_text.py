"""The text of the Go Text Protocol, version 2: what a controller sends and an engine answers.

    12 play black D3     a command: a number, if the controller likes, a name, and arguments
    =12                  its answer: `=`, or `?` where it is refused, the same number, text, an empty line

Othello programs (Quarry, GRhino) speak it with squares as Othello writes them, D3 in the fourth column and
the third row from the top. Black begins, in every game here: the first player is black.

Source: G. Farnebäck, Specification of the Go Text Protocol, version 2, draft 2 (2002), sections 2 and 4.
"""

import re
from dataclasses import dataclass

from agents.outside.foreign_text import shown

COLOURS = ("black", "white")  # by player
LINE_BYTES_MAX = 4096  # of a command; the longest that mean something have some thirty
_COMMENT = b"#"
_CONTROLS = dict.fromkeys(i for i in (*range(32), 127) if chr(i) not in "\t\n") | {ord("\t"): " "}
_COMMAND = re.compile(r"(?:([0-9]{1,18}) +)?(\S+)(.*)", re.ASCII)
_ANSWER = re.compile(r"([=?])([0-9]*)(?:[ \n](.*))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it was read; `number` is "" where the controller gave none."""

    number: str
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An engine's answer to one command."""

    accepted: bool
    number: str
    text: str


class NotGTP(ValueError):
    """Text that the protocol does not allow."""


def parse_command(line: bytes) -> Command | None:
    """The command on a line; None where there is none: an empty line, or a comment alone."""
    text = line.partition(_COMMENT)[0].decode("utf-8", "replace").translate(_CONTROLS).strip()
    found = _COMMAND.match(text)
    if found is None:
        return None
    number, name, arguments = found.groups()
    return Command(number or "", name, tuple(arguments.split()))


def answer_text(number: str, text: str, *, accepted: bool) -> str:
    """An answer as it is written. `text` has no empty line: that would end the answer."""
    sign = "=" if accepted else "?"
    return f"{sign}{number} {text}".rstrip() + "\n\n"


def parse_answer(block: bytes) -> Answer:
    """An answer without the empty line that ended it. Raises: NotGTP."""
    text = block.decode("utf-8", "replace").translate(_CONTROLS).strip("\n")
    found = _ANSWER.fullmatch(text)
    if found is None:
        raise NotGTP(f"{shown(text)} is not an answer, which begins with = or ?")
    sign, number, rest = found.groups()
    return Answer(sign == "=", number, (rest or "").strip())


def parse_colour(word: str) -> int:
    """The player, 0 or 1, of `black` or `b`, `white` or `w`, in either case. Raises: NotGTP."""
    for player, colour in enumerate(COLOURS):
        if word.lower() in (colour, colour[0]):
            return player
    raise NotGTP(f"{shown(word)} is not a colour: black or white")
