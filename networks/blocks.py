"""The small parts of every trunk: activation, normalisation, dropout, pooling, the residual block.

A hidden layer is always weights -> norm -> activation -> dropout; `dense_layer` and `conv_layer` are the two
forms. Weights start orthogonal or He-normal by the activation that follows, biases at 0 (but for
the first `dense_layer` on raw numbers), drawn from torch's global generator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from networks.config import ACTIVATIONS, NORMS, check_choice
from networks.noisy import NoisyLinear

OUTPUT_GAIN = 0.1  # of output layers: first estimates lie near 0, first policies near uniform

_ACTIVATION_MODULES: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "identity": nn.Identity,
}

_ORTHOGONAL_GAINS = {"tanh": 5 / 3, "sigmoid": 1.0, "identity": 1.0}  # as torch.nn.init.calculate_gain


@dataclass(frozen=True, slots=True)
class Style:
    """What all hidden layers of a network share; the names are those of `NetworkConfig`."""

    activation: str = "relu"
    norm: str = "none"
    dropout: float = 0.0  # of dense layers
    noisy: bool = False  # dense layers


def activation(name: str) -> nn.Module:
    """The non-linearity between layers, by name.

    Raises: ValueError for a name outside `networks.config.ACTIVATIONS`.
    """
    check_choice("activation", name, ACTIVATIONS)
    return _ACTIVATION_MODULES[name]()


def norm_layer(kind: str, size: int, *, dimensions: int) -> nn.Module:
    """Batch or layer normalisation of `size` features (dimensions=1) or of planes with `size` channels (2).

    `batch`: each feature or channel over the batch in training, by its running statistics in eval mode
    (Ioffe & Szegedy 2015). `layer`: each sample over its own features, or over channels and cells together
    (Ba et al. 2016), the same in both modes. `none`: the identity.
    """
    check_choice("norm", kind, NORMS)
    if kind == "batch":
        return nn.BatchNorm1d(size) if dimensions == 1 else nn.BatchNorm2d(size)
    if kind == "layer":
        return nn.LayerNorm(size) if dimensions == 1 else nn.GroupNorm(1, size)
    return nn.Identity()


def initialise(layer: nn.Linear | nn.Conv2d, activation_name: str) -> None:
    """Draw a layer's weights for the activation that follows, in place; biases become 0.

    Orthogonal with the matching gain before a saturating or no activation (Saxe et al. 2014), He-normal
    before the ReLU family (He et al. 2015): the signal keeps its size from layer to layer.
    """
    if activation_name in _ORTHOGONAL_GAINS:
        nn.init.orthogonal_(layer.weight, _ORTHOGONAL_GAINS[activation_name])
    else:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def output_layer(inputs: int, outputs: int, *, noisy: bool = False) -> nn.Linear:
    """A last layer, small at the start (`OUTPUT_GAIN`): [B, inputs] -> [B, outputs]."""
    layer = _linear(inputs, outputs, noisy=noisy)
    nn.init.orthogonal_(layer.weight, OUTPUT_GAIN)
    nn.init.zeros_(layer.bias)
    return layer


def dense_layer(inputs: int, outputs: int, style: Style, *, spread: bool = False) -> nn.Sequential:
    """A fully connected hidden layer: [B, inputs] -> [B, outputs].

    With `spread` a ReLU layer starts as torch starts every dense layer, weights and biases uniform in
    +-1 / sqrt(inputs). With biases of 0 all kinks of a first layer on raw numbers go through the origin,
    where the observations of many control tasks lie: DQN then learns CartPole more slowly.
    """
    linear = _linear(inputs, outputs, noisy=style.noisy)
    if spread and style.activation not in _ORTHOGONAL_GAINS:
        linear.reset_parameters()
    else:
        initialise(linear, style.activation)
    layer = nn.Sequential()
    layer.add_module("linear", linear)
    layer.add_module("norm", norm_layer(style.norm, outputs, dimensions=1))
    layer.add_module("activation", activation(style.activation))
    layer.add_module("dropout", nn.Dropout(style.dropout))
    return layer


class StridedConv2d(nn.Conv2d):
    """`nn.Conv2d`, quicker on a CPU where its stride is above 1: the same sums in another shape.

    With channels last, S neighbouring columns of C channels lie in memory as one column of S * C. Seen so, a
    kernel of k columns and stride S has k / S columns and stride 1, and vectors are full even where C is 4.
    Measured on a Xeon with AMX: six tenths of the time of a DQN's first layer, forth and back in bfloat16.
    """

    def forward(self, planes: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, out_channels, H', W']."""
        (rows, columns), width = self.stride, planes.shape[-1]
        folds = (
            planes.device.type == "cpu"
            and planes.is_contiguous(memory_format=torch.channels_last)
            and width % columns == 0
            and self.kernel_size[1] % columns == 0
            and (self.padding, self.dilation, self.groups) == ((0, 0), (1, 1), 1)
        )
        if not folds:
            return super().forward(planes)
        seen, weight = (
            x.permute(0, 2, 3, 1)
            .reshape(len(x), x.shape[2], -1, columns * self.in_channels)
            .permute(0, 3, 1, 2)
            for x in (planes, self.weight)
        )  # [B, S * C, H, W / S] and [out_channels, S * C, k, k / S]
        return nn.functional.conv2d(seen, weight, self.bias, stride=(rows, 1))


