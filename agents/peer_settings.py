"""What stable-baselines3's DQN is told before it learns: its own published numbers, or those of our config.

Imports no torch: what cannot be compared is refused at once. Sources: the defaults of
`stable_baselines3.DQN`, and for Atari and CartPole rl-baselines3-zoo, hyperparams/dqn.yml.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from agents.dqn.config import DQNConfig
from envs.atari import PREFIX


@dataclass(frozen=True, kw_only=True, slots=True)
class PeerSettings:
    """Arguments of `stable_baselines3.DQN`, by its names and with its defaults, and how its envs are wrapped.

    It counts a `train_freq` in steps of all envs at once, everything else in env steps, of all envs together.
    """

    num_envs: int = 1
    learning_rate: float = 1e-4
    buffer_size: int = 1_000_000
    learning_starts: int = 100
    batch_size: int = 32
    tau: float = 1.0
    gamma: float = 0.99
    train_freq: int = 4
    gradient_steps: int = 1
    n_steps: int = 1
    target_update_interval: int = 10_000
    exploration_fraction: float = 0.1
    exploration_initial_eps: float = 1.0
    exploration_final_eps: float = 0.05
    max_grad_norm: float = 10.0
    hidden_sizes: tuple[int, ...] = (64, 64)  # dense layers, after the convolutions if there are some
    optimiser_epsilon: float = 1e-8  # of Adam
    reward_clip: float | None = None
    atari_wrapper: bool = True  # its own stack of wrappers, Atari only; see `peer_training.make_peer_envs`

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; an unlimited gradient is null."""
        values = asdict(self)
        unlimited = math.isinf(self.max_grad_norm)
        return values | {
            "hidden_sizes": list(self.hidden_sizes),
            "max_grad_norm": None if unlimited else self.max_grad_norm,
        }


# What our config may ask for and the peer has not, with the values that both have.
ABSENT: Mapping[str, tuple[object, ...]] = {
    "trunk": ("auto", "mlp", "nature_cnn"),
    "activation": ("relu",),
    "norm": ("none",),
    "dropout": (0.0,),
    "memory": ("none",),
    "dueling": (False,),
    "double": (False,),
    "optimiser": ("adam",),
    "average_decay": (0.0,),
    "munchausen": (0.0,),
    "anneal_learning_rate": (False,),
    "anneal_power": (1.0,),
    "loss": ("huber",),
    "playing_area_only": (False,),
    "life_loss_ends": (False,),
    "reward_ends": (False,),
    "distribution": ("none",),
    "noisy": (False,),
    "priority_exponent": (0.0,),
}

# What a run of the peer takes from our config beside its own numbers: the environment and the measuring.
PROTOCOL = frozenset(
    {
        "env_id",
        "env_threads",  # of the envs that it is evaluated in
        "repeat_action_probability",
        "env_steps",
        "stop_at_return",
        "evaluate_every_steps",
        "evaluation_episodes",
        "evaluation_envs",
        "evaluation_epsilon",
        "evaluation_steps_max",
        "log_every_steps",
        "seed",
        "device",
    }
)

# rl-baselines3-zoo, hyperparams/dqn.yml, `atari`; what it leaves out is the library's default.
ZOO_ATARI = PeerSettings(
    buffer_size=100_000,
    learning_rate=1e-4,
    batch_size=32,
    learning_starts=100_000,
    target_update_interval=1_000,
    train_freq=4,
    gradient_steps=1,
    exploration_fraction=0.1,
    exploration_final_eps=0.01,
    hidden_sizes=(512,),
    reward_clip=1.0,
)

# The same, `CartPole-v1`. It copies to the target network between its bursts of 128 updates.
ZOO_CARTPOLE = PeerSettings(
    buffer_size=100_000,
    learning_rate=2.3e-3,
    batch_size=64,
    learning_starts=1_000,
    target_update_interval=10,
    train_freq=256,
    gradient_steps=128,
    exploration_fraction=0.16,
    exploration_final_eps=0.04,
    hidden_sizes=(256, 256),
)


