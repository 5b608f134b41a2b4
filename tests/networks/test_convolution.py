"""Convolution, pooling and the convolutional trunks."""

import numpy as np
import pytest
import torch
from torch import nn

from networks.blocks import (
    PreActivationBlock,
    ResidualBlock,
    StridedConv2d,
    Style,
    conv_layer,
    max_pool,
)
from networks.build import build
from networks.cnn import BoardResNet, ConvPool, ImpalaCNN, NatureCNN, NipsCNN
from networks.config import NORMS, NetworkConfig

IMAGE = ["0111000", "0011100", "0001110", "0001100", "0011000", "0110000", "1100000"]
KERNEL = ["101", "010", "101"]
CONVOLVED = ["14341", "12433", "12341", "13311", "33110"]


def digits(rows: list[str]) -> torch.Tensor:
    return torch.tensor([[float(digit) for digit in row] for row in rows])


def test_the_convolution_of_the_talk() -> None:
    layer = conv_layer(1, 1, 3, Style())
    with torch.no_grad():
        layer.conv.weight.copy_(digits(KERNEL))
        convolved = layer(digits(IMAGE).view(1, 1, 7, 7))
    assert torch.equal(convolved, digits(CONVOLVED).view(1, 1, 5, 5))


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("inputs", "kernel", "stride", "size", "padding"),
    [
        (4, 8, 4, (84, 84), 0),
        (3, 4, 2, (9, 12), 0),
        (3, 4, 2, (12, 9), 0),  # columns left over
        (3, 3, 2, (8, 8), 0),  # a kernel that the stride does not divide
        (3, 4, 2, (8, 8), 1),
        (2, 4, (1, 2), (8, 8), 0),
    ],
)
def test_a_strided_convolution_is_torchs_own_forth_and_back(
    inputs: int,
    kernel: int,
    stride: int | tuple[int, int],
    size: tuple[int, int],
    padding: int,
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> None:
    torch.manual_seed(0)
    ours = StridedConv2d(inputs, 6, kernel, stride, padding).to(dtype, memory_format=layout)
    planes = torch.randn(3, inputs, *size).to(dtype, memory_format=layout).requires_grad_()
    expected = nn.functional.conv2d(planes, ours.weight, ours.bias, stride, padding)
    got = ours(planes)
    torch.testing.assert_close(got, expected)
    slope = torch.randn_like(expected)
    leaves = (planes, ours.weight, ours.bias)
    slopes = (torch.autograd.grad(outputs, leaves, slope) for outputs in (got, expected))
    for mine, torchs in zip(*slopes, strict=True):
        torch.testing.assert_close(mine, torchs, rtol=0.02, atol=0.02 if dtype == torch.bfloat16 else 1e-3)


def test_a_convolution_is_a_sum_over_patches_and_channels() -> None:
    torch.manual_seed(0)
    layer = conv_layer(3, 2, 2, Style(activation="identity"), stride=2, padding=1)
    nn.init.normal_(layer.conv.bias)
    x = torch.randn(1, 3, 4, 5)
    padded = np.pad(x[0].numpy(), ((0, 0), (1, 1), (1, 1)))
    weight, bias = layer.conv.weight.detach().numpy(), layer.conv.bias.detach().numpy()
    expected = [
        [
            [(padded[:, r : r + 2, c : c + 2] * weight[o]).sum() + bias[o] for c in (0, 2, 4)]
            for r in (0, 2, 4)
        ]
        for o in (0, 1)
    ]
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), expected, atol=1e-5)


def test_max_pooling_keeps_the_largest_of_each_patch() -> None:
    pooled = max_pool()(torch.tensor([[1.0, 2, 5, 0, 9], [3, 4, 6, 7, 9], [8, 0, 1, 1, 9]]).view(1, 1, 3, 5))
    assert torch.equal(pooled, torch.tensor([[[[4.0, 7.0]]]]))


