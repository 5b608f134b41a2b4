"""Everything that a run depends on, as plain data. No torch: a wrong flag is told at once.

`TrainingConfig` is what both ways of Q-learning share, `DQNConfig` adds replay and target network,
`PQNConfig` adds rollouts. Siblings differ only where the papers do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Literal

from networks.config import ACTIVATIONS, ELEMENTWISE_OPTIMISERS, MEMORIES, NORMS, NetworkConfig, check_choice

Trunk = Literal["auto", "mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool"]
Loss = Literal["huber", "squared_error", "cross_entropy"]
Precision = Literal["auto", "float32", "bfloat16"]

TRUNKS = ("auto", "mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool")
LOSSES = ("huber", "squared_error", "cross_entropy")
PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig(ABC):
    """Environment, network, optimiser, exploration, evaluation and machine of a run of Q-learning.

    A step is one decision in one env. Defaults suit small environments with vector observations; `presets.py`
    has others. Options combine, but batch norm with bfloat16, a loss with a distribution (which has its own)
    and Double with Munchausen, whose policy is the target network's.
    """

    ALGORITHM: ClassVar[str]  # as saved beside the fields
    RESUMED_AS_BEGUN: ClassVar[tuple[str, ...]] = ()  # further fields that a saved state depends on

    # The environment

    env_id: str = "CartPole-v1"  # any gymnasium id with discrete actions, or ALE/...-v5
    num_envs: int = 8  # stepped together
    env_threads: int = 1  # native threads of the Atari emulators
    repeat_action_probability: float = 0.25  # sticky actions, Atari only (Machado et al. 2018)
    playing_area_only: bool = False  # a cut without the score, a third taller (Mnih et al. 2013). Atari only
    life_loss_ends: bool = False  # learn as if a lost life ended the episode; the game goes on. Atari only
    reward_ends: bool = False  # learn as if a reward ended the episode (a point in Pong: Karpathy 2016)
    reward_clip: float | None = None  # rewards are cut to +-this for learning; returns stay true

    # How long

    env_steps: int = 100_000  # of all envs together
    stop_at_return: float | None = None  # end once an evaluation's mean return reaches it

    # The network

    # auto: mlp for vectors, nature_cnn for images; nips_cnn: DQN's of 2013, a third of the work
    trunk: Trunk = "auto"
    channels: int = 16  # of the first stage of impala_cnn and conv_pool
    hidden_sizes: tuple[int, ...] = (128, 128)  # dense layers
    activation: str = "relu"  # after each hidden layer
    norm: Literal["none", "batch", "layer"] = "none"  # before each activation
    dropout: float = 0.0  # probability, in [0, 1)
    memory: Literal["none", "simple_rnn", "lstm"] = "none"  # between the trunk and the last layer
    memory_size: int = 64  # of that memory's state
    dueling: bool = False  # q as a value and advantages (Wang et al. 2016)

    # Updates

    discount: float = 0.99  # per step, in (0, 1]
    optimiser: Literal["sgd", "rmsprop", "adam", "adamw", "radam"] = "adam"
    learning_rate: float = 5e-4  # of the optimiser, at the start
    anneal_learning_rate: bool = False  # to 0 at env_steps, as (1 - step / env_steps) ** anneal_power
    anneal_power: float = 1.0  # 1: a straight line; more: low for longer at the end
    optimiser_epsilon: float = 1e-8  # added to the root of the mean squared gradient
    # where no distribution is learned; cross_entropy: q as a histogram (HL-Gauss, Farebrother et al. 2024)
    loss: Loss = "huber"
    atoms: int = 51  # of a histogram, or a distribution (Bellemare et al. 2017; Dabney et al. 2018: 200)
    value_min: float = -10.0  # of a histogram or categorical distribution (Bellemare et al. 2017)
    value_max: float = 10.0  # of the same; a note tells where returns lie beyond
    clip_gradient_norm: float | None = 10.0  # None: never (10: Wang et al. 2016)
    munchausen: float = 0.0  # share of the log-policy in the reward; 0: none, Vieillard et al. 2020: 0.9
    policy_temperature: float = 0.03  # tau of that policy, softmax(q / tau) (the same paper, as the next)
    log_policy_min: float = -1.0  # tau * log-policy counts no less
    # of the running mean of weights that is evaluated and saved (Polyak & Juditsky 1992); 0: those of now
    average_decay: float = 0.0

    # Exploration

    epsilon_start: float = 1.0  # share of random actions at first
    epsilon_end: float = 0.05  # and in the end
    epsilon_decay_steps: int = 10_000  # in which it falls, in a straight line

    # Evaluation: fresh envs, seeds of their own

    evaluate_every_steps: int = 10_000  # env steps between two evaluations
    evaluation_episodes: int = 20  # of each evaluation
    evaluation_envs: int = 10  # that they are played in, side by side
    evaluation_epsilon: float = 0.0  # share of random actions in them
    evaluation_steps_max: int = 27_000  # of one episode; longer ones count with their return so far

    log_every_steps: int = 1_000  # between records in metrics.jsonl and TensorBoard

    # The machine

    seed: int = 0  # the same seed repeats the run
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: cuda where there is one
    precision: Precision = "auto"  # auto: bfloat16 for convolutions where the device computes with it
    lanes: int = 0  # parts of a batch computed side by side, a thread each; 0: one for each core if that pays
    # of the first lane, the others have one; 0: as OMP_NUM_THREADS says (to scripts 1, unless it is set)
    torch_threads: int = 1
    save_every_seconds: float = 60.0  # between training states, from which --resume goes on

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            check_choice(f"{type(self).__name__}.{name}", getattr(self, name), allowed)
        self._require_integers(1, _AT_LEAST_ONE)
        self._require_integers(0, _AT_LEAST_ZERO)
        for name in ("epsilon_start", "epsilon_end", "evaluation_epsilon", "repeat_action_probability"):
            self._require(0 <= getattr(self, name) <= 1, name, "in [0, 1]")
        self._require(0 < self.discount <= 1, "discount", "in (0, 1]")
        for name in ("average_decay", "munchausen"):
            self._require(0 <= getattr(self, name) < 1, name, "in [0, 1)")
        self._require(self.log_policy_min <= 0, "log_policy_min", "at most 0")
        for name in _ABOVE_ZERO:
            self._require(getattr(self, name) > 0, name, "above 0")
        for name in ("reward_clip", "clip_gradient_norm"):
            value = getattr(self, name)
            self._require(value is None or value > 0, name, "None or above 0")
        self._require(bool(self.env_id), "env_id", "an environment's name")
        if self.precision == "bfloat16":
            self._require(
                self.norm != "batch", "norm", "none or layer with bfloat16: running means need digits"
            )
        self.network(LARGE_OBS, 2)  # the network's fields check themselves

    def _require(self, condition: bool, name: str, allowed: str) -> None:
        if not condition:
            raise ValueError(f"{type(self).__name__}.{name} must be {allowed}, got {getattr(self, name)!r}")

    def _require_integers(self, least: int, names: tuple[str, ...]) -> None:
        for name in names:
            value = getattr(self, name)
            self._require(type(value) is int and value >= least, name, f"an integer of at least {least}")

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
            channels=self.channels,
            distribution="categorical" if self.loss == "cross_entropy" else "none",
            atoms=self.atoms,
            value_min=self.value_min,
            value_max=self.value_max,
        )

    @property
    @abstractmethod
    def stride(self) -> int:
        """Env steps, of all envs together, from one report of the training loop to the next."""

    def epsilon(self, step: int) -> float:
        """The share of random actions at `step`."""
        progress = min(step / self.epsilon_decay_steps, 1.0) if self.epsilon_decay_steps else 1.0
        return self.epsilon_start + progress * (self.epsilon_end - self.epsilon_start)

    def learning_rate_at(self, step: int) -> float:
        """The optimiser's step size at `step`; annealed, it stays above 0 until `env_steps`."""
        left = max(1 - step / self.env_steps, 0.0) if self.anneal_learning_rate else 1.0
        return float(self.learning_rate * left**self.anneal_power)

    def check_resume(self, wanted: TrainingConfig) -> None:
        """Refuse to go on with a config that a saved state of this one does not fit.

        Raises: ValueError naming the first field that may not change.
        """
        for name in (*_RESUMED_AS_BEGUN, *self.RESUMED_AS_BEGUN):
            old, new = getattr(self, name), getattr(wanted, name)
            if old != new:
                raise ValueError(f"{name} cannot change in a run that goes on: {old!r}, not {new!r}")

    def to_json(self) -> dict[str, Any]:
        """The algorithm and the fields as JSON values (tuples become lists)."""
        values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}
        return {"algorithm": self.ALGORITHM, **values}


