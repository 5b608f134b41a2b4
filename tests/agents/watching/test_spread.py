"""The return distribution that the page shows has the Q values as its means."""

import numpy as np
import pytest
import torch

from agents.dqn.agent import DQNAgent
from agents.watching.episode_scene import EpisodeScene
from agents.watching.episode_session import EpisodeSession
from agents.watching.spread import spread_of
from envs.vector import make_env
from networks.build import build
from networks.config import NetworkConfig


def agent(**fields: object) -> DQNAgent:
    torch.manual_seed(1)
    config = NetworkConfig(
        **({"trunk": "mlp", "input_shape": (4,), "head": "q", "num_actions": 2, "atoms": 7} | fields)  # type: ignore[arg-type]
    )
    network = build(config).eval()
    for parameter in network.parameters():  # away from the start, where all is nearly 0
        parameter.data += 0.3 * torch.randn_like(parameter)
    return DQNAgent(network, config)


@pytest.mark.parametrize("memory", ["none", "lstm"])
@pytest.mark.parametrize("distribution", ["categorical", "quantile"])
def test_means_of_the_distribution_are_the_values_of_the_agent(distribution: str, memory: str) -> None:
    player = agent(distribution=distribution, memory=memory)
    session = EpisodeSession(make_env("CartPole-v1"), player, spread_of=spread_of(player))
    for _ in range(4):
        session.step_now()
    spread, q = session.scenery.spread, session.scenery.q
    assert spread is not None
    np.testing.assert_allclose(spread.weights.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((spread.returns * spread.weights).sum(axis=1), q, atol=1e-4)
    assert (np.diff(spread.returns, axis=1) >= 0).all()
    page = EpisodeScene(session, "CartPole-v1", "m", ("←", "→")).play_page()
    assert page.distribution is not None
    assert page.distribution.mean == pytest.approx(float(q[session.scenery.choice.action]))
    assert len(page.distribution.others) == 1


def test_an_agent_of_means_has_no_distribution() -> None:
    assert spread_of(agent()) is None