# How our training uses the machine, which means nothing to the peer's.
OURS_ALONE = ("precision", "lanes", "torch_threads", "save_every_seconds")


def require_meaning(config: DQNConfig, preset: DQNConfig) -> None:
    """Refuse flags that no settings of the peer take over. Raises: ValueError naming the first."""
    for name in OURS_ALONE:
        if getattr(config, name) != getattr(preset, name):
            flag = _flag(name, getattr(config, name))
            raise ValueError(f"{flag} means nothing to the peer; --threads says how many threads it has")


def own_settings(config: DQNConfig, preset: DQNConfig) -> PeerSettings:
    """What the peer's authors publish for `config`'s env; the exploration takes a share of `env_steps`.

    Raises: ValueError where `config` changes a number of `preset` that these settings replace.
    """
    for name in (field.name for field in fields(config)):
        if name not in PROTOCOL and getattr(config, name) != getattr(preset, name):
            flag = _flag(name, getattr(config, name))
            raise ValueError(f"{flag} changes nothing with --settings own; --settings ours takes it over")
    if config.env_id.startswith(PREFIX):
        return ZOO_ATARI
    return ZOO_CARTPOLE if config.env_id == "CartPole-v1" else PeerSettings()


def our_settings(config: DQNConfig) -> PeerSettings:
    """The numbers of `config` in the peer's words and units.

    What stays different has no setting in the peer: it acts at random until `learning_starts`, draws the same
    chance of exploring for all envs at once, and copies to the target network by the clock of env steps from
    the run's first one. Initial weights and the precision of convolutions are each library's own.

    Raises: ValueError where `config` wants what the peer does not have.
    """
    atari = config.env_id.startswith(PREFIX)
    known = {field.name for field in fields(config)}
    if wrong := [name for name in ABSENT if name in known and getattr(config, name) not in ABSENT[name]]:
        needed = " ".join(_flag(name, ABSENT[name][0]) for name in wrong)
        raise _refusal(", ".join(f"{name} {getattr(config, name)!r}" for name in wrong), needed)
    if not config.hidden_sizes:
        raise _refusal("hidden_sizes ()", "at least one dense layer")
    together = math.lcm(config.num_envs, config.learn_every_steps)
    if together > max(config.num_envs, config.learn_every_steps):
        raise _refusal(
            f"learn_every_steps {config.learn_every_steps}",
            f"a divisor or a multiple of the {config.num_envs} envs",
        )
    sync_steps = config.sync_every_updates * config.learn_every_steps
    if sync_steps % config.num_envs:
        raise _refusal(
            f"sync_every_updates {config.sync_every_updates}",
            f"a multiple of {config.num_envs} env steps between copies, not {sync_steps}",
        )
    return PeerSettings(
        num_envs=config.num_envs,
        learning_rate=config.learning_rate,
        buffer_size=config.replay_size,
        learning_starts=config.learning_starts,
        batch_size=config.batch_size,
        tau=config.target_mix,
        gamma=config.discount,
        train_freq=together // config.num_envs,
        gradient_steps=together // config.learn_every_steps,
        n_steps=config.n_step,
        target_update_interval=sync_steps,
        exploration_fraction=config.epsilon_decay_steps / config.env_steps,
        exploration_initial_eps=config.epsilon_start,
        exploration_final_eps=config.epsilon_end,
        max_grad_norm=math.inf if config.clip_gradient_norm is None else config.clip_gradient_norm,
        hidden_sizes=config.hidden_sizes,
        optimiser_epsilon=config.optimiser_epsilon,
        reward_clip=config.reward_clip,
        atari_wrapper=not atari,
    )


def _refusal(what: str, needed: str) -> ValueError:
    return ValueError(
        f"stable-baselines3's DQN cannot do {what}\n"
        f"to compare equals, both need {needed}; --settings own compares each at its own"
    )


def _flag(name: str, value: object) -> str:
    """The field as it is given on a command line."""
    words = name.replace("_", "-")
    return f"--no-{words}" if value is False else f"--{words} {value}"
