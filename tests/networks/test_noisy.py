"""Noisy layers: silent until noise is drawn, then spread around their mean weights as the sigmas say."""

import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from networks.build import Network, RecurrentNetwork, build
from networks.config import NetworkConfig
from networks.noisy import NoisyLinear, resample_noise, silence_noise


def network(**fields: Any) -> Network | RecurrentNetwork:
    defaults = {"trunk": "mlp", "input_shape": (5,), "head": "q", "num_actions": 3, "hidden_sizes": (8,)}
    return build(NetworkConfig(**(defaults | {"noisy": True, "dueling": True} | fields)))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_noisy_layer_follows_its_equation_entry_by_entry() -> None:
    layer = NoisyLinear(3, 2)
    for parameter in layer.parameters():
        nn.init.normal_(parameter)
    resample_noise(layer, seeded(1))
    draws = seeded(1)
    p, q = (torch.randn(size, generator=draws).tolist() for size in (3, 2))
    x = [0.5, -1.0, 2.0]

    def f(e: float) -> float:
        return math.copysign(math.sqrt(abs(e)), e)

    for j in range(2):
        y = layer.bias[j].item() + layer.bias_sigma[j].item() * f(q[j])
        for i in range(3):
            y += (layer.weight[j, i].item() + layer.weight_sigma[j, i].item() * f(p[i]) * f(q[j])) * x[i]
        assert layer(torch.tensor([x]))[0, j].item() == pytest.approx(y, abs=1e-5)


def test_sigma_starts_at_a_half_over_the_root_of_the_inputs() -> None:
    layer = NoisyLinear(16, 3)
    assert (layer.weight_sigma == 0.125).all()
    assert (layer.bias_sigma == 0.125).all()


def test_over_many_draws_the_output_has_the_mean_of_the_silent_layer_and_the_variance_of_the_sigmas() -> None:
    """E[f^2] = E|normal| = sqrt(2 / pi) =: m, so that Var y = m^2 * sum (sigma_w x)^2 + m * sigma_b^2."""
    layer = NoisyLinear(2, 1)
    with torch.no_grad():
        layer.weight_sigma.copy_(torch.tensor([[0.5, 2.0]]))
        layer.bias_sigma.fill_(1.5)
    x = torch.tensor([[1.0, -0.5]])
    silent = layer(x).item()
    generator, draws = seeded(0), []
    with torch.no_grad():
        for _ in range(10_000):
            resample_noise(layer, generator)
            draws.append(layer(x).item())
    m = math.sqrt(2 / math.pi)
    variance = m**2 * (0.5**2 + 1.0**2) + m * 1.5**2
    samples = torch.tensor(draws, dtype=torch.float64)
    assert samples.mean().item() == pytest.approx(silent, abs=4 * math.sqrt(variance / 10_000))
    assert samples.var().item() == pytest.approx(variance, rel=0.05)


def plain_twin(noisy: Network | RecurrentNetwork) -> Network | RecurrentNetwork:
    """The network without noise that has the same mean weights."""
    fields = noisy.config.to_json() | {"noisy": False}
    twin = build(NetworkConfig.from_json(fields))
    means = {name: tensor for name, tensor in noisy.state_dict().items() if not name.endswith("_sigma")}
    twin.load_state_dict(means)
    return twin


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("grad", [True, False])
def test_a_fresh_a_loaded_and_a_silenced_network_compute_with_the_mean_weights_in_either_mode(
    training: bool, grad: bool
) -> None:
    fresh = network().train(training)
    x = torch.randn(4, 5)
    with torch.set_grad_enabled(grad):
        plain = plain_twin(fresh)(x)
        assert torch.equal(fresh(x), plain)
        resample_noise(fresh)
        assert not torch.allclose(fresh(x), plain)
        loaded = network().train(training)
        loaded.load_state_dict(fresh.state_dict())
        assert torch.equal(loaded(x), plain)
        silence_noise(fresh)
        assert torch.equal(fresh(x), plain)


@pytest.mark.parametrize("training", [True, False])
def test_noise_stays_until_it_is_drawn_anew_in_either_mode_with_and_without_gradients(training: bool) -> None:
    noisy = network().train(training)
    resample_noise(noisy)
    x = torch.randn(4, 5)
    first = noisy(x)
    assert torch.equal(noisy(x), first)
    with torch.no_grad():
        assert torch.equal(noisy(x), first)
    torch.testing.assert_close(noisy(x[:1]), first[:1])  # one draw for the whole batch
    resample_noise(noisy)
    assert not torch.allclose(noisy(x), first)