def test_the_first_dqn_network_has_the_paper_s_shapes_and_size() -> None:
    """676,144 weights below the output: counted by hand from the paper's layer sizes."""
    trunk = NipsCNN((4, 84, 84), (256,), Style())
    first = trunk.layer1(torch.zeros(2, 4, 84, 84))
    assert first.shape == (2, 16, 20, 20)
    assert trunk.layer2(first).shape == (2, 32, 9, 9)
    assert trunk(torch.zeros(2, 4, 84, 84)).shape == (2, 256)
    convolutions = 4 * 8 * 8 * 16 + 16 + 16 * 4 * 4 * 32 + 32
    assert sum(p.numel() for p in trunk.parameters()) == convolutions + 32 * 9 * 9 * 256 + 256 == 676_144


def test_the_nature_network_has_the_paper_s_shapes_and_size() -> None:
    """1,684,128 weights below the output: counted by hand from the paper's layer sizes."""
    trunk = NatureCNN((4, 84, 84), (512,), Style())
    frames = torch.zeros(2, 4, 84, 84)
    first, second = trunk.layer1(frames), trunk.layer2(trunk.layer1(frames))
    assert first.shape == (2, 32, 20, 20)
    assert second.shape == (2, 64, 9, 9)
    assert trunk.layer3(second).shape == (2, 64, 7, 7)
    assert trunk(frames).shape == (2, 512)
    convolutions = 4 * 8 * 8 * 32 + 32 + 32 * 4 * 4 * 64 + 64 + 64 * 3 * 3 * 64 + 64
    assert sum(p.numel() for p in trunk.parameters()) == convolutions + 64 * 7 * 7 * 512 + 512 == 1_684_128


def test_the_impala_network_has_the_paper_s_shapes_and_size() -> None:
    """15 convolutions of 97,744 weights, then a dense layer of 991,488: by hand from the paper's figure 3."""
    trunk = ImpalaCNN((4, 84, 84), (256,), Style(), channels=16)
    first = trunk.stage1(torch.zeros(2, 4, 84, 84))
    second = trunk.stage2(first)
    assert first.shape == (2, 16, 42, 42)
    assert second.shape == (2, 32, 21, 21)
    assert trunk.stage3(second).shape == (2, 32, 11, 11)
    assert trunk(torch.zeros(2, 4, 84, 84)).shape == (2, 256)
    stage1 = (4 * 9 * 16 + 16) + 4 * (16 * 9 * 16 + 16)
    stage2 = (16 * 9 * 32 + 32) + 4 * (32 * 9 * 32 + 32)
    stage3 = 5 * (32 * 9 * 32 + 32)
    assert sum(isinstance(module, nn.Conv2d) for module in trunk.modules()) == 15
    assert stage1 + stage2 + stage3 == 97_744
    assert sum(p.numel() for p in trunk.parameters()) == 97_744 + 11 * 11 * 32 * 256 + 256 == 1_089_232


