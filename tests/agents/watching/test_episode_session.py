"""Episodes that are paused, stepped, taken back and taken over."""

import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from numpy.typing import NDArray

from agents.watching import episode_session
from agents.watching.actions import action_of_keys, names_of
from agents.watching.episode_scene import EpisodeScene
from agents.watching.episode_session import EpisodeSession
from envs.vector import make_env
from envs.view.pictures import Spot

ATARI = ("NOOP", "FIRE", "↑", "→", "←", "↓", "↗", "↑ F")


class Balancer:
    """A pole balancer by hand: pushes to where the pole falls."""

    name = "balancer"
    state = None

    def __init__(self, epsilon: float = 0.0) -> None:
        self.epsilon = epsilon
        self.starts: list[bool] = []

    def reset(self, num_envs: int, seed: int) -> None:
        assert num_envs == 1

    def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        self.starts.append(bool(starts[0]))
        lean = float(obs[0, 2] + 0.3 * obs[0, 3])
        return np.array([[-lean, lean]], np.float32)


class Counting(Balancer):
    """Remembers how many steps of the episode it has seen."""

    state: Any = 0

    def reset(self, num_envs: int, seed: int) -> None:
        self.state = 0

    def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
        self.state += 1
        return np.array([[self.state, 0.0]], np.float32)


def session(agent: Balancer | None = None, render: str | None = None, **more: Any) -> EpisodeSession:
    return EpisodeSession(make_env("CartPole-v1", render), agent or Balancer(), **more)


def test_what_a_memory_has_seen_is_kept_on_both_sides_of_the_step_that_is_shown() -> None:
    class Seeing(Counting):
        def q_values(self, obs: NDArray[Any], starts: NDArray[np.bool_]) -> NDArray[np.float32]:
            return super().q_values(obs, starts) + obs[:, 1:2]  # the speed

    one = session(Seeing())
    for _ in range(6):
        one.step_now()
    before = one.scenery
    assert [glimpse.memory for glimpse in before.glimpses] == [0, 1, 2, 3, 4, 5, 6]
    assert np.array_equal(before.glimpses[-1].obs, before.obs)
    one.go_to(2)
    wait_for(lambda: one.scenery.step == 2, lambda: one.advance(0.0))
    assert one.scenery.num_later == 4
    assert [glimpse.memory for glimpse in one.scenery.glimpses] == [0, 1, 2, 3, 4, 5, 6]
    one.step_now()
    assert one.scenery.num_later == 3
    one.hand = lambda: 1 - one.scenery.choice.action
    one.step_now()
    assert one.scenery.num_later == 0
    assert session(Balancer()).scenery.glimpses == ()


def test_after_a_step_back_to_before_what_is_remembered_nothing_follows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(episode_session, "GLIMPSES_MAX", 3)
    one = session(Counting())
    for _ in range(7):
        one.step_now()
    assert [glimpse.memory for glimpse in one.scenery.glimpses] == [5, 6, 7]
    one.go_to(1)
    wait_for(lambda: one.scenery.step == 1, lambda: one.advance(0.0))
    assert (len(one.scenery.glimpses), one.scenery.num_later) == (2, 0)


def wait_for(condition: Callable[[], bool], step: Callable[[], object]) -> None:
    for _ in range(3000):
        if condition():
            return
        step()
        time.sleep(0.0005)
    raise AssertionError("it never happened")


def test_a_session_plays_the_episodes_that_gymnasium_plays() -> None:
    played = session(seed=3, episodes=2)
    while played.step_now():
        pass
    env, agent = gymnasium.make("CartPole-v1"), Balancer()
    returns = []
    for seed in (3, 4):
        obs, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            q = agent.q_values(obs[None], np.array([False]))[0]
            obs, reward, terminated, truncated, _ = env.step(int(q.argmax()))
            total, over = total + float(reward), terminated or truncated
        returns.append(total)
    assert played.past_returns == returns
    assert played.is_finished


def test_going_back_restores_the_state_and_what_follows_is_the_same() -> None:
    played = session(seed=1)
    sceneries = [played.scenery]
    for _ in range(12):
        played.step_now()
        sceneries.append(played.scenery)
    for back in (11, 10, 9):
        played.undo()
        wait_for(lambda: played.scenery.step == back, lambda: played.advance(0.0))  # noqa: B023
        assert np.array_equal(played.scenery.obs, sceneries[back].obs)
        assert len(played.scenery.episode.values) == back + 1
    for forward in (10, 11, 12):
        played.step_now()
        assert np.array_equal(played.scenery.obs, sceneries[forward].obs)


def test_going_back_with_a_memory_shows_it_every_step_again() -> None:
    played = session(Counting())
    for _ in range(5):
        played.step_now()
    assert played.scenery.q[0] == 6
    played.undo()
    wait_for(lambda: played.scenery.step == 4, lambda: played.advance(0.0))
    assert played.scenery.q[0] == 5


def test_the_agent_is_told_where_an_episode_begins() -> None:
    agent = Balancer()
    played = session(agent)
    for _ in range(3):
        played.step_now()
    played.restart()
    wait_for(lambda: played.scenery.episode.number == 2, lambda: played.advance(0.0))
    assert agent.starts == [True, False, False, False, True]


