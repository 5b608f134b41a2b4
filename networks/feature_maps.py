"""What a network has learned and what it sees, as arrays: kernels, feature maps of every layer, saliency.

Everything is read in eval mode (running statistics, no dropout) without touching weights, gradients or
statistics, and each module's mode is put back. Nothing is drawn here.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from networks.blocks import as_floats
from networks.build import Network, Output, RecurrentNetwork
from networks.lstm import Memory

_SILENT_LAYERS = (
    nn.Identity,
    nn.Dropout,
    nn.Sequential,
)  # in eval mode (or empty) they pass on what they get
BOARD_SIDE_MAX = 16  # planes no larger than this are boards, whose cells are hidden one by one
BLUR, SPOT = 3, 5.0  # pixels: standard deviations of the blur and of the spot (Greydanus et al. 2018)


def kernels(network: nn.Module) -> NDArray[np.float32]:
    """The kernels of the first convolution: float32[out, in, kh, kw].

    Raises: ValueError when the network has no convolution.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            return _array(module.weight)
    raise ValueError(f"kernels: {type(network).__name__} has no convolution, so no kernels to show")


def feature_maps(network: Network | RecurrentNetwork, obs: Tensor) -> dict[str, NDArray[np.float32]]:
    """What each layer makes of a batch, in the order of computation: shallow, deep, output.

    Args:
        network: of `networks.build.build`, without or with memory.
        obs: [B, *input_shape]; with memory [T, B, *input_shape], an episode from its first step on.
    Returns: the layers' outputs by module path ("trunk.layer1.conv": [B, C, H, W], dense ones [B, F]), then
        "output.q" [B, A] | "output.logits" [B, A] and "output.value" [B] | "output.value" [B]. With memory
        the trunk's layers have T * B rows, those of memory and head [T, B, ...].
    """
    maps: dict[str, NDArray[np.float32]] = {}
    with _eval_mode(network), torch.no_grad(), _hooks(network, maps):
        output = _output(network, obs)
    if isinstance(output, tuple):
        maps["output.logits"], maps["output.value"] = _array(output[0]), _array(output[1])
    else:
        maps[f"output.{network.config.head}"] = _array(output)
    return maps


class Landmarks(NamedTuple):
    """The layers of a network that are worth a look, by their names in `feature_maps`."""

    shallow: str
    deep: str
    dense: str | None  # the last hidden layer without an extent


def landmarks(maps: Mapping[str, NDArray[np.float32]]) -> Landmarks:
    """The first and last layer of planes in the trunk (else of the hidden layers), and the last dense one.

    Args:
        maps: `feature_maps` of one sample: [C, H, W] or [F].
    """
    hidden = [name for name in maps if not name.startswith(("output.", "head.")) or "activation" in name]
    hidden = [name for name in hidden if name.endswith("activation")] or hidden
    planes = [name for name in hidden if maps[name].ndim == 3 and name.startswith("trunk.")] or hidden
    dense = [name for name in hidden if maps[name].ndim < 3]
    return Landmarks(planes[0], planes[-1], dense[-1] if dense else None)


def saliency(
    network: Network | RecurrentNetwork, obs: Tensor, output_index: int | None
) -> NDArray[np.float32]:
    """How much each input moves one output: its gradient with respect to obs (Simonyan et al. 2014).

    Args:
        network: of `networks.build.build`, without or with memory.
        obs: as for `feature_maps`. The gradient is per unit of what the network computes with: of the
            image scaled to [0, 1] where the pixels are uint8.
        output_index: the action whose Q value or logit is meant; None for the value of a head that has one.
    Returns: float32 in the shape of obs. With memory: of the output summed over the steps.
    Raises: ValueError for an action outside the head, or None without a value.
    """
    parameter = next(network.parameters())
    inputs = as_floats(obs.detach(), parameter.dtype).requires_grad_()
    # cudnn's recurrent kernels refuse a backward pass in eval mode; torch's own do not
    with _eval_mode(network), torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        chosen = _choose(network, _output(network, inputs), output_index)
        (gradient,) = torch.autograd.grad(chosen.sum(), inputs)
    return _array(gradient)


