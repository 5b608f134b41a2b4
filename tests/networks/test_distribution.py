"""Distributions of returns: heads and their means, the projection of C51 and the quantile loss of QR-DQN."""

import itertools
import json
import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor

from networks.build import Network, RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.heads import CategoricalHead, DuelingHead, QHead, QuantileHead
from networks.losses import categorical_projection, cross_entropy, gaussian_histogram, quantile_huber
from networks.noisy import resample_noise

SHAPES: dict[str, tuple[int, ...]] = {
    "mlp": (5,),
    "nips_cnn": (2, 20, 20),
    "nature_cnn": (2, 36, 36),
    "impala_cnn": (2, 9, 6),
    "conv_pool": (2, 8, 9),
    "board_resnet": (2, 3, 4),
}


def network(trunk: str = "mlp", **fields: Any) -> Network | RecurrentNetwork:
    sizes = {"input_shape": SHAPES[trunk], "hidden_sizes": (8,), "channels": 4, "blocks": 1, "memory_size": 3}
    defaults = {"trunk": trunk, "head": "q", "num_actions": 3, "distribution": "categorical", "atoms": 7}
    return build(NetworkConfig(**(defaults | sizes | fields)))


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("trunk", "kind", "dueling", "noisy"),
    list(itertools.product(SHAPES, ("categorical", "quantile"), (False, True), (False, True))),
)
def test_every_combination_answers_in_float32_and_survives_json(
    trunk: str, kind: str, dueling: bool, noisy: bool
) -> None:
    net = network(trunk, distribution=kind, dueling=dueling, noisy=noisy)
    assert NetworkConfig.from_json(json.loads(json.dumps(net.config.to_json()))) == net.config
    obs = torch.randn(4, *SHAPES[trunk])
    for dtype in (torch.float32, torch.bfloat16):
        net = net.to(dtype)
        resample_noise(net)
        q, outputs = net(obs), net(obs, distribution=True)
        assert q.shape == (4, 3)
        assert outputs.shape == (4, 3, 7)
        assert q.dtype == outputs.dtype == torch.float32
        assert torch.equal(net.head.expectation(outputs), q)
        outputs.square().mean().backward()
        assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())
        net.zero_grad()


@pytest.mark.parametrize("kind", ["categorical", "quantile"])
@pytest.mark.parametrize("dueling", [False, True])
def test_a_memory_carries_a_distribution_over_time(kind: str, dueling: bool) -> None:
    net = network(distribution=kind, dueling=dueling, memory="lstm")
    assert isinstance(net, RecurrentNetwork)
    obs, starts = torch.randn(6, 2, 5), torch.zeros(6, 2, dtype=torch.bool)
    q, state = net(obs, net.initial_state(2), starts)
    outputs, same_state = net(obs, net.initial_state(2), starts, distribution=True)
    assert q.shape == (6, 2, 3)
    assert outputs.shape == (6, 2, 3, 7)
    assert torch.equal(net.head.expectation(outputs), q)
    assert torch.equal(state, same_state)


def test_a_network_without_distribution_refuses_to_give_one() -> None:
    message = r"distribution=True needs a NetworkConfig.distribution, got 'none'"
    with pytest.raises(ValueError, match=message):
        network(distribution="none")(torch.zeros(1, 5), distribution=True)
    recurrent = network(distribution="none", memory="lstm")
    assert isinstance(recurrent, RecurrentNetwork)
    start = torch.ones(1, 1, dtype=torch.bool)
    with pytest.raises(ValueError, match=message):
        recurrent(torch.zeros(1, 1, 5), recurrent.initial_state(1), start, distribution=True)


def test_the_mean_of_a_categorical_distribution_by_hand() -> None:
    head = CategoricalHead(QHead(2, 2, atoms=3), atoms=3, value_min=-1, value_max=5)  # returns -1, 2, 5
    logits = torch.tensor([[[0.0, 0.0, 0.0], [0.0, math.log(2.0), math.log(5.0)]]])
    torch.testing.assert_close(head.expectation(logits), torch.tensor([[2.0, (-1 + 4 + 25) / 8]]))


