"""The pages of a network and of a search: layout, clicks, and that what is drawn follows the data."""

from dataclasses import replace

import numpy as np
import pytest

from envs.boards.game import GAMES, game
from envs.view import style
from envs.view.canvas import Canvas
from envs.view.distribution import draw_distribution
from envs.view.draw import draw, paint
from envs.view.inside import heated
from envs.view.pictures import (
    ActionValue,
    BoardPicture,
    DepthLine,
    EpisodePicture,
    Ghost,
    InsidePicture,
    Judgement,
    MapGrid,
    MemoryPicture,
    MoveHint,
    Picture,
    ReturnDistribution,
    Seat,
    Series,
    Spot,
    Strip,
    Tabs,
    TreeNode,
    TreePicture,
)
from envs.view.sdl import pygame
from envs.view.tiles import brightest, scale_note, tinted

SIZES = [(960, 600), (1280, 720), (1920, 1080), (2400, 600), (960, 1500)]  # the last two: dragged there
LONG = "alpha_beta:value=learned,depth=12,nodes=100000000,seconds=2.5,model=runs/somewhere/very/deep/inside"
TABS = Tabs(("Play", "Tree", "Inside"), 1)
RNG = np.random.default_rng(0)


def maps(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def board(name: str) -> BoardPicture:
    rows, columns = game(name).board_shape
    cells = np.zeros((rows, columns), np.int8)
    cells[-1, 0], cells[-1, 1] = 1, 2
    history = [0.5, 0.6, float("nan"), 0.2, 1.0]
    return BoardPicture(
        title="A game",
        game=name,
        cells=cells,
        seats=(Seat(name=LONG, note=LONG), Seat(name=LONG)),
        to_move=0,
        last=(rows - 1, 1),
        hints=[MoveHint(cell=(0, c), label=f"{10**c}", weight=c / columns) for c in range(columns)],
        hints_title=LONG,
        ghosts=[Ghost(cell=(1, c), player=c % 2, number=c + 1) for c in range(columns)],
        judgements=[
            Judgement(label="Handcrafted", colour=style.ORANGE, expected_score=1.0, history=history),
            Judgement(label="Learned", colour=style.SKY, expected_score=0.2, history=history[::-1]),
            Judgement(label="Solved", colour=style.GREEN, expected_score=0.0),
        ],
    )


def inside_picture(num_actions: int = 18) -> InsidePicture:
    return InsidePicture(
        title=LONG,
        status=LONG,
        footer=LONG * 3,
        frame=np.full((210, 160, 3), 90, np.uint8),
        heat=np.abs(maps(17, 17)),
        heat_title=LONG,
        field=(0.25, 0.25, 0.5, 1.0),
        kernels=maps(32, 8, 8),
        initial=maps(32, 8, 8),
        kernels_title=LONG,
        initial_title=LONG,
        verdict=LONG * 6,
        layers=[
            MapGrid(name="a", title=LONG, maps=maps(32, 20, 20), picked=(3, (4, 5))),
            MapGrid(name="b", title=LONG, maps=maps(64, 7, 7)),
            MapGrid(name="c", title=LONG, maps=maps(1, 1, 512)),
        ],
        output_title=LONG,
        actions=[ActionValue(name=LONG, value=i - 5.0, chosen=i == 1) for i in range(num_actions)],
        tabs=TABS,
    )


def tree_nodes(leaves: int, depth: int) -> list[TreeNode]:
    """A comb: each leaf hangs at the end of a chain."""
    nodes = []
    for leaf in range(leaves):
        for level in range(1, depth + 1):
            nodes.append(
                TreeNode(
                    move="h8",
                    player=level % 2,
                    visits=10**level,
                    share=1 / (leaf + level),
                    expected_score=0.5,
                    prior=1.0,
                    proof="Yellow wins" if leaf % 2 else "",
                    parent=None if level == 1 else len(nodes) - 1,
                    depth=level,
                    row=float(leaf),
                    is_line=leaf == 0,
                )
            )
    return nodes


def tree_picture(name: str = "connect_four") -> TreePicture:
    return TreePicture(
        title=LONG,
        board=board(name),
        status=LONG,
        footer=LONG * 3,
        tree_title=LONG,
        tree_note=LONG,
        nodes=tree_nodes(13, 5),
        tabs=TABS,
    )


def depths_picture() -> TreePicture:
    lines = [
        DepthLine(
            depth=depth,
            expected_score=depth / 40,
            score_text="100 %",
            nodes=7**depth,
            cutoffs=6**depth,
            first_cutoffs=6**depth,
            line="a1 " * 30,
            is_new=depth % 3 == 0,
        )
        for depth in range(1, 31)
    ]
    return replace(tree_picture(), nodes=(), depths=lines)


def played_out(name: str, depth: int) -> TreePicture:
    """A shallow search, with room for its line."""
    line = [replace(board(name), title=LONG, hints=(), ghosts=()) for _ in range(depth)]
    page = depths_picture()
    return replace(tree_picture(name), nodes=(), depths=page.depths[:depth], line_boards=line)


def distributional() -> EpisodePicture:
    spread = ReturnDistribution(
        returns=np.linspace(-10, 10, 51).tolist(), weights=[1 / 51] * 51, mean=0.0, others=[1.0, 2.0]
    )
    actions = [ActionValue(name=LONG, value=float(i), chosen=i == 2) for i in range(18)]
    return EpisodePicture(
        title=LONG,
        frame=np.zeros((210, 160, 3), np.uint8),
        obs=np.zeros((4, 84, 84), np.uint8),
        footer=LONG * 3,
        facts=[(f"fact {i}", LONG) for i in range(30)],
        actions=actions,
        values=[float(i % 7) for i in range(90)],
        returns=[float(i) for i in range(90)],
        cursor=40,
        distribution=spread,
        tabs=TABS,
    )


def memory_picture(steps: int = 128, units: int = 512, *, lstm: bool = True) -> MemoryPicture:
    strip = Strip(title=LONG, values=maps(units, steps), high=1.0)
    series = [Series(name=f"{i} {LONG}", values=maps(steps).tolist()) for i in range(6)]
    return MemoryPicture(
        title=LONG,
        status=LONG,
        footer=LONG * 3,
        frame=np.full((210, 160, 3), 90, np.uint8),
        strips=[strip, strip] if lstm else [strip],
        gates=series[:3] if lstm else (),
        q=series,
        actions=[ActionValue(name=LONG, value=i - 5.0, chosen=i == 1) for i in range(18)],
        first=27_000,
        cursor=steps // 2,
        tabs=TABS,
    )


CROWDED: dict[str, Picture] = {
    "inside": inside_picture(),
    "inside of few": inside_picture(2),
    "inside of a board": replace(
        inside_picture(0),
        frame=None,
        board=board("othello"),
        heat=np.ones((8, 8), np.float32),
        numbers=[("h8", 100.0 / (i + 1)) for i in range(8)],
    ),
    "inside of numbers": replace(inside_picture(), frame=None, heat=None, kernels=None, initial=None),
    "inside of what is not known": replace(inside_picture(), missing=LONG * 5),
    "memory": memory_picture(),
    "memory of a simple network": replace(memory_picture(2, 8, lstm=False), frame=None),
    "depths": depths_picture(),
    "no search": replace(tree_picture(), nodes=(), missing=LONG * 5),
    "distribution": distributional(),
    "disagreement": replace(board("connect_four"), disagreement=3, cursor=1, tabs=TABS),
}
CROWDED |= {f"tree of {name}": tree_picture(name) for name in GAMES}
CROWDED |= {f"line of {name}, depth {depth}": played_out(name, depth) for name in GAMES for depth in (1, 6)}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CROWDED)
def test_no_text_leaves_its_panel_and_nothing_overlaps(name: str, size: tuple[int, int]) -> None:
    canvas = Canvas(size)
    paint(canvas, CROWDED[name])
    assert canvas.problems() == []
    assert len(canvas.texts) > 5