def test_time_is_kept_by_the_environments_own_clock() -> None:
    played = session()
    assert played.steps_per_second == 50
    for _ in range(20):
        played.advance(0.1)  # two seconds in all
        played.settle()
    assert played.scenery.step == pytest.approx(100, abs=6)


def test_pause_holds_the_episode_and_a_step_moves_it_by_one() -> None:
    played = session()
    played.paused = True
    for _ in range(10):
        played.advance(1.0)
    assert played.scenery.step == 0
    played.step()
    wait_for(lambda: played.scenery.step == 1, lambda: played.advance(1.0))
    played.advance(1.0)
    assert played.scenery.step == 1
    assert not session().undo()


def test_an_exploring_agent_is_told_apart() -> None:
    played = session(Balancer(epsilon=1.0), seed=5)
    for _ in range(8):
        played.step_now()
    assert all(choice.explored for choice in played.scenery.episode.choices)
    assert {choice.action for choice in played.scenery.episode.choices} == {0, 1}
    page = EpisodeScene(played, "CartPole-v1", "m", ("←", "→")).picture()
    assert page.explored
    assert page.choice.startswith("explored")


def test_a_person_takes_over_with_the_arrows_and_hands_back() -> None:
    scene = EpisodeScene(session(), "CartPole-v1", "m", ("←", "→"))
    scene.press("f")
    scene.press("right")
    for _ in range(4):
        scene.step_now()
    scene.release("right")
    scene.press("left")  # steers, and does not take back
    scene.step_now()
    choices = scene.session.scenery.episode.choices[:5]
    assert [choice.action for choice in choices] == [1, 1, 1, 1, 0]
    assert all(choice.by_hand for choice in choices)
    assert ("last action", "← by hand") in scene.picture().facts
    scene.press("f")
    scene.step_now()
    assert not scene.session.scenery.episode.choices[5].by_hand


def test_the_page_shows_the_frame_the_values_and_the_return() -> None:
    scene = EpisodeScene(session(render="rgb_array"), "CartPole-v1", "model.safetensors", ("←", "→"))
    for _ in range(3):
        scene.step_now()
    page = scene.picture()
    assert page.frame is not None
    assert page.frame.dtype == np.uint8
    assert page.frame.ndim == 3
    assert list(page.returns) == [0, 1, 2, 3]
    assert len(page.values) == 4
    assert page.values[-1] == pytest.approx(max(action.value for action in page.actions))
    chosen = [action for action in page.actions if action.chosen]
    assert chosen == [max(page.actions, key=lambda action: action.value)]
    scene.close()


def test_what_an_environment_raises_reaches_the_window() -> None:
    played = session()

    def broken(action: int) -> Any:
        raise RuntimeError("out of order")

    played._env.step = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of order"):
        wait_for(lambda: False, lambda: played.advance(0.1))


@pytest.mark.parametrize(
    ("held", "action"),
    [
        ((), "NOOP"),
        (("up",), "↑"),
        (("up", "right"), "↗"),
        (("up", "x"), "↑ F"),
        (("up", "right", "x"), "↗"),
        (("down", "left"), "←"),
        (("return",), "FIRE"),
        (("5",), "↓"),
        (("9",), "NOOP"),
    ],
)
def test_keys_mean_the_action_that_has_most_of_them(held: tuple[str, ...], action: str) -> None:
    assert ATARI[action_of_keys(held, ATARI)] == action


@pytest.mark.parametrize(
    "env_id",
    [
        "CartPole-v1",
        "MountainCar-v0",
        "Acrobot-v1",
        "FrozenLake-v1",
        "advantage/Catch-v0",
        "advantage/Corridor-v0",
    ],
)
def test_there_is_a_name_for_each_action(env_id: str) -> None:
    names = names_of(env_id, int(make_env(env_id).action_space.n))  # type: ignore[attr-defined]
    assert len(set(names)) == len(names)
    assert not names[0].isdigit()


def test_atari_actions_have_short_names_and_others_their_numbers() -> None:
    assert names_of("ALE/Pong-v5", 6) == ("NOOP", "FIRE", "→", "←", "→ F", "← F")
    assert names_of("ALE/Seaquest-v5", 18)[-4:] == ("↗ F", "↖ F", "↘ F", "↙ F")
    assert names_of("advantage/Recall-v0", 2) == ("0", "1")


def test_a_step_back_keeps_the_curves_as_long_as_they_come_true_again() -> None:
    played = session(seed=1)
    for _ in range(8):
        played.step_now()
    scene = EpisodeScene(played, "CartPole-v1", "m", ("←", "→"))
    values = list(scene.play_page().values)
    scene.pick(Spot("graph", (0, 3)))
    wait_for(lambda: played.scenery.step == 3, lambda: played.advance(0.0))
    page = scene.play_page()
    assert (page.cursor, list(page.values), list(page.returns)) == (3, values, list(range(9)))
    scene.pick(Spot("graph", (0, 6)))  # on again, to what was seen
    wait_for(lambda: played.scenery.step == 6, lambda: played.advance(0.0))
    assert list(scene.play_page().values) == values
    played.hand = lambda: 1 - played.scenery.choice.action
    played.step_now()
    assert len(scene.play_page().values) == 8  # another action: what followed once is void
    scene.pick(Spot("graph", (0, 50)))
    assert "not come so far" in scene.play_page().footer
