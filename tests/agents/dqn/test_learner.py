"""One update: the right gradient, the right modes, the right copies."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from agents.dqn.config import DQNConfig
from agents.dqn.learner import Learner
from agents.dqn.precision import WorkingCopy, choose_device, choose_dtype
from agents.dqn.replay import Replay, Sequences, Transitions
from networks.averaging import mix_weights
from networks.build import build

B, A = 16, 3


def learner(obs_shape=(5,), **options):
    torch.manual_seed(0)
    options = {"hidden_sizes": (8,), "precision": "float32", "clip_gradient_norm": None} | options
    config = DQNConfig(batch_size=B, **options)
    return Learner(config.network(obs_shape, A), config)


def batch(obs_shape=(5,), seed=0, pixels=False):
    rng = np.random.default_rng(seed)
    obs, next_obs = (
        rng.integers(256, size=(2, B, *obs_shape), dtype=np.uint8)
        if pixels
        else rng.normal(size=(2, B, *obs_shape)).astype(np.float32)
    )
    discount = np.where(rng.random(B) < 0.3, 0, 0.9).astype(np.float32)
    return Transitions(
        obs,
        rng.integers(A, size=B),
        rng.normal(size=B).astype(np.float32),
        discount,
        next_obs,
        np.ones(B, np.float32),
        np.arange(B),
    )


def flat(one):
    return torch.cat([parameter.detach().reshape(-1) for parameter in one.network.online.parameters()])


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("share", [0.0, 0.9])
def test_an_update_is_the_gradient_step_written_out(double, share):
    one = learner(optimiser="sgd", learning_rate=0.1, loss="squared_error", double=double, munchausen=share)
    with torch.no_grad():
        for parameter in one.target.parameters():
            parameter.add_(0.3)  # so that the target network matters
    expected, data = deepcopy(one.network.online), batch()
    obs, action, reward, discount, next_obs, *_ = (torch.from_numpy(x) for x in data)
    with torch.no_grad():
        after = one.target(next_obs)
        chooser = (expected if double and not share else one.target)(next_obs)
        worth = after[range(B), chooser.argmax(1)]
        if share:  # M-DQN, Vieillard et al. 2020
            tau, log_policy = 0.03, torch.log_softmax(chooser / 0.03, 1)
            worth = (log_policy.exp() * (after - tau * log_policy)).sum(1)
            taken = torch.log_softmax(one.target(obs) / tau, 1)[range(B), action]
            reward = reward + share * (tau * taken).clamp(-1, 0)
        target = reward + discount * worth
    ((expected(obs)[range(B), action] - target) ** 2).mean().backward()
    one.learn(data)
    for new, old in zip(one.network.online.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(new, old - 0.1 * old.grad)


def test_a_diverged_update_is_refused_before_it_touches_the_weights():
    one = learner(clip_gradient_norm=10.0)
    before, data = flat(one), batch()
    data.reward[0] = np.nan
    with pytest.raises(ValueError, match="training diverged: the gradient of update 1 has norm nan; lower"):
        one.learn(data)
    assert torch.equal(flat(one), before)


def test_an_optimiser_goes_on_with_the_epsilon_of_its_new_config():
    one, same, other = (learner(optimiser_epsilon=epsilon) for epsilon in (1e-3, 1e-3, 1.0))
    one.learn(batch())
    for each in (same, other):
        each.load_state_dict(deepcopy(one.state_dict()))
    before = flat(one)
    for each in (one, same, other):
        each.learn(batch())
    assert torch.equal(flat(same), flat(one))
    assert (flat(other) - before).abs().max() < (flat(one) - before).abs().max() / 10


def test_the_target_is_copied_after_so_many_updates_with_its_buffers():
    one = learner(norm="batch", sync_every_updates=3)
    fresh = deepcopy(one.target.state_dict())
    for update in range(1, 4):
        one.learn(batch(seed=update))
        same = all(
            torch.equal(a, b) for a, b in zip(fresh.values(), one.target.state_dict().values(), strict=True)
        )
        assert same == (update < 3)
    online, target = one.network.online.state_dict(), one.target.state_dict()
    assert any("running_mean" in name for name in online)
    assert all(torch.equal(online[name], target[name]) for name in online)


def test_a_soft_copy_moves_by_its_share():
    one, other = learner().network.online, learner(activation="tanh").network.online
    expected = [
        0.75 * old + 0.25 * new for old, new in zip(one.parameters(), other.parameters(), strict=True)
    ]
    mix_weights(one, other, 0.25)
    for got, wanted in zip(one.parameters(), expected, strict=True):
        torch.testing.assert_close(got.detach(), wanted.detach())


def test_learning_trains_the_norm_and_acting_and_targets_do_not():
    one = learner(norm="batch", double=True)
    seen = []
    for network, name in ((one.network.online, "online"), (one.target, "target")):
        network.register_forward_hook(lambda module, *_, name=name: seen.append((name, module.training)))
    one.learn(batch())
    assert seen == [("target", False), ("online", False), ("online", True)]
    assert not one.network.acting.training
    before = deepcopy(one.network.online.state_dict())
    one.network.acting(torch.randn(B, 5))
    assert all(torch.equal(before[name], value) for name, value in one.network.online.state_dict().items())


def test_dropout_is_off_when_acting():
    one = learner(dropout=0.5)
    one.learn(batch())
    obs = torch.randn(B, 5)
    assert torch.equal(one.network.acting(obs), one.network.acting(obs))


def test_gradients_are_clipped_to_the_norm_and_the_norm_reported_is_the_true_one():
    free, clipped = learner(optimiser="sgd"), learner(optimiser="sgd", clip_gradient_norm=0.01)
    before = flat(clipped)
    norm = clipped.learn(batch())[0]["gradient_norm"]
    assert norm == free.learn(batch())[0]["gradient_norm"] > 0.01
    moved = flat(clipped) - before
    assert moved.norm().item() == pytest.approx(0.01 * clipped.config.learning_rate, rel=1e-3)


def test_a_bfloat16_update_points_where_the_float32_one_does_and_keeps_small_steps():
    """The masters are float32: steps far below bfloat16's resolution of 1/256 add up."""
    shape = (4, 84, 84)
    frames = batch(shape, pixels=True)
    moved = []
    for precision in ("float32", "bfloat16"):
        one = learner(
            shape, precision=precision, optimiser="sgd", learning_rate=1e-5, hidden_sizes=(64,), double=False
        )
        assert next(one.network.acting.parameters()).dtype == getattr(torch, precision)
        before = flat(one)
        metrics, _ = one.learn(frames)
        assert metrics["loss"].dtype == torch.float32
        moved.append(flat(one) - before)
    assert torch.cosine_similarity(*moved, dim=0) > 0.99
    assert moved[1].abs().max() < 1 / 256


