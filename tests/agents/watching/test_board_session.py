"""Whole sessions at the window: keys and clicks are posted as a person gives them, on SDL's dummy display."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from agents.players import BasePlayer, Decision, Player, RandomPlayer
from agents.watching.board_scene import BoardScene
from agents.watching.board_session import BoardSession
from agents.watching.deferred import DeferredPlayer
from agents.watching.judges import Judged, Judges
from envs.boards.game import Position, game
from envs.boards.rules import PASS
from envs.view.draw import grid_of
from envs.view.pictures import BoardPicture
from envs.view.sdl import pygame
from envs.view.window import Window

NO_JUDGES = Judges(game("tic_tac_toe"), None, None)


class Scripted(BasePlayer):
    """Plays given cells, the first that is free."""

    def __init__(self, *actions: int) -> None:
        super().__init__("scripted")
        self.actions = actions
        self.seeds: list[int] = []

    def reset(self, seed: int) -> None:
        self.seeds.append(seed)

    def choose(self, position: Position) -> Decision:
        action = next(action for action in self.actions if action in position.legal())
        return Decision(action=action, principal_variation=(action,), statistics={"depth": 1.0})


class Slow(BasePlayer):
    """Thinks until it is stopped, and knows how often two threads asked it at once."""

    def __init__(self) -> None:
        super().__init__("slow")
        self.stopped = threading.Event()
        self.thinking = 0
        self.thought = 0
        self.together = 0

    def stop(self) -> None:
        self.stopped.set()

    def choose(self, position: Position) -> Decision:
        self.thinking += 1
        self.together = max(self.together, self.thinking)
        self.stopped.clear()
        self.stopped.wait(60)
        self.thinking -= 1
        self.thought += 1
        return Decision(action=position.legal()[0])


def session(
    first: Player | None, second: Player | None, name: str = "tic_tac_toe", **more: int
) -> BoardSession:
    return BoardSession(game(name), (first, second), lambda: Judges(game(name), None, None), **more)


def wait_for(condition: Callable[[], bool], step: Callable[[], object]) -> None:
    """Let time pass until something holds."""
    for _ in range(2000):
        if condition():
            return
        step()
        time.sleep(0.001)
    raise AssertionError("it never happened")


@pytest.fixture
def open_window(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[BoardScene], Window]]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    opened: list[Window] = []

    def open_one(scene: BoardScene) -> Window:
        opened.append(Window(scene, (960, 600), folder=tmp_path))
        return opened[-1]

    yield open_one
    for window in opened:
        window.close()


def click(window: Window, scene: BoardScene, cell: tuple[int, int]) -> None:
    x, y = grid_of(window.canvas, scene.picture()).centre(cell)
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=(int(x), int(y))))
    window.frame(0.0)


def press(window: Window, *keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
    window.frame(0.0)


def picture(scene: BoardScene) -> BoardPicture:
    return scene.picture()


OpenWindow = Callable[[BoardScene], Window]


def test_a_person_wins_by_clicking_takes_back_to_the_start_and_hands_over(open_window: OpenWindow) -> None:
    played = session(None, Scripted(3, 4, 5))
    scene = BoardScene(played)
    window = open_window(scene)
    for plies, cell in ((2, (0, 0)), (4, (0, 1)), (5, (0, 2))):
        click(window, scene, cell)
        wait_for(lambda: len(played.position.moves) == plies, lambda: window.frame(0.5))  # noqa: B023
    assert played.position.result == 1
    assert "X won" in picture(scene).status
    assert set(picture(scene).marked) == {(0, 0), (0, 1), (0, 2)}
    assert picture(scene).last == (0, 2)
    click(window, scene, (2, 2))
    assert "over" in picture(scene).footer

    for plies in (4, 2, 0):
        press(window, pygame.K_LEFT)
        assert len(played.position.moves) == plies
    press(window, pygame.K_LEFT)
    assert picture(scene).footer == "this is the start"

    press(window, pygame.K_f)  # the agent takes the person's seat and plays both sides
    assert picture(scene).seats[0].name == "scripted"
    wait_for(lambda: len(played.position.moves) >= 2, lambda: window.frame(0.5))
    press(window, pygame.K_f)
    assert picture(scene).seats[0].name == "Human"
    wait_for(lambda: played.position.player == 0 and played.now.decision is None, lambda: window.frame(0.5))
    plies = len(played.position.moves)
    press(window, pygame.K_9)
    assert played.position.moves[plies] == 8


def test_a_click_on_an_agents_turn_or_a_taken_cell_plays_nothing(open_window: OpenWindow) -> None:
    slow = Slow()
    played = session(None, slow)
    scene = BoardScene(played)
    window = open_window(scene)
    click(window, scene, (1, 1))
    click(window, scene, (0, 0))
    assert len(played.position.moves) == 1
    assert "s takes over" in picture(scene).footer
    press(window, pygame.K_s)
    click(window, scene, (1, 1))
    assert "no legal move" in picture(scene).footer
    press(window, pygame.K_1)
    assert played.position.moves == (4, 0)


def test_closing_in_the_middle_of_a_think_stops_it_at_once(open_window: OpenWindow) -> None:
    slow = Slow()
    scene = BoardScene(session(slow, None))
    window = open_window(scene)
    wait_for(lambda: slow.thinking == 1, lambda: window.frame(0.1))
    assert "thinking" in picture(scene).seats[0].note
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    began = time.monotonic()
    window.run()
    assert time.monotonic() - began < 1.0
    assert slow.thought == 1


def test_a_player_that_cannot_be_stopped_does_not_hold_up_the_close() -> None:
    deaf = Deaf()
    played = session(deaf, None)
    wait_for(lambda: deaf.thinking == 1, lambda: played.advance(0.1))
    began = time.monotonic()
    played.close()
    assert time.monotonic() - began < 1.0
    deaf.stopped.set()


def test_keys_are_answered_while_an_agent_thinks() -> None:
    slow = Slow()
    played = session(slow, slow)
    scene = BoardScene(played)
    wait_for(lambda: slow.thinking == 1, lambda: scene.advance(0.1))
    began = time.monotonic()
    for key in ("n", "v", "+", "space", "space"):
        scene.press(key)
        scene.advance(0.02)
        scene.picture()
    assert time.monotonic() - began < 0.2
    played.close()


class Deaf(Slow):
    """Cannot be stopped from outside."""

    stop = None  # type: ignore[assignment]


def test_a_player_is_never_asked_by_two_threads() -> None:
    deaf = Deaf()
    played = session(deaf, deaf)
    wait_for(lambda: deaf.thinking == 1, lambda: played.advance(0.1))
    played.hand_over(0)
    played.hand_over(0)
    for _ in range(50):
        played.advance(0.1)
        time.sleep(0.001)
    assert (deaf.thinking, deaf.together) == (1, 1)
    deaf.stopped.set()
    wait_for(lambda: deaf.thought == 1 and deaf.thinking == 1, lambda: played.advance(0.1))
    assert deaf.together == 1
    deaf.stopped.set()
    played.close()


@pytest.mark.parametrize("leave", ["restart", "undo", "hand_over"])
def test_a_decision_of_an_abandoned_think_is_never_played(leave: str) -> None:
    deaf = Deaf()  # would play 1
    played = session(Scripted(0), deaf)
    wait_for(lambda: deaf.thinking == 1, lambda: played.advance(1.0))
    assert played.position.moves == (0,)
    if leave == "hand_over":
        played.hand_over(1)
    else:
        getattr(played, leave)()
    played.paused = True
    deaf.stopped.set()
    wait_for(lambda: deaf.thought == 1, lambda: None)
    for _ in range(20):
        played.advance(1.0)
        time.sleep(0.001)
    decision = played.now.decision
    assert decision is None or decision.action == 0  # its own, after taking back
    assert played.position.moves == ((0,) if leave == "hand_over" else ())


def test_pause_holds_the_game_and_a_step_plays_one_move() -> None:
    played = session(Scripted(0, 1, 2, 3), Scripted(4, 5, 6))
    played.paused = True
    for _ in range(50):
        played.advance(1.0)
    assert played.position.moves == ()
    played.step()
    wait_for(lambda: len(played.position.moves) == 1, lambda: played.advance(0.0))
    for _ in range(50):
        played.advance(1.0)
        time.sleep(0.001)
    assert len(played.position.moves) == 1


def test_a_decision_is_shown_before_it_is_played() -> None:
    played = session(Scripted(0), Scripted(4))
    wait_for(lambda: played.now.decision is not None, lambda: played.advance(0.0))
    for _ in range(20):
        played.advance(0.0)
    assert played.position.moves == ()
    played.advance(1.0)
    assert played.position.moves == (0,)


def test_taking_back_between_agents_goes_one_move_and_pauses() -> None:
    played = session(Scripted(0, 1), Scripted(4, 5))
    for _ in range(3):
        played.step_now()
    assert played.undo()
    assert played.paused
    assert played.position.moves == (0, 4)


def test_each_game_has_a_seed_of_its_own_and_each_seat_another() -> None:
    first, second = Scripted(*range(9)), Scripted(*range(9))
    played = session(first, second, games=3, seed=5)
    while played.step_now():
        pass
    assert played.games_begun == 3
    assert first.seeds == [10, 12, 14]
    assert second.seeds == [11, 13, 15]


def test_the_same_seed_plays_the_same_games_and_another_one_others() -> None:
    def games(seed: int) -> list[tuple[int, ...]]:
        played = session(RandomPlayer(), RandomPlayer(seed=9), games=4, seed=seed)
        moves = []
        while played.step_now():
            moves.append(played.position.moves)
        return moves

    assert games(1) == games(1)
    assert games(1) != games(2)


def test_two_people_have_no_agent_to_hand_a_seat_to() -> None:
    scene = BoardScene(session(None, None))
    scene.press("f")
    assert scene.session.humans == [True, True]
    assert "no agent" in picture(scene).footer


def test_without_a_window_a_person_cannot_play() -> None:
    with pytest.raises(ValueError, match="window"):
        session(None, RandomPlayer()).step_now()


def test_connect_four_takes_a_click_anywhere_in_the_column_and_digits() -> None:
    scene = BoardScene(session(None, None, "connect_four"))
    scene.click((0, 3))
    scene.click((5, 3))
    scene.press("7")
    scene.press("9")
    assert scene.session.position.moves == (3, 3, 6)
    assert "no such cell" in picture(scene).footer


def test_othello_takes_two_digits_column_then_row() -> None:
    scene = BoardScene(session(None, None, "othello"))
    scene.press("4")
    assert "row?" in picture(scene).footer
    scene.press("3")
    assert scene.session.game.action_text(scene.session.position.moves[0]) == "d3"
    scene.press("1")
    scene.press("1")
    assert "no legal move" in picture(scene).footer


def test_a_forced_pass_is_played_for_a_person_after_a_while() -> None:
    played = session(None, None, "othello")
    position = game("othello").start()
    rng = np.random.default_rng(0)
    while position.legal() != [PASS]:
        position = game("othello").start() if position.is_over else position
        position = position.play(int(rng.choice(position.legal())))
    played.now.position = position
    played.advance(0.1)
    assert played.position.moves == position.moves
    played.advance(2.0)
    assert played.position.moves == (*position.moves, PASS)


def test_what_a_player_raises_reaches_the_window() -> None:
    played = session(Scripted(), None)  # has nothing to play
    with pytest.raises(StopIteration):
        wait_for(lambda: False, lambda: played.advance(0.1))


def test_a_deferred_player_is_built_once_by_the_thread_that_needs_it() -> None:
    built: list[threading.Thread] = []

    def build() -> Player:
        built.append(threading.current_thread())
        return Scripted(*range(9))

    played = session(DeferredPlayer("named", build), None)
    assert built == []
    assert picture(BoardScene(played)).seats[0].name == "named"
    wait_for(lambda: played.now.decision is not None, lambda: played.advance(0.1))
    played.undo()
    played.restart()
    wait_for(lambda: played.now.decision is not None, lambda: played.advance(0.1))
    assert len(built) == 1
    assert built[0] is not threading.main_thread()
    played.close()


def test_ghosts_follow_the_line_and_shrink_as_it_is_played() -> None:
    class Seer(Scripted):
        def choose(self, position: Position) -> Decision:
            return Decision(action=0, principal_variation=(0, 4, 8))

    played = session(Seer(), None)
    scene = BoardScene(played)
    played.settle()
    assert [(g.cell, g.player, g.number) for g in picture(scene).ghosts] == [
        ((0, 0), 0, 1), ((1, 1), 1, 2), ((2, 2), 0, 3),
    ]  # fmt: skip
    played.play(0)
    assert [(g.cell, g.player, g.number) for g in picture(scene).ghosts] == [((1, 1), 1, 1), ((2, 2), 0, 2)]
    scene.press("v")
    assert picture(scene).ghosts == ()
    scene.press("v")
    played.play(1)  # not what was expected
    assert picture(scene).ghosts == ()


def test_numbers_on_moves_are_titled_by_their_kind() -> None:
    class Counter(Scripted):
        def choose(self, position: Position) -> Decision:
            visits = np.arange(9) * 1000
            return Decision(action=8, visits=visits)

    prior = np.full(9, 1 / 9, np.float32)
    scores = np.linspace(0, 1, 9, dtype=np.float32)
    scene = BoardScene(session(Counter(), None))
    scene.session.now.judged = Judged(
        handcrafted=0.5, prior=prior, learned_moves=scores, handcrafted_moves=scores[::-1]
    )
    scene.settle()
    scene.session.now.truth = {action: action % 2 for action in range(9)}
    shown = {}
    for _ in range(6):
        page = picture(scene)
        shown[page.hints_title] = [hint.label for hint in page.hints]
        scene.press("n")
    assert {title: labels[-1] for title, labels in shown.items()} == {
        "Visits of the search": "8.0k",
        "Prior of the network, %": "11",
        "Learned value of each move: score of X, %": "100",
        "Handcrafted value of each move: score of X, %": "0",
        "True value of each move, solved: for X": "draw",
        "Legal moves": "",
    }


def test_both_histories_have_a_point_for_each_position() -> None:
    scene = BoardScene(session(Scripted(*range(9)), Scripted(*range(9))))
    for _ in range(4):
        scene.step_now()
    for i, moment in enumerate(scene.session.moments):
        moment.judged = Judged(handcrafted=i / 10, learned=None if i == 2 else 1 - i / 10)
    handcrafted, learned = picture(scene).judgements
    assert list(handcrafted.history) == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    assert np.isnan(learned.history[2])
    assert handcrafted.expected_score == pytest.approx(0.4)


@pytest.mark.parametrize(("name", "value"), [("games", 0), ("speed", 0.0)])
def test_impossible_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        BoardSession(game("tic_tac_toe"), (None, None), lambda: NO_JUDGES, **{name: value})  # type: ignore[arg-type]
