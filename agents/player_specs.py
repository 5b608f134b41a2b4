"""Players as text: `alpha_beta:value=handcrafted,depth=8`. What may stand in a spec, and what it means.

    kind[:key=value[,key=value...]]

The keys are written as agents.key_values says: `gtp:command="gtp-rhino -l 3 -b 0",seconds=5`.

What is left out has a default, the same on every machine: `value` is handcrafted, or learned where a `model`
is given; `model` is the game's own in pretrained/; the effort is the kind's usual one. A spec is read and
checked against game and files without importing anything heavy, so that a wrong one is refused at once.
"""

from __future__ import annotations

import math
import shlex
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from agents.key_values import read_pairs, spelt
from agents.runs.model import ModelHeader, ModelNotFound, find_model, read_header
from agents.search.limits import DEPTH_MAX

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {
    "handcrafted": "expert features, expert weights",
    "fitted": "the same features, weights fitted to games",
    "learned": "a network on raw boards",
    "squares": "a weight for each square",
    "rollout": "a random game",
}
VALUE_GAMES = {"fitted": ("othello",), "squares": ("othello",)}  # the others judge every game
# What `model=` may name: kinds of model for each value, and the part of a model's files that is preferred.
BOARD_MODELS = {
    "learned": ("board_value", "board_value_mlp", "board_value_ntuple"),
    "fitted": ("board_value_fitted",),
}
ALPHA_BETA_PART = "alpha_beta"  # the small network that alpha-beta calls in compiled code
FITTED_PART = "fitted"
ROOTS = ("puct", "gumbel")  # how MCTS shares out the simulations among the moves of the root
DEPTH = 8  # plies
SIMULATIONS = 400
EFFORT_MAX = 2**30  # nodes or simulations; hours
ENGINE_SECONDS = 10  # for a move of an outside engine, which forfeits when it takes longer


class BadSpec(ValueError):
    """A spec that names no player; the message names the nearest that exists."""


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand behind `key=`."""

    read: Callable[[str], Any]  # raises ValueError
    shown: str  # in a help text
    allowed: str  # in words


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the roster.

    Attributes:
        help: one line for people.
        keys: in the order of a name.
        required: of the keys, those without a default.
        efforts: of the keys, those that bound the thinking; `default_effort` holds where none is given.
        one_effort: whether more than one is refused.
        values: what `value=` may be.
        games: the games it plays; None: all.
    """

    help: str
    keys: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    default_effort: tuple[str, int] | None = None
    one_effort: bool = False
    values: tuple[str, ...] = ()
    games: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayerSpec:
    """A player in data, all defaults filled in. `text` is its name and reads back as the same spec."""

    kind: str
    value: str | None = None
    depth: int | None = None  # plies
    nodes: int | None = None
    reductions: bool | None = None  # None: False
    simulations: int | None = None
    seconds: float | None = None  # for each move
    root: str | None = None  # of ROOTS; None: puct
    model: str | None = None  # as typed; None: the game's own
    command: str | None = None  # that starts an outside engine, as a shell would read it

    @property
    def text(self) -> str:
        """The canonical spelling."""
        given = [(key, getattr(self, key)) for key in KINDS[self.kind].keys]
        keys = ",".join(f"{key}={spelt(value)}" for key, value in given if value is not None)
        return f"{self.kind}:{keys}" if keys else self.kind


