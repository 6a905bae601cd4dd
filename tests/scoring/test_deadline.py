import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from light_engine import FakeClock

from pipeline.scoring.deadline import FOREVER, Deadline, parse_duration, process_start


def test_headroom_is_a_tenth_and_at_most_half_an_hour() -> None:
    clock = FakeClock(100.0)
    assert Deadline(3600.0, 40.0, clock).left_s() == 40 + 3600 - 360 - 100
    assert Deadline(9 * 3600.0, 0.0, clock).left_s() == 9 * 3600 - 1800 - 100
    assert Deadline(FOREVER, 0.0, clock).left_s() == FOREVER


@pytest.mark.parametrize(
    ("text", "seconds"), [("8h30m", 30600), ("9H", 32400), ("1.5h", 5400), ("10min", 600), ("2m5s", 125), ("7", 7)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "soon", "-3h", "0s", "1d", "3h 2x", "nan", "inf"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 8h30m"):
        parse_duration(text)


def test_the_start_is_the_process_and_not_the_import() -> None:
    code = (
        "import time; time.sleep(0.5)\n"
        "from pipeline.scoring.deadline import process_start\n"
        "print(time.monotonic() - process_start())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    age = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, env=environment).stdout)
    assert 0.5 <= age < 60


def test_where_the_system_is_silent_the_import_counts(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text("1 (a) b) S")
    for silent in (tmp_path / "absent", tmp_path / "stat"):
        assert process_start(silent) <= time.monotonic()
