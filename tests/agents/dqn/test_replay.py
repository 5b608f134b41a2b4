"""The replay against plain python lists of episodes: every sample is a true window of one episode."""

import numpy as np
import pytest

from agents.dqn.replay import Replay, bytes_needed

GAMMA = 0.9


class Tape:
    """Feeds N envs of counted observations into a replay, and remembers each episode as a list.

    An observation is (env, episode, step): unique, so that a sample says where it came from.
    """

    def __init__(self, num_envs=3, size=60, n_step=3, state=False, seed=0):
        shape = (2, 1) if state else None
        self.replay = Replay(
            size, num_envs, (3,), np.dtype(np.float32), n_step=n_step, discount=GAMMA, state_shape=shape
        )
        self.rng = np.random.default_rng(seed)
        self.N, self.has_state = num_envs, state
        self.episode, self.step = np.zeros((2, num_envs), np.int64)
        self.rewards, self.ends = {}, {}  # (env, episode) -> rewards; -> "terminated" | "truncated"

    def obs(self):
        return np.stack([np.arange(self.N), self.episode, self.step], axis=1).astype(np.float32)

    def add(self, end=0.15):
        obs = self.obs()
        reward = self.rng.normal(size=self.N).astype(np.float32)
        ended = self.rng.random(self.N) < end
        terminated = ended & (self.rng.random(self.N) < 0.5)
        for env in range(self.N):
            key = (env, int(self.episode[env]))
            self.rewards.setdefault(key, []).append(reward[env])
            if ended[env]:
                self.ends[key] = "terminated" if terminated[env] else "truncated"
        action = self.step % 5
        state = np.repeat(self.step, 2).reshape(self.N, 2, 1) if self.has_state else None
        self.step += 1
        last_obs = self.obs()
        self.replay.add(obs, action, reward, terminated, ended & ~terminated, last_obs, state)
        self.episode += ended
        self.step[ended] = 0

    def expected(self, obs, n):
        """(return, discount, next obs) of the window from `obs`, by a loop over the episode's list."""
        env, episode, step = (int(x) for x in obs)
        rewards, total, k = self.rewards[env, episode], 0.0, 0
        while k < n and step + k < len(rewards):
            total += GAMMA**k * rewards[step + k]
            k += 1
        over = step + k == len(rewards) and self.ends.get((env, episode)) == "terminated"
        return total, 0.0 if over else GAMMA**k, (env, episode, step + k), k


@pytest.mark.parametrize("n_step", [1, 3, 5])
@pytest.mark.parametrize("steps", [8, 19, 150])  # before the ring is full, about then, after seven rounds
def test_every_sample_is_a_window_of_one_episode(n_step, steps):
    tape = Tape(n_step=n_step)
    for _ in range(steps):
        tape.add()
    batch = tape.replay.sample(400, np.random.default_rng(0))
    for obs, action, reward, discount, next_obs in zip(*batch, strict=True):
        total, gamma, after, k = tape.expected(obs, n_step)
        env, episode, step = (int(x) for x in obs)
        complete = k == n_step or (env, episode) in tape.ends
        assert complete, "the window must not reach past the write pointer"
        assert reward == pytest.approx(total, abs=1e-5)
        assert discount == pytest.approx(gamma)
        assert tuple(next_obs) == after
        assert action == step % 5


def test_termination_drops_the_bootstrap_and_truncation_keeps_it():
    def one(terminated):
        replay = Replay(8, 1, (1,), np.dtype(np.float32), n_step=1, discount=GAMMA)
        flag = np.array([True])
        replay.add(
            np.array([[1.0]]),
            np.array([0]),
            np.array([2.0]),
            flag & terminated,
            flag & (not terminated),
            np.array([[7.0]]),
        )
        return replay.sample(4, np.random.default_rng(0))

    assert one(terminated=True).discount.tolist() == [0.0] * 4
    truncated = one(terminated=False)
    assert truncated.discount == pytest.approx(GAMMA)
    assert (truncated.next_obs == 7.0).all()  # the true last observation, not the next episode's first


def test_all_complete_steps_are_sampled_alike_and_nothing_else():
    tape = Tape(num_envs=2, size=30, n_step=2)
    for _ in range(100):
        tape.add()
    counts = {}
    for obs in tape.replay.sample(40_000, np.random.default_rng(1)).obs:
        counts[tuple(obs)] = counts.get(tuple(obs), 0) + 1
    share = 40_000 / len(counts)
    assert 24 <= len(counts) <= 34  # 2 x (15 + room for the window), less borders and the open window
    assert max(abs(count - share) for count in counts.values()) < 5 * share**0.5


def test_an_empty_replay_says_so():
    replay = Replay(8, 2, (1,), np.dtype(np.float32))
    with pytest.raises(ValueError, match="nothing to sample yet"):
        replay.sample(1, np.random.default_rng(0))


