"""The multilayer perceptron (Rumelhart, Hinton & Williams 1986): dense layers, each with a non-linearity.

The perceptron (Rosenblatt 1958) is the case of no hidden layer: features go straight to the weighted sum of a
head. It separates classes by one hyperplane, so XOR is beyond it (Minsky & Papert 1969); one hidden layer is
enough.
"""

import itertools
import math
from collections.abc import Sequence

from torch import Tensor, nn

from networks.blocks import Style, dense_layer


class MLP(nn.Module):
    """Dense hidden layers on a flattened obs: [B, *input_shape] -> [B, num_features].

    Args:
        input_shape: of one obs, without the batch.
        hidden_sizes: width of each hidden layer; () passes the flat obs on unchanged.
        spread: begin the first layer as raw numbers want it (`networks.blocks.dense_layer`).
    """

    def __init__(
        self, input_shape: Sequence[int], hidden_sizes: Sequence[int], style: Style, *, spread: bool = False
    ) -> None:
        super().__init__()
        sizes = [math.prod(input_shape), *hidden_sizes]
        self.layers = nn.Sequential()
        for depth, (inputs, outputs) in enumerate(itertools.pairwise(sizes), start=1):
            layer = dense_layer(inputs, outputs, style, spread=spread and depth == 1)
            self.layers.add_module(f"hidden{depth}", layer)
        self.num_features = sizes[-1]

    def forward(self, obs: Tensor) -> Tensor:
        """[B, *input_shape] -> [B, num_features]."""
        features: Tensor = self.layers(obs.flatten(1))
        return features
