"""A trained Connect Four model as one file that Kaggle's ConnectX runs: the agent with the weights inside."""

import base64
import io
import textwrap
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agents.outside import connectx_agent
from agents.runs.model import ModelHeader, load_model
from networks.config import NetworkConfig

_PLACEHOLDER = 'WEIGHTS = ""\n'
_LINE = 108  # characters of packed weights


def agent_source(model: Path) -> str:
    """The text of the agent's file. Raises: ValueError for a model that it cannot run; FileNotFoundError."""
    header, tensors = load_model(model)
    config = _checked(model, header)
    weights = packed(exported({name: tensor.float().numpy() for name, tensor in tensors.items()}, config))
    source = Path(connectx_agent.__file__).read_text(encoding="utf-8")
    assert source.count(_PLACEHOLDER) == 1
    lines = "\n".join(f'    "{line}"' for line in textwrap.wrap(weights, _LINE))
    return source.replace(_PLACEHOLDER, f"WEIGHTS = (  # of {model.name}, step {header.step:,}\n{lines}\n)\n")


def exported(
    tensors: Mapping[str, NDArray[np.float32]], config: NetworkConfig
) -> dict[str, NDArray[np.float32]]:
    """Arrays with the names and shapes that `connectx_agent.Network` wants: weights are [inputs, outputs]."""
    theirs = {"stem": "trunk.stem.conv", "policy": "head.policy.1.policy", "value": "head.value.2.value"}
    theirs |= {f"{head}_squeeze": f"head.{head}.0.layer.conv" for head in ("policy", "value")}
    for block in range(config.blocks):
        theirs[f"block{block}.first"] = f"trunk.tower.block{block + 1}.first.conv"
        theirs[f"block{block}.second"] = f"trunk.tower.block{block + 1}.conv"
    for layer in range(len(config.hidden_sizes)):
        theirs[f"hidden{layer}"] = f"head.value.1.layers.hidden{layer + 1}.linear"
    arrays = {}
    for name, module in theirs.items():
        arrays[f"{name}.weight"] = _as_matrix(tensors[f"{module}.weight"])
        arrays[f"{name}.bias"] = tensors[f"{module}.bias"]
    return arrays


def packed(arrays: Mapping[str, NDArray[np.float32]]) -> str:
    """Half precision, compressed, as base64: what `connectx_agent.unpacked` reads."""
    content = io.BytesIO()
    np.savez_compressed(
        content, allow_pickle=False, **{name: a.astype(np.float16) for name, a in arrays.items()}
    )
    return base64.b64encode(content.getvalue()).decode("ascii")


def _checked(model: Path, header: ModelHeader) -> NetworkConfig:
    if (header.kind, header.subject) != ("board_value", "connect_four"):
        raise ValueError(
            f"{model} is a {header.kind} model for {header.subject}; "
            "ConnectX needs a board_value model for connect_four (train_board_value.py connect_four)"
        )
    config = NetworkConfig.from_json(header.network)
    found = (config.trunk, config.head, config.activation, config.norm)
    if found != ("board_resnet", "policy_value", "relu", "none"):
        raise ValueError(
            f"{model}: the agent can run board_resnet, policy_value, relu without norm, not {' '.join(found)}"
        )
    return config


def _as_matrix(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of a convolution [out, in, h, w] or a dense layer [out, in]: [h * w * in, out]."""
    if weight.ndim == 4:
        weight = weight.transpose(0, 2, 3, 1)
    return weight.reshape(len(weight), -1).T