def test_the_support_keeps_its_digits_in_a_bfloat16_network() -> None:
    net = deepcopy(network(atoms=51)).to(torch.bfloat16)
    outputs = net(torch.randn(2, 5), distribution=True)
    expected = torch.tensor([-10 + 0.4 * atom for atom in range(51)])
    torch.testing.assert_close(net.head.support(outputs), expected)


def test_the_mean_of_quantiles_by_hand() -> None:
    head = QuantileHead(QHead(2, 2, atoms=4))
    assert torch.equal(head.expectation(torch.tensor([[-1.0, 0.0, 2.0, 7.0]])), torch.tensor([2.0]))


def test_each_action_and_atom_has_an_output_of_its_own_in_order() -> None:
    head = QHead(2, 3, atoms=4)
    with torch.no_grad():
        head.q.weight.zero_()
        head.q.bias.copy_(torch.arange(12.0))
    assert torch.equal(head(torch.randn(5, 2))[1], torch.arange(12.0).view(3, 4))


def test_dueling_combines_its_streams_atom_by_atom() -> None:
    head = DuelingHead(5, 3, atoms=4)
    features = torch.randn(2, 6, 5)  # [T, B, F]
    outputs = head(features)
    value, advantage = head.value(features), head.advantage(features)
    for t, b, a, k in itertools.product(range(2), range(6), range(3), range(4)):
        mean = sum(advantage[t, b, 4 * action + k] for action in range(3)) / 3
        expected = value[t, b, k] + advantage[t, b, 4 * a + k] - mean
        torch.testing.assert_close(outputs[t, b, a, k], expected)


def algorithm_1(
    reward: float, discount: float, probabilities: list[float], support: list[float]
) -> list[float]:
    """The projection as the paper writes it, with the mass kept where an atom is hit exactly."""
    low, high, atoms = support[0], support[-1], len(support)
    step = (high - low) / (atoms - 1)
    m = [0.0] * atoms
    for j in range(atoms):
        moved = min(max(reward + discount * support[j], low), high)
        b = (moved - low) / step
        lower, upper = math.floor(b), math.ceil(b)
        if lower == upper:
            m[lower] += probabilities[j]
        else:
            m[lower] += probabilities[j] * (upper - b)
            m[upper] += probabilities[j] * (b - lower)
    return m


@pytest.mark.parametrize(("low", "high", "atoms"), [(-10.0, 10.0, 51), (-1.0, 3.0, 5), (0.0, 1.0, 2)])
def test_the_projection_is_that_of_algorithm_1(low: float, high: float, atoms: int) -> None:
    support = torch.linspace(low, high, atoms, dtype=torch.float64)
    probabilities = torch.rand(64, atoms, dtype=torch.float64).softmax(dim=1)
    reward = 3 * torch.randn(64, dtype=torch.float64)
    discount = torch.rand(64, dtype=torch.float64) * (torch.rand(64) < 0.8)
    projected = categorical_projection(reward, discount, probabilities, support)
    rows = zip(reward.tolist(), discount.tolist(), probabilities.tolist(), strict=True)
    expected = torch.tensor([algorithm_1(*row, support.tolist()) for row in rows], dtype=torch.float64)
    torch.testing.assert_close(projected, expected, atol=1e-12, rtol=0)
    torch.testing.assert_close(projected.sum(dim=1), torch.ones(64, dtype=torch.float64))


def project(reward: float, discount: float, probabilities: list[float], support: list[float]) -> list[float]:
    row = torch.tensor([reward]), torch.tensor([discount]), torch.tensor([probabilities])
    projected: list[float] = categorical_projection(*row, torch.tensor(support))[0].tolist()
    return projected


def test_projections_by_hand() -> None:
    support = [0.0, 1.0, 2.0, 3.0]
    half = [0.5, 0.0, 0.5, 0.0]  # 0 or 2
    assert project(0, 1, half, support) == half
    assert project(1, 1, half, support) == [0, 0.5, 0, 0.5]  # moved by exactly one atom
    assert project(0.25, 1, half, support) == [0.375, 0.125, 0.375, 0.125]
    assert project(0, 0.5, half, support) == [0.5, 0.5, 0, 0]  # drawn together onto 0 and 1
    assert project(1.5, 0, half, support) == [0, 0.5, 0.5, 0]  # terminated: the reward alone
    assert project(9, 1, half, support) == [0, 0, 0, 1]  # beyond the ends
    assert project(-9, 1, half, support) == [1, 0, 0, 0]
    assert project(2, 1, half, support) == [0, 0, 0.5, 0.5]  # 2 stays inside, 4 is cut to 3


