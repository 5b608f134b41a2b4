"""Targets by hand."""

import pytest
import torch

from agents.dqn.losses import q_of, td_target

NEXT_Q = torch.tensor([[1.0, 3.0], [5.0, 2.0], [4.0, 4.0]])
REWARD = torch.tensor([0.5, -1.0, 2.0])


def test_the_target_is_the_reward_plus_the_discounted_best_and_nothing_after_termination():
    discount = torch.tensor([0.9, 0.81, 0.0])
    assert td_target(REWARD, discount, NEXT_Q).tolist() == pytest.approx([3.2, 3.05, 2.0])


def test_double_takes_the_target_networks_value_of_the_online_networks_choice():
    chooser = torch.tensor([[9.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
    target = td_target(REWARD, torch.ones(3), NEXT_Q, chooser)
    assert target.tolist() == [1.5, 1.0, 6.0]


def test_no_gradient_flows_into_the_target():
    q = NEXT_Q.clone().requires_grad_()
    assert not td_target(REWARD, torch.ones(3), q, q).requires_grad


@pytest.mark.parametrize(
    ("reward", "discount", "chooser", "name"),
    [
        (REWARD[:, None], torch.ones(3), None, "reward"),
        (REWARD, torch.ones(3, 1), None, "discount"),
        (REWARD, torch.ones(3), torch.ones(3, 3), "chooser_q"),
    ],
)
def test_shapes_that_torch_would_broadcast_are_refused(reward, discount, chooser, name):
    with pytest.raises(ValueError, match=f"{name} must be"):
        td_target(reward, discount, NEXT_Q, chooser)


def test_q_of_picks_the_taken_action_in_batches_and_sequences():
    action = torch.tensor([1, 0, 1])
    assert q_of(NEXT_Q, action).tolist() == [3.0, 5.0, 4.0]
    twice = q_of(torch.stack([NEXT_Q, -NEXT_Q]), torch.stack([action, action]))
    assert twice.tolist() == [[3.0, 5.0, 4.0], [-3.0, -5.0, -4.0]]
