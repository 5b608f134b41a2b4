"""Two updates of each optimiser, computed by hand in numpy from the textbook rules."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from networks.optimisers import MATRIX_RATE, make_optimiser, orthogonalised

START = np.array([1.0, -2.0, 0.5])
GRADIENTS = [np.array([0.3, -1.0, 0.0]), np.array([-0.2, 0.5, 2.0])]
RATE = 0.1


def updated(name: str, **settings: float) -> np.ndarray:
    """The weights after two updates with given gradients."""
    weights = nn.Parameter(torch.tensor(START))
    optimiser = make_optimiser(name, [weights], RATE, **settings)
    for gradient in GRADIENTS:
        weights.grad = torch.tensor(gradient)
        optimiser.step()
    return weights.detach().numpy()


def sgd(momentum: float) -> np.ndarray:
    w, v = START, np.zeros(3)
    for g in GRADIENTS:
        v = momentum * v + g
        w = w - RATE * v
    return w


def rmsprop(epsilon: float) -> np.ndarray:
    w, s = START, np.zeros(3)
    for g in GRADIENTS:
        s = 0.99 * s + 0.01 * g**2
        w = w - RATE * g / (np.sqrt(s) + epsilon)
    return w


def adam(epsilon: float = 1e-8, decay: float = 0.0) -> np.ndarray:
    w, m, s = START, np.zeros(3), np.zeros(3)
    for t, g in enumerate(GRADIENTS, start=1):
        w = w - RATE * decay * w
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        w = w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + epsilon)
    return w


def radam() -> np.ndarray:
    """The first steps, while the variance cannot be trusted: momentum, corrected for its start."""
    w, m = START, np.zeros(3)
    for t, g in enumerate(GRADIENTS, start=1):
        m = 0.9 * m + 0.1 * g
        w = w - RATE * m / (1 - 0.9**t)
    return w


@pytest.mark.parametrize(
    ("name", "settings", "by_hand"),
    [
        ("sgd", {}, lambda: sgd(0.0)),
        ("sgd", {"momentum": 0.9}, lambda: sgd(0.9)),
        ("rmsprop", {"epsilon": 0.01}, lambda: rmsprop(0.01)),
        ("adam", {}, adam),
        ("adam", {"epsilon": 0.1}, lambda: adam(0.1)),
        ("adamw", {"weight_decay": 0.2}, lambda: adam(decay=0.2)),
        ("radam", {}, radam),
    ],
)
def test_two_updates_are_those_of_the_textbook(
    name: str, settings: dict[str, float], by_hand: Callable[[], np.ndarray]
) -> None:
    np.testing.assert_allclose(updated(name, **settings), by_hand(), atol=1e-12)


def test_weight_decay_of_adam_goes_through_the_gradient_and_that_of_adamw_does_not() -> None:
    def after_one_step(name: str) -> float:
        weight = nn.Parameter(torch.tensor([10.0], dtype=torch.float64))
        weight.grad = torch.zeros_like(weight)
        make_optimiser(name, [weight], RATE, weight_decay=0.01).step()
        return weight.item()

    assert after_one_step("adam") == pytest.approx(10 - RATE)  # normalised to a full step
    assert after_one_step("adamw") == pytest.approx(10 - RATE * 0.01 * 10)


def test_what_is_not_an_optimiser_is_refused() -> None:
    weights = [nn.Parameter(torch.zeros(1))]
    with pytest.raises(ValueError, match=r"optimiser must be one of sgd, .* got 'rmsprob' .*'rmsprop'"):
        make_optimiser("rmsprob", weights, 0.1)
    with pytest.raises(ValueError, match=r"learning_rate must be above 0, got 0"):
        make_optimiser("sgd", weights, 0)
    with pytest.raises(ValueError, match=r"momentum is for sgd and rmsprop, got 0.9 for adam"):
        make_optimiser("adam", weights, 0.1, momentum=0.9)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_radam_is_torchs_to_rounding_through_its_warm_up_and_beyond(weight_decay):
    torch.manual_seed(0)
    ours, theirs = (torch.nn.Parameter(torch.ones(6, dtype=torch.float64)) for _ in range(2))
    rule = make_optimiser("radam", [ours], 0.01, weight_decay=weight_decay, epsilon=1e-3)
    peer = torch.optim.RAdam([theirs], 0.01, weight_decay=weight_decay, eps=1e-3)
    for update in range(40):
        ours.grad = torch.randn(6, dtype=torch.float64)
        theirs.grad = ours.grad.clone()
        if update == 20:  # a resume
            saved = rule.state_dict()
            rule = make_optimiser("radam", [ours], 0.01, weight_decay=weight_decay, epsilon=1e-3)
            rule.load_state_dict(saved)
        rule.step()
        peer.step()
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("shape", [(6, 4), (3, 8)])
def test_muon_moves_matrices_as_torchs_and_kernels_as_matrices_and_vectors_as_adamw(shape):
    torch.manual_seed(0)
    start = torch.randn(shape)
    matrix, peers, vector, adams = (nn.Parameter(x.clone()) for x in (start, start, start[0], start[0]))
    kernel = nn.Parameter(start.clone().reshape(shape[0], 2, 1, -1))
    rule = make_optimiser("muon", [matrix, vector, kernel], 0.01, weight_decay=0.1)
    peer = torch.optim.Muon([peers], 0.01 * MATRIX_RATE, weight_decay=0.1)
    adamw = make_optimiser("adamw", [adams], 0.01, weight_decay=0.1)
    for update in range(6):
        matrix.grad, vector.grad = torch.randn(shape), torch.randn(shape[1])
        kernel.grad, peers.grad, adams.grad = matrix.grad.reshape(kernel.shape), matrix.grad, vector.grad
        if update == 3:  # a resume
            saved = rule.state_dict()
            rule = make_optimiser("muon", [matrix, vector, kernel], 0.01, weight_decay=0.1)
            rule.load_state_dict(saved)
        for each in (rule, peer, adamw):
            each.step()
    torch.testing.assert_close(matrix, peers, rtol=0, atol=0.015)  # torch's in bfloat16
    assert (matrix - start).abs().max() > 0.1
    assert torch.equal(kernel.flatten(1), matrix)
    assert torch.equal(vector, adams)


def test_orthogonalised_keeps_the_singular_vectors_and_makes_the_values_alike():
    torch.manual_seed(0)
    u, v = torch.linalg.qr(torch.randn(7, 4)).Q, torch.linalg.qr(torch.randn(4, 4)).Q
    for values in (torch.tensor([5.0, 3.0, 1.0, 0.1]), torch.tensor([1e-3, 1e-3, 1e-3, 1e-4])):
        found = u.T @ orthogonalised(u @ torch.diag(values) @ v) @ v.T
        torch.testing.assert_close(found, torch.diag(found.diag()), rtol=0, atol=1e-4)
        assert 0.6 < found.diag().min() <= found.diag().max() < 1.3
    assert torch.equal(orthogonalised(torch.zeros(3, 2)), torch.zeros(3, 2))
