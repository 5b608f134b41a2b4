"""Memory over time: SimpleRNN and LSTM cores whose state goes in and comes out explicitly.

Time comes first: features are [T, B, F], `starts` is bool[T, B], and starts[t, b] says that obs t is the
first of an episode, so that the state before it is zeroed exactly. The state is one tensor [parts, B, M]: it
can be stored, sliced by batch and sent back in. T steps in one call equal T calls of one step.
"""

import torch
from torch import Tensor, nn

LONGEST_MEMORY_STEPS = 100  # of a fresh LSTM's slowest unit: chrono initialisation (Tallec & Ollivier 2018)


class Memory(nn.Module):
    """What SimpleRNN and LSTM share: the start mask and the cut of a window into runs without a start inside.

    torch's fused kernels know no mask, so each run is one fused call; the usual window (a start at its
    beginning, if any) is a single one.
    """

    parts: int  # tensors [B, M] that make up the state

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.num_features = size

    def forward(self, features: Tensor, state: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """Carry the state through T steps.

        Args:
            features: float[T, B, F].
            state: float[parts, B, M], from the step before the first one.
            starts: bool[T, B]; True where an episode begins.
        Returns: (float[T, B, M], the state after the last step).
        Raises: ValueError when shapes disagree.
        """
        self._check(features, state, starts)
        begins = [0] + [t for t in starts.any(dim=1).nonzero().flatten().tolist() if t > 0]
        outputs = []
        for begin, end in zip(begins, [*begins[1:], len(features)], strict=True):
            state = state.masked_fill(starts[begin].view(1, -1, 1), 0.0)
            output, state = self._run(features[begin:end], state)
            outputs.append(output)
        return torch.cat(outputs), state

    def initial_state(self, batch: int) -> Tensor:
        """Zeros [parts, batch, M] in the dtype and on the device of the weights."""
        return next(self.parameters()).new_zeros(self.parts, batch, self.num_features)

    def _run(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """[T, B, F] without a start after the first step, and the state before it -> outputs, state."""
        raise NotImplementedError

    def _check(self, features: Tensor, state: Tensor, starts: Tensor) -> None:
        if features.ndim != 3 or len(features) == 0 or features.shape[2] != self.inputs:
            raise ValueError(f"features must be [T >= 1, B, {self.inputs}], got {list(features.shape)}")
        steps, batch = features.shape[:2]
        if starts.shape != (steps, batch) or starts.dtype != torch.bool:
            raise ValueError(f"starts must be bool[{steps}, {batch}], got {starts.dtype}{list(starts.shape)}")
        if state.shape != (self.parts, batch, self.num_features):
            wanted = [self.parts, batch, self.num_features]
            raise ValueError(f"state must be {wanted}, got {list(state.shape)}")


class SimpleRNN(Memory):
    """h' = tanh(W x + U h + b): the state is the last output (Elman 1990). State [1, B, M].

    Its gradient is multiplied by U and tanh' at every step back in time, so that it forgets over long gaps.
    """

    parts = 1

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__(inputs, size)
        self.cell = nn.RNN(inputs, size)
        _initialise(self.cell)

    def _run(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        output: Tensor
        output, state = self.cell(features, state)
        return output, state


class LSTM(Memory):
    """Long short-term memory (Hochreiter & Schmidhuber 1997; forget gate: Gers et al. 2000).

    Input, forget and output gate i, f, o = sigmoid(W x + U h + b) and candidate g = tanh(W x + U h + b) make
    c' = f * c + i * g and h' = o * tanh(c'). What the forget gate keeps passes on unchanged, and so does its
    gradient. State [2, B, M]: the output h and the cell c.
    """

    parts = 2

    def __init__(self, inputs: int, size: int) -> None:
        super().__init__(inputs, size)
        self.cell = nn.LSTM(inputs, size)
        _initialise(self.cell)
        # Each unit has its own time scale, fast to slow: f = 1 - 1 / steps and i = 1 / steps without input
        steps = torch.linspace(2, LONGEST_MEMORY_STEPS, size)
        bias = self.cell.get_parameter("bias_ih_l0").detach()  # a view [4 * M], gates in order i, f, g, o
        bias[:size] = -(steps - 1).log()
        bias[size : 2 * size] = (steps - 1).log()

    def _run(self, features: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        output, (hidden, cell) = self.cell(features, (state[0:1], state[1:2]))
        return output, torch.cat([hidden, cell])


def _initialise(cell: nn.RNNBase) -> None:
    """Orthogonal recurrent weights, gate by gate, Xavier input weights, biases 0."""
    for name, parameter in cell.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
            continue
        for gate in torch.split(parameter.detach(), cell.hidden_size):  # views: drawn in place
            if name.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            else:
                nn.init.xavier_uniform_(gate)
