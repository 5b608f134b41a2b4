"""What a network is, as plain data: checked on construction, saved as JSON beside the weights.

Imports no torch, so that a wrong field is reported at once. The names that the other modules of this package
understand (`ACTIVATIONS`, `OPTIMISERS`, ...) stand here for the same reason.
"""

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

TRUNKS = ("mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool", "board_resnet")
HEADS = ("q", "policy_value", "value")
NORMS = ("none", "batch", "layer")
DISTRIBUTIONS = ("none", "categorical", "quantile")
MEMORIES = ("none", "simple_rnn", "lstm")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "elu", "silu", "gelu", "identity")
ELEMENTWISE_OPTIMISERS = ("sgd", "rmsprop", "adam", "adamw", "radam")  # each weight apart from all others
OPTIMISERS = (*ELEMENTWISE_OPTIMISERS, "muon")

GROWING = ("channels", "blocks", "squeezed_planes", "hidden_sizes")  # fields in which a network can grow

# Pixels: a smaller frame leaves nothing after the strided convolutions.
NIPS_CNN_MIN_SIDE, NATURE_CNN_MIN_SIDE = 20, 36


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkConfig:
    """Everything that fixes a network's architecture: trunk -> (memory) -> head.

    `hidden_sizes` are all layers of an mlp, the dense layers after the convolutions of other trunks, and
    those of the Q or value head of a board_resnet. An mlp without any, (), is Rosenblatt's perceptron.
    """

    trunk: Literal["mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool", "board_resnet"]
    input_shape: tuple[int, ...]  # of one obs: (features,) or (C, H, W)
    head: Literal["q", "policy_value", "value"]
    num_actions: int  # width of Q values or policy; 0 for head="value"
    hidden_sizes: tuple[int, ...] = (128, 128)  # widths of the dense hidden layers
    activation: str = "relu"  # one of ACTIVATIONS
    norm: Literal["none", "batch", "layer"] = "none"  # before each hidden activation
    dropout: float = 0.0  # probability, in [0, 1), after each hidden dense layer
    memory: Literal["none", "simple_rnn", "lstm"] = "none"  # between trunk and head; a board needs none
    memory_size: int = 64
    dueling: bool = False  # head="q" only (Wang et al. 2016)
    distribution: Literal["none", "categorical", "quantile"] = "none"  # of each return; head="q" only
    atoms: int = 51  # numbers for each action: categorical logits (51 in Bellemare et al. 2017) or quantiles
    # (200 in Dabney et al. 2018)
    value_min: float = -10.0  # categorical: the return of the first atom and of all below it
    value_max: float = 10.0  # categorical: the return of the last atom and of all above it
    noisy: bool = False  # dense layers explore by noise in their weights; head="q" only (`networks.noisy`)
    channels: int = 32  # board_resnet: width; conv_pool: of the first layer, doubled in each next;
    # impala_cnn: of the first stage, doubled in the other two (16 in the paper)
    squeezed_planes: int = 4  # board_resnet: of 1x1 convolutions between the tower and a head's dense layers
    blocks: int = 3  # board_resnet: residual blocks; conv_pool: conv -> activation -> pool stages

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            check_choice(f"NetworkConfig.{name}", getattr(self, name), allowed)
        for name in ("input_shape", "hidden_sizes"):
            _check_sizes(name, getattr(self, name))
        for name, low in _SMALLEST.items():
            _check_integer(name, getattr(self, name), low)
        is_number = type(self.dropout) in (int, float)
        _require(is_number and 0 <= self.dropout < 1, "dropout", "in [0, 1)", self.dropout)
        for name in ("dueling", "noisy"):
            _require(type(getattr(self, name)) is bool, name, "True or False", getattr(self, name))
        self._check_head()
        self._check_support()
        self._check_trunk()

    def _check_head(self) -> None:
        """Refuse fields that do not go with the head."""
        head = f"with head {self.head!r}"
        if self.head == "value":
            _require(self.num_actions == 0, "num_actions", f"0 {head}", self.num_actions)
        else:
            _require(self.num_actions >= 1, "num_actions", f"at least 1 {head}", self.num_actions)
        for name in ("dueling", "noisy"):
            given = getattr(self, name)
            _require(self.head == "q" or not given, name, f"False {head}", given)
        plain = self.head == "q" or self.distribution == "none"
        _require(plain, "distribution", f"'none' {head}", self.distribution)

    def _check_support(self) -> None:
        """Refuse returns that do not rise from the first atom to the last."""
        for name in ("value_min", "value_max"):
            given = getattr(self, name)
            _require(type(given) in (int, float) and math.isfinite(given), name, "a finite number", given)
        above = self.value_max > self.value_min
        _require(above, "value_max", f"above value_min {self.value_min!r}", self.value_max)

    def _check_trunk(self) -> None:
        """Refuse fields that do not go with the trunk."""
        trunk = f"with trunk {self.trunk!r}"
        if self.trunk == "mlp":
            _require(self.input_shape != (), "input_shape", f"not empty {trunk}", self.input_shape)
            return
        smallest_side = {
            "nips_cnn": NIPS_CNN_MIN_SIDE,
            "nature_cnn": NATURE_CNN_MIN_SIDE,
            "conv_pool": 2**self.blocks,
        }
        side = smallest_side.get(self.trunk, 1)  # the others pad: they take any image
        fits = len(self.input_shape) == 3 and min(self.input_shape[1:]) >= side
        _require(fits, "input_shape", f"(C, H, W), H and W at least {side} {trunk}", self.input_shape)
        if self.trunk == "board_resnet":
            _require(self.memory == "none", "memory", f"'none' {trunk}: a board hides nothing", self.memory)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values (tuples become lists)."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "NetworkConfig":
        """The config that `to_json` wrote.

        Raises: ValueError naming the field that is unknown, missing or out of range.
        """
        known = [field.name for field in fields(cls)]
        for name in data:
            check_choice("NetworkConfig field", name, known)
        missing = [name for name in ("trunk", "input_shape", "head", "num_actions") if name not in data]
        if missing:
            given = ", ".join(data) or "nothing"
            raise ValueError(f"NetworkConfig: missing {', '.join(missing)}; given: {given}")
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**values)


_CHOICES: Mapping[str, Sequence[str]] = {
    "trunk": TRUNKS,
    "head": HEADS,
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "memory": MEMORIES,
    "distribution": DISTRIBUTIONS,
}

_SMALLEST: Mapping[str, int] = {
    "num_actions": 0,
    "memory_size": 1,
    "channels": 1,
    "blocks": 1,
    "squeezed_planes": 1,
    "atoms": 2,
}


def check_choice(what: str, given: object, allowed: Sequence[str]) -> None:
    """Raise a ValueError with the nearest allowed name and all of them, unless `given` is allowed."""
    if isinstance(given, str) and given in allowed:
        return
    near = difflib.get_close_matches(str(given), allowed, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise ValueError(f"{what} must be one of {', '.join(allowed)}, got {given!r}{hint}")


def _require(condition: bool, name: str, allowed: str, given: object) -> None:
    if not condition:
        raise ValueError(f"NetworkConfig.{name} must be {allowed}, got {given!r}")


def _check_integer(name: str, given: object, low: int) -> None:
    whole = isinstance(given, int) and not isinstance(given, bool) and given >= low
    _require(whole, name, f"an integer of at least {low}", given)


def _check_sizes(name: str, given: object) -> None:
    sizes = isinstance(given, tuple) and all(type(size) is int and size >= 1 for size in given)
    _require(sizes, name, "a tuple of positive integers", given)
