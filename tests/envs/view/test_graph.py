"""Axes with round ends, and curves with gaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.view import style
from envs.view.canvas import Canvas
from envs.view.graph import PERCENT, Curve, draw_graph, nice_axis
from envs.view.sdl import pygame

NAN = float("nan")


@given(st.lists(st.floats(-1e6, 1e6, allow_subnormal=False) | st.just(NAN), max_size=20))
def test_an_axis_holds_every_value_and_zero(values: list[float]) -> None:
    axis = nice_axis(values)
    known = [value for value in values if value == value]
    slack = 1e-9 * (axis.high - axis.low)
    assert axis.low <= 0 <= axis.high
    assert axis.low < axis.high
    assert all(axis.low - slack <= value <= axis.high + slack for value in known)


def test_the_ends_of_an_axis_are_round() -> None:
    assert nice_axis([3.0, 17.2, -4.0]).ticks[:2] == ((-5.0, "-5"), (20.0, "20"))
    assert nice_axis([]).ticks == ((0.0, "0"), (1.0, "1"))


def drawn(values: list[float]) -> np.ndarray:
    canvas = Canvas((1280, 720))
    draw_graph(
        canvas, pygame.Rect(100, 100, 600, 300), [Curve("c", style.PURPLE, values)], PERCENT, 4, "plies"
    )
    assert not [problem for problem in canvas.problems() if "overlap" in problem]
    points = np.argwhere(canvas.pixels()[..., 0] > 110)  # purple, the labels are not as red
    return points[points[:, 0] > 130]  # below the legend


def test_a_rising_curve_rises_on_the_picture() -> None:
    points = drawn([0.0, 0.25, 0.5, 0.75, 1.0])
    left, right = points[points[:, 1] < 250], points[points[:, 1] > 550]
    assert left[:, 0].mean() > right[:, 0].mean() + 100


def test_an_unknown_value_leaves_a_gap() -> None:
    def columns(values: list[float]) -> set[int]:
        return set(drawn(values)[:, 1].tolist())

    whole, broken = columns([0.5] * 5), columns([0.5, 0.5, NAN, 0.5, 0.5])
    assert broken < whole
    assert len(whole - broken) > 200  # two of four stretches are gone


@pytest.mark.parametrize("values", [[], [NAN], [0.5]])
def test_hardly_any_values_make_a_graph_too(values: list[float]) -> None:
    drawn(values)