def test_in_float32_no_mass_is_lost_where_rounding_decides_which_atom_is_hit() -> None:
    support = torch.linspace(-10, 10, 51)
    probabilities = torch.rand(51, 51).softmax(dim=1)
    projected = categorical_projection(support, torch.ones(51), probabilities, support)
    torch.testing.assert_close(projected.sum(dim=1), torch.ones(51))
    assert (projected >= 0).all()
    unmoved = categorical_projection(torch.zeros(51), torch.ones(51), probabilities, support)
    torch.testing.assert_close(unmoved, probabilities, atol=1e-6, rtol=1e-5)


def test_a_histogram_is_the_normal_distribution_between_the_borders_of_its_atoms() -> None:
    support = torch.linspace(-2, 2, 5, dtype=torch.float64)
    value = torch.tensor([0.3], dtype=torch.float64)
    normal = torch.distributions.Normal(0.3, 0.75)
    expected = [normal.cdf(atom + 0.5) - normal.cdf(atom - 0.5) for atom in support]
    torch.testing.assert_close(
        gaussian_histogram(value, support)[0],
        torch.stack(expected).double() / sum(expected),
        rtol=1e-5,
        atol=1e-6,
    )


def test_a_histogram_keeps_values_inside_and_cuts_those_beyond_the_ends() -> None:
    support = torch.linspace(-10, 10, 51)
    values = torch.tensor([-40.0, -10.0, -6.3, 0.0, 0.11, 8.5, 10.0, 40.0])
    shares = gaussian_histogram(values, support)
    torch.testing.assert_close(shares.sum(dim=1), torch.ones(8))
    torch.testing.assert_close((shares @ support)[2:6], values[2:6], atol=2e-3, rtol=0)
    assert torch.equal(shares[0], shares[1])
    assert torch.equal(shares[-1], shares[-2])
    assert shares[0].argmax() == 0
    with pytest.raises(ValueError, match="values must be"):
        gaussian_histogram(values[:, None], support)


def test_inside_its_ends_the_projection_keeps_the_mean() -> None:
    support = torch.linspace(-10, 10, 51, dtype=torch.float64)
    probabilities = torch.rand(20, 51, dtype=torch.float64).softmax(dim=1)
    reward = torch.rand(20, dtype=torch.float64)
    discount = torch.full((20,), 0.9, dtype=torch.float64)
    projected = categorical_projection(reward, discount, probabilities, support)
    torch.testing.assert_close(projected @ support, reward + 0.9 * (probabilities @ support))


def test_a_categorical_learner_finds_the_distribution_of_rewards_between_two_atoms() -> None:
    """Cross entropy against projected rewards ends at their mean projection: 0.5 is half 0 and half 1."""
    logits = torch.zeros(1, 3, requires_grad=True)
    support, rewards = torch.tensor([0.0, 1.0, 2.0]), torch.tensor([0.5, 2.0, 2.0, 2.0])
    target = categorical_projection(rewards, torch.zeros(4), torch.full((4, 3), 1 / 3), support)
    optimiser = torch.optim.Adam([logits], 0.05)
    for _ in range(400):
        optimiser.zero_grad()
        cross_entropy(logits.expand(4, 3), target).backward()
        optimiser.step()
    torch.testing.assert_close(
        logits.detach().softmax(1)[0], torch.tensor([0.125, 0.125, 0.75]), atol=1e-3, rtol=0
    )


def test_quantile_huber_is_equation_10_in_a_double_loop() -> None:
    prediction = torch.randn(4, 5, dtype=torch.float64) * 2
    target = torch.randn(4, 3, dtype=torch.float64) * 2
    kappa = 0.7
    expected = []
    for row in range(4):
        total = 0.0
        for i in range(5):
            tau = (2 * i + 1) / 10
            for j in range(3):
                u = (target[row, j] - prediction[row, i]).item()
                loss = 0.5 * u * u if abs(u) <= kappa else kappa * (abs(u) - 0.5 * kappa)
                total += abs(tau - (1 if u < 0 else 0)) * loss / 3
        expected.append(total)
    each = quantile_huber(prediction, target, kappa=kappa, reduction="none")
    torch.testing.assert_close(each, torch.tensor(expected, dtype=torch.float64))
    assert quantile_huber(prediction, target, kappa=kappa).item() == pytest.approx(sum(expected) / 4)


