"""Where the arithmetic runs: the device, and a bfloat16 network beside float32 master weights.

bfloat16 keeps float32's range with 8 bits of precision. Convolutions gain a factor of two or more on CPUs
and GPUs that compute with it; a weight of 1 plus an update of 0.001 is 1 again, though. So the weights
proper, the optimiser, the targets and the loss stay float32: gradients go to the masters in float32, and the
masters are copied back after each update (Micikevicius et al. 2018, section 3.1).

The last layer stays float32 too. Its products are few, and 8 bits of a q near 1 are steps of 0.004: more
than lies between two actions, most of the time.
"""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import nn

from networks.build import Network, RecurrentNetwork
from networks.precision import computes_bfloat16

QNetwork = Network | RecurrentNetwork


def choose_device(name: str) -> torch.device:
    """The device of that name; "auto" is cuda where there is one. Raises: ValueError where there is none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but torch sees no GPU here; use auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def choose_dtype(
    precision: str, device: torch.device, *, convolutions: bool, batch_norm: bool
) -> torch.dtype:
    """The dtype that networks compute in. "auto": bfloat16 where the device has it and the network gains."""
    gains = convolutions and not batch_norm and computes_bfloat16(device)
    return torch.bfloat16 if precision == "bfloat16" or (precision == "auto" and gains) else torch.float32


class WorkingCopy:
    """A network that computes in `dtype` up to its head, for float32 `master` weights; or the master."""

    def __init__(self, master: QNetwork, dtype: torch.dtype) -> None:
        self.master = master
        self.apart = dtype != torch.float32
        self.network = deepcopy(master).to(dtype) if self.apart else master
        self.network.head.float()
        self.push()

    def push(self) -> None:
        """Give the network the masters' weights and buffers."""
        if not self.apart:
            return
        with torch.no_grad():
            for source, copied in zip(_tensors(self.master), _tensors(self.network), strict=True):
                copied.copy_(source)


def _tensors(network: nn.Module) -> list[torch.Tensor]:
    return [*network.parameters(), *network.buffers()]