def test_the_same_seed_draws_the_same_noise_and_another_seed_other_noise() -> None:
    noisy, x = network(), torch.randn(4, 5)

    def after(seed: int) -> Tensor:
        resample_noise(noisy, seeded(seed))
        output: Tensor = noisy(x)
        return output

    assert torch.equal(after(1), after(1))
    assert not torch.equal(after(1), after(2))


def test_drawing_with_a_generator_leaves_the_global_one_alone() -> None:
    noisy = network()
    before = torch.get_rng_state()
    resample_noise(noisy, seeded(3))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_network_without_noisy_layers_is_left_alone() -> None:
    plain = network(noisy=False)
    x = torch.randn(4, 5)
    before = plain(x)
    resample_noise(plain)
    silence_noise(plain)
    assert torch.equal(plain(x), before)


def test_what_is_saved_is_means_and_sigmas_and_never_noise() -> None:
    noisy = network(hidden_sizes=())
    resample_noise(noisy)
    assert list(noisy.state_dict()) == [
        f"head.{stream}.{name}"
        for stream in ("value", "advantage")
        for name in ("weight", "bias", "weight_sigma", "bias_sigma")
    ]


@pytest.mark.parametrize(
    "trunk", ["mlp", "nips_cnn", "nature_cnn", "impala_cnn", "conv_pool", "board_resnet"]
)
@pytest.mark.parametrize("dueling", [False, True])
def test_in_every_trunk_all_dense_layers_are_noisy_and_no_convolution_is(trunk: str, dueling: bool) -> None:
    shape = (5,) if trunk == "mlp" else (2, 36, 36)
    noisy = network(trunk=trunk, input_shape=shape, dueling=dueling, channels=4, blocks=1)
    dense = [module for module in noisy.modules() if isinstance(module, nn.Linear)]
    assert len(dense) == (3 if dueling else 2)
    assert all(isinstance(module, NoisyLinear) for module in dense)
    sigmas = [name for name, _ in noisy.named_parameters() if name.endswith("_sigma")]
    assert len(sigmas) == 2 * len(dense)


def test_a_recurrent_network_has_one_noise_for_all_steps() -> None:
    noisy = network(memory="lstm")
    assert isinstance(noisy, RecurrentNetwork)
    resample_noise(noisy)
    obs = torch.randn(1, 2, 5).expand(3, 2, 5)
    q, _ = noisy(obs, noisy.initial_state(2), torch.ones(3, 2, dtype=torch.bool))
    torch.testing.assert_close(q[0], q[1])
    torch.testing.assert_close(q[0], q[2])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_a_copy_in_another_dtype_draws_the_same_noise_from_the_same_seed(dtype: torch.dtype) -> None:
    master = network(hidden_sizes=(32,))
    copied = deepcopy(master).to(dtype)
    for each in (master, copied):
        resample_noise(each, seeded(4))
    x = torch.randn(6, 5)
    assert next(copied.buffers()).dtype == dtype
    assert copied(x).dtype == torch.promote_types(dtype, torch.float32)
    assert not torch.allclose(master(x), plain_twin(master)(x), atol=0.1)
    torch.testing.assert_close(copied(x).float(), master(x), atol=0.05, rtol=0.05)


def test_a_copy_has_its_own_noise() -> None:
    master = network()
    x = torch.randn(2, 5)
    before = master(x)
    resample_noise(deepcopy(master))
    assert torch.equal(master(x), before)


def test_noise_that_arrives_by_copying_buffers_counts_like_noise_that_was_drawn() -> None:
    """As a learner does that mirrors one network in another: no flag may remember that it was silent."""
    source, mirror = network(), network()
    mirror.load_state_dict(source.state_dict())
    resample_noise(source)
    for old, new in zip(mirror.buffers(), source.buffers(), strict=True):
        old.copy_(new)
    x = torch.randn(4, 5)
    with torch.no_grad():
        assert torch.equal(mirror(x), source(x))


def test_the_gradient_is_that_of_the_noise_in_the_forward_pass_even_if_other_noise_follows() -> None:
    layer = NoisyLinear(3, 2)
    resample_noise(layer)
    eps_in, eps_out = layer.eps_in.clone(), layer.eps_out.clone()
    x = torch.randn(4, 3)
    loss = layer(x).sum()
    resample_noise(layer)
    loss.backward()
    assert layer.weight.grad is not None
    torch.testing.assert_close(layer.weight.grad, x.sum(dim=0).expand(2, 3))
    torch.testing.assert_close(layer.weight_sigma.grad, x.sum(dim=0) * torch.outer(eps_out, eps_in))
    torch.testing.assert_close(layer.bias_sigma.grad, 4 * eps_out)


def test_a_silent_network_learns_its_means_and_leaves_its_sigmas() -> None:
    noisy = network()
    noisy(torch.randn(4, 5)).square().sum().backward()
    for name, parameter in noisy.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any() != name.endswith("_sigma"), name