def conv_layer(
    inputs: int, outputs: int, kernel: int, style: Style, *, stride: int = 1, padding: int = 0
) -> nn.Sequential:
    """A convolutional hidden layer: [B, inputs, H, W] -> [B, outputs, H', W'], without dropout."""
    kind = nn.Conv2d if stride == 1 else StridedConv2d
    conv = kind(inputs, outputs, kernel, stride, padding)
    initialise(conv, style.activation)
    layer = nn.Sequential()
    layer.add_module("conv", conv)
    layer.add_module("norm", norm_layer(style.norm, outputs, dimensions=2))
    layer.add_module("activation", activation(style.activation))
    return layer


def max_pool(size: int = 2) -> nn.MaxPool2d:
    """Keep the largest of each size x size patch: [B, C, H, W] -> [B, C, H // size, W // size]."""
    return nn.MaxPool2d(size)


def fold_batch_norm(network: nn.Module) -> None:
    """Let weights do what a batch norm behind them does, in place: the same outputs, sooner.

    Args:
        network: in eval mode, and so for good. A norm before its weights stays, and one behind noisy ones.
    """
    for module in list(network.modules()):
        names = [name for name, _ in module.named_children()]
        for name, after in pairwise(names):
            layer, norm = getattr(module, name), getattr(module, after)
            if isinstance(layer, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(module, name, fuse_conv_bn_eval(layer, norm))
            elif type(layer) is nn.Linear and isinstance(norm, nn.BatchNorm1d):
                setattr(module, name, fuse_linear_bn_eval(layer, norm))
            else:
                continue
            setattr(module, after, nn.Identity())


class ResidualBlock(nn.Module):
    """activation(x + conv(conv_layer(x))), 3x3 and of one width: [B, C, H, W] -> [B, C, H, W].

    Each block begins as the identity (after ReLU), so that depth costs nothing: the last norm's scale starts
    at 0 (Goyal et al. 2017), or without a norm the second convolution (Zhang et al. 2019, "Fixup"). Source:
    He et al. 2016.
    """

    def __init__(self, channels: int, style: Style) -> None:
        super().__init__()
        self.first = conv_layer(channels, channels, 3, style, padding=1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = norm_layer(style.norm, channels, dimensions=2)
        self.activation = activation(style.activation)
        initialise(self.conv, style.activation)
        for parameter in (self.conv if style.norm == "none" else self.norm).parameters():
            nn.init.zeros_(parameter)

    def forward(self, planes: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        change: Tensor = self.norm(self.conv(self.first(planes)))
        result: Tensor = self.activation(planes + change)
        return result


class PreActivationBlock(nn.Module):
    """x + conv(conv_layer(activation(norm(x)))), 3x3 and of one width: [B, C, H, W] -> [B, C, H, W].

    Norm and activation stand before the weights, so that the sum passes on unchanged from block to block. The
    second convolution starts at 0: a fresh block is the identity. Source: He et al. 2016, "Identity mappings
    in deep residual networks".
    """

    def __init__(self, channels: int, style: Style) -> None:
        super().__init__()
        self.norm = norm_layer(style.norm, channels, dimensions=2)
        self.activation = activation(style.activation)
        self.first = conv_layer(channels, channels, 3, style, padding=1)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        for parameter in self.conv.parameters():
            nn.init.zeros_(parameter)

    def forward(self, planes: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        change: Tensor = self.conv(self.first(self.activation(self.norm(planes))))
        return planes + change


def as_floats(obs: Tensor, dtype: torch.dtype) -> Tensor:
    """An obs as the network computes with it: uint8 (pixels) is scaled to [0, 1], all else is cast.

    Frames are laid out with channels last, as convolutions want them: once, here, and not in the first layer
    and again on the way back.
    """
    if obs.dtype != torch.uint8:
        return obs.to(dtype)
    layout = torch.channels_last if obs.ndim == 4 else torch.contiguous_format
    return obs.to(dtype).contiguous(memory_format=layout).div_(255)


def _linear(inputs: int, outputs: int, *, noisy: bool) -> nn.Linear:
    return NoisyLinear(inputs, outputs) if noisy else nn.Linear(inputs, outputs)
