"""Each plot shows all of its numbers."""

import xml.etree.ElementTree as ET

from made_up_forecasts import made_up, table_of

from pipeline.evaluate.evaluation import evaluate
from pipeline.evaluate.figures import by_length, reliability, sureness

BATTLES, ROWS = made_up(300)
FOUND = evaluate(table_of(BATTLES), ROWS, draws=50)


def marks(plot):
    root = ET.fromstring(plot.svg())  # noqa: S314 - our own text
    return {
        (each.tag, each.get("class")): sum(
            other.tag == each.tag and other.get("class") == each.get("class") for other in root
        )
        for each in root
    }


def test_a_reliability_plot_has_a_dot_and_a_whisker_a_bin_and_the_line_of_what_is_right() -> None:
    told = FOUND.calibration.outcomes[0]
    found = marks(reliability(told))
    assert found["circle", "came"] == found["path", "came"] == len(told.bins) == 10
    assert found["polyline", "ideal"] == 1


def test_a_histogram_has_a_bar_for_each_probability_that_is_there_and_counts_all() -> None:
    histogram = FOUND.calibration.histogram
    assert sum(histogram) == 300
    assert marks(sureness(histogram))["rect", "said"] == sum(count > 0 for count in histogram)


def test_the_plot_of_length_has_both_marks_in_every_bin() -> None:
    found = marks(by_length(FOUND.length))
    assert found["circle", "came"] == found["rect", "said"] == len(FOUND.length.bins)
    assert "1/8" in by_length(FOUND.length).svg()
