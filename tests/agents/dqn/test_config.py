"""Configs check themselves, name what is wrong, and count steps and updates over all envs."""

from dataclasses import replace

import pytest

from agents.dqn.config import DQNConfig, PQNConfig, config_from_json, due
from agents.dqn.presets import PRESETS, config_named


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("discount", 0.0),
        ("discount", 1.5),
        ("num_envs", 0),
        ("n_step", 0),
        ("batch_size", 2.5),
        ("learning_rate", 0.0),
        ("epsilon_end", -0.1),
        ("target_mix", 0.0),
        ("reward_clip", 0.0),
        ("clip_gradient_norm", -1.0),
        ("burn_in", -1),
        ("optimiser", "adamm"),
        ("memory", "gru"),
        ("loss", "hubert"),
        ("precision", "float16"),
        ("device", "gpu"),
        ("trunk", "resnet"),
        ("env_id", ""),
        ("replay_size", 10),
        ("learning_starts", 1_000_000),
    ],
)
def test_a_wrong_field_is_named_with_what_is_allowed(field, value):
    with pytest.raises(ValueError, match=rf"DQNConfig\.{field} must be .*, got {value!r}"):
        DQNConfig(**{field: value})


@pytest.mark.parametrize(("field", "value"), [("hidden_sizes", (0,)), ("dropout", 1.0), ("memory_size", 0)])
def test_a_wrong_field_of_the_network_is_named_too(field, value):
    with pytest.raises(ValueError, match=rf"NetworkConfig\.{field} must be"):
        DQNConfig(**{field: value})


def test_batch_norm_in_bfloat16_is_refused():
    with pytest.raises(ValueError, match="norm must be none or layer with bfloat16"):
        DQNConfig(norm="batch", precision="bfloat16")


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
def test_a_loss_of_the_mean_and_a_distribution_exclude_each_other(loss):
    with pytest.raises(ValueError, match=f"distribution must be none with loss {loss}"):
        DQNConfig(loss=loss, distribution="quantile")


def test_batch_norm_of_single_samples_is_refused():
    with pytest.raises(ValueError, match="batch_size must be above 1 with batch norm"):
        DQNConfig(norm="batch", batch_size=1)
    with pytest.raises(ValueError, match="minibatches must be at most 8 with batch norm"):
        PQNConfig(norm="batch", num_envs=4, rollout_steps=4, minibatches=9)


@pytest.mark.parametrize("config", PRESETS.values(), ids=PRESETS.keys())
def test_json_brings_a_config_back(config):
    assert config_from_json(config.to_json()) == config


def test_an_unknown_field_is_named():
    with pytest.raises(ValueError, match=r"got 'batch_sze' \(did you mean 'batch_size'"):
        config_from_json({"batch_sze": 3})


@pytest.mark.parametrize("num_envs", [1, 3, 8, 16, 50])
@pytest.mark.parametrize("every", [1, 4, 7, 16])
def test_updates_are_counted_over_all_envs(num_envs, every):
    config = DQNConfig(num_envs=num_envs, learn_every_steps=every, learning_starts=100)
    steps = range(0, 1000, num_envs)
    assert sum(config.updates_due(step) for step in steps) == (steps[-1] + num_envs - 100) // every
    assert not any(config.updates_due(step) for step in steps if step + num_envs <= 100)


def test_updates_wait_until_a_window_is_complete():
    config = DQNConfig(num_envs=4, learning_starts=0, n_step=3, memory="lstm", burn_in=2, sequence_length=5)
    assert config.window == 11
    assert next(step for step in range(0, 100, 4) if config.updates_due(step)) == 44
    with pytest.raises(ValueError, match="replay_size must be at least 70, for one window of each env"):
        DQNConfig(num_envs=10, memory="lstm", burn_in=0, sequence_length=5, replay_size=64, learning_starts=0)


def test_due_counts_multiples_by_a_loop():
    for step in range(30):
        expected = sum(1 for n in range(step + 1, step + 8) if n > 5 and (n - 5) % 3 == 0)
        assert due(step, 7, 3, start=5) == expected


def test_epsilon_falls_in_a_straight_line_and_stays():
    config = DQNConfig(epsilon_start=1.0, epsilon_end=0.1, epsilon_decay_steps=100)
    assert [config.epsilon(step) for step in (0, 50, 100, 500)] == pytest.approx([1.0, 0.55, 0.1, 0.1])
    assert replace(config, epsilon_decay_steps=0).epsilon(0) == pytest.approx(0.1)


def test_a_bad_preset_names_the_nearest_and_an_env_id_gets_a_default():
    with pytest.raises(ValueError, match="no preset 'cartpol'; nearest: cartpole"):
        config_named("cartpol")
    with pytest.raises(ValueError, match="no environment 'CartPole-v77'; nearest: CartPole-v"):
        config_named("CartPole-v77")
    with pytest.raises(ValueError, match="Pendulum-v1: needs discrete actions"):
        config_named("Pendulum-v1")
    assert config_named("Acrobot-v1").env_id == "Acrobot-v1"
    assert config_named("ALE/Seaquest-v5").reward_clip == 1.0


def test_the_correction_of_priorities_rises_to_one_at_the_end():
    config = DQNConfig(priority_correction=0.4, env_steps=1_000)
    assert [config.priority_correction_at(step) for step in (0, 500, 1_000, 2_000)] == [0.4, 0.7, 1.0, 1.0]


def test_rainbow_is_all_six_and_differs_from_nature_dqn_only_where_its_paper_does():
    rainbow, nature = (PRESETS[name].to_json() for name in ("rainbow", "nature_dqn"))
    changed = {name for name in rainbow if rainbow[name] != nature[name]}
    six = {"n_step", "double", "dueling", "noisy", "distribution", "priority_exponent"}
    assert changed - six == {
        "sync_every_updates", "learning_starts", "optimiser", "learning_rate", "optimiser_epsilon",
        "clip_gradient_norm", "epsilon_start", "epsilon_end", "evaluation_epsilon",
    }  # fmt: skip
    assert six <= changed
