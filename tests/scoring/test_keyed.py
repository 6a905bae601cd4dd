"""Keyed parts: an id has one row whatever happens, and rows of two models never lie in one directory."""

import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.errors import OutputError
from pipeline.scoring.keyed import AGREEMENT, KeyedParts, UnfinishedError

ONE = {"model": "one", "length": "256"}


def rows(*ids):
    return pa.table({"id": list(ids), "model_a": [0.5] * len(ids), "model_b": [0.5] * len(ids)})


def written(directory, *parts):
    with KeyedParts(directory) as keyed:
        keyed.open(ONE)
        for ids in parts:
            keyed.write(rows(*ids))
    return directory


def test_what_was_written_is_known_to_the_next_run(tmp_path):
    written(tmp_path / "out", ("1", "2"), ("3",))
    with KeyedParts(tmp_path / "out") as keyed:
        assert keyed.open(ONE) == 3
        assert keyed.are_done(["0", "1", "2", "3", "4"]) == [False, True, True, True, False]
        keyed.write(rows("4", "0"))
        keyed.verify(["0", "1", "2", "3", "4"])
    names = [part.name for part in KeyedParts(tmp_path / "out").parts()]
    assert names == ["part-000000.parquet", "part-000001.parquet", "part-000002.parquet"]


def test_numbers_and_text_are_the_same_id(tmp_path):
    written(tmp_path / "out", (1, 2))
    with KeyedParts(tmp_path / "out") as keyed:
        keyed.open(ONE)
        assert keyed.are_done(["1", "3"]) == [True, False]


@pytest.mark.parametrize("ids", [("3", "3"), ("2", "9")])
def test_a_second_row_is_not_written(tmp_path, ids):
    with KeyedParts(tmp_path / "out") as keyed:
        keyed.open(ONE)
        keyed.write(rows("1", "2"))
        with pytest.raises(UnfinishedError, match="twice"):
            keyed.write(rows(*ids))
        assert len(keyed.parts()) == 1


def test_a_part_that_was_copied_is_told(tmp_path):
    root = written(tmp_path / "out", ("1", "2"))
    (root / "part-000007.parquet").write_bytes((root / "part-000000.parquet").read_bytes())
    with KeyedParts(root) as keyed, pytest.raises(OutputError, match="a row already"):
        keyed.open(ONE)


def test_a_half_written_part_is_removed_and_a_damaged_one_told(tmp_path):
    root = written(tmp_path / "out", ("1", "2"))
    stray = root / ".part-000001.parquet.77.part"
    stray.write_bytes(b"PAR1")
    with KeyedParts(root) as keyed:
        assert keyed.open(ONE) == 2
    assert not stray.exists()
    (root / "part-000000.parquet").write_bytes(b"PAR1")
    with KeyedParts(root) as keyed, pytest.raises(OutputError, match="no whole part"):
        keyed.open(ONE)


@pytest.mark.parametrize("name", ["model", "length"])
def test_another_model_or_length_is_refused(tmp_path, name):
    root = written(tmp_path / "out", ("1",))
    with KeyedParts(root) as keyed, pytest.raises(OutputError, match=f"of another run: {name} differ"):
        keyed.open({**ONE, name: "another"})


def test_an_agreement_that_is_no_json_is_refused(tmp_path):
    root = written(tmp_path / "out", ("1",))
    (root / AGREEMENT).write_text("[]")
    with KeyedParts(root) as keyed, pytest.raises(OutputError, match="of another run"):
        keyed.open(ONE)


def test_a_place_that_is_not_ours_is_refused_and_stays(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("x")
    parquet.write_table(rows("1"), tmp_path / "notes" / "part-000000.parquet")
    for place, said in (("file", "no directory"), ("notes", "mine.txt"), ("absent/deeper", "can be written")):
        with pytest.raises(OutputError, match=said):
            KeyedParts(tmp_path / place).check()
    (tmp_path / "notes" / "mine.txt").unlink()
    with pytest.raises(OutputError, match="no output of such a run"):
        KeyedParts(tmp_path / "notes").check()


def test_two_runs_do_not_write_at_once(tmp_path):
    with KeyedParts(tmp_path / "out") as one, KeyedParts(tmp_path / "out") as other:
        one.open(ONE)
        with pytest.raises(OutputError, match="another run writes there"):
            other.open(ONE)


def test_the_end_says_what_is_missing_and_what_is_foreign(tmp_path):
    with KeyedParts(tmp_path / "out") as keyed:
        keyed.open(ONE)
        keyed.write(rows("1", "2"))
        keyed.verify(["1", "2"])
        with pytest.raises(UnfinishedError, match="1 battles have no row"):
            keyed.verify(["1", "2", "3"])
        with pytest.raises(OutputError, match="1 of its rows are of battles that are not among these"):
            keyed.verify(["1", "3"])
