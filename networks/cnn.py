"""Convolutional trunks: NipsCNN, NatureCNN, ImpalaCNN for frames, ConvPool for images, BoardResNet: boards.

Planes are [B, C, H, W]. A network moved to `torch.channels_last` and to bfloat16 stays so throughout: nothing
here reorders or casts planes on the way.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from networks.blocks import (
    PreActivationBlock,
    ResidualBlock,
    Style,
    activation,
    conv_layer,
    max_pool,
    norm_layer,
)
from networks.mlp import MLP


class NipsCNN(nn.Module):
    """The first DQN network for Atari frames, without its output layer: [B, C, H, W] -> [B, num_features].

    A third of NatureCNN's multiplications.

    Args:
        input_shape: (C, H, W), H and W at least 20; DQN stacks four 84 x 84 grey frames.
        hidden_sizes: dense layers on top; (256,) in the paper.
    Source: Mnih et al. 2013, "Playing Atari with deep reinforcement learning" (NIPS workshop), section 4.1.
    """

    def __init__(self, input_shape: Sequence[int], hidden_sizes: Sequence[int], style: Style) -> None:
        super().__init__()
        channels = input_shape[0]  # 4 in the paper; its shapes:     4 x 84 x 84
        self.layer1 = conv_layer(channels, 16, 8, style, stride=4)  # 16 x 20 x 20
        self.layer2 = conv_layer(16, 32, 4, style, stride=2)  # ..... 32 x 9 x 9
        convolutions = nn.Sequential(self.layer1, self.layer2)
        self.dense = MLP(output_shape(convolutions, input_shape), hidden_sizes, style)  # 2592 -> 256
        self.num_features = self.dense.num_features

    def forward(self, frames: Tensor) -> Tensor:
        """float[B, C, H, W] -> [B, num_features]."""
        features: Tensor = self.dense(self.layer2(self.layer1(frames)))
        return features


class NatureCNN(nn.Module):
    """The DQN network for Atari frames, without its output layer: [B, C, H, W] -> [B, num_features].

    Args:
        input_shape: (C, H, W), H and W at least 36; DQN stacks four 84 x 84 grey frames.
        hidden_sizes: dense layers on top; (512,) in the paper.
    Source: Mnih et al. 2015, Nature 518:529, Methods.
    """

    def __init__(self, input_shape: Sequence[int], hidden_sizes: Sequence[int], style: Style) -> None:
        super().__init__()
        channels = input_shape[0]  # 4 in the paper; its shapes:     4 x 84 x 84
        self.layer1 = conv_layer(channels, 32, 8, style, stride=4)  # 32 x 20 x 20
        self.layer2 = conv_layer(32, 64, 4, style, stride=2)  # ..... 64 x 9 x 9
        self.layer3 = conv_layer(64, 64, 3, style)  # ............... 64 x 7 x 7
        convolutions = nn.Sequential(self.layer1, self.layer2, self.layer3)
        self.dense = MLP(output_shape(convolutions, input_shape), hidden_sizes, style)  # 3136 -> 512
        self.num_features = self.dense.num_features

    def forward(self, frames: Tensor) -> Tensor:
        """float[B, C, H, W] -> [B, num_features]."""
        planes = self.layer3(self.layer2(self.layer1(frames)))
        features: Tensor = self.dense(planes)
        return features


class ImpalaCNN(nn.Module):
    """A deep residual network for frames, without its output layer: [B, C, H, W] -> [B, num_features].

    Three stages of `channels`, twice and twice as many; each halves height and width, rounding up.

    Args:
        input_shape: (C, H, W) of any size; a side of 1 stays 1.
        hidden_sizes: dense layers on top; (256,) in the paper.
        channels: of the first stage; 16 in the paper.
    Source: Espeholt et al. 2018 (IMPALA), figure 3, without its LSTM.
    """

    def __init__(
        self, input_shape: Sequence[int], hidden_sizes: Sequence[int], style: Style, *, channels: int
    ) -> None:
        super().__init__()
        wide = 2 * channels  # 32 in the paper; shapes of 84 x 84 frames:  4 x 84 x 84
        self.stage1 = _impala_stage(input_shape[0], channels, style)  # 16 x 42 x 42
        self.stage2 = _impala_stage(channels, wide, style)  # ......... 32 x 21 x 21
        self.stage3 = _impala_stage(wide, wide, style)  # ............. 32 x 11 x 11
        self.norm = norm_layer(style.norm, wide, dimensions=2)  # of the last sum
        self.activation = activation(style.activation)
        stages = nn.Sequential(self.stage1, self.stage2, self.stage3)
        self.dense = MLP(output_shape(stages, input_shape), hidden_sizes, style)  # 3872 -> 256
        self.num_features = self.dense.num_features

    def forward(self, frames: Tensor) -> Tensor:
        """float[B, C, H, W] -> [B, num_features]."""
        planes = self.stage3(self.stage2(self.stage1(frames)))
        features: Tensor = self.dense(self.activation(self.norm(planes)))
        return features


def _impala_stage(inputs: int, outputs: int, style: Style) -> nn.Sequential:
    """[B, inputs, H, W] -> [B, outputs, ceil(H / 2), ceil(W / 2)]."""
    stage = nn.Sequential()
    stage.add_module("layer", conv_layer(inputs, outputs, 3, Style("identity"), padding=1))
    stage.add_module("pool", nn.MaxPool2d(3, stride=2, padding=1))
    stage.add_module("block1", PreActivationBlock(outputs, style))
    stage.add_module("block2", PreActivationBlock(outputs, style))
    return stage


class ConvPool(nn.Module):
    """The classic image classifier: (convolution -> activation -> max pooling) x blocks, then dense layers.

    Each stage doubles the channels and halves height and width: local edges first, then larger
    and larger shapes.
    Source: LeCun et al. 1998 (LeNet-5), with ReLU and max pooling as in Krizhevsky et al. 2012.
    """

    def __init__(
        self,
        input_shape: Sequence[int],
        hidden_sizes: Sequence[int],
        style: Style,
        *,
        channels: int,
        blocks: int,
    ) -> None:
        super().__init__()
        self.stages = nn.Sequential()
        inputs = input_shape[0]
        for stage in range(blocks):
            outputs = channels * 2**stage
            layer = conv_layer(inputs, outputs, 3, style, padding=1)  # outputs x H x W
            self.stages.add_module(f"layer{stage + 1}", layer)
            self.stages.add_module(f"pool{stage + 1}", max_pool())  # outputs x H // 2 x W // 2
            inputs = outputs
        self.dense = MLP(output_shape(self.stages, input_shape), hidden_sizes, style)
        self.num_features = self.dense.num_features

    def forward(self, images: Tensor) -> Tensor:
        """float[B, C, H, W] -> [B, num_features]."""
        features: Tensor = self.dense(self.stages(images))
        return features


class BoardResNet(nn.Module):
    """A residual tower on board planes: [B, C, H, W] -> [B, channels, H, W], the size of the board kept.

    Source: Silver et al. 2017, Nature 550:354 (AlphaGo Zero), narrower and shallower.
    """

    def __init__(self, input_shape: Sequence[int], style: Style, *, channels: int, blocks: int) -> None:
        super().__init__()
        self.stem = conv_layer(input_shape[0], channels, 3, style, padding=1)
        self.tower = nn.Sequential()
        for number in range(1, blocks + 1):
            self.tower.add_module(f"block{number}", ResidualBlock(channels, style))

    def forward(self, planes: Tensor) -> Tensor:
        """float[B, C, H, W] -> [B, channels, H, W]."""
        result: Tensor = self.tower(self.stem(planes))
        return result


def output_shape(layers: nn.Module, input_shape: Sequence[int]) -> tuple[int, ...]:
    """The shape, without the batch, that `layers` makes of one obs (running statistics stay as they are)."""
    was_training = layers.training
    layers.eval()
    with torch.no_grad():
        shape = layers(torch.zeros(1, *input_shape)).shape[1:]
    layers.train(was_training)
    return tuple(shape)
