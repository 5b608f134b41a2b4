"""Players by name: `alpha_beta:value=handcrafted,depth=8` becomes a Player. The one place that knows every
kind.

    kind[:key=value[,key=value...]]

What is left out has a default, the same on every machine: `value` is handcrafted, or learned where a `model`
is given; `model` is the game's own in pretrained/; the effort is the kind's usual one. A spec is read and
checked against game and files before anything heavy is imported, so that a wrong one is refused at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from agents.runs.model import ModelHeader, ModelNotFound, find_model, read_header
from agents.search.limits import DEPTH_MAX

if TYPE_CHECKING:
    from pathlib import Path

    from agents.players import Player
    from agents.values.value import Value
    from envs.boards.game import Game, Position

VALUES = {
    "handcrafted": "expert features",
    "learned": "a network on raw boards",
    "rollout": "a random game",
}
BOARD_MODELS = ("board_value", "board_value_mlp")  # kinds of model that every search takes
ALPHA_BETA_PART = "alpha_beta"  # of a model's files: the small network that alpha-beta calls in compiled code
DEPTH = 8  # plies
SIMULATIONS = 400
EFFORT_MAX = 2**30  # nodes or simulations; hours


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
        efforts: of the keys, those that bound the thinking; `default_effort` holds where none is given.
        one_effort: whether more than one is refused.
        values: what `value=` may be.
        games: the games it plays; None: all.
    """

    help: str
    keys: tuple[str, ...] = ()
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
    simulations: int | None = None
    seconds: float | None = None  # for each move
    model: str | None = None  # as typed; None: the game's own

    @property
    def text(self) -> str:
        """The canonical spelling."""
        given = [(key, getattr(self, key)) for key in KINDS[self.kind].keys]
        keys = ",".join(f"{key}={_spelt(value)}" for key, value in given if value is not None)
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


KEYS = {
    "value": Key(_word, "NAME", "the name of a value"),
    "depth": Key(_whole_up_to(DEPTH_MAX), "PLIES", f"a number of plies, 1 to {DEPTH_MAX}"),
    "nodes": Key(_whole_up_to(EFFORT_MAX), "N", "a whole number from 1"),
    "simulations": Key(_whole_up_to(EFFORT_MAX), "N", "a whole number from 1"),
    "seconds": Key(_positive, "S", "a number above 0"),
    "model": Key(_word, "MODEL", "a model file, a run folder or a name in pretrained/"),
}
KINDS = {
    "random": Kind("every legal move with equal probability"),
    "human": Kind("a person, at the keyboard or the window"),
    "solver": Kind(
        "perfect play; othello from 20 empty squares on, alpha_beta of 8 plies before",
        games=("tic_tac_toe", "connect_four", "othello"),
    ),
    "greedy": Kind(
        "the move after which the value is best", ("value", "model"), values=("handcrafted", "learned")
    ),
    "alpha_beta": Kind(
        "exhaustive search; stops at the first of its limits",
        ("value", "depth", "nodes", "seconds", "model"),
        efforts=("depth", "nodes", "seconds"),
        default_effort=("depth", DEPTH),
        values=("handcrafted", "learned"),
    ),
    "mcts": Kind(
        "sparse tree search",
        ("value", "simulations", "seconds", "model"),
        efforts=("simulations", "seconds"),
        default_effort=("simulations", SIMULATIONS),
        one_effort=True,
        values=("handcrafted", "learned", "rollout"),
    ),
}


def parse_spec(text: str) -> PlayerSpec:
    """Read a spec and fill in its defaults. Raises: BadSpec, with the nearest that exists."""
    kind_name, _, rest = text.partition(":")
    if kind_name not in KINDS:
        raise BadSpec(_unknown("player kind", kind_name, KINDS, "kinds"))
    kind = KINDS[kind_name]
    given: dict[str, Any] = {}
    for pair in rest.split(",") if rest else ():
        key, equals, value = pair.partition("=")
        if key not in kind.keys:
            if not kind.keys:
                raise BadSpec(f"player {text}: {kind_name} takes no keys; write {kind_name}")
            raise BadSpec(f"player {text}: " + _unknown("key", key, kind.keys, f"keys of {kind_name}"))
        if key in given:
            raise BadSpec(f"player {text}: {key} is given twice")
        try:
            given[key] = KEYS[key].read(value)
        except ValueError:
            wrong = repr(value) if equals else "nothing"
            raise BadSpec(f"player {text}: {key} must be {KEYS[key].allowed}, got {wrong}") from None
    return PlayerSpec(kind=kind_name, **_complete(text, kind, given))


def check_spec(spec: PlayerSpec, game_name: str) -> None:
    """Whether the game has this player and its model is there; reads no more than a model's header.

    Raises: BadSpec or ModelNotFound.
    """
    kind = KINDS[spec.kind]
    if kind.games is not None and game_name not in kind.games:
        raise BadSpec(f"player {spec.text}: plays {' and '.join(kind.games)}, not {game_name}")
    if spec.value == "learned":
        _learned_model(spec, game_name)