@dataclass(frozen=True, kw_only=True, slots=True)
class DQNConfig(TrainingConfig):
    """Deep Q-learning from a replay, against a target network (Mnih et al. 2015), and its refinements."""

    ALGORITHM: ClassVar[str] = "dqn"
    RESUMED_AS_BEGUN: ClassVar[tuple[str, ...]] = (
        *("n_step", "distribution", "noisy"),
        *("priority_exponent", "replay_size", "sequence_length", "burn_in"),
    )

    # Targets

    n_step: int = 1  # rewards summed before the bootstrap (Sutton 1988)
    # the online network chooses the next action (van Hasselt et al. 2016); without effect with Munchausen
    double: bool = True
    sync_every_updates: int = 250  # between copies to the target network
    target_mix: float = 1.0  # of the online network in a copy: 1 hard, below soft (Lillicrap et al. 2016)

    # categorical: C51, Bellemare et al. 2017; quantile: QR, Dabney et al. 2018
    distribution: Literal["none", "categorical", "quantile"] = "none"
    noisy: bool = False  # explore by noise on the dense weights, beside epsilon (Fortunato et al. 2018)

    # Replay

    priority_exponent: float = 0.0  # 0: all alike; Schaul et al. 2016: 0.6, Hessel et al. 2018: 0.5
    priority_correction: float = 0.4  # beta at the start; in a straight line to 1 at env_steps (both papers)
    replay_size: int = 50_000  # steps kept, of all envs together
    learning_starts: int = 1_000  # steps before the first update, or more until a window is complete
    learn_every_steps: int = 4  # env steps for each update
    batch_size: int = 64  # transitions; with a memory, sequences
    sequence_length: int = 16  # steps of a sequence that are learned from, with a memory
    burn_in: int = 4  # steps before them that only warm the memory up (Kapturowski et al. 2019)

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)  # super() does not see through slots=True
        self._require_integers(
            1,
            (
                "n_step",
                "sync_every_updates",
                "replay_size",
                "learn_every_steps",
                "batch_size",
                "sequence_length",
            ),
        )
        self._require_integers(0, ("learning_starts", "burn_in"))
        self._require(0 < self.target_mix <= 1, "target_mix", "in (0, 1]")
        if self.loss != "huber":
            alone = self.distribution == "none"
            self._require(
                alone, "distribution", f"none with loss {self.loss}: a distribution has its own loss"
            )
        if self.norm == "batch":
            self._require(self.batch_size > 1, "batch_size", "above 1 with batch norm")
        for name in ("priority_exponent", "priority_correction"):
            self._require(0 <= getattr(self, name) <= 1, name, "in [0, 1]")
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

    def network(self, obs_shape: tuple[int, ...], num_actions: int) -> NetworkConfig:
        """See `TrainingConfig.network`."""
        network = replace(TrainingConfig.network(self, obs_shape, num_actions), noisy=self.noisy)
        return network if self.distribution == "none" else replace(network, distribution=self.distribution)

    def priority_correction_at(self, step: int) -> float:
        """How far importance weights undo the priorities' bias at `step`: beta of Schaul et al. 2016."""
        progress = min(step / self.env_steps, 1.0)
        return self.priority_correction + progress * (1 - self.priority_correction)

    @property
    def stride(self) -> int:
        """One step of all envs."""
        return self.num_envs

    def updates_due(self, step: int) -> int:
        """Updates that fall into the `num_envs` steps from `step` on; summed, one for `learn_every_steps`."""
        first = max(self.learning_starts, self.num_envs * self.window)
        return due(step, self.num_envs, self.learn_every_steps, start=first)

    @property
    def window(self) -> int:
        """Consecutive places of one env that a sample can need."""
        return self.n_step + 1 + (self.burn_in + self.sequence_length if self.memory != "none" else 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class PQNConfig(TrainingConfig):
    """Parallel Q-learning (Gallici et al. 2024): Q(lambda) on fresh rollouts, no replay, no target network.

    What keeps it stable is layer norm.
    """

    ALGORITHM: ClassVar[str] = "pqn"

    norm: Literal["none", "batch", "layer"] = "layer"
    optimiser: Literal["sgd", "rmsprop", "adam", "adamw", "radam"] = "radam"
    loss: Loss = "squared_error"

    rollout_steps: int = 32  # of each env between two rounds of updates
    trace_decay: float = 0.65  # lambda of Q(lambda), in [0, 1]
    epochs: int = 2  # times that each step is learned from
    minibatches: int = 32  # updates in one epoch; with a memory each takes whole rollouts of some envs
    # play each rollout while learning from the one before, by the weights from before that
    play_ahead: bool = False

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)
        self._require_integers(1, ("rollout_steps", "epochs", "minibatches"))
        self._require(0 <= self.trace_decay <= 1, "trace_decay", "in [0, 1]")
        if self.play_ahead:
            one_mode = self.norm != "batch" and self.dropout == 0
            self._require(
                one_mode, "play_ahead", "False with batch norm or dropout, which learn in a mode of their own"
            )
        parts = self.stride if self.memory == "none" else self.num_envs
        self._require(self.minibatches <= parts, "minibatches", f"at most {parts}, or some would be empty")
        if self.norm == "batch" and self.memory == "none":
            self._require(
                2 * self.minibatches <= parts, "minibatches", f"at most {parts // 2} with batch norm"
            )

    @property
    def stride(self) -> int:
        """One rollout of all envs."""
        return self.num_envs * self.rollout_steps


