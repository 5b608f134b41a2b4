"""Everything that a DQN run depends on, as plain data. No torch: a wrong flag is told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from networks.config import ACTIVATIONS, MEMORIES, NORMS, OPTIMISERS, NetworkConfig, check_choice

Trunk = Literal["auto", "mlp", "nature_cnn", "conv_pool"]
Precision = Literal["auto", "float32", "bfloat16"]

TRUNKS = ("auto", "mlp", "nature_cnn", "conv_pool")
LOSSES = ("huber", "squared_error")
PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, kw_only=True, slots=True)
class DQNConfig:
    """A DQN run: environment, network, learning and evaluation; saved in each model and run folder.

    A step is one decision in one env. Defaults suit small environments with vector observations; `presets.py`
    has others. Every option combines with every other one, but batch norm with bfloat16.
    """

    # The environment
    env_id: str = "CartPole-v1"  # any gymnasium id with discrete actions, or ALE/...-v5
    num_envs: int = 8  # stepped together
    env_threads: int = 1  # native threads of the Atari emulators
    repeat_action_probability: float = 0.25  # sticky actions, Atari only (Machado et al. 2018)

    # How long
    env_steps: int = 100_000  # of all envs together
    stop_at_return: float | None = None  # end once an evaluation's mean return reaches it

    # The network
    trunk: Trunk = "auto"  # mlp for vectors, nature_cnn for images
    hidden_sizes: tuple[int, ...] = (128, 128)  # dense layers
    activation: str = "relu"
    norm: Literal["none", "batch", "layer"] = "none"
    dropout: float = 0.0  # probability, in [0, 1)
    memory: Literal["none", "simple_rnn", "lstm"] = "none"
    memory_size: int = 64
    dueling: bool = False  # Wang et al. 2016

    # Targets
    discount: float = 0.99  # per step, in (0, 1]
    n_step: int = 1  # rewards summed before the bootstrap (Sutton 1988)
    double: bool = True  # the online network chooses the next action (van Hasselt et al. 2016)
    sync_every_updates: int = 250  # between copies to the target network
    target_mix: float = 1.0  # of the online network in a copy: 1 hard, below soft (Lillicrap et al. 2016)
    reward_clip: float | None = None  # rewards are cut to +-this for learning; returns stay true

    # Updates
    replay_size: int = 50_000  # steps kept, of all envs together
    learning_starts: int = 1_000  # steps before the first update, or more until a window is complete
    learn_every_steps: int = 4  # env steps for each update
    batch_size: int = 64  # transitions; with a memory, sequences
    sequence_length: int = 16  # steps of a sequence that are learned from, with a memory
    burn_in: int = 4  # steps before them that only warm the memory up (Kapturowski et al. 2019)
    optimiser: Literal["sgd", "rmsprop", "adam", "adamw", "radam"] = "adam"
    learning_rate: float = 5e-4
    optimiser_epsilon: float = 1e-8
    loss: Literal["huber", "squared_error"] = "huber"
    clip_gradient_norm: float | None = 10.0  # None: never (10: Wang et al. 2016)

    # Exploration: epsilon falls in a straight line
    epsilon_start: float = 1.0
    epsilon_end: float = 0.05
    epsilon_decay_steps: int = 10_000

    # Evaluation: fresh envs, seeds of their own
    evaluate_every_steps: int = 10_000
    evaluation_episodes: int = 20
    evaluation_envs: int = 10
    evaluation_epsilon: float = 0.0
    evaluation_steps_max: int = 27_000  # of one episode; longer ones count with their return so far

    log_every_steps: int = 1_000  # between records in metrics.jsonl and TensorBoard

    # The machine
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: cuda where there is one
    precision: Precision = "auto"  # auto: bfloat16 for convolutions where the device computes with it
    torch_threads: int = 1  # 0: as OMP_NUM_THREADS says (the scripts set it to 1 where it is not set)
    save_every_seconds: float = 60.0  # between training states, from which --resume goes on

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            check_choice(f"DQNConfig.{name}", getattr(self, name), allowed)
        for name in _AT_LEAST_ONE:
            value = getattr(self, name)
            self._require(type(value) is int and value >= 1, name, "an integer of at least 1")
        for name in _AT_LEAST_ZERO:
            value = getattr(self, name)
            self._require(type(value) is int and value >= 0, name, "an integer of at least 0")
        for name in _PROBABILITIES:
            self._require(0 <= getattr(self, name) <= 1, name, "in [0, 1]")
        for name in ("discount", "target_mix"):
            self._require(0 < getattr(self, name) <= 1, name, "in (0, 1]")
        for name in ("learning_rate", "optimiser_epsilon", "save_every_seconds"):
            self._require(getattr(self, name) > 0, name, "above 0")
        for name in ("reward_clip", "clip_gradient_norm"):
            value = getattr(self, name)
            self._require(value is None or value > 0, name, "None or above 0")
        self._require(bool(self.env_id), "env_id", "an environment's name")
        self._require(self.replay_size >= self.batch_size, "replay_size", "at least batch_size")
        self._require(
            self.replay_size >= self.num_envs * self.window,
            "replay_size",
            f"at least {self.num_envs * self.window}, for one window of each env",
        )
        self._require(
            self.learning_starts <= self.replay_size,
            "learning_starts",
            f"at most replay_size {self.replay_size}",
        )
        if self.precision == "bfloat16":
            self._require(
                self.norm != "batch", "norm", "none or layer with bfloat16: running means need digits"
            )
        self.network(LARGE_OBS, 2)  # the network's fields check themselves

    def _require(self, condition: bool, name: str, allowed: str) -> None:
        if not condition:
            raise ValueError(f"DQNConfig.{name} must be {allowed}, got {getattr(self, name)!r}")

    def network(self, obs_shape: tuple[int, ...], num_actions: int) -> NetworkConfig:
        """The network for observations of `obs_shape` (without batch) and so many actions."""
        trunk = self.trunk if self.trunk != "auto" else ("mlp" if len(obs_shape) == 1 else "nature_cnn")
        return NetworkConfig(
            trunk=trunk,
            input_shape=obs_shape,
            head="q",
            num_actions=num_actions,
            hidden_sizes=self.hidden_sizes,
            activation=self.activation,
            norm=self.norm,
            dropout=self.dropout,
            memory=self.memory,
            memory_size=self.memory_size,
            dueling=self.dueling,
        )

    def epsilon(self, step: int) -> float:
        """The share of random actions at `step`."""
        progress = min(step / self.epsilon_decay_steps, 1.0) if self.epsilon_decay_steps else 1.0
        return self.epsilon_start + progress * (self.epsilon_end - self.epsilon_start)

    def updates_due(self, step: int) -> int:
        """Updates that fall into the `num_envs` steps from `step` on; summed, one for `learn_every_steps`."""
        first = max(self.learning_starts, self.num_envs * self.window)
        return due(step, self.num_envs, self.learn_every_steps, start=first)

    @property
    def window(self) -> int:
        """Consecutive places of one env that a sample can need."""
        return self.n_step + 1 + (self.burn_in + self.sequence_length if self.memory != "none" else 0)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values (tuples become lists)."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DQNConfig:
        """The config that `to_json` wrote. Raises: ValueError naming an unknown field."""
        known = [field.name for field in fields(cls)]
        for name in data:
            check_choice("DQNConfig field", name, known)
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
        return cls(**values)


def due(step: int, num_envs: int, every: int, start: int = 0) -> int:
    """How many multiples of `every`, counted from `start`, lie in (step, step + num_envs].

    With N envs the counter jumps by N, so `step % every == 0` would lose some or all of them.
    """
    return max(step + num_envs - start, 0) // every - max(step - start, 0) // every


LARGE_OBS = (4, 84, 84)  # fits every trunk
_CHOICES = {
    "trunk": TRUNKS,
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "memory": MEMORIES,
    "optimiser": OPTIMISERS,
    "loss": LOSSES,
    "precision": PRECISIONS,
    "device": DEVICES,
}
_AT_LEAST_ONE = (
    "num_envs",
    "env_threads",
    "env_steps",
    "n_step",
    "sync_every_updates",
    "replay_size",
    "learn_every_steps",
    "batch_size",
    "sequence_length",
    "evaluate_every_steps",
    "log_every_steps",
    "evaluation_episodes",
    "evaluation_envs",
    "evaluation_steps_max",
)
_AT_LEAST_ZERO = ("learning_starts", "burn_in", "epsilon_decay_steps", "torch_threads", "seed")
_PROBABILITIES = ("epsilon_start", "epsilon_end", "evaluation_epsilon", "repeat_action_probability")
