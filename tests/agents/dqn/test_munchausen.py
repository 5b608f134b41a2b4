"""Munchausen's terms by their definitions, and the values that they lead to."""

import numpy as np
import pytest
import torch

from agents.dqn.config import DQNConfig, PQNConfig
from agents.dqn.munchausen import bonus, entropy_bonus, mixed, soft_value
from agents.dqn.pqn import PQNTraining
from agents.dqn.train import DQNTraining
from envs.toys import Corridor
from networks.heads import CategoricalHead, QHead, QuantileHead

Q = torch.tensor([[1.0, 1.1, 0.9], [-2.0, 5.0, 0.0]])


@pytest.mark.parametrize("temperature", [0.03, 0.5])
def test_a_soft_value_is_the_policys_mean_of_q_and_what_its_freedom_is_worth(temperature):
    policy = torch.softmax(Q / temperature, dim=1)
    surprise = torch.where(policy > 0, -temperature * policy.log(), 0.0)
    soft = soft_value(Q, temperature)
    torch.testing.assert_close(soft, (policy * (Q + surprise)).sum(dim=1))
    apart = mixed(Q, Q, QHead(2, 3), temperature) + entropy_bonus(Q, temperature)
    torch.testing.assert_close(soft, apart)
    assert (soft >= Q.amax(dim=1)).all()
    assert (soft <= Q.amax(dim=1) + temperature * np.log(3) + 1e-6).all()


def test_the_bonus_is_nothing_for_the_sure_and_limited_for_the_absurd():
    config = DQNConfig(munchausen=0.9)
    sure, absurd = bonus(Q[[1, 1]], torch.tensor([1, 0]), config).tolist()
    assert sure == pytest.approx(0, abs=1e-6)
    assert absurd == pytest.approx(-0.9)
    undecided = bonus(torch.zeros(1, 3), torch.tensor([2]), config).item()
    assert undecided == pytest.approx(-0.9 * 0.03 * np.log(3))


@pytest.mark.parametrize("kind", ["categorical", "quantile"])
def test_a_mixed_distribution_has_the_mixed_mean(kind):
    head = QuantileHead(QHead(2, 2))
    if kind == "categorical":
        head = CategoricalHead(QHead(2, 2), atoms=5, value_min=-1, value_max=3)
    outputs = torch.randn(2, 4, 3, 5, generator=torch.Generator().manual_seed(0))  # [length, B, A, K]
    q = head.expectation(outputs)
    policy = torch.softmax(q / 0.3, dim=-1)
    got = mixed(outputs, q, head, 0.3)
    assert got.shape == (2, 4, 5)
    torch.testing.assert_close(head.expectation(got), (policy * q).sum(dim=-1))


def munchausen_q(discount, share, temperature, length=8):
    """The fixed point [cells, actions] in the corridor; the two ends are no states."""
    q = np.zeros((length, 2))
    for _ in range(1_000):
        soft = temperature * np.logaddexp(q[:, 0] / temperature, q[:, 1] / temperature)
        log_policy = q / temperature - soft[:, None] / temperature
        for cell in range(1, length - 1):
            for action, to in enumerate((cell - 1, cell + 1)):
                pays = {0: Corridor.LURE_REWARD, length - 1: 1.0}.get(to, 0.0)
                ahead = discount * soft[to] if 0 < to < length - 1 else 0.0
                q[cell, action] = pays + share * max(temperature * log_policy[cell, action], -1) + ahead
    return q


@pytest.mark.parametrize("kind", ["dqn", "pqn"])
def test_values_of_the_corridor_are_the_fixed_point_and_the_gaps_are_wider(corridor_q, kind):
    """Every action everywhere, so that all values are learned; share 0.5 doubles the gaps."""
    common = {
        "env_id": "advantage/Corridor-v0",
        "hidden_sizes": (32,),
        "discount": 0.9,
        "epsilon_end": 1.0,
        "munchausen": 0.5,
    }
    if kind == "dqn":
        training = DQNTraining(
            DQNConfig(
                **common,
                env_steps=8_000,
                learn_every_steps=4,
                learning_rate=5e-3,
                sync_every_updates=50,
                replay_size=12_000,
            )
        )
    else:
        training = PQNTraining(
            PQNConfig(
                **common,
                env_steps=30_000,
                trace_decay=0.0,
                learning_rate=1e-3,
                anneal_learning_rate=True,
                num_envs=16,
                rollout_steps=16,
                minibatches=4,
            )
        )
    list(training.run())
    q = munchausen_q(0.9, 0.5, 0.03)
    learned = training.agent.q_values(np.eye(len(q), dtype=np.float32), np.ones(len(q), np.bool_))
    assert np.abs(learned - q)[1:-1].max() < 0.02
    plain, wider = np.diff(corridor_q(0.9))[1:-1], np.diff(learned)[1:-1]
    assert wider == pytest.approx(2 * plain, abs=0.08)