def config_from_json(data: Mapping[str, Any]) -> TrainingConfig:
    """The config that `to_json` wrote. Raises: ValueError naming an unknown algorithm or field."""
    algorithm = data.get("algorithm", DQNConfig.ALGORITHM)
    check_choice("algorithm", algorithm, tuple(_ALGORITHMS))
    kind = _ALGORITHMS[algorithm]
    known = [field.name for field in fields(kind)]
    values: dict[str, Any] = {}
    for name in data.keys() - {"algorithm"}:
        check_choice(f"{kind.__name__} field", name, known)
        values[name] = tuple(data[name]) if isinstance(data[name], list) else data[name]
    return kind(**values)


def due(step: int, stride: int, every: int, start: int = 0) -> int:
    """How many multiples of `every`, counted from `start`, lie in (step, step + stride].

    With N envs the counter jumps by N, so `step % every == 0` would lose some or all of them.
    """
    return max(step + stride - start, 0) // every - max(step - start, 0) // every


def crossed(step: int, stride: int, every: int) -> bool:
    """Whether the stride that ended at `step` reached a multiple of `every`."""
    return due(step - stride, stride, every) > 0


LARGE_OBS = (4, 84, 84)  # fits every trunk
_ALGORITHMS: Mapping[str, type[TrainingConfig]] = {kind.ALGORITHM: kind for kind in (DQNConfig, PQNConfig)}
_CHOICES = {
    "trunk": TRUNKS,
    "activation": ACTIVATIONS,
    "norm": NORMS,
    "memory": MEMORIES,
    "optimiser": ELEMENTWISE_OPTIMISERS,
    "loss": LOSSES,
    "precision": PRECISIONS,
    "device": DEVICES,
}
_AT_LEAST_ONE = (
    "num_envs",
    "env_threads",
    "env_steps",
    "evaluate_every_steps",
    "log_every_steps",
    "evaluation_episodes",
    "evaluation_envs",
    "evaluation_steps_max",
)
_RESUMED_AS_BEGUN = (
    *("env_id", "num_envs", "repeat_action_probability", "playing_area_only"),
    *("life_loss_ends", "reward_ends"),
    *("trunk", "channels", "hidden_sizes", "activation", "norm", "memory", "memory_size", "dueling"),
    *("optimiser", "loss", "atoms", "value_min", "value_max", "discount", "seed"),
)
_ABOVE_ZERO = (
    *("learning_rate", "anneal_power", "optimiser_epsilon"),
    *("policy_temperature", "save_every_seconds"),
)
_AT_LEAST_ZERO = ("epsilon_decay_steps", "torch_threads", "lanes", "seed")
