"""Pixels scaled by our kernel: what torch's own passes give, whatever the layout."""

import numpy as np
import pytest
import torch

from agents.frames.scaling import network_input
from networks.blocks import as_floats
from networks.build import build
from networks.config import NetworkConfig

PIXELS = np.random.default_rng(0).integers(256, size=(7, 3, 20, 22), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_brightness_is_torchs_to_the_bit_with_channels_last(dtype: torch.dtype) -> None:
    frames = torch.arange(256, dtype=torch.uint8).reshape(4, 2, 4, 8)
    scaled = network_input(frames, dtype)
    assert scaled.dtype == dtype
    assert torch.equal(scaled, as_floats(frames, dtype))
    assert scaled.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    "frames",
    [PIXELS, PIXELS[:, :, 4:14], PIXELS[::2, :, :, ::-1].copy(), PIXELS.transpose(0, 1, 3, 2), PIXELS[:, :1]],
    ids=["plain", "cut", "every second", "turned", "one channel"],
)
def test_any_layout_of_the_bytes_will_do(frames: np.ndarray) -> None:
    pixels = torch.from_numpy(frames)
    torch.testing.assert_close(network_input(pixels, torch.float32), as_floats(pixels, torch.float32))


def test_rows_are_taken_in_their_order_and_may_come_twice() -> None:
    pixels, rows = torch.from_numpy(PIXELS), torch.tensor([4, 0, 4])
    assert torch.equal(network_input(pixels, torch.float32, rows), as_floats(pixels[rows], torch.float32))
    vectors = torch.randn(7, 3)
    assert torch.equal(network_input(vectors, torch.float32, rows), vectors[rows])


def test_steps_of_episodes_keep_their_axes() -> None:
    pixels = torch.from_numpy(PIXELS[:4].reshape(2, 2, *PIXELS.shape[1:]))
    scaled = network_input(pixels, torch.float32)
    assert torch.equal(scaled.flatten(0, 1), as_floats(pixels.flatten(0, 1), torch.float32))
    assert scaled.shape == pixels.shape


@pytest.mark.parametrize(
    "obs",
    [
        torch.randn(4, 3, 8, 8),
        torch.zeros(4, 6, dtype=torch.uint8),
        torch.zeros(1, 3, 8, 8, dtype=torch.uint8),
    ],
    ids=["floats", "vectors", "one frame"],
)
def test_what_is_no_batch_of_pictures_in_bytes_is_left_to_the_network(obs: torch.Tensor) -> None:
    assert network_input(obs, torch.bfloat16) is obs


def test_a_network_says_the_same_of_both() -> None:
    network = build(NetworkConfig(input_shape=(3, 20, 22), num_actions=4, trunk="nips_cnn", head="q"))
    pixels = torch.from_numpy(PIXELS)
    torch.testing.assert_close(network(network_input(pixels, torch.float32)), network(pixels))
