"""The replay against plain python lists of episodes: every sample is a true window of one episode."""

import numpy as np
import pytest

from agents.dqn.replay import Replay, bytes_needed

GAMMA = 0.9


class Tape:
    """Feeds N envs of counted observations into a replay, and remembers each episode as a list.

    An observation is (env, episode, step): unique, so that a sample says where it came from.
    """

    def __init__(self, num_envs=3, size=60, n_step=3, state=False, seed=0, exponent=0.0):
        self.replay = Replay(
            size,
            num_envs,
            (3,),
            np.dtype(np.float32),
            n_step=n_step,
            discount=GAMMA,
            state_shape=(2, 1) if state else None,
            priority_exponent=exponent,
        )
        self.rng = np.random.default_rng(seed)
        self.N, self.has_state = num_envs, state
        self.episode, self.step = np.zeros((2, num_envs), np.int64)
        self.rewards, self.ends = {}, {}  # (env, episode) -> rewards; -> "terminated" | "truncated"
        self.lost_lives = set()  # (env, episode, step) of lost lives

    def obs(self):
        return np.stack([np.arange(self.N), self.episode, self.step], axis=1).astype(np.float32)

    def add(self, end=0.15, life_lost=0.0):
        obs = self.obs()
        reward = self.rng.normal(size=self.N).astype(np.float32)
        ended = self.rng.random(self.N) < end
        terminated = ended & (self.rng.random(self.N) < 0.5)
        lost = self.rng.random(self.N) < life_lost if life_lost else None
        for env in range(self.N):
            key = (env, int(self.episode[env]))
            self.rewards.setdefault(key, []).append(reward[env])
            if ended[env]:
                self.ends[key] = "terminated" if terminated[env] else "truncated"
            elif lost is not None and lost[env]:
                self.lost_lives.add((*key, int(self.step[env])))
        action = self.step % 5
        state = np.repeat(self.step, 2).reshape(self.N, 2, 1) if self.has_state else None
        self.step += 1
        last_obs = self.obs()
        self.replay.add(obs, action, reward, terminated, ended & ~terminated, last_obs, state, lost)
        self.episode += ended
        self.step[ended] = 0

    def expected(self, obs, n):
        """(return, discount, next obs) of the window from `obs`, by a loop over the episode's list."""
        env, episode, step = (int(x) for x in obs)
        rewards, total, k, lost = self.rewards[env, episode], 0.0, 0, False
        while k < n and step + k < len(rewards) and not lost:
            total += GAMMA**k * rewards[step + k]
            lost = (env, episode, step + k) in self.lost_lives
            k += 1
        over = step + k == len(rewards) and self.ends.get((env, episode)) == "terminated"
        return total, 0.0 if over or lost else GAMMA**k, (env, episode, step + k), k

    def complete(self, obs, n):
        """Whether all of the window from `obs` is written, its next observation too."""
        env, episode, step = (int(x) for x in obs)
        if (env, episode) in self.ends:
            return step < len(self.rewards[env, episode])  # the last observation is nobody's step
        *_, after, _ = self.expected(obs, n)
        return after[2] < len(self.rewards[env, episode])


@pytest.mark.parametrize("exponent", [0.0, 0.7])
@pytest.mark.parametrize("life_lost", [0.0, 0.2])
@pytest.mark.parametrize("n_step", [1, 3, 5])
@pytest.mark.parametrize("steps", [8, 19, 150])  # before the ring is full, about then, after seven rounds
def test_every_sample_is_a_window_of_one_episode(n_step, steps, life_lost, exponent):
    tape = Tape(n_step=n_step, exponent=exponent)
    generator = np.random.default_rng(0)
    for step in range(steps):
        tape.add(life_lost=life_lost)
        if step > 6 and step % 3 == 0:  # priorities move about while the ring goes round
            keys = tape.replay.sample(8, generator).keys
            tape.replay.update_priorities(keys, generator.exponential(size=8))
    batch = tape.replay.sample(400, generator)
    for obs, action, reward, discount, next_obs, _, _ in zip(*batch, strict=True):
        total, gamma, after, _ = tape.expected(obs, n_step)
        assert tape.complete(obs, n_step), "the window must not reach past the write pointer"
        assert reward == pytest.approx(total, abs=1e-5)
        assert discount == pytest.approx(gamma)
        assert tuple(next_obs) == after
        assert action == int(obs[2]) % 5


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


