"""Parts of battles: ids at once and checked, texts piece by piece, each row in one piece."""

import pyarrow as pa
import pytest
from light_engine import battles
from part_factory import write_parts
from pyarrow import parquet

from pipeline.arena.parts import PieceReader, open_source, pieces_left
from pipeline.errors import TableError

SOME = battles(200)


def test_pieces_read_in_order_are_the_battles(tmp_path):
    source = open_source(write_parts(tmp_path / "parts", SOME, 130, 3, 67), contest="wsdm")
    reader = PieceReader(20)
    pieces = pieces_left(source, [False] * 200, 20)
    assert [each for piece in pieces for each in reader.battles(piece, "wsdm")] == SOME
    assert max(piece.size for piece in pieces) == 20


@pytest.mark.parametrize("start", [0, 1])
def test_two_readers_that_share_the_pieces_read_all_of_them(tmp_path, start):
    source = open_source(write_parts(tmp_path / "parts", SOME, 130, 70))
    pieces = pieces_left(source, [False] * 200, 20)
    readers = PieceReader(20), PieceReader(20)
    turns = [readers[(at + start) % 2].battles(piece, "wsdm") for at, piece in enumerate(pieces)]
    assert [each for turn in turns for each in turn] == SOME
    assert readers[0].battles(pieces[0], "wsdm") == SOME[:20]


def test_what_is_done_is_in_no_piece(tmp_path):
    source = open_source(write_parts(tmp_path / "parts", SOME, 130, 70))
    is_done = [at % 3 == 0 or 64 <= at < 128 for at in range(200)]
    pieces = pieces_left(source, is_done, 32)
    reader = PieceReader(32)
    left = [each.id for piece in pieces for each in reader.battles(piece, "wsdm")]
    assert left == [each.id for each, done in zip(SOME, is_done, strict=True) if not done]


def test_one_file_is_a_source_and_says_whether_ids_are_numbers(tmp_path):
    root = write_parts(tmp_path / "parts", SOME, whole=False)
    assert not open_source(root / "battles-0.parquet").whole_ids
    assert open_source(write_parts(tmp_path / "more", SOME)).whole_ids


def refused(place):
    with pytest.raises(TableError) as caught:
        open_source(place)
    return str(caught.value)


def test_places_without_battles_are_refused(tmp_path):
    assert "no such file or directory" in refused(tmp_path / "absent")
    assert "no file in it ends in .parquet" in refused(tmp_path)
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
    assert "no whole parquet file" in refused(tmp_path)


def test_ids_that_stand_twice_in_two_parts_are_refused(tmp_path):
    root = write_parts(tmp_path / "parts", [*SOME, SOME[7]], 150, 51)
    assert "column id: 7 stands 2 times" in refused(root)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": [1]}, "column prompt, response_a, response_b is missing"),
        ({"id": [None], "prompt": ["p"], "response_a": ["x"], "response_b": ["y"]}, "an id is empty"),
        ({"id": [" "], "prompt": ["p"], "response_a": ["x"], "response_b": ["y"]}, "an id is empty"),
    ],
)
def test_columns_that_cannot_be_used_are_refused(tmp_path, columns, said):
    parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert said in refused(tmp_path)


def test_numbers_here_and_text_there_are_refused(tmp_path):
    root = write_parts(tmp_path / "parts", SOME[:5])
    write_parts(tmp_path / "more", SOME[5:9], whole=False)
    (tmp_path / "more" / "battles-0.parquet").rename(root / "other.parquet")
    assert "numbers in one part and text in another" in refused(root)


def test_a_cell_that_is_no_list_names_part_and_battle(tmp_path):
    source = open_source(write_parts(tmp_path / "parts", SOME), contest="lmsys")
    with pytest.raises(TableError, match=r"battles-0.parquet, battle 0, column prompt"):
        PieceReader(20).battles(pieces_left(source, [False] * 200, 20)[0], "lmsys")
