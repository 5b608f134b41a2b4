"""Heads and losses: legal policies, dueling's mean, bounds of values, and shapes that must not broadcast."""

from typing import Any

import numpy as np
import pytest
import torch

from networks.heads import DuelingHead, QHead, ValueHead, masked_log_softmax
from networks.losses import cross_entropy, huber, quantile_huber, squared_error, weighted_mean


def test_illegal_actions_get_probability_zero_and_legal_ones_sum_to_one() -> None:
    torch.manual_seed(0)
    logits = torch.randn(50, 7) * 20
    legal = torch.rand(50, 7) < 0.4
    legal[:, 3] = True
    probabilities = masked_log_softmax(logits, legal).exp()
    assert (probabilities[~legal] == 0).all()
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(50))
    expected = np.where(legal, np.exp(logits.double().numpy()), 0)
    np.testing.assert_allclose(
        probabilities, expected / expected.sum(1, keepdims=True), rtol=1e-4, atol=1e-12
    )


def test_no_gradient_reaches_an_illegal_logit_and_none_is_nan() -> None:
    logits = torch.randn(2, 3, requires_grad=True)
    legal = torch.tensor([[True, False, True], [False, True, False]])
    cross_entropy(logits, torch.tensor([[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]]), legal=legal).backward()
    assert logits.grad is not None
    assert (logits.grad[~legal] == 0).all()
    assert logits.grad.isfinite().all()


def test_a_mask_that_does_not_fit_or_allows_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"legal must be bool\[2, 3\] like the logits, got torch.bool\[3\]"):
        masked_log_softmax(torch.zeros(2, 3), torch.ones(3, dtype=torch.bool))
    with pytest.raises(ValueError, match=r"got torch.float32\[2, 3\]"):
        masked_log_softmax(torch.zeros(2, 3), torch.ones(2, 3))
    with pytest.raises(ValueError, match=r"legal must allow an action in each row, got none in row \[1\]"):
        masked_log_softmax(torch.zeros(2, 2), torch.tensor([[True, False], [False, False]]))


def test_the_mean_of_dueling_q_is_the_value_stream_whatever_the_advantages() -> None:
    head = DuelingHead(5, 4)
    features = torch.randn(6, 5)
    torch.testing.assert_close(head(features).mean(dim=1, keepdim=True), head.value(features))
    before = head(features)
    with torch.no_grad():
        head.advantage.bias += 7.0  # the same for all actions: no advantage
    torch.testing.assert_close(head(features), before)


def test_dueling_orders_actions_by_their_advantage() -> None:
    head = DuelingHead(5, 4)
    features = torch.randn(6, 5)
    assert torch.equal(head(features).argsort(dim=1), head.advantage(features).argsort(dim=1))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_value_stays_strictly_inside_its_bounds_however_sure_the_network_is(dtype: torch.dtype) -> None:
    head = ValueHead(1).to(dtype)
    with torch.no_grad():
        values = head(torch.tensor([[-1e4], [0.0], [1e4]], dtype=dtype))
    assert values.shape == (3,)
    assert values.dtype == torch.float32
    assert values.abs().max() < 1
    assert values.abs().max() > 0.999
    assert values[1] == 0


def test_first_estimates_are_small() -> None:
    torch.manual_seed(0)
    assert QHead(256, 6)(torch.randn(100, 256)).abs().max() < 1


def test_squared_error_and_huber_by_hand() -> None:
    prediction, target = torch.tensor([1.0, 2.0, -3.0]), torch.tensor([1.5, 2.0, 1.0])  # errors 0.5, 0, 4
    assert squared_error(prediction, target).item() == pytest.approx((0.25 + 0 + 16) / 3)
    assert huber(prediction, target).item() == pytest.approx((0.125 + 0 + 3.5) / 3)
    assert huber(prediction, target, delta=2.0).item() == pytest.approx((0.125 + 0 + 2 * (4 - 1)) / 3)
    weights = torch.tensor([2.0, 9.0, 0.5])
    assert squared_error(prediction, target, weights).item() == pytest.approx((0.5 + 8) / 3)
    rows = squared_error(prediction.view(3, 1).repeat(1, 2), target.view(3, 1).repeat(1, 2), weights)
    assert rows.item() == pytest.approx((0.5 + 8) / 3)


