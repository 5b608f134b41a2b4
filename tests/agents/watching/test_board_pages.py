"""Whole sessions on the pages of a board game: posted keys and clicks, on SDL's dummy display."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from agents.players import BasePlayer, Decision
from agents.runs.model import ModelHeader, save_model
from agents.search.alpha_beta import AlphaBeta
from agents.search.alpha_beta_player import AlphaBetaPlayer
from agents.search.limits import Limits, StopFlag
from agents.search.mcts import MCTSPlayer
from agents.values.handcrafted import HandcraftedValue
from agents.values.learned import planes_shape
from agents.watching.board_scene import BoardScene
from agents.watching.board_session import BoardSession
from agents.watching.deepening import Deepening
from agents.watching.inside_page import InsidePage
from agents.watching.judges import Judged, Judges
from agents.watching.moment import Moment
from agents.watching.search_tree import pruned, tree_of
from agents.watching.tree_page import tree_nodes
from agents.watching.truth import Truth
from envs.boards.game import Position, game
from envs.view.draw import grid_of
from envs.view.pictures import BoardPicture, InsidePicture, Spot, TreePicture
from envs.view.sdl import pygame
from envs.view.window import Window
from networks.build import build
from networks.config import NetworkConfig

RULES = game("tic_tac_toe")


class Scripted(BasePlayer):
    """Plays given cells, the first that is free."""

    def __init__(self, *actions: int) -> None:
        super().__init__("scripted")
        self.actions = actions

    def choose(self, position: Position) -> Decision:
        return Decision(action=next(action for action in self.actions if action in position.legal()))


def scene_of(
    first: BasePlayer | None, second: BasePlayer | None, inside: InsidePage | None = None
) -> BoardScene:
    session = BoardSession(RULES, (first, second), lambda: Judges(RULES, HandcraftedValue(RULES), None))
    return BoardScene(session, inside=inside)


def thinking_for_a_minute() -> BoardScene:
    rules = game("connect_four")
    player = MCTSPlayer("mcts", rules, HandcraftedValue(rules), seconds=60.0)
    judges = Judges(rules, HandcraftedValue(rules), None)
    return BoardScene(BoardSession(rules, (player, None), lambda: judges))


def searcher(simulations: int = 200) -> MCTSPlayer:
    return MCTSPlayer("mcts", RULES, HandcraftedValue(RULES), simulations=simulations)


def alpha_beta(depth: int = 5) -> AlphaBetaPlayer:
    return AlphaBetaPlayer("alpha_beta", HandcraftedValue(RULES), Limits(depth=depth))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    config = NetworkConfig(
        trunk="board_resnet",
        input_shape=planes_shape(RULES),
        head="policy_value",
        num_actions=9,
        channels=4,
        blocks=1,
    )
    torch.manual_seed(0)
    header = ModelHeader(
        kind="board_value", subject="tic_tac_toe", network=config.to_json(), config={"seed": 3}, step=5
    )
    save_model(tmp_path / "judge.safetensors", build(config).state_dict(), header)
    return tmp_path / "judge.safetensors"


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


OpenWindow = Callable[[BoardScene], Window]


def press(window: Window, *keys: int) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key))
    window.frame(0.0)


def click_at(window: Window, point: tuple[float, float]) -> None:
    where = (int(point[0]), int(point[1]))
    pygame.event.post(pygame.event.Event(pygame.MOUSEBUTTONDOWN, button=1, pos=where))
    window.frame(0.0)


def wait_for(condition: Callable[[], bool], window: Window) -> None:
    for _ in range(3000):
        if condition():
            return
        window.frame(0.02)
        time.sleep(0.002)
    raise AssertionError("it never happened")


def board(scene: BoardScene) -> BoardPicture:
    picture = scene.picture()
    assert isinstance(picture, BoardPicture)
    return picture


def test_one_key_goes_to_the_largest_disagreement_and_back(open_window: OpenWindow) -> None:
    scene = scene_of(Scripted(*range(9)), Scripted(*range(9)))
    window = open_window(scene)
    scene.session.paused = True
    for _ in range(5):
        scene.step_now()
    for moment, (mine, learned) in zip(
        scene.session.moments,
        [(0.5, 0.5), (0.4, 0.6), (0.9, 0.2), (0.5, 0.4), (0.5, 0.5), (1.0, 0.9)],
        strict=True,
    ):
        moment.judged = Judged(handcrafted=mine, learned=learned)
    assert board(scene).disagreement == 2
    press(window, pygame.K_d)
    page = board(scene)
    assert page.cursor == 2
    assert (page.cells != 0).sum() == 2
    assert [judgement.expected_score for judgement in page.judgements] == [0.9, 0.2]
    assert len(page.judgements[0].history) == 6
    assert "looking back" in page.status
    press(window, pygame.K_PAGEDOWN, pygame.K_PAGEDOWN, pygame.K_PAGEUP)
    assert board(scene).cursor == 3
    press(window, pygame.K_d, pygame.K_d)
    assert board(scene).cursor is None
    assert len(scene.session.position.moves) == 5


def test_a_person_looks_back_by_a_click_on_the_graph_and_plays_another_move_from_there(
    open_window: OpenWindow,
) -> None:
    scene = scene_of(None, None)
    window = open_window(scene)
    for key in (pygame.K_1, pygame.K_5, pygame.K_2, pygame.K_3):
        press(window, key)
    wait_for(lambda: all(moment.judged for moment in scene.session.moments), window)
    window.frame(0.0)
    spots = {
        spot.cell[1]: (x, y)
        for x in range(480, 960, 4)
        for y in range(400, 590, 20)
        if (spot := window.canvas.spot_at((x, y))) is not None
    }
    click_at(window, spots[1])
    assert board(scene).cursor == 1
    assert scene.session.position.moves == (0, 4, 1, 2)
    click_at(window, grid_of(window.canvas, board(scene)).centre((2, 2)))
    assert scene.session.position.moves == (0, 8)
    assert board(scene).cursor is None


def test_the_truth_of_every_move_is_told_on_request(open_window: OpenWindow) -> None:
    scene = scene_of(None, None)
    window = open_window(scene)
    press(window, pygame.K_1, pygame.K_2, pygame.K_5, pygame.K_t)  # X: a1 and the middle; O: b1
    wait_for(lambda: scene.session.now.truth is not None, window)
    page = board(scene)
    assert "solved: for O" in page.hints_title
    labels = {hint.cell: hint.label for hint in page.hints}
    assert labels[2, 2] != "loss" or set(labels.values()) == {"loss"}
    assert all(label == "loss" for cell, label in labels.items() if cell != (2, 2))  # c3 threatens at once
    assert [judgement.label for judgement in page.judgements][-1] == "Solved"
    press(window, pygame.K_t)
    assert "solved" not in board(scene).hints_title


def test_positions_that_would_take_too_long_are_refused_in_words() -> None:
    four, othello = game("connect_four"), game("othello")
    assert Truth(four).refusal(four.start()) == ""
    first_moves = Truth(four).solve(four.start())  # by the opening book (Allis 1988: the middle wins)
    assert first_moves == dict(enumerate((-1, -1, 0, 1, 0, -1, -1)))
    assert "14 squares" in Truth(othello).refusal(othello.start())
    with pytest.raises(ValueError, match="14 squares"):
        Truth(othello).solve(othello.start())


def test_the_tree_page_unfolds_the_search_and_follows_the_game(open_window: OpenWindow) -> None:
    scene = scene_of(searcher(), None)
    window = open_window(scene)
    press(window, pygame.K_TAB)
    wait_for(lambda: scene.session.now.decision is not None, window)
    page = scene.picture()
    assert isinstance(page, TreePicture)
    assert page.tree_title == "Tree of X: 200 simulations"
    grown = scene.session.now.tree
    assert grown is not None
    assert sum(node.visits for node in grown.nodes if node.depth == 1) == 200
    assert max(node.depth for node in page.nodes) >= 3
    decision = scene.session.now.decision
    assert decision is not None
    line = [node.move for node in page.nodes if node.is_line]
    assert line == [RULES.action_text(action) for action in decision.principal_variation[: len(line)]]
    wait_for(lambda: len(scene.session.position.moves) == 1, window)
    assert isinstance(scene.picture(), TreePicture)  # still that of the move just played
    press(window, pygame.K_TAB)
    assert board(scene).cells.any()


def test_a_growing_tree_is_shown_while_it_grows(open_window: OpenWindow) -> None:
    scene = thinking_for_a_minute()
    window = open_window(scene)
    wait_for(lambda: scene.session.now.tree is not None, window)
    first = scene.session.now.tree
    assert first is not None
    assert scene.session.now.decision is None
    assert board(scene).hints_title == "Visits of the search so far"
    assert "simulations" in dict(board(scene).search)
    assert "thinking" in board(scene).search_title
    scene.close()


def test_a_tree_is_a_tree_and_pruning_keeps_its_most_visited_part() -> None:
    player, position = searcher(500), RULES.position("b2a1")
    assert tree_of(player, position) is None
    player.choose(position)
    assert tree_of(player, RULES.start()) is None  # another position than the one that was searched
    tree = tree_of(player, position)
    assert tree is not None
    for index, node in enumerate(tree.nodes):
        assert node.parent is None or node.parent < index
        below = [child for child in tree.nodes if child.parent == index]
        assert sum(child.visits for child in below) <= node.visits
        assert sum(child.is_line for child in below) <= node.is_line
    small = pruned(tree, 6)
    parents = {node.parent for node in small.nodes}
    assert sum(index not in parents for index in range(len(small.nodes))) <= 6
    assert max(node.visits for node in tree.nodes) == max(node.visits for node in small.nodes)
    shown = tree_nodes(small, Moment(position=position))
    leaves = [node.row for i, node in enumerate(shown) if i not in parents]
    assert sorted(leaves) == list(range(len(leaves)))


def test_alpha_beta_is_shown_depth_by_depth_as_a_search_of_that_depth_finds_it(
    open_window: OpenWindow,
) -> None:
    scene = scene_of(alpha_beta(), None)
    window = open_window(scene)
    press(window, pygame.K_TAB)
    wait_for(lambda: scene.session.moments[0].depths is not None, window)
    page = scene.picture()
    assert isinstance(page, TreePicture)
    assert [line.depth for line in page.depths] == [1, 2, 3, 4, 5]
    assert all(0 <= line.first_cutoffs <= line.cutoffs for line in page.depths)
    assert page.depths[-1].first_cutoffs > 0
    played = RULES.start()
    for number, (action, after) in enumerate(
        zip(scene.session.moments[0].depths.results[-1].line, page.line_boards, strict=True), start=1
    ):
        assert after.title == f"{number}. {RULES.action_text(action)}"
        played = played.play(action)
        assert np.array_equal(after.cells, RULES.cell_owner(played))
        assert after.last is not None
        assert after.cells[after.last] == 1 + (number - 1) % 2
    found = Deepening().search(alpha_beta(), RULES.start(), 5)
    for result in found.results:
        kernel = HandcraftedValue(RULES).kernel
        assert kernel is not None
        alone = AlphaBeta(kernel, StopFlag()).search(RULES.start().state, Limits(depth=result.depth))
        assert (result.score, result.depth) == (alone.score, alone.depth)


def test_the_inside_page_shows_the_network_on_the_position(open_window: OpenWindow, model: Path) -> None:
    moves = [RULES.action_text(action) for action in range(9)]
    scene = scene_of(None, None, InsidePage(model, "the network", moves))
    window = open_window(scene)
    press(window, pygame.K_TAB, pygame.K_TAB)

    def inside() -> InsidePicture:
        picture = scene.picture()
        assert isinstance(picture, InsidePicture)
        return picture

    wait_for(lambda: not inside().missing, window)
    page = inside()
    assert page.heat is not None
    assert page.heat.shape == (3, 3)
    assert page.status == "checkpoint judge, step 5 · ply 0"
    assert "gradient" in page.heat_title
    press(window, pygame.K_g)
    wait_for(lambda: "perturbation" in inside().heat_title, window)
    press(window, pygame.K_LEFTBRACKET)  # the start of the run, drawn again from its seed
    assert "checkpoint 1 of 2: the start, drawn again from seed 3" in inside().footer
    wait_for(lambda: "the start" in inside().status, window)
    window.frame(0.0)
    scene.pick(Spot(page.layers[0].name, (0, 0), 2))
    assert inside().field == (0.0, 0.0, 2 / 3, 2 / 3)
    assert inside().layers[0].picked == (2, (0, 0))
    scene.pick(Spot(page.layers[0].name, (0, 0), 2))
    assert inside().field is None
    before = inside().layers[0].maps
    press(window, pygame.K_5)
    wait_for(lambda: "ply 1" in inside().status, window)
    assert not np.array_equal(inside().layers[0].maps, before)


def test_a_window_answers_within_50_ms_of_its_own_time_while_agents_think(open_window: OpenWindow) -> None:
    scene = thinking_for_a_minute()
    window = open_window(scene)
    wait_for(lambda: scene.session.now.tree is not None, window)
    keys = (pygame.K_n, pygame.K_v, pygame.K_TAB, pygame.K_TAB, pygame.K_h, pygame.K_h)
    for key in keys:  # the first time each page makes its letters
        press(window, key)
    spent = []
    for key in keys:
        before = time.thread_time()  # of this thread: a busy machine does not count
        press(window, key)
        spent.append(time.thread_time() - before)
    assert max(spent) < 0.05
    began = time.monotonic()
    scene.close()
    assert time.monotonic() - began < 1.0
