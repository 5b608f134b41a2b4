"""Dense layers that explore: noise on the weights, whose size is learned, in place of random actions.

Factorised Gaussian noise (Fortunato et al. 2018, section 3): one number for each input and each output,
f(x) = sign(x) * sqrt(|x|) of a normal draw, and their product for each weight.
"""

import torch
from torch import Tensor, nn

SIGMA_START = 0.5  # of the noise, before the division by sqrt(inputs) (Fortunato et al. 2018)


class NoisyLinear(nn.Linear):
    """A dense layer with weights mu + sigma * noise: [B, inputs] -> [B, outputs].

    `weight` and `bias` are the means, initialised as those of any dense layer. The noise stays until
    `resample_noise` draws anew, in training and eval mode alike; it is 0 at first and is not saved, so that
    a loaded network acts by its means.
    """

    noise_in: Tensor
    noise_out: Tensor

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        sigma = SIGMA_START / inputs**0.5
        self.weight_sigma = nn.Parameter(torch.full((outputs, inputs), sigma))
        self.bias_sigma = nn.Parameter(torch.full((outputs,), sigma))
        self.register_buffer("noise_in", torch.zeros(inputs), persistent=False)
        self.register_buffer("noise_out", torch.zeros(outputs), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """[B, inputs] -> [B, outputs]; the noise is the same for all samples of the batch."""
        mean = nn.functional.linear(features, self.weight, self.bias)
        # (sigma * outer(out, in)) x = out * (sigma (in * x)): no matrix of noise is ever made
        noise = nn.functional.linear(features * self.noise_in, self.weight_sigma, self.bias_sigma)
        return mean + noise * self.noise_out


def resample_noise(network: nn.Module, generator: torch.Generator | None = None) -> None:
    """Draw the noise of all noisy layers anew, in place; from torch's global generator if None."""
    for layer in _noisy_layers(network):
        for noise in (layer.noise_in, layer.noise_out):
            drawn = torch.randn(noise.shape, generator=generator)
            noise.copy_(drawn.sign() * drawn.abs().sqrt())


def silence_noise(network: nn.Module) -> None:
    """Let all noisy layers use their mean weights."""
    for layer in _noisy_layers(network):
        layer.noise_in.zero_()
        layer.noise_out.zero_()


def _noisy_layers(network: nn.Module) -> list[NoisyLinear]:
    return [module for module in network.modules() if isinstance(module, NoisyLinear)]
