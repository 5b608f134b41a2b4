"""Noisy layers: exploration drawn in the space of weights, its size learned with them.

The noise lives in buffers that are 0 until `resample_noise` draws them, and that are not saved: a fresh or
loaded network is silent, it computes with its mean weights. Training and eval mode make no difference.
Source: Fortunato et al. 2018, "Noisy networks for exploration", factorised Gaussian noise.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

INITIAL_SIGMA = 0.5  # sigma_0 of the paper: sigma starts at sigma_0 / sqrt(inputs)


class NoisyLinear(nn.Linear):
    """y = (weight + weight_sigma * outer(eps_out, eps_in)) x + bias + bias_sigma * eps_out.

    The means (the paper's mu) bear the names of a plain dense layer and start as one does in
    `networks.blocks`, not uniform as in the paper: without noise the signal keeps its size. One draw holds
    for a whole batch.
    """

    eps_in: Tensor  # [inputs], f(normal) with f(x) = sign(x) * sqrt(|x|); 0 when silent
    eps_out: Tensor  # [outputs], the same

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        sigma = INITIAL_SIGMA / math.sqrt(inputs)
        self.weight_sigma = nn.Parameter(torch.full((outputs, inputs), sigma))
        self.bias_sigma = nn.Parameter(torch.full((outputs,), sigma))
        self.register_buffer("eps_in", torch.zeros(inputs), persistent=False)
        self.register_buffer("eps_out", torch.zeros(outputs), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        if not torch.is_grad_enabled() and self._surely_silent():
            return super().forward(features)
        eps_out = self.eps_out.clone()  # the backward pass needs it, whatever is drawn in between
        weight = torch.addcmul(self.weight, self.weight_sigma, torch.outer(eps_out, self.eps_in))
        bias = torch.addcmul(self.bias, self.bias_sigma, eps_out)
        return nn.functional.linear(features, weight, bias)

    def _surely_silent(self) -> bool:
        """Whether the noise is known to be 0; asking a GPU would have to wait for it."""
        return self.eps_out.device.type == "cpu" and not bool(self.eps_out.any())


def resample_noise(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw new noise for each noisy layer, in place.

    Args:
        network: any module; without noisy layers nothing happens.
        generator: of the draws, on any device; None for torch's global one. They are made in float32, so that
            copies of one network in other dtypes get the same noise, rounded.
    """
    for eps in _noise(network):
        device = eps.device if generator is None else generator.device
        normal = torch.randn(eps.shape, generator=generator, dtype=torch.float32, device=device)
        eps.copy_(normal.sign() * normal.abs().sqrt())


def silence_noise(network: nn.Module) -> None:
    """Set the noise to 0, in place: the network computes with its mean weights."""
    for eps in _noise(network):
        eps.zero_()


def _noise(network: nn.Module) -> Iterator[Tensor]:
    for module in network.modules():
        if isinstance(module, NoisyLinear):
            yield from (module.eps_in, module.eps_out)
