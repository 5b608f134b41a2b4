"""NetworkConfig: what it refuses, in which words, and that it survives JSON."""

import json
import subprocess
import sys
from typing import Any

import pytest
import torch

from networks.blocks import activation, norm_layer
from networks.build import build
from networks.config import ACTIVATIONS, NORMS, NetworkConfig, check_choice

GOOD: dict[str, Any] = {"trunk": "mlp", "input_shape": (4,), "head": "q", "num_actions": 2}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"hidden_sizes": ()},
        {"trunk": "nature_cnn", "input_shape": (4, 84, 84), "hidden_sizes": (512,), "dueling": True},
        {"trunk": "impala_cnn", "input_shape": (4, 84, 84), "hidden_sizes": (256,), "channels": 16},
        {"trunk": "conv_pool", "input_shape": (1, 28, 28), "channels": 8, "blocks": 2, "dropout": 0.25},
        {"trunk": "board_resnet", "input_shape": (3, 6, 7), "head": "policy_value", "norm": "batch"},
        {"head": "value", "num_actions": 0, "activation": "tanh", "norm": "layer"},
        {"memory": "lstm", "memory_size": 7, "noisy": True},
        {"distribution": "categorical", "atoms": 11, "value_min": 0, "value_max": 200.5, "dueling": True},
        {"distribution": "quantile", "atoms": 200},
    ],
)
def test_a_config_survives_json_text(changes: dict[str, Any]) -> None:
    config = NetworkConfig(**(GOOD | changes))
    assert NetworkConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"trunk": "natur_cnn"},
            r"NetworkConfig.trunk must be one of mlp, .* got 'natur_cnn' .*'nature_cnn'",
        ),
        ({"head": "policy"}, r"NetworkConfig.head must be one of q, policy_value, value, got 'policy'"),
        ({"activation": "rellu"}, r"NetworkConfig.activation must be one of relu, .*did you mean 'relu'"),
        ({"norm": "group"}, r"NetworkConfig.norm must be one of none, batch, layer, got 'group'"),
        ({"memory": "gru"}, r"NetworkConfig.memory must be one of none, simple_rnn, lstm, got 'gru'"),
        ({"input_shape": [4]}, r"NetworkConfig.input_shape must be a tuple of positive integers, got \[4\]"),
        (
            {"input_shape": (0,)},
            r"NetworkConfig.input_shape must be a tuple of positive integers, got \(0,\)",
        ),
        ({"input_shape": ()}, r"NetworkConfig.input_shape must be not empty with trunk 'mlp', got \(\)"),
        (
            {"trunk": "nature_cnn", "input_shape": (4, 35, 84)},
            r"NetworkConfig.input_shape must be \(C, H, W\), H and W at least 36 with trunk 'nature_cnn'",
        ),
        (
            {"trunk": "conv_pool", "input_shape": (1, 8, 7)},
            r"NetworkConfig.input_shape must be \(C, H, W\), H and W at least 8 with trunk 'conv_pool', got",
        ),
        ({"trunk": "board_resnet", "input_shape": (42,)}, r"NetworkConfig.input_shape must be \(C, H, W\)"),
        (
            {"trunk": "impala_cnn", "input_shape": (84, 84)},
            r"NetworkConfig.input_shape must be \(C, H, W\), H and W at least 1 with trunk 'impala_cnn', got",
        ),
        ({"num_actions": 0}, r"NetworkConfig.num_actions must be at least 1 with head 'q', got 0"),
        ({"num_actions": True}, r"NetworkConfig.num_actions must be an integer of at least 0, got True"),
        ({"head": "value"}, r"NetworkConfig.num_actions must be 0 with head 'value', got 2"),
        ({"hidden_sizes": (8, 0)}, r"NetworkConfig.hidden_sizes must be a tuple of positive integers"),
        ({"dropout": 1.0}, r"NetworkConfig.dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": "0.5"}, r"NetworkConfig.dropout must be in \[0, 1\), got '0.5'"),
        ({"dropout": float("nan")}, r"NetworkConfig.dropout must be in \[0, 1\), got nan"),
        ({"memory_size": 0}, r"NetworkConfig.memory_size must be an integer of at least 1, got 0"),
        ({"dueling": 1}, r"NetworkConfig.dueling must be True or False, got 1"),
        ({"head": "policy_value", "dueling": True}, r"NetworkConfig.dueling must be False with head"),
        ({"noisy": 1}, r"NetworkConfig.noisy must be True or False, got 1"),
        (
            {"head": "value", "num_actions": 0, "noisy": True},
            r"NetworkConfig.noisy must be False with head 'value', got True",
        ),
        (
            {"distribution": "categorial"},
            r"NetworkConfig.distribution must be one of none, categorical, quantile, .*'categorical'",
        ),
        (
            {"head": "policy_value", "distribution": "quantile"},
            r"NetworkConfig.distribution must be 'none' with head 'policy_value', got 'quantile'",
        ),
        ({"atoms": 1}, r"NetworkConfig.atoms must be an integer of at least 2, got 1"),
        ({"value_min": float("-inf")}, r"NetworkConfig.value_min must be a finite number, got -inf"),
        ({"value_max": "10"}, r"NetworkConfig.value_max must be a finite number, got '10'"),
        ({"value_min": 10.0}, r"NetworkConfig.value_max must be above value_min 10.0, got 10.0"),
        ({"channels": 0}, r"NetworkConfig.channels must be an integer of at least 1, got 0"),
        ({"blocks": 1.5}, r"NetworkConfig.blocks must be an integer of at least 1, got 1.5"),
        (
            {"trunk": "board_resnet", "input_shape": (3, 6, 7), "memory": "lstm"},
            r"NetworkConfig.memory must be 'none' with trunk 'board_resnet': .* got 'lstm'",
        ),
    ],
)
def test_each_bad_field_is_named_with_what_is_allowed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NetworkConfig(**(GOOD | changes))


