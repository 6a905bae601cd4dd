import json
import math
from pathlib import Path
from typing import Any

import pytest
from calibration_factory import calibration, term
from hypothesis import given
from hypothesis import strategies as st

from pipeline.arena.battle import Battle
from pipeline.arena.calibration import NAME, Calibrating, Calibration, calibration_in, read_calibration
from pipeline.arena.outcome import Row, softmax
from pipeline.arena.surface import MEASURES, SHARED, surface_of
from pipeline.errors import SettingsError

TURNS = st.lists(st.text(alphabet="ab \n-#*1?!.I'm sorry", max_size=30), max_size=3).map(tuple)
BATTLES = st.builds(Battle, st.just("1"), TURNS, TURNS, TURNS)
SCORES = st.floats(-800, 800, allow_nan=False)
WORTH = st.floats(-3, 3, allow_nan=False)
NAMES = [each.name for each in (*MEASURES, *SHARED)]
ROW = (0.5, 0.3, 0.2)


def exchanged(row: Row) -> Row:
    return (row[1], row[0], *row[2:])


@given(BATTLES, st.tuples(SCORES, SCORES, SCORES), st.lists(WORTH, min_size=len(NAMES), max_size=len(NAMES)))
def test_exchanged_answers_exchange_the_forecast_to_the_last_bit(
    battle: Battle, scores: Row, worth: list[float]
) -> None:
    row = softmax(scores)
    layer = calibration(network=0.7, bias=0.3, **dict(zip(NAMES, worth, strict=True)))
    found = layer.forecast(surface_of(battle), row)
    assert layer.forecast(surface_of(battle.swapped()), exchanged(row)) == exchanged(found)
    assert math.fsum(found) == pytest.approx(1)
    assert all(0 <= value <= 1 for value in found)


@given(st.tuples(SCORES, SCORES))
def test_without_ties_too(scores: Row) -> None:
    layer = calibration(network=0.7, outcomes=2, words=0.5)
    battle = Battle("1", ("p",), ("a b",), ("c",))
    found = layer.forecast(surface_of(battle), softmax(scores))
    assert layer.forecast(surface_of(battle.swapped()), exchanged(softmax(scores))) == exchanged(found)
    assert len(found) == 2


@pytest.mark.parametrize("row", [ROW, (0.1, 0.1, 0.8), (0.7, 0.3), (0.25, 0.75)])
def test_log_odds_once_are_the_forecast_itself(row: Row) -> None:
    layer = calibration(surface=False, outcomes=len(row))
    assert layer.forecast(None, row) == pytest.approx(row, abs=1e-15)


def test_log_odds_half_are_the_forecast_at_temperature_two() -> None:
    roots = [math.sqrt(value) for value in ROW]
    expected = [root / sum(roots) for root in roots]
    assert calibration(network=0.5, surface=False).forecast(None, ROW) == pytest.approx(expected)


def test_the_surface_alone_does_not_look_at_the_forecast() -> None:
    layer = calibration(network=None, words=0.2, bias=-0.3)
    surface = surface_of(Battle("1", ("p",), ("a b c",), ("a",)))
    d = 0.2 * (math.log(4) - math.log(2))
    assert layer.forecast(surface, ROW) == pytest.approx(softmax((d, -d, -0.3)))
    assert layer.forecast(surface, (0.9, 0.1, 0.0)) == layer.forecast(surface, ROW)


def test_what_is_beyond_what_the_fit_saw_counts_as_the_furthest_seen() -> None:
    far = term("x", 2.0, most=3.0)
    assert (far.worth(3), far.worth(1e9), far.worth(-1e9)) == (6.0, 6.0, -6.0)


def test_a_forecast_of_certainty_is_calibrated_to_a_finite_one() -> None:
    found = calibration(network=0.1, surface=False).forecast(None, (1.0, 0.0, 0.0))
    assert 0.9 < found[0] < 1
    assert min(found) > 0


