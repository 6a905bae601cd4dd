import csv
from pathlib import Path
from typing import Any

import pytest
from light_engine import FakeClock, battles

from pipeline.arena.table import Table
from pipeline.errors import OutputError
from pipeline.scoring.delivery import Delivery, check_place, prior_of
from pipeline.scoring.journal import FileJournal, journal_of

TABLE = Table(Path("test.csv"), "lmsys", tuple(battles(5)))
ROW = (0.2, 0.3, 0.5)


def delivery(output: Path, **more: Any) -> Delivery:
    return Delivery(output, TABLE, **more)


def rows_of(path: Path) -> list[tuple[float, ...]]:
    with path.open(encoding="utf-8") as file:
        return [tuple(map(float, row[1:])) for row in list(csv.reader(file))[1:]]


def test_the_prior_stands_there_first_and_forecasts_replace_it_when_it_is_time(tmp_path: Path) -> None:
    clock = FakeClock()
    made = delivery(tmp_path / "s.csv", every_s=60, clock=clock)
    made.begin(prior_of(3), keep=False)
    assert rows_of(tmp_path / "s.csv") == [prior_of(3)] * 5
    clock.now = 59
    made.refresh(lambda: [ROW] * 5)
    assert rows_of(tmp_path / "s.csv")[0] == prior_of(3)
    clock.now = 60
    made.refresh(lambda: [ROW] * 5)
    assert rows_of(tmp_path / "s.csv") == [ROW] * 5


def test_an_unfinished_submission_stays_until_there_are_newer_forecasts(tmp_path: Path) -> None:
    made = delivery(tmp_path / "s.csv")
    made.write([ROW] * 5)
    made.begin(prior_of(3), keep=True)
    assert rows_of(tmp_path / "s.csv") == [ROW] * 5
    made.begin(prior_of(3), keep=False)
    assert rows_of(tmp_path / "s.csv") == [prior_of(3)] * 5


def test_what_killed_runs_left_is_removed_and_other_files_are_not(tmp_path: Path) -> None:
    for name in (".s.csv.123.part", "..s.csv.journal.5.part", ".other.csv.7.part", "s.csv.part"):
        (tmp_path / name).write_text("half")
    delivery(tmp_path / "s.csv").begin(prior_of(3), keep=False)
    assert {each.name for each in tmp_path.iterdir()} == {"s.csv", ".other.csv.7.part", "s.csv.part"}


def test_only_an_unfinished_submission_of_these_rows_may_be_replaced(tmp_path: Path) -> None:
    output = tmp_path / "s.csv"
    check_place(output, TABLE, "digest", force=False)
    made = delivery(output)
    made.begin(prior_of(3), keep=False)
    check_place(output, TABLE, "digest", force=False)  # nothing but the prior: nothing can be lost
    made.write([prior_of(3)] * 4 + [ROW])
    with pytest.raises(OutputError, match="no unfinished submission of these rows"):
        check_place(output, TABLE, "digest", force=False)
    check_place(output, TABLE, "digest", force=True)
    for digest, is_taken in (("other", False), ("digest", True)):
        journal = FileJournal(journal_of(output))
        journal.open({"rows": digest}, fresh=True)
        journal.close()
        if is_taken:
            check_place(output, TABLE, "digest", force=False)
        else:
            with pytest.raises(OutputError):
                check_place(output, TABLE, "digest", force=False)


@pytest.mark.parametrize(
    "content", ["", "id,winner_model_a\n", "notes", "id,winner_model_a,winner_model_b,winner_tie\n9,0.3,0.3,0.4\n"]
)
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "s.csv").write_text(content)
    with pytest.raises(OutputError):
        check_place(tmp_path / "s.csv", TABLE, "digest", force=False)


def test_a_journals_place_that_is_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".s.csv.journal").mkdir()
    with pytest.raises(OutputError, match="it is not a regular file"):
        check_place(tmp_path / "s.csv", TABLE, "digest", force=False)