@pytest.mark.parametrize("exponent", [0.0, 1.0])
def test_an_empty_replay_says_so(exponent):
    replay = Replay(8, 2, (1,), np.dtype(np.float32), priority_exponent=exponent)
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


@pytest.mark.parametrize("exponent", [0.0, 0.7])
@pytest.mark.parametrize("life_lost", [0.0, 0.2])
def test_sequences_carry_the_stored_state_mark_starts_and_skip_borders(life_lost, exponent):
    tape = Tape(num_envs=2, size=80, n_step=2, state=True, exponent=exponent)
    for _ in range(120):
        tape.add(end=0.25, life_lost=life_lost)
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
        acted = (env, episode) not in tape.ends or step < len(tape.rewards[env, episode])
        assert acted or not exponent
        if acted:
            assert batch.state[:, b, 0].tolist() == [step, step]  # as stored at that place
    assert borders > 50


def test_rows_bring_a_replay_back():
    tape = Tape(num_envs=3, size=40, n_step=3)
    copy = Tape(num_envs=3, size=40, n_step=3).replay
    seen = np.zeros(3, np.int64)
    for _ in range(9):  # saved in pieces, as a run does
        for _ in range(7):
            tape.add()
        first = np.maximum(seen, tape.replay.written - tape.replay.places)
        rows = tape.replay.rows(first, tape.replay.written)
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


