"""The replay window against a plain list, and symmetries against the game's own."""

import numpy as np
import pytest

from agents.board_value.targets import Samples
from agents.board_value.window import Window, turned
from envs.boards import rules
from envs.boards.game import GAMES, game


def numbered(first: int, count: int) -> Samples:
    numbers = np.arange(first, first + count)
    states = np.stack([numbers, numbers], axis=1).astype(np.uint64)
    return Samples(states, np.full((count, 9), 1 / 8, np.float32), numbers.astype(np.float32))


def drawn(window: Window) -> set[int]:
    return set(window.draw(np.random.default_rng(0), 5000).value.astype(int).tolist())


def test_the_window_holds_the_newest_samples_and_grows_with_the_training() -> None:
    window = Window(9, minimum=10, maximum=40, share=0.5)
    every: list[int] = []
    for count in (4, 6, 9, 11, 3, 60, 7):
        window.add(numbered(len(every), count))
        every += range(len(every), len(every) + count)
        size = min(len(every), max(10, min(40, len(every) // 2)))
        assert len(window) == size
        assert drawn(window) == set(every[-size:])
    assert window.total == len(every)


def test_samples_come_out_as_they_went_in() -> None:
    window = Window(9, minimum=10, maximum=40, share=0.5)
    window.add(numbered(3, 30))
    samples = window.draw(np.random.default_rng(0), 100)
    np.testing.assert_array_equal(samples.states[:, 0], samples.value.astype(np.uint64))
    assert samples.policy.dtype == np.float32
    assert (samples.policy == 1 / 8).all()


def test_a_loaded_window_draws_the_same() -> None:
    window = Window(9, minimum=10, maximum=40, share=0.5)
    window.add(numbered(0, 55))
    again = Window(9, minimum=10, maximum=40, share=0.5)
    again.load_state_dict(window.state_dict())
    for both in (window, again):
        both.add(numbered(55, 3))
    assert len(again) == len(window)
    ours, theirs = (each.draw(np.random.default_rng(4), 50) for each in (window, again))
    np.testing.assert_array_equal(ours.states, theirs.states)
    np.testing.assert_array_equal(ours.value, theirs.value)


@pytest.mark.parametrize(("room", "kept"), [(25, 25), (60, 40)])
def test_a_window_of_another_size_takes_the_newest_samples_over(room: int, kept: int) -> None:
    window = Window(9, minimum=10, maximum=40, share=1.0)
    window.add(numbered(0, 55))
    again = Window(9, minimum=10, maximum=room, share=1.0)
    again.load_state_dict(window.state_dict())
    assert again.total == 55
    assert drawn(again) == set(range(55 - kept, 55))
    again.add(numbered(55, room - 1))
    assert drawn(again) == set(range(54, 54 + room))


def test_nothing_can_be_drawn_from_an_empty_window() -> None:
    with pytest.raises(ValueError, match="the window is empty"):
        Window(9, minimum=1, maximum=2, share=1.0).draw(np.random.default_rng(0), 1)


@pytest.mark.parametrize("name", GAMES)
def test_a_turned_sample_has_its_policy_on_the_turned_moves(name: str) -> None:
    """After turning, a policy that marks one move marks the move to the turned successor."""
    board_game = game(name)
    rng = np.random.default_rng(1)
    states, policies, successors = [], [], []
    while len(states) < 60:
        position = board_game.start()
        for _ in range(int(rng.integers(1, 7))):
            if not position.is_over:
                position = position.play(int(rng.choice(position.legal())))
        if position.is_over:
            continue
        action = int(rng.choice(position.legal()))
        states.append(board_game.pack(position.state))
        policies.append(np.eye(board_game.num_actions, dtype=np.float32)[action])
        successors.append(board_game.planes(board_game.pack(position.play(action).state)[None])[0])
    samples = Samples(np.array(states), np.array(policies), np.zeros(60, np.float32))
    results = turned(board_game, samples, rng)
    seen = 0
    for before, state, policy, successor in zip(
        states, results.states, results.policy, successors, strict=True
    ):
        action = int(policy.argmax())
        assert policy.sum() == 1
        assert board_game.legal_mask(board_game.state(state))[action]
        after = rules.play(board_game.state(state), action)
        planes = board_game.planes(board_game.pack(after)[None])[0]
        turns = [np.rot90(m, k, axes=(1, 2)) for k in range(4) for m in (successor, successor[:, :, ::-1])]
        assert any(turn.shape == planes.shape and (turn == planes).all() for turn in turns)
        seen += bool((before != state).any())
    assert seen > 10
