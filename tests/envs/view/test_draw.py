"""Pictures from plain data: shape, determinism, layout, and that things appear where they belong."""

from dataclasses import replace

import numpy as np
import pytest

from envs.boards.game import GAMES, game
from envs.view import style
from envs.view.canvas import Canvas
from envs.view.draw import cell_at, draw, grid_of, paint
from envs.view.looks import LOOKS, look_of
from envs.view.pictures import (
    ActionValue,
    BoardPicture,
    EpisodePicture,
    Ghost,
    Help,
    Judgement,
    MoveHint,
    Picture,
    Seat,
)

SIZES = [(960, 600), (1280, 720), (1920, 1080), (2400, 600), (960, 1500)]  # the last two: dragged there
LONG = "alpha_beta:value=learned,depth=12,nodes=100000000,seconds=2.5,model=runs/somewhere/very/deep/inside"


def board_picture(name: str = "connect_four") -> BoardPicture:
    shape = game(name).board_shape
    cells = np.zeros(shape, np.int8)
    cells[-1, 0], cells[-1, 1] = 1, 2
    return BoardPicture(
        title="A game", game=name, cells=cells, seats=(Seat(name="random"), Seat(name="human")), to_move=0
    )


def crowded_board(name: str) -> BoardPicture:
    """Everything at once, with texts that are too long for any panel."""
    history = [0.5, 0.6, float("nan"), 0.2, 1.0]
    rows, columns = game(name).board_shape
    return replace(
        board_picture(name),
        seats=(Seat(name=LONG, note=LONG), Seat(name=LONG, note="your move")),
        status=LONG,
        footer=LONG * 3,
        last=(rows - 1, 1),
        marked=[(rows - 1, 0)],
        hints=[MoveHint(cell=(0, c), label=f"{10**c}", weight=c / columns) for c in range(columns)],
        hints_title=LONG,
        ghosts=[Ghost(cell=(1, c), player=c % 2, number=c + 1) for c in range(columns)],
        judgements=(
            Judgement(label="Handcrafted", colour=style.ORANGE, expected_score=1.0, history=history),
            Judgement(label="Learned", colour=style.SKY, expected_score=None, missing=LONG),
        ),
        terms=[(f"a_term_with_quite_a_long_name_{i}", 10.0**i * (-1) ** i) for i in range(30)],
        search=[(f"figure {i}", LONG) for i in range(30)],
        line="a1 b2 c3 " * 40,
    )


def crowded_episode(num_actions: int, obs: np.ndarray) -> EpisodePicture:
    return EpisodePicture(
        title=LONG,
        frame=np.zeros((210, 160, 3), np.uint8),
        obs=obs,
        status=LONG,
        footer=LONG * 3,
        facts=[(f"fact {i}", LONG) for i in range(30)],
        actions=[ActionValue(name=LONG, value=-1000.0 / (i + 1), chosen=i == 2) for i in range(num_actions)],
        choice=LONG,
        values=[float(i % 17) for i in range(5000)],
        returns=[-float(i) for i in range(5000)],
    )