def test_uniform_samples_are_those_of_one_draw_of_integers():
    """The draw that runs recorded before priorities existed depend on."""
    tape = Tape(num_envs=3, size=30, n_step=1)
    for _ in range(8):
        tape.add(end=0.0)
    batch = tape.replay.sample(200, np.random.default_rng(5))
    generator, expected = np.random.default_rng(5), []
    while len(expected) < 200:
        flat = generator.integers(24, size=200 - len(expected))
        expected += [(k // 8, 0, k % 8) for k in flat.tolist() if k % 8 < 7]
    assert [tuple(obs) for obs in batch.obs] == expected
    assert (batch.weights == 1).all()
    assert batch.weights.dtype == np.float32
    before = tape.replay.sample(50, np.random.default_rng(6))
    tape.replay.update_priorities(batch.keys, np.linspace(0, 9, 200))
    assert (tape.replay.sample(50, np.random.default_rng(6)).obs == before.obs).all()


def all_keys(tape, sample):
    """{(env, episode, step): key} of all that can be sampled, found by sampling."""
    batch = sample(5_000)
    firsts = batch.obs if batch.obs.ndim == 2 else batch.obs[0]
    return {tuple(map(int, obs)): int(key) for obs, key in zip(firsts, batch.keys, strict=True)}


@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_steps_are_sampled_in_proportion_to_their_error_to_the_alpha(alpha, sequences):
    tape = Tape(num_envs=2, size=40, n_step=2, state=True, exponent=alpha)
    generator, replay = np.random.default_rng(0), tape.replay
    for _ in range(70):
        tape.add(end=0.2)

    def sample(count):
        if sequences:
            return replay.sample_sequences(count, 1, 3, generator)
        return replay.sample(count, generator)

    keys = all_keys(tape, sample)
    errors = {key: 0.1 + index % 7 for index, key in enumerate(keys.values())}
    replay.update_priorities(np.array(list(errors)), np.array(list(errors.values())))
    for obs in keys:
        assert sequences or tape.complete(obs, 2)
        assert tape.complete(obs, 0)  # somebody's step
    share = {key: error**alpha / sum(e**alpha for e in errors.values()) for key, error in errors.items()}
    drawn = np.concatenate([sample(50).keys for _ in range(1_000)])
    assert set(drawn.tolist()) <= set(errors)
    for key, p in share.items():
        assert abs((drawn == key).sum() - 50_000 * p) < 5 * (50_000 * p) ** 0.5 + 0.05


@pytest.mark.parametrize("n_step", [1, 3])
def test_exactly_the_complete_steps_have_a_priority(n_step):
    tape = Tape(num_envs=3, size=30, n_step=n_step, exponent=1.0)
    replay, generator = tape.replay, np.random.default_rng(0)
    for gap in [6, 1, 1, 3, 1, 9, 2, 40, 1, 100, 1, 1, 5, 20]:  # steps between samples; a ring is some 12
        for _ in range(gap):
            tape.add(end=0.2, life_lost=0.2)
        replay.update_priorities(replay.sample(9, generator).keys, generator.exponential(size=9))
        held = np.minimum(replay.written, replay.places)
        expected = [
            [slot < held[env] and tape.complete(replay.columns["obs"][env, slot], n_step)]
            for env in range(3)
            for slot in range(replay.places)
        ]
        assert (replay.priorities.tree.leaves[:, None] > 0).tolist() == expected


def test_places_whose_stack_is_gone_have_no_priority():
    replay = Replay(12, 1, (4, 3, 3), np.dtype(np.uint8), frame_stack=4, n_step=1, priority_exponent=1.0)
    no = np.array([False])
    for frame in range(1, 60):
        stack = pixels([max(f, 0) for f in range(frame - 3, frame + 1)])
        replay.add(stack, np.array([0]), np.array([0.0]), no, no, stack)
        if frame > 1:
            newest = replay.sample(100, np.random.default_rng(0)).obs[:, -1, 0, 0]
            oldest = 1 if frame <= replay.places else frame - replay.places + 1 + 3
            assert set(newest.tolist()) == set(range(oldest, frame))
            assert (replay.priorities.tree.leaves > 0).sum() == frame - oldest


def test_weights_are_those_computed_by_hand():
    tape = Tape(num_envs=1, size=20, n_step=1, exponent=0.5)
    for _ in range(4):  # three complete steps
        tape.add(end=0.0)
    replay, generator = tape.replay, np.random.default_rng(0)
    assert set(replay.sample(8, generator).weights) == {1.0}  # all new: all alike
    keys = np.array([all_keys(tape, lambda n: replay.sample(n, generator))[0, 0, k] for k in range(3)])
    replay.update_priorities(keys, np.array([1.0, 4.0, 16.0], np.float32))  # P = 1/7, 2/7, 4/7
    for correction, by_hand in ((1.0, [1, 1 / 2, 1 / 4]), (0.5, [1, 0.5**0.5, 1 / 2]), (0.0, [1, 1, 1])):
        batch = replay.sample(70, generator, correction=correction)
        assert batch.weights.dtype == np.float32
        assert batch.weights == pytest.approx([by_hand[int(step)] for step in batch.obs[:, 2]], abs=1e-5)
        counts = [(batch.keys == key).sum() for key in keys]
        assert counts == pytest.approx([10, 20, 40], abs=1)  # each of 70 equal parts gives one


def test_a_new_step_gets_the_largest_priority_seen():
    tape = Tape(num_envs=1, size=50, n_step=1, exponent=1.0)
    for _ in range(3):
        tape.add(end=0.0)
    replay, generator = tape.replay, np.random.default_rng(0)
    keys = np.unique(replay.sample(50, generator).keys)
    replay.update_priorities(keys, np.array([9.0, 0.0]))
    replay.update_priorities(keys, np.array([1.0, 0.0]))  # the 9 is history, and still the largest
    tape.add(end=0.0)
    steps = replay.sample(1_000, generator).obs[:, 2]
    assert (steps == 2).sum() == pytest.approx(900, abs=1)
    assert (steps == 0).sum() == pytest.approx(100, abs=1)


def test_an_error_that_comes_after_its_place_was_overwritten_is_ignored():
    tape = Tape(num_envs=2, size=20, n_step=1, exponent=1.0)
    replay, generator = tape.replay, np.random.default_rng(0)
    for _ in range(12):
        tape.add(end=0.0)
    old = np.unique(replay.sample(200, generator).keys)
    for _ in range(9):
        tape.add(end=0.0)
    kept = set(old.tolist()) & set(replay.sample(500, generator).keys.tolist())
    assert 0 < len(kept) < len(old)  # the ring went on, but not round
    replay.update_priorities(old, np.full(len(old), 3.0))
    batch = replay.sample(2_000, generator)
    raised = np.isin(batch.keys, list(kept))
    assert set(batch.weights[raised].round(4)) == {np.float32(0.3333)}
    assert set(batch.weights[~raised].round(4)) == {1.0}
    before = replay.sample(50, np.random.default_rng(1)).keys
    replay.update_priorities(np.setdiff1d(old, list(kept)), np.full(len(old) - len(kept), 1e9))
    assert (replay.sample(50, np.random.default_rng(1)).keys == before).all()
    for _ in range(100):  # several rounds between a sample and its errors
        tape.add(end=0.0)
    replay.update_priorities(batch.keys, np.zeros(2_000))
    assert set(replay.sample(500, generator).weights) == {1.0}


@pytest.mark.parametrize("errors", [[-0.1, 1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_errors_that_are_none_are_refused(errors):
    tape = Tape(exponent=0.6)
    for _ in range(10):
        tape.add()
    keys = tape.replay.sample(2, np.random.default_rng(0)).keys
    with pytest.raises(ValueError, match="errors must be finite and at least 0"):
        tape.replay.update_priorities(keys, np.array(errors))
    with pytest.raises(ValueError, match=r"keys \(2,\) and errors \(2, 1\) must have one shape"):
        tape.replay.update_priorities(keys, np.ones((2, 1)))


def test_a_lost_life_ends_windows_and_neither_stacks_nor_the_memory():
    replay = Replay(
        20, 1, (4, 3, 3), np.dtype(np.uint8), frame_stack=4, n_step=3, discount=GAMMA, state_shape=(1, 1)
    )
    no, yes = np.array([False]), np.array([True])
    for step in range(9):  # frames 1, 2, ...; a life is lost at the step from frame 4
        stacked = [max(frame, 0) for frame in range(step - 2, step + 2)]
        lost = yes if stacked[-1] == 4 else no
        state = np.full((1, 1, 1), stacked[-1], np.float32)
        replay.add(pixels(stacked), np.array([0]), np.array([1.0]), no, no, pixels(stacked), state, cut=lost)
    batch = replay.sample(200, np.random.default_rng(0))
    windows = {
        int(obs[-1, 0, 0]): (reward.round(4), discount.round(4), next_obs[:, 0, 0].tolist())
        for obs, _, reward, discount, next_obs, *_ in zip(*batch, strict=True)
    }
    three = (np.float32(2.71), np.float32(0.729))  # 1 + 0.9 + 0.81, and 0.9^3
    assert windows == {
        1: (*three, [1, 2, 3, 4]),
        2: (np.float32(2.71), 0.0, [2, 3, 4, 5]),
        3: (np.float32(1.9), 0.0, [2, 3, 4, 5]),
        4: (np.float32(1.0), 0.0, [2, 3, 4, 5]),  # the frames before the lost life are still there
        5: (*three, [5, 6, 7, 8]),
        6: (*three, [6, 7, 8, 9]),
    }
    sequences = replay.sample_sequences(20, 0, 6, np.random.default_rng(0))
    assert set(sequences.obs[0, :, -1, 0, 0].tolist()) == {1}
    assert sequences.starts[:, 0].tolist() == [True] + 8 * [False]
    assert sequences.learned.all()
    assert (sequences.discount[:, 0] == 0).tolist() == [False, True, True, True, False, False]
    assert replay.written.tolist() == [9]  # no border


def test_a_life_lost_as_the_episode_is_cut_off_keeps_the_bootstrap():
    replay = Replay(8, 2, (1,), np.dtype(np.float32), discount=GAMMA)
    one, lost = np.ones(2), np.array([True, True])
    replay.add(one[:, None], np.zeros(2, int), one, ~lost, np.array([True, False]), one[:, None], cut=lost)
    replay.add(one[:, None], np.zeros(2, int), one, ~lost, ~lost, one[:, None])
    batch = replay.sample(40, np.random.default_rng(0))
    discounts = {int(key) % 2: discount for key, discount in zip(batch.keys, batch.discount, strict=True)}
    assert discounts == {0: pytest.approx(GAMMA), 1: 0.0}


@pytest.mark.parametrize("exponent", [0.0, 0.6])
def test_a_million_atari_steps_take_at_most_7_5_gigabytes(exponent):
    options = {"frame_stack": 4, "n_step": 3, "priority_exponent": exponent}
    assert bytes_needed(1_000_000, 16, (4, 84, 84), np.dtype(np.uint8), **options) < 7.5e9
    small = Replay(1_000, 16, (4, 84, 84), np.dtype(np.uint8), **options)
    held = sum(column.nbytes for column in small.columns.values())
    tree = small.priorities.tree.sums.nbytes if exponent else 0
    assert held + tree == bytes_needed(1_000, 16, (4, 84, 84), np.dtype(np.uint8), **options)