def test_a_working_copy_in_float32_is_the_network_itself():
    network = learner().network.online
    assert WorkingCopy(network, torch.float32).network is network


def test_bfloat16_is_chosen_for_convolutions_only_and_never_with_batch_norm():
    cpu = torch.device("cpu")
    assert choose_dtype("auto", cpu, convolutions=False, batch_norm=False) == torch.float32
    assert choose_dtype("auto", cpu, convolutions=True, batch_norm=True) == torch.float32
    assert choose_dtype("float32", cpu, convolutions=True, batch_norm=False) == torch.float32
    assert choose_dtype("bfloat16", cpu, convolutions=False, batch_norm=False) == torch.bfloat16


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_without_a_gpu_is_refused():
    with pytest.raises(ValueError, match=r"device is cuda, but torch sees no GPU"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"


@pytest.mark.parametrize("memory", ["lstm", "simple_rnn"])
@pytest.mark.parametrize(("burn_in", "share"), [(0, 0.0), (3, 0.0), (3, 0.9)])
def test_a_sequence_update_equals_single_steps_with_the_state_cleared_at_starts(memory, burn_in, share):
    """The same error, by a python loop over sequences and steps."""
    length, n_step = 6, 2
    options = {
        "memory": memory,
        "memory_size": 4,
        "burn_in": burn_in,
        "sequence_length": length,
        "n_step": n_step,
        "munchausen": share,
    }
    one = learner(loss="squared_error", **options)
    with torch.no_grad():
        for parameter in one.target.parameters():
            parameter.mul_(1.5)
    parts = 2 if memory == "lstm" else 1
    rng = np.random.default_rng(0)
    replay = Replay(200, 2, (5,), np.dtype(np.float32), n_step=n_step, discount=0.9, state_shape=(parts, 4))
    for _ in range(80):
        obs, last = rng.normal(size=(2, 2, 5)).astype(np.float32)
        ended = rng.random(2) < 0.2
        cut = ended & (rng.random(2) < 0.5)
        state = rng.normal(size=(2, parts, 4)).astype(np.float32)
        reward = rng.normal(size=2).astype(np.float32)
        replay.add(obs, rng.integers(A, size=2), reward, ended & ~cut, cut, last, state)
    data = replay.sample_sequences(4, burn_in, length, np.random.default_rng(1))

    def q_at(network, b):
        state, values = torch.from_numpy(data.state[:, b : b + 1].copy()), []
        for t in range(len(data.obs)):
            obs = torch.from_numpy(data.obs[t, b])[None, None]
            q, state = network(obs, state, torch.tensor([[bool(data.starts[t, b])]]))
            values.append(q[0, 0])
        return values

    errors = []
    with torch.no_grad():
        for b in range(4):
            online, target = q_at(one.network.online, b), q_at(one.target, b)
            for t in range(length):
                if not data.learned[t, b]:
                    continue
                end = burn_in + t + int(data.steps[t, b])
                action = int(data.action[t, b])
                bonus, bootstrap = 0.0, target[end][online[end].argmax()]
                if share:  # the policy is the target network's throughout
                    log_policy = torch.log_softmax(target[end] / 0.03, 0)
                    bootstrap = (log_policy.exp() * (target[end] - 0.03 * log_policy)).sum()
                    taken = torch.log_softmax(target[burn_in + t] / 0.03, 0)[action]
                    bonus = share * (0.03 * taken).clamp(-1, 0)
                wanted = data.reward[t, b] + bonus + data.discount[t, b] * bootstrap
                errors.append((online[burn_in + t][action] - wanted) ** 2)
    assert isinstance(data, Sequences)
    assert data.starts.any()
    assert not data.learned.all()
    assert one.learn(data)[0]["loss"].item() == pytest.approx(torch.stack(errors).mean().item(), rel=1e-4)


def test_no_gradient_passes_through_the_burn_in():
    one = learner(memory="lstm", memory_size=4, burn_in=3, sequence_length=2)
    obs = torch.randn(6, B, 5, requires_grad=True)
    q = one._unroll(
        one.network.online, obs, torch.zeros(6, B, dtype=torch.bool), one.network.online.initial_state(B)
    )
    q.sum().backward()
    assert not obs.grad[:3].any()
    assert obs.grad[3:].any()


def test_a_state_dict_brings_the_learner_back_to_the_bit():
    one, other = learner(norm="batch"), learner(norm="batch")
    for seed in range(5):
        one.learn(batch(seed=seed))
    other.load_state_dict(deepcopy(one.state_dict()))
    for seed in range(5, 9):
        assert one.learn(batch(seed=seed))[0] == other.learn(batch(seed=seed))[0]
    assert one.network.updates == other.network.updates == 9


def test_networks_of_every_option_learn_a_fixed_batch():
    for options in (
        {"dueling": True},
        {"norm": "layer"},
        {"norm": "batch"},
        {"dropout": 0.1},
        {"activation": "tanh"},
        {"distribution": "quantile", "atoms": 8},
    ):
        one = learner(sync_every_updates=10_000, learning_rate=5e-3, hidden_sizes=(64,), **options)
        losses = [one.learn(batch())[0]["loss"].item() for _ in range(150)]
        assert losses[-1] < 0.35 * losses[0], options


def test_a_built_network_fits_the_saved_weights():
    one = learner((4, 84, 84), precision="bfloat16", hidden_sizes=(16,))
    build(one.network.network_config).load_state_dict(one.network.online.state_dict())
    assert {tensor.dtype for tensor in one.network.online.state_dict().values()} == {torch.float32}


def test_noise_is_drawn_anew_for_each_update_and_differs_between_online_and_target():
    one = learner(noisy=True)
    seen = []
    for _ in range(2):
        one.learn(batch())
        for network in (one.network.acting, one._target.network):
            seen.append(network.head.q.eps_in.clone())
    assert all(noise.any() for noise in seen)
    assert len({tuple(noise.tolist()) for noise in seen}) == 4


def test_weights_scale_each_samples_gradient_and_errors_come_back_in_the_order_of_the_batch():
    data = batch()
    whole, none = learner(optimiser="sgd", lanes=1), learner(optimiser="sgd", lanes=1)
    before = flat(none)
    _, errors = whole.learn(data)
    _, same = none.learn(data._replace(weights=np.zeros(B, np.float32)))
    assert torch.equal(flat(none), before)
    assert not torch.equal(flat(whole), before)
    assert errors.tolist() == same.tolist()
    half = learner()
    _, first = half.learn(data.part(slice(0, 5)))
    assert errors[:5] == pytest.approx(first, abs=1e-6)


@pytest.mark.parametrize("options", [{}, {"distribution": "quantile", "atoms": 5}])
def test_the_priority_of_a_sequence_mixes_its_largest_and_its_mean_error(options):
    one = learner(memory="lstm", memory_size=4, burn_in=0, sequence_length=3, **options)
    rng = np.random.default_rng(0)
    data = Sequences(
        obs=rng.normal(size=(4, 2, 5)).astype(np.float32),
        starts=np.zeros((4, 2), np.bool_),
        state=np.zeros((2, 2, 4), np.float32),
        action=np.zeros((3, 2), np.int64),
        reward=np.array([[5, 0], [0, 0], [0, 0]], np.float32),
        discount=np.zeros((3, 2), np.float32),
        steps=np.ones((3, 2), np.int64),
        learned=np.array([[True, True], [True, True], [True, False]]),
        weights=np.ones(2, np.float32),
        keys=np.arange(2),
    )
    with torch.no_grad():
        q, _ = one.network.online(
            torch.from_numpy(data.obs), one.network.online.initial_state(2), torch.from_numpy(data.starts)
        )
    errors = (torch.from_numpy(data.reward) - q[:3, :, 0]).abs()
    expected = [0.9 * e.max() + 0.1 * e.mean() for e in (errors[:, 0], errors[:2, 1])]
    assert one.learn(data)[1] == pytest.approx([float(e) for e in expected], rel=1e-5)


def test_the_running_mean_is_saved_and_evaluated_while_the_weights_of_now_learn():
    plain, averaged = learner(), learner(average_decay=0.5)
    mean = flat(averaged)
    for update in range(1, 25):
        for one in (plain, averaged):
            one.learn(batch(seed=update))
        decay = min(0.5, update / (update + 10))
        mean = decay * mean + (1 - decay) * flat(averaged)
    assert torch.equal(flat(plain), flat(averaged))  # learning does not know of it
    network = averaged.network
    saved = torch.cat([parameter.detach().reshape(-1) for parameter in network.average.parameters()])
    torch.testing.assert_close(saved, mean)
    assert not torch.allclose(saved, flat(averaged), atol=1e-5)
    obs = torch.randn(B, 5)
    assert torch.equal(network.evaluated()(obs), network.average(obs))
    assert plain.network.evaluated() is plain.network.acting
    resumed = learner(average_decay=0.5)
    resumed.load_state_dict(averaged.state_dict())
    assert torch.equal(resumed.network.average(obs), network.average(obs))