def _whole_up_to(largest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not 1 <= number <= largest:
            raise ValueError
        return number

    return read


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise ValueError
    return number


def _word(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _root(text: str) -> str:
    if text not in ROOTS:
        raise ValueError
    return text


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError
    return text == "true"


def _command_line(text: str) -> str:
    if not shlex.split(text):
        raise ValueError
    return text


KEYS = {
    "value": Key(_word, "VALUE", "the name of a value"),
    "depth": Key(_whole_up_to(DEPTH_MAX), "PLIES", f"a number of plies, 1 to {DEPTH_MAX}"),
    "nodes": Key(_whole_up_to(EFFORT_MAX), "N", "a whole number from 1"),
    "simulations": Key(_whole_up_to(EFFORT_MAX), "N", "a whole number from 1"),
    "seconds": Key(_positive, "S", "a number above 0"),
    "reductions": Key(_switch, "true|false", "true or false"),
    "root": Key(_root, "|".join(ROOTS), " or ".join(ROOTS)),
    "model": Key(_word, "MODEL", "a model file, a run folder or a name in pretrained/"),
    "command": Key(_command_line, '"PROGRAM ARGUMENT ..."', "a program and its arguments, all quotes closed"),
}
_SEARCHED = ("handcrafted", "fitted", "learned", "squares")
KINDS = {
    "random": Kind("every legal move with equal probability"),
    "human": Kind("a person, at the keyboard or the window"),
    "solver": Kind(
        "perfect play; othello: from 20 empty squares on",
        games=("tic_tac_toe", "connect_four", "othello"),
    ),
    "greedy": Kind("the move after which the value is best", ("value", "model"), values=_SEARCHED),
    "alpha_beta": Kind(
        "exhaustive search; stops at the first of its limits",
        ("value", "depth", "nodes", "seconds", "reductions", "model"),
        efforts=("depth", "nodes", "seconds"),
        default_effort=("depth", DEPTH),
        values=_SEARCHED,
    ),
    "mcts": Kind(
        "sparse tree search",
        ("value", "simulations", "seconds", "root", "model"),
        efforts=("simulations", "seconds"),
        default_effort=("simulations", SIMULATIONS),
        one_effort=True,
        values=(*_SEARCHED, "rollout"),
    ),
    "gtp": Kind(
        "an outside engine; forfeits when it breaks rules or takes longer",
        ("command", "seconds"),
        required=("command",),
        efforts=("seconds",),
        default_effort=("seconds", ENGINE_SECONDS),
    ),
}


def parse_spec(text: str) -> PlayerSpec:
    """Read a spec and fill in its defaults. Raises: BadSpec, with the nearest that exists."""
    kind_name, _, rest = text.partition(":")
    if kind_name not in KINDS:
        raise BadSpec(_unknown("player kind", kind_name, KINDS, "kinds"))
    kind = KINDS[kind_name]
    given: dict[str, Any] = {}
    try:
        pairs = list(read_pairs(rest))
    except ValueError as error:
        raise BadSpec(f"player {text}: {error}") from None
    for key, value in pairs:
        if key not in kind.keys:
            if not kind.keys:
                raise BadSpec(f"player {text}: {kind_name} takes no keys; write {kind_name}")
            raise BadSpec(f"player {text}: " + _unknown("key", key, kind.keys, f"keys of {kind_name}"))
        if key in given:
            raise BadSpec(f"player {text}: {key} is given twice")
        try:
            given[key] = KEYS[key].read(value or "")
        except ValueError:
            wrong = "nothing" if value is None else repr(value)
            raise BadSpec(f"player {text}: {key} must be {KEYS[key].allowed}, got {wrong}") from None
    return PlayerSpec(kind=kind_name, **_complete(text, kind, given))


def check_spec(spec: PlayerSpec, game_name: str) -> None:
    """Whether the game has this player and its model or program is there; reads no more than a header.

    Raises: BadSpec or ModelNotFound.
    """
    kind = KINDS[spec.kind]
    if kind.games is not None and game_name not in kind.games:
        raise BadSpec(f"player {spec.text}: plays {' and '.join(kind.games)}, not {game_name}")
    value_games = VALUE_GAMES.get(spec.value or "", (game_name,))
    if game_name not in value_games:
        judged = " and ".join(value_games)
        raise BadSpec(f"player {spec.text}: value={spec.value} judges {judged}, not {game_name}")
    if spec.value in BOARD_MODELS:
        model_of(spec, game_name)
    if spec.command is not None and shutil.which(program := shlex.split(spec.command)[0]) is None:
        raise BadSpec(f"player {spec.text}: there is no program {program!r}; install it or give its path")


def help_text() -> str:
    """The roster for people: each kind with its keys, usual efforts in brackets."""
    lines = ["PLAYER is kind[:key=value[,key=value...]]:"]
    for name, kind in KINDS.items():
        games = f" ({', '.join(kind.games)})" if kind.games else ""
        lines.append(f"  {name:<12}{kind.help}{games}")
        if kind.keys:
            lines.append(" " * 14 + ", ".join(_key_help(kind, key) for key in kind.keys))
    lines += ["", "VALUE is"]
    for name, meaning in VALUES.items():
        kinds = [kind for kind, row in KINDS.items() if name in row.values]
        limits = VALUE_GAMES.get(name) or (kinds if len(kinds) == 1 else ())
        only = f" ({', '.join(limits)})" if limits else ""
        lines.append(f"  {name:<12}{meaning}{only}")
    return "\n".join(lines)


def _complete(text: str, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with defaults. Raises: BadSpec for keys that contradict each other."""
    missing = [key for key in kind.required if key not in given]
    if missing:
        raise BadSpec(f"player {text}: {missing[0]} is missing; write {missing[0]}={KEYS[missing[0]].shown}")
    efforts = [key for key in kind.efforts if key in given]
    if not efforts and kind.default_effort is not None:
        given[kind.default_effort[0]] = kind.default_effort[1]
    if len(efforts) > 1 and kind.one_effort:
        raise BadSpec(f"player {text}: give either {' or '.join(efforts)}, not both")
    if given.get("root") == "gumbel" and "seconds" in given:
        raise BadSpec(f"player {text}: root=gumbel shares out simulations; give those, not seconds")
    if not kind.values:
        return given
    value = given.setdefault("value", "learned" if "model" in given else "handcrafted")
    if value not in kind.values:
        raise BadSpec(f"player {text}: " + _unknown("value", value, kind.values, "values"))
    if "model" in given and value not in BOARD_MODELS:
        raise BadSpec(f"player {text}: a model is for value=learned or fitted, not value={value}")
    return given


def model_of(spec: PlayerSpec, game_name: str) -> tuple[Path, ModelHeader]:
    """The model behind `value=learned` or `value=fitted`; alpha-beta prefers the network made for it."""
    model, kinds = spec.model or game_name, BOARD_MODELS[spec.value or ""]
    if spec.value == "fitted":
        path = find_model(model, FITTED_PART)
    elif spec.kind == "alpha_beta":
        try:
            path = find_model(model, ALPHA_BETA_PART)
        except ModelNotFound:
            path = find_model(model)
    else:
        path = find_model(model)
    header = read_header(path)
    if header.kind not in kinds:
        raise BadSpec(f"player {spec.text}: {path} is a {header.kind} model, not {' or '.join(kinds)}")
    if header.subject != game_name:
        raise BadSpec(f"player {spec.text}: {path} was trained on {header.subject}, not {game_name}")
    return path, header


def model_file(spec: PlayerSpec, game_name: str) -> Path | None:
    """The file of the network that the player judges with; None without one. Raises: as `check_spec`."""
    return model_of(spec, game_name)[0] if spec.value in BOARD_MODELS else None


def _unknown(what: str, name: str, known: Iterable[str], plural: str) -> str:
    """`unknown WHAT 'NAME'; did you mean 'NEAREST'? PLURAL: all that are known`."""
    begun = [each for each in known if name and each.startswith(name)]
    nearest = begun or get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"unknown {what} {name!r}; {hint}{plural}: {', '.join(known)}"


def _key_help(kind: Kind, key: str) -> str:
    usual = f" ({kind.default_effort[1]})" if kind.default_effort and kind.default_effort[0] == key else ""
    return f"{key}={KEYS[key].shown}{usual}"
