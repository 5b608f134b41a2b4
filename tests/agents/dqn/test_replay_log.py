"""A prioritised replay comes back from disk to the bit, and goes on as if it had never been away."""

import numpy as np
import pytest
import torch

from agents.dqn.replay import Replay
from agents.dqn.replay_log import ReplayLog


def new_replay():
    return Replay(60, 3, (2,), np.dtype(np.float32), n_step=2, state_shape=(1, 1), priority_exponent=0.6)


def live(replay, steps, sequences, seed):
    """Add, sample and set priorities for some steps. Returns all that was sampled."""
    rng, sampled = np.random.default_rng(seed), []
    for _ in range(steps):
        obs, ended = rng.random((3, 2), np.float32), rng.random(3) < 0.1
        state = rng.random((3, 1, 1), np.float32)
        lost = rng.random(3) < 0.1
        replay.add(obs, np.zeros(3, int), obs[:, 0], ended, ~ended & lost, obs, state, cut=lost)
        if replay.written.min() > 12:
            batch = replay.sample_sequences(8, 1, 3, rng, 0.5) if sequences else replay.sample(8, rng, 0.5)
            replay.update_priorities(batch.keys, rng.exponential(size=8))
            sampled.append(batch)
    return sampled


@pytest.mark.parametrize("sequences", [False, True])
def test_a_restored_replay_samples_on_to_the_bit(sequences, tmp_path):
    replay = new_replay()
    log = ReplayLog(tmp_path, replay)
    for seed in range(5):  # several chunks; the ring goes round
        live(replay, 17, sequences, seed)
        torch.save(log.append(), tmp_path / "state.pt")
        log.prune()
    restored = new_replay()
    log = ReplayLog(tmp_path, restored)
    sums = replay.priorities.tree.sums.copy()
    before = live(replay, 30, sequences, seed=9)
    log.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    assert (restored.priorities.tree.sums == sums).all()
    after = live(restored, 30, sequences, seed=9)
    for one, two in zip(before, after, strict=True):
        assert all((a == b).all() for a, b in zip(one, two, strict=True))
    assert (replay.priorities.tree.sums == restored.priorities.tree.sums).all()


def test_a_saved_state_does_not_change_with_the_replay(tmp_path):
    replay = new_replay()
    live(replay, 20, False, seed=0)
    saved = ReplayLog(tmp_path, replay).append()["priorities"]
    copies = {name: values.clone() for name, values in saved.items()}
    live(replay, 20, False, seed=1)
    assert all(torch.equal(saved[name], copy) for name, copy in copies.items())


def test_a_uniform_replay_saves_no_priorities(tmp_path):
    replay = Replay(10, 1, (1,), np.dtype(np.float32))
    assert ReplayLog(tmp_path, replay).append().keys() == {"chunks", "count"}
