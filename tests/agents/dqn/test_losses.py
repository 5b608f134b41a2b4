"""Targets and errors by hand, and distributions that become the true ones."""

import pytest
import torch

from agents.dqn.losses import (
    categorical_error,
    mean_of,
    of_action,
    quantile_error,
    td_error,
    td_target,
    value_error,
)
from networks.heads import CategoricalHead, QHead

Q = torch.tensor([[1.0, 3.0], [5.0, 2.0], [4.0, 4.0]])
REWARD = torch.tensor([0.5, -1.0, 2.0])


def test_the_target_is_the_reward_plus_the_discounted_best_and_nothing_after_termination():
    discount = torch.tensor([0.9, 0.81, 0.0])
    assert td_target(REWARD, discount, Q.amax(1)).tolist() == pytest.approx([3.2, 3.05, 2.0])
    quantiles = td_target(REWARD, discount, Q)
    assert quantiles.flatten().tolist() == pytest.approx([1.4, 3.2, 3.05, 0.62, 2.0, 2.0])


def test_no_gradient_flows_into_the_target():
    assert not td_target(REWARD, torch.ones(3), Q[:, 0].clone().requires_grad_()).requires_grad


@pytest.mark.parametrize(
    ("reward", "discount", "name"),
    [(REWARD[:, None], torch.ones(3), "reward"), (REWARD, torch.ones(3, 1), "discount")],
)
def test_shapes_that_torch_would_broadcast_are_refused(reward, discount, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        td_target(reward, discount, Q[:, 0])
    with pytest.raises(ValueError, match="action must be"):
        of_action(Q, torch.zeros(3, 1, dtype=torch.int64))


def test_of_action_picks_the_taken_action_in_batches_sequences_and_distributions():
    action = torch.tensor([1, 0, 1])
    assert of_action(Q, action).tolist() == [3.0, 5.0, 4.0]
    twice = of_action(torch.stack([Q, -Q]), torch.stack([action, action]))
    assert twice.tolist() == [[3.0, 5.0, 4.0], [-3.0, -5.0, -4.0]]
    atoms = torch.stack([Q, 10 * Q], dim=-1)  # [3, 2, K = 2]
    assert of_action(atoms, action, atoms=True).tolist() == [[3.0, 30.0], [5.0, 50.0], [4.0, 40.0]]


def test_errors_are_distances_of_means_and_weights_scale_the_loss():
    predicted, target = torch.tensor([1.0, 2.0]), torch.tensor([1.5, -1.0])
    head, weights = QHead(2, 2), torch.tensor([1.0, 0.5])
    error = value_error(predicted, target, weights, loss="squared_error", head=head)
    assert error.sizes.tolist() == [0.5, 3.0]
    assert error.loss.item() == pytest.approx((0.25 + 0.5 * 9) / 2)
    one = torch.tensor([1.0, 1.0])
    assert quantile_error(Q[:2], Q[:2] + 2, one).sizes.tolist() == [2.0, 2.0]


def test_a_categorical_error_is_zero_exactly_where_the_prediction_is_the_projected_target():
    support, logits = torch.linspace(-2, 2, 5), torch.tensor([[0.3, 1.0, -1.0, 0.2, 0.5]])
    one, zero = torch.ones(1), torch.zeros(1)
    same = categorical_error(logits, logits, zero, one, one, support)
    assert same.sizes.item() == pytest.approx(0, abs=1e-6)
    moved = categorical_error(logits, logits, one, one, one, support)  # a reward of one atom
    assert moved.sizes.item() > 0.1
    shifted = torch.tensor([[-40.0, 0.3, 1.0, -1.0, 0.0]])
    shifted[0, 4] = torch.logaddexp(torch.tensor(0.2), torch.tensor(0.5))  # beyond the last: put there
    assert categorical_error(shifted, logits, one, one, one, support).sizes.item() == pytest.approx(
        0, abs=1e-6
    )


@pytest.mark.parametrize("loss", ["huber", "cross_entropy"])
def test_targets_beyond_the_ends_of_the_support_are_counted(loss):
    head = CategoricalHead(QHead(2, 2), atoms=5, value_min=-2, value_max=2)
    logits, ones = torch.zeros(4, 5), torch.ones(4)  # all worth 0
    reward = torch.tensor([2.5, -2.5, 2.0, -1.0])
    error = td_error(logits, logits, reward, ones, ones, loss=loss, head=head)
    assert error.outside is not None
    assert error.outside.item() == 0.5
    assert td_error(reward, reward, reward, ones, ones, loss="huber", head=QHead(2, 2)).outside is None


def test_a_histogram_learns_the_mean_of_noisy_targets():
    """A coin pays 0 or 4 before a state worth 1: 2 + 0.5 * 1, though no atom stands there."""
    torch.manual_seed(0)
    head = CategoricalHead(QHead(2, 2), atoms=13, value_min=-4, value_max=8)
    following = 40.0 * torch.eye(13)[5:6].expand(64, -1)  # surely 1
    logits = torch.zeros(1, 13, requires_grad=True)
    rule = torch.optim.Adam([logits], 0.05)
    for _ in range(800):
        reward, discount = 4.0 * torch.randint(2, (64,)), torch.full((64,), 0.5)
        rows = (logits.expand(64, -1), following, reward, discount, torch.ones(64))
        error = td_error(*rows, loss="cross_entropy", head=head)
        rule.zero_grad()
        error.loss.backward()
        rule.step()
    assert mean_of(logits, head).item() == pytest.approx(2.5, abs=0.1)


@pytest.mark.parametrize("kind", ["categorical", "quantile"])
def test_a_distribution_is_learned_from_samples(kind):
    """A coin pays 0 or 4 and the episode ends: half the mass at each, half the quantiles at each."""
    torch.manual_seed(0)
    support = torch.linspace(-1, 5, 7)
    outputs = torch.zeros(1, 7 if kind == "categorical" else 8, requires_grad=True)
    rule = torch.optim.Adam([outputs], 0.05)
    for _ in range(1500):
        reward = 4.0 * torch.randint(2, (64,))
        every = outputs.expand(64, -1)
        following, over, ones = torch.zeros_like(every), torch.zeros(64), torch.ones(64)
        if kind == "categorical":
            loss = categorical_error(every, following, reward, over, ones, support).loss
        else:
            loss = quantile_error(every, td_target(reward, over, following), ones).loss
        rule.zero_grad()
        loss.backward()
        rule.step()
    learned = outputs.detach()[0]
    if kind == "categorical":
        assert learned.softmax(0).tolist() == pytest.approx([0, 0.5, 0, 0, 0, 0.5, 0], abs=0.06)
    else:
        assert sorted(learned.tolist())[:3] == pytest.approx([0, 0, 0], abs=0.8)
        assert sorted(learned.tolist())[5:] == pytest.approx([4, 4, 4], abs=0.8)
        assert learned.mean().item() == pytest.approx(2, abs=0.3)