def test_the_impala_network_computes_figure_3() -> None:
    torch.manual_seed(0)
    trunk = ImpalaCNN((2, 9, 7), (5,), Style(), channels=3)
    for parameter in trunk.parameters():
        nn.init.normal_(parameter, std=0.3)
    weights = iter(trunk.parameters())

    def conv(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.conv2d(x, next(weights), next(weights), padding=1)

    frames = torch.randn(2, 2, 9, 7)
    x = frames
    for _ in range(3):
        x = nn.functional.max_pool2d(conv(x), 3, 2, 1)
        for _ in range(2):
            x = x + conv(conv(x.relu()).relu())
    expected = nn.functional.linear(x.relu().flatten(1), next(weights), next(weights)).relu()
    torch.testing.assert_close(trunk(frames), expected)
    assert next(weights, None) is None


def test_a_conv_pool_halves_the_sides_and_doubles_the_channels() -> None:
    trunk = ConvPool((1, 29, 20), (10,), Style(), channels=4, blocks=2)
    assert trunk.stages(torch.zeros(2, 1, 29, 20)).shape == (2, 8, 7, 5)
    assert trunk(torch.zeros(2, 1, 29, 20)).shape == (2, 10)


def test_uint8_frames_give_the_same_as_frames_scaled_to_one() -> None:
    network = build(NetworkConfig(trunk="nature_cnn", input_shape=(1, 36, 36), head="q", num_actions=3))
    frames = torch.randint(0, 256, (2, 1, 36, 36), dtype=torch.uint8)
    before = frames.clone()
    torch.testing.assert_close(network(frames), network(frames.float() / 255))
    assert torch.equal(frames, before)


@pytest.mark.parametrize("norm", NORMS)
def test_a_fresh_residual_block_is_the_identity_on_what_relu_lets_through(norm: str) -> None:
    planes = torch.rand(2, 4, 3, 3)
    assert torch.equal(ResidualBlock(4, Style(norm=norm))(planes), planes)


def test_a_fresh_pre_activation_block_is_the_identity_below_zero_too() -> None:
    planes = torch.randn(2, 4, 3, 3)
    assert torch.equal(PreActivationBlock(4, Style())(planes), planes)


def test_a_pre_activation_block_normalises_before_each_convolution_and_leaves_the_sum_alone() -> None:
    block = PreActivationBlock(4, Style("tanh", "layer"))
    nn.init.normal_(block.conv.weight)
    planes = 5 * torch.randn(2, 4, 3, 3)

    def normalised(x: torch.Tensor) -> torch.Tensor:
        deviation = (x.var((1, 2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
        return (x - x.mean((1, 2, 3), keepdim=True)) / deviation

    change = planes
    for weight in (block.first.conv.weight, block.conv.weight):
        change = nn.functional.conv2d(normalised(change).tanh(), weight, padding=1)
    torch.testing.assert_close(block(planes), planes + change)


def test_a_residual_block_adds_its_input() -> None:
    block = ResidualBlock(4, Style())
    nn.init.normal_(block.conv.weight)
    planes = torch.randn(2, 4, 3, 3)
    change = nn.functional.conv2d(
        nn.functional.conv2d(planes, block.first.conv.weight, padding=1).relu(), block.conv.weight, padding=1
    )
    torch.testing.assert_close(block(planes), (planes + change).relu())


def test_a_board_tower_keeps_the_board_and_sees_one_cell_further_with_each_convolution() -> None:
    torch.manual_seed(0)
    trunk = BoardResNet((2, 9, 9), Style(activation="identity"), channels=8, blocks=1)
    nn.init.normal_(trunk.tower.block1.conv.weight)
    planes = torch.zeros(1, 2, 9, 9)
    changed = planes.clone()
    changed[0, 0, 4, 4] = 1
    difference = (trunk(changed) - trunk(planes)).abs().sum(dim=(0, 1)) > 0
    reach = torch.zeros(9, 9, dtype=torch.bool)
    reach[1:8, 1:8] = True  # three 3x3 convolutions: three cells each way
    assert torch.equal(difference, reach)


@pytest.mark.parametrize("trunk", ["board_resnet", "impala_cnn"])
@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_bfloat16_and_channels_last_change_the_speed_but_not_the_answer(norm: str, trunk: str) -> None:
    torch.manual_seed(0)
    network = build(
        NetworkConfig(
            trunk=trunk,
            input_shape=(3, 6, 7),
            head="policy_value",
            num_actions=7,
            norm=norm,
            channels=8,
        )
    ).eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1)
    planes = torch.randn(5, 3, 6, 7)
    with torch.no_grad():
        logits, value = network(planes)
        network.to(torch.bfloat16).to(memory_format=torch.channels_last)
        fast_logits, fast_value = network(planes)
    assert fast_logits.dtype == fast_value.dtype == torch.float32
    torch.testing.assert_close(fast_logits, logits, atol=0.03, rtol=0.05)
    torch.testing.assert_close(fast_value, value, atol=0.03, rtol=0.05)