CROWDED: list[Picture] = [
    *(crowded_board(name) for name in GAMES),
    crowded_episode(18, np.zeros((4, 84, 84), np.uint8)),
    crowded_episode(2, np.linspace(-1, 1, 4)),
    crowded_episode(4, np.eye(1, 50)[0]),
    EpisodePicture(title="no frame", frame=None, obs=np.zeros(1)),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("picture", CROWDED, ids=lambda picture: picture.title[:10])
def test_no_text_leaves_its_panel_and_nothing_overlaps(picture: Picture, size: tuple[int, int]) -> None:
    canvas = Canvas(size)
    paint(canvas, picture)
    assert canvas.problems() == []
    assert len(canvas.texts) > 5


@pytest.mark.parametrize("size", SIZES)
def test_the_help_fits_the_picture(size: tuple[int, int]) -> None:
    canvas = Canvas(size)
    keys = [("left  backspace", "first seat: person and agent change places")] * 16
    paint(canvas, replace(board_picture(), help=Help(title="Keys", keys=keys)))
    assert canvas.problems() == []
    assert len(canvas.texts) == 1 + 2 * 16


@pytest.mark.parametrize("size", SIZES)
def test_a_picture_has_the_size_that_was_asked_for_and_is_the_same_each_time(size: tuple[int, int]) -> None:
    first, second = draw(crowded_board("othello"), size), draw(crowded_board("othello"), size)
    assert first.shape == (size[1], size[0], 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", GAMES)
def test_a_stone_appears_where_it_was_played_and_nowhere_else(name: str) -> None:
    rows, columns = game(name).board_shape
    picture = replace(board_picture(name), cells=np.zeros((rows, columns), np.int8))
    canvas = Canvas((960, 600))
    grid, stones = grid_of(canvas, picture), look_of(name).stones
    paint(canvas, picture)
    empty = canvas.pixels()
    for row, column in [(0, 0), (rows - 1, 0), (0, columns - 1), (rows - 1, columns - 1), (1, 2)]:
        cells = picture.cells.copy()
        cells[row, column] = 2
        paint(canvas, replace(picture, cells=cells))
        square = grid.square((row, column))
        around = empty.copy()
        inside = (slice(square.top, square.bottom), slice(square.left, square.right))
        around[inside] = canvas.pixels()[inside]
        assert (around != empty).any(axis=2).sum() > 0.1 * square.width * square.height
        assert (canvas.pixels()[inside] == stones[1]).all(axis=2).any()
        seats = slice(0, grid.rect.top)  # they count the stones
        around[seats] = canvas.pixels()[seats]
        assert np.array_equal(canvas.pixels(), around)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", GAMES)
def test_the_cell_below_a_cells_centre_is_that_cell(name: str, size: tuple[int, int]) -> None:
    picture, canvas = board_picture(name), Canvas(size)
    grid = grid_of(canvas, picture)
    for cell in np.ndindex(*game(name).board_shape):
        x, y = grid.centre(cell)
        assert cell_at(canvas, picture, (int(x), int(y))) == cell
    assert cell_at(canvas, picture, (grid.rect.left - 1, grid.rect.top)) is None
    assert cell_at(canvas, picture, (size[0] - 1, size[1] - 1)) is None


def test_the_value_bar_is_as_long_as_the_expected_score() -> None:
    def orange(score: float) -> int:
        judgement = Judgement(label="x", colour=style.ORANGE, expected_score=score)
        pixels = draw(replace(board_picture("othello"), judgements=(judgement,)))
        return int((pixels == style.ORANGE).all(axis=2).sum(axis=1).max())

    lengths = [orange(score) for score in (0.25, 0.5, 1.0)]
    assert lengths[1] == pytest.approx(2 * lengths[0], abs=8)
    assert lengths[2] == pytest.approx(2 * lengths[1], abs=8)


def test_explored_and_greedy_choices_look_different() -> None:
    actions = [ActionValue(name="a", value=1.0), ActionValue(name="b", value=2.0, chosen=True)]
    greedy = EpisodePicture(title="x", frame=None, obs=np.zeros(2), actions=actions)
    assert not np.array_equal(draw(greedy), draw(replace(greedy, explored=True)))


def test_a_size_that_holds_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="800x500"):
        draw(board_picture(), (100, 100))


def test_an_unknown_board_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="chess"):
        draw(replace(board_picture(), game="chess"))


@pytest.mark.parametrize("name", GAMES)
def test_every_game_has_a_look_whose_labels_are_those_of_its_moves(name: str) -> None:
    look, header = LOOKS[name], game(name).start().text().splitlines()[0].split()
    expected = "abcdefgh" if look.column_letters else "12345678"
    assert header == list(expected[: game(name).board_shape[1]])
    assert look.stones[0] != look.stones[1]