def perturbation_saliency(
    network: Network, obs: Tensor, output_index: int | None, *, every: int = 5
) -> NDArray[np.float32]:
    """How far one output moves when a spot of the input is hidden: needs no gradient, only answers.

    Frames are blurred around the spot, as in Greydanus et al. 2018 (arXiv:1711.00138); of planes no larger
    than a board one cell is emptied in all planes (Zeiler & Fergus 2014).

    Args:
        network: without memory, of planes.
        obs: [1, C, H, W].
        output_index: as for `saliency`.
        every: pixels between the spots of a frame.
    Returns: float32[h, w], one number for each spot, row by row from the upper left.
    Raises: ValueError as `saliency`, or unless obs is [1, C, H, W].
    """
    if obs.ndim != 4 or len(obs) != 1:
        raise ValueError(f"obs must be [1, C, H, W], got {list(obs.shape)}")
    plain = as_floats(obs.detach(), next(network.parameters()).dtype)
    hidden, shape = _emptied(plain) if max(obs.shape[2:]) <= BOARD_SIDE_MAX else _blurred(plain, every)
    with _eval_mode(network), torch.inference_mode():
        outputs = _choose(network, network(torch.cat([plain, hidden])), output_index)
    return _array((outputs[1:] - outputs[0]).abs()).reshape(shape)


def _emptied(obs: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """[H * W, C, H, W], one cell empty in each; and (H, W)."""
    height, width = obs.shape[2:]
    kept = 1 - torch.eye(height * width, dtype=obs.dtype).reshape(-1, 1, height, width)
    return obs * kept, (height, width)


def _blurred(obs: Tensor, every: int) -> tuple[Tensor, tuple[int, int]]:
    """[h * w, C, H, W], a round spot blurred in each; and (h, w)."""
    height, width = obs.shape[2:]
    reach = torch.arange(-3 * BLUR, 3 * BLUR + 1, dtype=obs.dtype)
    weights = torch.exp(-(reach**2) / (2 * BLUR**2))
    weights = (weights / weights.sum()).reshape(1, 1, -1, 1)
    planes = functional.pad(obs.transpose(0, 1), (3 * BLUR,) * 4, mode="replicate")
    soft = functional.conv2d(functional.conv2d(planes, weights), weights.transpose(2, 3)).transpose(0, 1)
    rows, columns = torch.arange(every // 2, height, every), torch.arange(every // 2, width, every)
    down = torch.exp(-((torch.arange(height) - rows[:, None]) ** 2) / (2 * SPOT**2))  # [h, H]
    across = torch.exp(-((torch.arange(width) - columns[:, None]) ** 2) / (2 * SPOT**2))  # [w, W]
    spots = (down[:, None, :, None] * across[None, :, None, :]).reshape(-1, 1, height, width).to(obs.dtype)
    return obs + spots * (soft - obs), (len(rows), len(columns))


def _output(network: Network | RecurrentNetwork, obs: Tensor) -> Output:
    if isinstance(network, Network):
        output: Output = network(obs)
        return output
    starts = torch.zeros(obs.shape[:2], dtype=torch.bool, device=obs.device)
    output, _ = network(obs, network.initial_state(obs.shape[1]), starts)
    return output


def _choose(network: Network | RecurrentNetwork, output: Output, index: int | None) -> Tensor:
    """One number of each sample's output."""
    actions, value = output if isinstance(output, tuple) else (output, output)
    head, num_actions = network.config.head, network.config.num_actions
    if index is None:
        if head == "q":
            raise ValueError(f"output_index must be an action in [0, {num_actions}) with head 'q', got None")
        return value
    if not 0 <= index < num_actions:
        allowed = "None" if head == "value" else f"in [0, {num_actions})"
        raise ValueError(f"output_index must be {allowed} with head {head!r}, got {index}")
    return actions[..., index]


@contextmanager
def _eval_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode inside, each module's own mode afterwards: what was frozen alone stays frozen."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, training in modes.items():
            module.training = training


@contextmanager
def _hooks(network: nn.Module, maps: dict[str, NDArray[np.float32]]) -> Iterator[None]:
    """Copy the output of each layer into `maps` as it is computed."""
    handles = [module.register_forward_hook(_recorder(name, maps)) for name, module in _layers(network)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _recorder(name: str, maps: dict[str, NDArray[np.float32]]) -> Callable[[nn.Module, object, object], None]:
    def record(module: nn.Module, inputs: object, output: object) -> None:
        first = output[0] if isinstance(output, tuple) else output  # a memory also returns its state
        assert isinstance(first, Tensor)
        maps[name] = _array(first)

    return record


def _layers(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules that compute something themselves; a memory counts as one, whatever it is made of."""
    inside_memory = {
        part for memory in network.modules() if isinstance(memory, Memory) for part in memory.children()
    }
    for name, module in network.named_modules():
        alone = isinstance(module, Memory) or not any(module.children())
        if alone and module not in inside_memory and not isinstance(module, _SILENT_LAYERS):
            yield name, module


def _array(tensor: Tensor) -> NDArray[np.float32]:
    """A copy in float32."""
    return np.array(tensor.detach().float().cpu().numpy())