def test_the_smallest_frames_that_are_allowed_can_be_built() -> None:
    for trunk, side in (
        ("nips_cnn", 20),
        ("nature_cnn", 36),
        ("impala_cnn", 1),
        ("conv_pool", 8),
        ("board_resnet", 1),
    ):
        network = build(NetworkConfig(**(GOOD | {"trunk": trunk, "input_shape": (1, side, side)})))
        assert network(torch.zeros(3, 1, side, side)).shape == (3, 2)


def test_json_from_before_a_field_existed_loads_with_what_it_meant_then() -> None:
    written = NetworkConfig(**GOOD).to_json()
    for name in ("noisy", "distribution", "atoms", "value_min", "value_max"):
        del written[name]
    loaded = NetworkConfig.from_json(written)
    assert (loaded.noisy, loaded.distribution) == (False, "none")
    names = {name for name, _ in build(loaded).named_parameters()}
    assert {"head.q.weight", "trunk.layers.hidden1.linear.bias"} < names


def test_json_with_an_unknown_or_a_missing_field_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"NetworkConfig field must be one of .* got 'hiden_sizes' .*'hidden_sizes'"
    ):
        NetworkConfig.from_json(GOOD | {"hiden_sizes": [8]})
    with pytest.raises(ValueError, match=r"missing trunk, num_actions; given: input_shape, head"):
        NetworkConfig.from_json({"input_shape": [4], "head": "q"})


def test_every_name_in_the_config_module_is_known_where_it_is_used() -> None:
    for name in ACTIVATIONS:
        activation(name)
    for name in NORMS:
        norm_layer(name, 3, dimensions=2)
    with pytest.raises(ValueError, match=r"activation must be one of relu, .*got 'mish'"):
        activation("mish")
    with pytest.raises(ValueError, match=r"norm must be one of none, batch, layer, got 'instance'"):
        norm_layer("instance", 3, dimensions=1)


def test_a_name_far_from_all_gets_no_hint() -> None:
    with pytest.raises(ValueError, match=r"colour must be one of red, green, got 'xyz'$"):
        check_choice("colour", "xyz", ("red", "green"))


def test_the_config_module_does_not_import_torch() -> None:
    code = "import sys, networks.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