def test_the_slope_of_huber_is_the_clipped_error() -> None:
    prediction = torch.tensor([-5.0, -0.5, 0.0, 0.5, 5.0], requires_grad=True)
    huber(prediction, torch.zeros(5)).backward()
    assert prediction.grad is not None
    torch.testing.assert_close(prediction.grad * 5, torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]))


def test_cross_entropy_of_integers_and_of_distributions_by_hand() -> None:
    logits = torch.tensor([[0.0, np.log(3.0)], [0.0, 0.0]])  # probabilities 1/4, 3/4 and 1/2, 1/2
    expected = (np.log(4 / 3) + np.log(2)) / 2
    assert cross_entropy(logits, torch.tensor([1, 0])).item() == pytest.approx(expected)
    assert cross_entropy(logits, torch.tensor([[0.0, 1.0], [1.0, 0.0]])).item() == pytest.approx(expected)
    mixed = cross_entropy(logits, torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([1.0, 0.0]))
    assert mixed.item() == pytest.approx((np.log(4) + np.log(4 / 3)) / 2 / 2)


@pytest.mark.parametrize("loss", [squared_error, huber, cross_entropy, quantile_huber])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mean_of_the_losses_of_each_sample_is_the_loss(loss: Any, weighted: bool) -> None:
    torch.manual_seed(0)
    prediction, target = 2 * torch.randn(5, 3), torch.rand(5, 3)
    weights = torch.rand(5) if weighted else None
    each = loss(prediction, target, weights, reduction="none")
    assert each.shape == (5,)
    torch.testing.assert_close(each.mean(), loss(prediction, target, weights))
    for row in range(5):
        share = 1.0 if weights is None else weights[row]
        alone = loss(prediction[row : row + 1], target[row : row + 1])
        torch.testing.assert_close(each[row], share * alone)


def test_the_losses_of_each_sample_can_be_weighed_later() -> None:
    prediction, target, weights = torch.randn(5), torch.randn(5), torch.rand(5)
    each = huber(prediction, target, reduction="none")
    torch.testing.assert_close(weighted_mean(each, weights), huber(prediction, target, weights))
    with pytest.raises(ValueError, match=r"weights must be \[5\], got \[5, 1\]"):
        weighted_mean(each, weights.unsqueeze(1))
    with pytest.raises(ValueError, match=r"reduction must be one of mean, none, got 'sum'"):
        huber(prediction, target, reduction="sum")


def test_targets_are_constants() -> None:
    for loss in (squared_error, huber, cross_entropy, quantile_huber):
        target = torch.full((2, 2), 0.5, requires_grad=True)
        loss(torch.ones(2, 2, requires_grad=True), target).backward()
        assert target.grad is None


def test_shapes_that_would_broadcast_are_refused() -> None:
    for loss in (squared_error, huber):
        with pytest.raises(ValueError, match=r"target must be \[4\], got \[4, 1\]"):
            loss(torch.zeros(4), torch.zeros(4, 1))
        with pytest.raises(ValueError, match=r"weights must be \[4\], got \[4, 1\]"):
            loss(torch.zeros(4), torch.zeros(4), torch.ones(4, 1))
    with pytest.raises(ValueError, match=r"target must be \[4\], got \[4, 1\]"):
        cross_entropy(torch.zeros(4, 3), torch.zeros(4, 1, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"target must be \[4, 3\], got \[4\]"):
        cross_entropy(torch.zeros(4, 3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"logits must be \[B, A\], got \[4\]"):
        cross_entropy(torch.zeros(4), torch.zeros(4))


def test_a_target_on_an_illegal_action_is_refused() -> None:
    legal = torch.tensor([[True, True], [True, False]])
    with pytest.raises(ValueError, match=r"target must be 0 for illegal actions, got \[0.5, 0.5\] in row 1"):
        cross_entropy(torch.zeros(2, 2), torch.full((2, 2), 0.5), legal=legal)