def test_a_forecast_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="fitted on 3"):
        calibration(surface=False).forecast(None, (0.5, 0.5))


def test_a_battles_surface_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(battle: Battle) -> Any:
        seen.append(battle.id)
        return surface_of(battle)

    monkeypatch.setattr("pipeline.arena.calibration.surface_of", counted)
    layer = Calibrating(calibration(), [Battle("1", ("p",), ("a",), ("b",)), Battle("2", ("p",), ("a",), ("b",))])
    assert layer(0, ROW) == layer(0, ROW)
    layer(1, ROW)
    assert seen == ["1", "2"]


def written(path: Path, values: Any) -> Path:
    path.write_text(json.dumps(values))
    return path


def values() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(calibration(words=0.25, bias=0.1).model_dump_json())
    return found


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    layer = calibration(words=1 / 3, bias=0.1)
    (tmp_path / NAME).write_text(layer.model_dump_json(indent=2))
    assert read_calibration(tmp_path / NAME) == layer
    assert read_calibration(tmp_path / NAME).digest() == layer.digest()


def test_the_first_directory_that_has_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert calibration_in(iter([tmp_path / "a", tmp_path / "b"])) is None
    written(tmp_path / "b" / NAME, values())
    assert calibration_in(iter([tmp_path / "a", tmp_path / "b"])) is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"surface": 2}, "version 2"),
        ({"surface": None}, "terms"),
        ({"network": False}, "side terms"),
        ({"outcomes": 2}, "tie terms"),
        ({"outcomes": 4}, "outcomes"),
        ({"schema_version": 2}, "schema_version"),
        ({"ridge": 0}, "ridge"),
        ({"more": 1}, "more"),
        ({"bias": "much"}, "bias"),
        ({"side": []}, "side terms"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused_by_name(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_calibration(written(tmp_path / NAME, values() | change))
    assert "arena calibrate" in caught.value.fix


@pytest.mark.parametrize("change", [{"center": 0.1}, {"low": -1.0}, {"scale": 0.0}, {"low": 2e6, "high": 1e6}])
def test_a_side_term_that_would_not_be_mirrored_is_refused(tmp_path: Path, change: dict[str, float]) -> None:
    broken = values()
    broken["side"][1] |= change
    with pytest.raises(SettingsError, match="side"):
        read_calibration(written(tmp_path / NAME, broken))


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(json.dumps(values() | {"bias": math.nan}))
    with pytest.raises(SettingsError, match="bias"):
        read_calibration(tmp_path / NAME)


@pytest.mark.parametrize("part", ["side", "tie"])
def test_terms_that_add_up_to_more_than_a_number_holds_are_refused_before_a_battle_is_forecast(
    tmp_path: Path, part: str
) -> None:
    endless = values()
    endless[part][0] |= {"coefficient": 1e308, "scale": 1e-300}
    with pytest.raises(SettingsError, match="more than a number holds"):
        read_calibration(written(tmp_path / NAME, endless))


def test_what_a_file_says_of_itself_is_told_in_one_harmless_line(tmp_path: Path) -> None:
    foreign = values()
    foreign["fitted"]["labelled"] = "a\x1b[2J.csv\nerror: b"
    said = read_calibration(written(tmp_path / NAME, foreign)).says()
    assert said.isprintable()
    assert r"a\x1b[2J.csv\nerror: b" in said


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_calibration(tmp_path / NAME)


def one_line_or_calibration(path: Path) -> bool:
    try:
        return isinstance(read_calibration(path), Calibration)
    except SettingsError as error:
        return "\n" not in str(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(values())), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(list(values())), JSON)
def test_any_value_anywhere_is_a_calibration_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    path = written(tmp_path_factory.getbasetemp() / "fuzzed.json", values() | {key: value})
    assert one_line_or_calibration(path)


@given(st.binary(max_size=40), st.integers(0, 2000))
def test_damaged_bytes_are_a_calibration_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    whole = json.dumps(values()).encode()
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    assert one_line_or_calibration(path)
