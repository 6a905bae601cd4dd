"""Plots: marks lie where their values are, and inside."""

import math
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluate.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Plot, Strip, shares

NUMBER = st.floats(allow_nan=False, allow_infinity=False, width=32)


def plot(**more):
    return Plot("p", "Title <1>", "What & why", shares("said"), shares("came"), **more)


def read(svg):
    return ET.fromstring(svg)  # noqa: S314 - our own text


def test_the_corners_are_the_ends_of_the_axes() -> None:
    made = plot()
    assert made.place(0, 0) == (LEFT, HEIGHT - BOTTOM)
    assert made.place(1, 1) == (WIDTH - RIGHT, TOP)
    assert made.place(0.5, 0)[0] == (LEFT + WIDTH - RIGHT) / 2


def test_an_axis_may_be_of_ratios() -> None:
    axis = Axis("ratio", 0.25, 4.0, (), math.log2)
    assert [axis.share(each) for each in (0.25, 0.5, 1.0, 4.0)] == [0.0, 0.25, 0.5, 1.0]


def test_a_plot_says_what_it_is_and_escapes_it() -> None:
    root = read(plot().svg())
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "p-t p-d")
    assert [(each.tag, each.get("id"), each.text) for each in root][:2] == [
        ("title", "p-t", "Title <1>"), ("desc", "p-d", "What & why"),
    ]  # fmt: skip
    assert {"said", "came", "0", "0.25", "0.5", "0.75", "1"} == {each.text for each in root.iter("text")}


@given(NUMBER, NUMBER, NUMBER)
def test_whatever_is_plotted_stays_inside(x: float, low: float, high: float) -> None:
    made = plot()
    made.dot(x, low, "came")
    made.square(x, high, "said")
    made.whisker(x, low, high, "came")
    made.line([(x, low), (high, x)], "said")
    made.bar(min(low, high), max(low, high), x, "said")
    for each in read(made.svg()).iter():
        for name, most in (
            ("cx", WIDTH),
            ("cy", HEIGHT),
            ("x", WIDTH),
            ("y", HEIGHT),
            ("width", WIDTH),
            ("height", HEIGHT),
        ):
            assert 0 <= float(each.get(name, 0)) <= most


def test_a_strip_shares_one_scale_and_holds_its_mark() -> None:
    strip = Strip.over([1.0, 3.0], 0.0)
    assert strip.low < 0.0
    assert strip.high > 3.0
    root = read(strip.svg(2.0, 1.0, 3.0, "said"))
    mark, line, dot = list(root)
    assert mark.get("class") == "mark"
    assert line.get("class") == dot.get("class") == "said"
    at = float(dot.get("cx"))
    assert float(line.get("d")[1:].split()[0]) < at < float(line.get("d").rpartition("H")[2])


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0]])
def test_a_strip_of_one_value_has_room(values: list[float]) -> None:
    root = read(Strip.over(values).svg(values[0], None, None, "said"))
    (dot,) = list(root)
    assert float(dot.get("cx")) == pytest.approx(80.0)