def frames_of(tape_length, ends, stack=4, seed=0):
    """One env of 3 x 3 pixel frames, each filled with its number; stacks as an env shows them."""
    frame, episode, rows = 0, [], []
    for step in range(tape_length):
        frame += 1
        episode.append(frame)
        stacked = [0] * (stack - len(episode[-stack:])) + episode[-stack:]
        if step in ends:
            frame += 1
            rows.append((stacked, ends[step], [*stacked[1:], frame]))
            episode = []
        else:
            rows.append((stacked, None, None))
    return rows


def pixels(stacked):
    return np.array(stacked, np.uint8)[None, :, None, None] * np.ones((1, 1, 3, 3), np.uint8)


@pytest.mark.parametrize("size", [40, 12])
def test_stacks_are_rebuilt_from_single_frames_with_zeros_before_the_first(size):
    replay = Replay(size, 1, (4, 3, 3), np.dtype(np.uint8), frame_stack=4, n_step=2, discount=GAMMA)
    rows = frames_of(40, {5: "terminated", 6: "truncated", 17: "truncated", 30: "terminated"})
    for index, (stacked, end, last) in enumerate(rows):
        following = last if end else rows[min(index + 1, 39)][0]
        flag = np.array([True])
        replay.add(
            pixels(stacked),
            np.array([0]),
            np.array([0.0]),
            flag & (end == "terminated"),
            flag & (end == "truncated"),
            pixels(following),
        )
    assert replay.columns["obs"].shape[2:] == (3, 3)  # one frame a place
    shown = {stacked[-1]: stacked for stacked, _, _ in rows} | {
        last[-1]: last for _, end, last in rows if end
    }
    batch = replay.sample(300, np.random.default_rng(0))
    for stacks in (batch.obs, batch.next_obs):
        for stack in stacks:
            assert stack[:, 0, 0].tolist() == shown[int(stack[-1, 0, 0])]
            assert (stack == stack[:, :1, :1]).all()


def test_sequences_carry_the_stored_state_mark_starts_and_skip_borders():
    tape = Tape(num_envs=2, size=80, n_step=2, state=True)
    for _ in range(120):
        tape.add(end=0.25)
    burn_in, length = 3, 7
    batch = tape.replay.sample_sequences(200, burn_in, length, np.random.default_rng(0))
    T = burn_in + length + 2
    assert batch.obs.shape == (T, 200, 3)
    assert batch.state.shape == (2, 200, 1)
    assert (batch.starts == (batch.obs[:, :, 2] == 0)).all()
    borders = 0
    for b in range(200):
        for t in range(length):
            obs = batch.obs[burn_in + t, b]
            env, episode, step = (int(x) for x in obs)
            border = step == len(tape.rewards[env, episode]) and (env, episode) in tape.ends
            assert batch.learned[t, b] == (not border)
            borders += border
            if border:
                continue
            total, gamma, after, k = tape.expected(obs, 2)
            assert batch.reward[t, b] == pytest.approx(total, abs=1e-5)
            assert batch.discount[t, b] == pytest.approx(gamma)
            assert batch.steps[t, b] == k
            assert tuple(batch.obs[burn_in + t + k, b]) == after
            assert batch.action[t, b] == step % 5
        env, episode, step = (int(x) for x in batch.obs[0, b])
        if (env, episode) not in tape.ends or step < len(tape.rewards[env, episode]):
            assert batch.state[:, b, 0].tolist() == [step, step]  # as stored at that place
    assert borders > 50


def test_rows_bring_a_replay_back():
    tape = Tape(num_envs=3, size=40, n_step=3)
    copy = Tape(num_envs=3, size=40, n_step=3).replay
    seen = np.zeros(3, np.int64)
    for _ in range(9):  # saved in pieces, as a run does
        for _ in range(7):
            tape.add()
        first, rows = tape.replay.rows_since(seen)
        seen = tape.replay.written.copy()
        copy.put_rows(first, seen, rows)
    tape.add()
    for replay in (tape.replay, copy):
        assert replay.written.sum() >= 189
    one, two = (r.sample(50, np.random.default_rng(2)) for r in (copy, copy))
    assert all((a == b).all() for a, b in zip(one, two, strict=True))
    for name, column in copy.columns.items():
        for env in range(3):
            kept = np.arange(max(seen[env] - copy.places + 4, 0), seen[env]) % copy.places
            assert (column[env, kept] == tape.replay.columns[name][env, kept]).all()


def test_a_million_atari_steps_take_at_most_7_5_gigabytes():
    needed = bytes_needed(1_000_000, 16, (4, 84, 84), np.dtype(np.uint8), frame_stack=4, n_step=3)
    assert needed < 7.5e9
    small = Replay(1_000, 16, (4, 84, 84), np.dtype(np.uint8), frame_stack=4, n_step=3)
    held = sum(column.nbytes for column in small.columns.values())
    assert held == bytes_needed(1_000, 16, (4, 84, 84), np.dtype(np.uint8), frame_stack=4, n_step=3)