def test_one_quantile_of_one_target_pays_half_of_huber() -> None:
    """By hand: tau 1/2, errors 0.5 and -4, kappa 1: (0.125 + 3.5) / 2 / 2."""
    loss = quantile_huber(torch.tensor([[1.0], [1.0]]), torch.tensor([[1.5], [-3.0]]))
    assert loss.item() == pytest.approx((0.125 + 3.5) / 2 / 2)


def test_quantile_huber_with_small_kappa_finds_the_quantiles_of_a_skewed_target() -> None:
    """Of 0, 1, 4, 9, ..., 99^2 the midpoints 1/8, 3/8, 5/8, 7/8 lie at the squares of 12, 37, 62 and 87."""
    target = torch.arange(100.0).square().unsqueeze(0) / 100
    prediction = torch.zeros(1, 4, requires_grad=True)
    optimiser = torch.optim.Adam([prediction], 1.0)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.995)
    for _ in range(1000):
        optimiser.zero_grad()
        quantile_huber(prediction, target, kappa=0.01).backward()
        optimiser.step()
        schedule.step()
    found = prediction.detach()[0].mul(100).sqrt()
    torch.testing.assert_close(found, torch.tensor([12.0, 37.0, 62.0, 87.0]), atol=1.0, rtol=0)


def test_gradients_of_the_distributional_losses_are_their_slopes() -> None:
    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, dtype=torch.float64)

    support = torch.linspace(-2, 2, 5, dtype=torch.float64)
    weights, reward = torch.rand(3, dtype=torch.float64), random(3)
    target = categorical_projection(reward, reward.sigmoid(), random(3, 5).softmax(1), support)
    head = CategoricalHead(QHead(2, 2, atoms=5), atoms=5, value_min=-2, value_max=2)
    torch.autograd.gradcheck(lambda x: cross_entropy(x, target, weights), random(3, 5).requires_grad_())
    torch.autograd.gradcheck(head.expectation, random(3, 2, 5).requires_grad_())
    quantiles = random(3, 4)
    for reduction in ("mean", "none"):
        torch.autograd.gradcheck(
            lambda x, r=reduction: quantile_huber(x, quantiles, weights, kappa=0.7, reduction=r),
            random(3, 5).requires_grad_(),
        )


def test_shapes_that_would_broadcast_are_refused() -> None:
    reward, probabilities, support = torch.zeros(4), torch.full((4, 3), 1 / 3), torch.arange(3.0)
    with pytest.raises(ValueError, match=r"reward must be \[4\], got \[4, 1\]"):
        categorical_projection(torch.zeros(4, 1), reward, probabilities, support)
    with pytest.raises(ValueError, match=r"discount must be \[4\], got \[1\]"):
        categorical_projection(reward, torch.zeros(1), probabilities, support)
    with pytest.raises(ValueError, match=r"support must be \[3\], got \[4, 3\]"):
        categorical_projection(reward, reward, probabilities, support.expand(4, 3))
    with pytest.raises(ValueError, match=r"probabilities must be \[B, K\], got \[4, 2, 3\]"):
        categorical_projection(reward, reward, torch.zeros(4, 2, 3), support)
    with pytest.raises(ValueError, match=r"prediction must be \[B, K\], got \[4\]"):
        quantile_huber(torch.zeros(4), torch.zeros(4, 3))
    with pytest.raises(ValueError, match=r"target must be \[B, K'\], got \[4\]"):
        quantile_huber(torch.zeros(4, 3), torch.zeros(4))
    with pytest.raises(ValueError, match=r"target must be \[4, 3\], got \[1, 3\]"):
        quantile_huber(torch.zeros(4, 2), torch.zeros(1, 3))
    with pytest.raises(ValueError, match=r"weights must be \[4\], got \[4, 1\]"):
        quantile_huber(torch.zeros(4, 2), torch.zeros(4, 3), torch.ones(4, 1))