def find_spot(canvas: Canvas, name: str, cell: tuple[int, int], channel: int) -> tuple[int, int]:
    """Where a cell of a map is drawn."""
    width, height = canvas.rect.size
    for y in range(0, height, 3):
        for x in range(0, width, 3):
            if canvas.spot_at((x, y)) == Spot(name, cell, channel):
                return x, y
    raise AssertionError(f"{name} {cell} is nowhere")


@pytest.mark.parametrize("size", SIZES)
def test_every_cell_of_a_map_can_be_clicked_and_bright_ones_are_where_clicks_find_them(
    size: tuple[int, int],
) -> None:
    layer = np.zeros((6, 5, 7), np.float32)
    layer[4, 3, 6] = 1.0
    grid = MapGrid(name="a", title="A", maps=layer)
    canvas = Canvas(size)
    paint(canvas, replace(inside_picture(2), layers=[grid]))
    x, y = find_spot(canvas, "a", (3, 6), 4)
    assert tuple(canvas.pixels()[y, x]) == style.TEXT
    x, y = find_spot(canvas, "a", (0, 0), 0)
    assert tuple(canvas.pixels()[y, x]) != style.TEXT


def test_amounts_a_sixteenth_of_the_brightest_are_still_seen_and_the_scale_is_told_in_numbers() -> None:
    layer = np.full((2, 4, 4), 0.25, np.float32)
    layer[0], layer[1, 0] = 4.0, 0.0
    nothing, faint, full = tinted(layer, brightest(layer))[[1, 1, 0], [0, 1, 0], 0].astype(int)
    assert (faint - nothing).sum() > 0.25 * (full - nothing).sum() > 50
    assert scale_note(layer[:1] * 0.5) == "black 0 · blue 0.5 · white 2"
    assert scale_note(np.stack([layer[0], layer[0] * 0])) == "1 silent · white 4"
    assert tuple(tinted(layer / 4, 1.0)[0, 0, 0]) == tuple(full)
    assert scale_note(-layer) == "orange -4 · blue +4"


