"""Saliency by perturbation, and the sanity check of both kinds: random weights must give another picture."""

import copy

import numpy as np
import pytest
import torch

from networks.build import Network, build
from networks.config import NetworkConfig
from networks.feature_maps import landmarks, perturbation_saliency, saliency


def frames(**fields: object) -> Network:
    torch.manual_seed(0)
    config = NetworkConfig(
        trunk="nature_cnn", input_shape=(2, 84, 84), head="q", num_actions=3, hidden_sizes=(16,), **fields
    )  # type: ignore[arg-type]
    network = build(config)
    assert isinstance(network, Network)
    return network


class Watcher(torch.nn.Module):
    """A network by hand, whose only output is the mean of a patch of the newest frame."""

    def __init__(self, side: int, rows: slice, columns: slice) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))
        self.config = NetworkConfig(
            trunk="mlp", input_shape=(2, side, side), head="q", num_actions=2, hidden_sizes=(2,)
        )
        self.rows, self.columns = rows, columns

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        patch = obs[:, -1, self.rows, self.columns].mean(dim=(1, 2)) * self.scale
        return torch.stack([patch, 0 * patch], dim=1)


def test_blurred_spots_matter_where_the_network_looks_and_nowhere_else() -> None:
    watcher = Watcher(84, slice(20, 30), slice(50, 60))
    torch.manual_seed(0)
    obs = (255 * (torch.rand(1, 2, 84, 84) > 0.9)).to(torch.uint8)
    heat = perturbation_saliency(watcher, obs, 0)  # type: ignore[arg-type]
    assert heat.shape == (17, 17)
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert 15 <= 5 * row + 2 <= 35
    assert 45 <= 5 * column + 2 <= 65
    far = heat[10:, :6]
    assert far.max() < 1e-3 * heat.max()
    assert not perturbation_saliency(watcher, obs, 1).any()  # type: ignore[arg-type]


def test_emptying_a_cell_of_a_board_moves_the_output_by_that_cell() -> None:
    watcher = Watcher(6, slice(2, 3), slice(4, 5))
    obs = torch.zeros(1, 2, 6, 6)
    obs[0, 1, 2, 4] = obs[0, 1, 3, 3] = 1
    expected = np.zeros((6, 6), np.float32)
    expected[2, 4] = 1
    np.testing.assert_allclose(perturbation_saliency(watcher, obs, 0), expected)  # type: ignore[arg-type]


def ranks(values: np.ndarray) -> np.ndarray:
    """Of the middle of a map: at the border fewer kernels meet, whatever their weights."""
    rows, columns = (slice(side // 4, side - side // 4) for side in values.shape)
    return values[rows, columns].ravel().argsort().argsort().astype(float)


@pytest.mark.parametrize("kind", ["gradient", "perturbation"])
def test_random_weights_give_another_saliency_and_the_same_weights_the_same(kind: str) -> None:
    """Adebayo et al. 2018: a map that random weights do not change shows the input, not the network."""
    torch.manual_seed(3)
    obs = (255 * (torch.rand(1, 2, 84, 84) > 0.8)).to(torch.uint8)

    def heat(network: Network) -> np.ndarray:
        if kind == "perturbation":
            return perturbation_saliency(network, obs, 1)
        return np.abs(saliency(network, obs, 1))[0].sum(axis=0)

    network = frames()
    randomised = copy.deepcopy(network)
    torch.manual_seed(9)
    for parameter in randomised.parameters():
        parameter.data = torch.randn_like(parameter) * parameter.std().nan_to_num(0.1)
    same, other = heat(copy.deepcopy(network)), heat(randomised)
    np.testing.assert_array_equal(heat(network), same)
    assert abs(np.corrcoef(ranks(same), ranks(other))[0, 1]) < 0.5


def test_perturbation_needs_planes_one_sample_and_an_output() -> None:
    with pytest.raises(ValueError, match=r"\[1, C, H, W\]"):
        perturbation_saliency(frames(), torch.zeros(2, 2, 84, 84), 0)
    with pytest.raises(ValueError, match="got 3"):
        perturbation_saliency(frames(), torch.zeros(1, 2, 84, 84), 3)


def test_landmarks_are_the_first_and_last_planes_and_the_last_dense_layer() -> None:
    planes, vector = np.zeros((2, 3, 3), np.float32), np.zeros(4, np.float32)
    maps = {
        "trunk.a.conv": planes,
        "trunk.a.activation": planes,
        "trunk.b.activation": planes,
        "trunk.dense.activation": vector,
        "head.q": vector,
        "output.q": vector,
    }
    assert tuple(landmarks(maps)) == ("trunk.a.activation", "trunk.b.activation", "trunk.dense.activation")
    only_dense = {"trunk.h1.activation": vector, "trunk.h2.activation": vector, "output.q": vector}
    assert tuple(landmarks(only_dense)) == (
        "trunk.h1.activation",
        "trunk.h2.activation",
        "trunk.h2.activation",
    )