def build_player(spec: str, game: Game, seed: int = 0) -> Player:
    """The player of that name.

    Args:
        spec: as the module describes.
        seed: of its random stream; `reset` changes it.
    Raises: BadSpec or ModelNotFound, before torch is imported; ValueError from a damaged model.
    """
    parsed = parse_spec(spec)
    check_spec(parsed, game.name)
    player = _build(parsed, game)
    player.reset(seed)
    return player


def exact_solver(game: Game) -> Callable[[Position, int, int], bool] | None:
    """What tells whether an action in a position is worth at least 1, 0 or -1 when nobody errs.

    None for a game without a solver.
    """
    if game.name not in (KINDS["solver"].games or ()):
        return None
    from agents.search.solver import SolverPlayer

    return SolverPlayer("solver", game).reaches


def help_text() -> str:
    """The roster for people: each kind with its keys, usual efforts in brackets."""
    lines = ["PLAYER is kind[:key=value[,key=value...]]:"]
    for name, kind in KINDS.items():
        games = f" ({', '.join(kind.games)})" if kind.games else ""
        lines.append(f"  {name:<12}{kind.help}{games}")
        if kind.keys:
            lines.append(" " * 14 + ", ".join(_key_help(kind, key) for key in kind.keys))
    values = "; ".join(f"{name}, {meaning}" for name, meaning in VALUES.items())
    return "\n".join([*lines, f"VALUE is {values}."])


def _build(spec: PlayerSpec, game: Game) -> Player:
    from agents.players import HumanPlayer, RandomPlayer
    from agents.search.alpha_beta_player import AlphaBetaPlayer
    from agents.search.greedy import GreedyPlayer
    from agents.search.limits import Limits
    from agents.search.mcts import MCTSPlayer
    from agents.search.solver import SolverPlayer

    name = spec.text
    match spec.kind:
        case "random":
            return RandomPlayer(name)
        case "human":
            return HumanPlayer(name)
        case "solver":
            return SolverPlayer(name, game)
        case "greedy":
            return GreedyPlayer(name, _value(spec, game))
        case "alpha_beta":
            limits = Limits(depth=spec.depth, nodes=spec.nodes, seconds=spec.seconds)
            return AlphaBetaPlayer(name, _value(spec, game), limits)
        case "mcts":
            return MCTSPlayer(
                name, game, _value(spec, game), simulations=spec.simulations, seconds=spec.seconds
            )
        case _:
            raise AssertionError(f"no builder for {spec.kind}")


def _value(spec: PlayerSpec, game: Game) -> Value:
    if spec.value == "handcrafted":
        from agents.values.handcrafted import HandcraftedValue

        return HandcraftedValue(game)
    if spec.value == "rollout":
        from agents.values.rollout import RolloutValue

        return RolloutValue(game)
    path, header = _learned_model(spec, game.name)
    if header.kind == "board_value_mlp":
        from agents.values.mlp import MLPValue

        return MLPValue.load(path)
    from agents.values.learned import LearnedValue

    return LearnedValue.load(path)


def _complete(text: str, kind: Kind, given: dict[str, Any]) -> dict[str, Any]:
    """`given` with defaults. Raises: BadSpec for keys that contradict each other."""
    efforts = [key for key in kind.efforts if key in given]
    if not efforts and kind.default_effort is not None:
        given[kind.default_effort[0]] = kind.default_effort[1]
    if len(efforts) > 1 and kind.one_effort:
        raise BadSpec(f"player {text}: give either {' or '.join(efforts)}, not both")
    if not kind.values:
        return given
    value = given.setdefault("value", "learned" if "model" in given else "handcrafted")
    if value not in kind.values:
        raise BadSpec(f"player {text}: " + _unknown("value", value, kind.values, "values"))
    if "model" in given and value != "learned":
        raise BadSpec(f"player {text}: a model is for value=learned, not value={value}")
    return given


def _learned_model(spec: PlayerSpec, game_name: str) -> tuple[Path, ModelHeader]:
    """The model behind `value=learned`; alpha-beta prefers the network made for it."""
    model = spec.model or game_name
    if spec.kind == "alpha_beta":
        try:
            path = find_model(model, ALPHA_BETA_PART)
        except ModelNotFound:
            path = find_model(model)
    else:
        path = find_model(model)
    header = read_header(path)
    if header.kind not in BOARD_MODELS:
        raise BadSpec(f"player {spec.text}: {path} is a {header.kind} model, not {' or '.join(BOARD_MODELS)}")
    if header.subject != game_name:
        raise BadSpec(f"player {spec.text}: {path} was trained on {header.subject}, not {game_name}")
    return path, header


def _unknown(what: str, name: str, known: Iterable[str], plural: str) -> str:
    """`unknown WHAT 'NAME'; did you mean 'NEAREST'? PLURAL: all that are known`."""
    begun = [each for each in known if name and each.startswith(name)]
    nearest = begun or get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"unknown {what} {name!r}; {hint}{plural}: {', '.join(known)}"


def _spelt(value: str | float) -> str:
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _key_help(kind: Kind, key: str) -> str:
    if key == "value":
        return f"value={'|'.join(kind.values)}"
    usual = f" ({kind.default_effort[1]})" if kind.default_effort and kind.default_effort[0] == key else ""
    return f"{key}={KEYS[key].shown}{usual}"
