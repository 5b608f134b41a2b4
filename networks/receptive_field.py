"""What part of the input a cell of a feature map can depend on, whatever the weights are."""

import copy

import torch
from torch import Tensor, nn

from networks.build import Network, RecurrentNetwork

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)


def receptive_field(
    network: Network | RecurrentNetwork, layer: str, cell: tuple[int, int]
) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) in pixels of the input, the last two exclusive, without padding.

    Found by a backward pass through a copy whose kernels are averages: whatever has a gradient can matter.
    Normalisation is left out, since it mixes all cells a little.

    Args:
        network: with a convolutional trunk.
        layer: a path of `feature_maps`, whose output is [B, C, H, W].
        cell: (row, column) of that map.
    Raises: ValueError for a layer that is none, or a cell outside its map.
    """
    trunk = _averaging(network.trunk)
    modules = {f"trunk.{name}": module for name, module in trunk.named_modules()}
    if layer not in modules:
        raise ValueError(f"no layer {layer!r} in the trunk; layers: {', '.join(list(modules)[1:])}")
    seen: list[Tensor] = []
    modules[layer].register_forward_hook(lambda module, inputs, output: seen.append(output))
    inputs = torch.ones(1, *network.config.input_shape, requires_grad=True)
    trunk(inputs)
    maps = seen[-1]  # as `feature_maps`: the last time, where a layer is used twice
    if maps.ndim != 4 or not (0 <= cell[0] < maps.shape[2] and 0 <= cell[1] < maps.shape[3]):
        raise ValueError(f"no cell {cell} in the output {list(maps.shape)} of {layer}")
    (gradient,) = torch.autograd.grad(maps[0, :, cell[0], cell[1]].sum(), inputs)
    touched = gradient[0].abs().sum(dim=0) > 0
    rows, columns = touched.any(dim=1).nonzero(), touched.any(dim=0).nonzero()
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def _averaging(trunk: nn.Module) -> nn.Module:
    """A copy through which every path from input to output has a gradient."""
    made = copy.deepcopy(trunk).float().eval()
    for parent in list(made.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, _NORMS):
                setattr(parent, name, nn.Identity())
            elif isinstance(child, nn.MaxPool2d):  # its gradient would take one of the equal cells alone
                pool = nn.AvgPool2d(child.kernel_size, child.stride, child.padding, child.ceil_mode)
                setattr(parent, name, pool)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.fill_(1 / parameter[0].numel() if parameter.ndim > 1 else 0.0)
    return made