def test_a_click_on_a_column_of_a_strip_means_its_step_and_its_colour_is_the_units_state() -> None:
    values = np.zeros((4, 30), np.float32)
    values[3, 20] = 2.0
    strip = Strip(title="h", values=values, high=2.0)
    canvas = Canvas((1280, 720))
    paint(
        canvas, replace(memory_picture(30), strips=[strip], gates=(), q=[Series(name="a", values=[0.0] * 30)])
    )
    assert (
        not (canvas.pixels()[:400, 480:] == style.SKY).all(axis=2).any()
    )  # later than the step that is shown: dim
    paint(canvas, replace(memory_picture(30), strips=[strip], gates=(), cursor=25))
    y, x = np.argwhere((canvas.pixels()[:450, 480:] == style.SKY).all(axis=2)).mean(axis=0)
    x += 480
    assert canvas.spot_at((int(x), int(y))) == Spot("graph", (0, 27_020))
    assert canvas.spot_at((1200, int(y))) == Spot("graph", (0, 27_028))


def test_heat_on_a_board_is_full_orange_where_it_is_largest_and_grey_where_it_is_none() -> None:
    heat = np.zeros((8, 8), np.float32)
    heat[2, 5] = 3.0
    canvas = Canvas((1280, 720))
    plain = replace(inside_picture(0), frame=None, field=None, kernels=None, layers=())
    paint(canvas, replace(plain, board=board("othello"), heat=heat))
    lit = np.argwhere((np.abs(canvas.pixels().astype(int) - style.ORANGE) < 3).all(axis=2))
    height, width = lit.max(axis=0) - lit.min(axis=0) + 1
    assert height == width == len(lit) ** 0.5  # one full square
    row, column = lit.min(axis=0)
    cell = canvas.pixels()[row + height // 2, column - width // 2].astype(int)  # the square to its left
    assert np.ptp(cell) < 3


def test_heat_is_brightest_where_it_is_largest() -> None:
    heat = np.zeros((17, 17), np.float32)
    heat[3, 12] = 5.0
    pixels = heated(np.full((210, 160, 3), 100, np.uint8), heat)
    redness = pixels[..., 0].astype(int) - pixels[..., 2]
    row, column = np.unravel_index(redness.argmax(), redness.shape)
    assert abs(row - 3.5 * 210 / 17) < 8
    assert abs(column - 12.5 * 160 / 17) < 8
    assert redness[150:, :60].max() == 0


def test_the_field_of_a_cell_is_framed_on_the_input() -> None:
    plain = replace(inside_picture(2), field=None, heat=None)
    framed = draw(replace(plain, field=(0.0, 0.0, 0.5, 0.5))).astype(int)
    changed = np.argwhere((framed != draw(plain)).any(axis=2))
    assert len(changed)
    canvas = Canvas((1280, 720))
    paint(canvas, plain)
    lit = np.argwhere((canvas.pixels() == 90).all(axis=2))  # the frame itself
    assert changed.min(axis=0) == pytest.approx(lit.min(axis=0), abs=3)
    assert changed.max(axis=0) == pytest.approx((lit.min(axis=0) + lit.max(axis=0)) / 2, abs=3)


def test_a_picked_cell_and_the_shown_tab_stand_out() -> None:
    picture = inside_picture(2)
    layers = [replace(picture.layers[0], picked=None), *picture.layers[1:]]
    assert not np.array_equal(draw(picture), draw(replace(picture, layers=layers)))
    assert not np.array_equal(draw(picture), draw(replace(picture, tabs=Tabs(TABS.names, 2))))


def close_to(colour: style.Colour, pixels: np.ndarray) -> int:
    """How many pixels have nearly that colour; lines are smoothed."""
    return int((np.abs(pixels.astype(int) - colour).max(axis=2) < 12).sum())


def test_an_edge_is_as_thick_as_its_share_of_the_visits() -> None:
    def white(share: float) -> int:
        nodes = [replace(node, share=share) for node in tree_nodes(2, 1)]
        return close_to(style.TEXT, draw(replace(tree_picture(), nodes=nodes)))

    assert white(0.1) < white(0.5) < white(1.0)


def test_the_histogram_has_its_mass_where_the_distribution_has_it() -> None:
    canvas = Canvas((960, 600))
    rect = pygame.Rect(100, 100, 400, 200)
    returns = np.linspace(-10, 10, 51)
    weights = np.exp(-((returns - 4) ** 2) / 2)
    spread = ReturnDistribution(
        returns=returns.tolist(), weights=(weights / weights.sum()).tolist(), mean=4.0, others=[-10.0, 10.0]
    )
    draw_distribution(canvas, rect, spread)
    bars = (canvas.pixels() == style.SKY).all(axis=2).sum(axis=0)
    middle = (np.arange(len(bars)) * bars).sum() / bars.sum()
    assert (middle - 100) / 400 == pytest.approx((4 + 11) / 22, abs=0.03)


def test_the_cursor_splits_a_curve_into_bright_and_faint() -> None:
    def bright(cursor: int | None) -> int:
        picture = replace(distributional(), cursor=cursor)
        return close_to(style.ORANGE, draw(picture))

    assert bright(10) < bright(40) < bright(89)
