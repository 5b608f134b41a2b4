"""Models measured by their returns, each in its own environment, beside agents that set the scale.

An entry is read and checked from file headers alone, before torch is imported.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from agents.arena.human_scores import human_normalised
from agents.dqn.config import DQNConfig, TrainingConfig, config_from_json
from agents.peers import PeerModel, SB3Agent, is_peer, parse_peer, require_trust
from agents.runs.model import find_model, read_header
from agents.runs.seeding import child_seed

if TYPE_CHECKING:
    from agents.arena.episodes import EpisodeAgent, EpisodeReturns
    from envs.vector import VectorEnvs


Setting: TypeAlias = tuple[str, float, bool, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A model to be measured.

    Attributes:
        model: as typed.
        config: of its training; for a peer, our defaults for the env.
        source: the model file, or the peer.
    """

    model: str
    config: TrainingConfig
    source: Path | PeerModel

    @property
    def setting(self) -> Setting:
        """What makes returns comparable: env, share of sticky actions, what is seen, longest episode."""
        config = self.config
        return (
            config.env_id,
            config.repeat_action_probability,
            config.playing_area_only,
            config.evaluation_steps_max,
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Returns of one agent in one env."""

    model: str
    env_id: str
    returns: EpisodeReturns
    is_baseline: bool

    def to_json(self) -> dict[str, Any]:
        """Plain values; the interval of the mean is 95 %."""
        return {
            "model": self.model,
            "env": self.env_id,
            "baseline": self.is_baseline,
            "human_normalised": human_normalised(self.env_id, self.returns.mean),
            **self.returns.to_json(),
        }


def find_entry(model: str, *, trust_pickle: bool = False, sticky: float | None = None) -> Entry:
    """The entry of `MODEL`, or of `sb3:ALGORITHM:ENV:PATH` where pickles are trusted.

    Args:
        sticky: probability that an Atari emulator repeats the last action instead; None: as in training.
    Raises: ModelNotFound; ValueError for another kind of model, or a peer without trust.
    """
    if is_peer(model):
        peer = parse_peer(model)
        require_trust(peer, trust_pickle)
        return Entry(model, _with_sticky(DQNConfig(env_id=peer.env_id), sticky), peer)
    path = find_model(model)
    header = read_header(path)
    if header.kind != "dqn":
        raise ValueError(
            f"{model} is a {header.kind} model for {header.subject}, not a dqn model; "
            "evaluate.py match and mistakes measure board players"
        )
    return Entry(model, _with_sticky(config_from_json(header.config), sticky), path)


def _with_sticky(config: TrainingConfig, sticky: float | None) -> TrainingConfig:
    """The config with another share of sticky actions. ValueError for an env that has none."""
    if sticky is None:
        return config
    from envs.atari import looks_like_atari  # late: gymnasium

    if not looks_like_atari(config.env_id):
        raise ValueError(f"--sticky is for Atari; {config.env_id} repeats no actions")
    return replace(config, repeat_action_probability=sticky)


def measure(
    entries: Sequence[Entry],
    episodes: int,
    *,
    seed: int = 0,
    on_progress: Callable[[int], None] = lambda episodes_done: None,
) -> Iterator[Measured]:
    """Play `episodes` episodes with each entry and, once for each setting, with the baselines.

    All agents of a setting begin from the same seeds. Yields each as soon as it is measured.
    """
    from agents.arena.episodes import baselines, play_episodes
    from agents.dqn.train import make_envs

    measured = itertools.count()
    for (env_id, *_, steps_max), group in _by_setting(entries).items():
        envs = make_envs(group[0].config, min(episodes, group[0].config.evaluation_envs))
        agents = [(entry.model, _load(entry, envs), False) for entry in group]
        agents += [(agent.name, agent, True) for agent in baselines(envs)]
        for name, agent, is_baseline in agents:
            before = episodes * next(measured)

            def tell(episodes_of_agent: int, before: int = before) -> None:
                on_progress(before + episodes_of_agent)

            returns = play_episodes(
                agent, envs, episodes, child_seed(seed, "arena"), steps_max=steps_max, on_episode=tell
            )
            yield Measured(name, env_id, returns, is_baseline)
        envs.close()


def count_agents(entries: Sequence[Entry]) -> int:
    """How many agents `measure` yields, baselines included."""
    from agents.arena.episodes import HANDCRAFTED

    return len(entries) + sum(1 + (setting[0] in HANDCRAFTED) for setting in _by_setting(entries))


def _by_setting(entries: Sequence[Entry]) -> dict[Setting, list[Entry]]:
    groups: dict[Setting, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.setting, []).append(entry)
    return groups


def _load(entry: Entry, envs: VectorEnvs) -> EpisodeAgent:
    if isinstance(entry.source, PeerModel):
        peer = SB3Agent.load(entry.source, trusted=True)  # `find_entry` has asked
        peer.check(envs.obs_shape, envs.num_actions)
        return peer
    from agents.dqn.agent import DQNAgent

    return DQNAgent.load(entry.source)
