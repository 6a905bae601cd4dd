import csv
from pathlib import Path

import pytest
from tiny_classifier import DATA, battle, write_lmsys

from pipeline.arena.table import MAX_CELL, Origin, read_table
from pipeline.errors import TableError

HEADER = "id,prompt,response_a,response_b"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/arena is not on this machine")


def csv_file(tmp_path: Path, text: str | bytes, name: str = "test.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def parquet_file(tmp_path: Path, **columns: list[object]) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), tmp_path / "test.parquet")
    return tmp_path / "test.parquet"


def wsdm(tmp_path: Path, **more: list[object]) -> Path:
    texts: dict[str, list[object]] = {"prompt": ["p", None], "response_a": ['["x"]', ""], "response_b": ["y", "z"]}
    return parquet_file(tmp_path, **({"id": [7, 8]} | texts | more))


def test_lmsys_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    battles = [battle("1", "a\r\nb", "😀", "", 0), battle("2", "p", "x", "y", 2)]
    table = read_table(write_lmsys(tmp_path / "t.csv", battles), labelled=True)
    assert (table.contest, list(table.battles), table.is_labelled) == ("lmsys", battles, True)


def test_a_test_file_has_no_winners(tmp_path: Path) -> None:
    assert not read_table(write_lmsys(tmp_path / "t.csv", [battle()])).is_labelled


def test_turns_may_be_unequal(tmp_path: Path) -> None:
    path = csv_file(tmp_path, HEADER + '\n1,"[""p"", ""q""]","[null]",[]\n')
    assert read_table(path).battles[0].prompts == ("p", "q")
    assert read_table(path).battles[0].answers_b == ()


def test_wsdm_parquet_is_plain_text_with_integer_or_text_ids(tmp_path: Path) -> None:
    table = read_table(wsdm(tmp_path, winner=["model_a", "model_b"]), labelled=True)
    assert table.contest == "wsdm"
    assert [each.id for each in table.battles] == ["7", "8"]
    assert table.battles[0].answers_a == ('["x"]',)  # not taken for a list of turns
    assert table.battles[1].prompts == ("",)
    assert [each.winner for each in table.battles] == [0, 1]


def test_parquet_is_known_by_content_not_by_name(tmp_path: Path) -> None:
    path = wsdm(tmp_path).rename(tmp_path / "test.csv")
    assert read_table(path).contest == "wsdm"


def test_a_byte_order_mark_and_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "\ufeff" + HEADER + "\r\n\r\n1,[],[],[]\r\n\r\n")
    assert [each.id for each in read_table(path).battles] == ["1"]


def test_a_cell_above_the_csv_modules_limit_is_read_and_the_limit_put_back(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    long = "x" * 300_000
    path = write_lmsys(tmp_path / "t.csv", [battle(a=long)])
    assert read_table(path).battles[0].answers_a == (long,)
    assert csv.field_size_limit() == before < MAX_CELL


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty"),
        ("\n\n", "holds no row"),
        (HEADER + "\n", "no row below the header"),
        ("id,prompt,response_a\n1,[],[]\n", "column response_b is missing"),
        (HEADER + "\n1,[],[],[]\n2,[],[],[]\n1,[],[],[]\n", "row 3, column id: 1 stands already in row 1"),
        (HEADER + "\n1,[],[],[]\n,[],[],[]\n", "row 2, column id: the id is empty"),
        (HEADER + "\n1,[],['x'],[]\n", "row 1, column response_a: no JSON list of strings"),
        (HEADER + "\n1,[],[]\n", "row 1: it has 3 cells where the header has 4"),
        (HEADER + '\n1,[],[],"[""cut', "it is no csv: unexpected end of data"),
        (HEADER.encode() + b"\n1,[],[],[]\n2,[],[\xff],[]\n", "line 3, byte 7 (0xff): it is not UTF-8"),
        ("id,id,prompt,response_a,response_b\n1,1,[],[],[]\n", "column id stands twice"),
    ],
)
def test_a_bad_csv_is_one_line_that_names_the_place(tmp_path: Path, text: str | bytes, words: str) -> None:
    path = csv_file(tmp_path, text)
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("marks", ["1,1,0", "0,0,0", "0.5,0.5,0", ",,1", "2,0,0"])
def test_a_row_has_exactly_one_winner(tmp_path: Path, marks: str) -> None:
    path = csv_file(tmp_path, HEADER + f",winner_model_a,winner_model_b,winner_tie\n1,[],[],[],{marks}\n")
    with pytest.raises(TableError, match=r"row 1 \(id 1\), columns winner_model_a"):
        read_table(path, labelled=True)


def test_winners_that_are_needed_and_absent_are_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="winner_model_a, winner_model_b, winner_tie is missing"):
        read_table(write_lmsys(tmp_path / "t.csv", [battle()]), labelled=True)
    with pytest.raises(TableError, match="column winner is missing"):
        read_table(wsdm(tmp_path), labelled=True)


def test_wsdm_has_no_tie(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"row 2 \(id 8\), column winner: 'tie' is neither"):
        read_table(wsdm(tmp_path, winner=["model_a", "tie"]))


def test_a_training_table_says_who_answered_and_in_which_language(tmp_path: Path) -> None:
    told = {"model_a": ["gpt-4", ""], "model_b": ["claude-2", "x"], "language": ["English", None]}
    table = read_table(wsdm(tmp_path, winner=["model_a", "model_b"], **told))
    assert table.origins == (Origin(("gpt-4", "claude-2"), "English"), Origin(None, None))
    assert read_table(write_lmsys(tmp_path / "t.csv", [battle()])).origins == (Origin(),)
    header, row = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "n.csv").write_text(f"{header},model_a,model_b\n{row},one, two \n")
    assert read_table(tmp_path / "n.csv").origins == (Origin(("one", "two")),)


@pytest.mark.parametrize("keep", [4, 50, 0.5, -1])
def test_a_cut_parquet_is_one_line(tmp_path: Path, keep: float) -> None:
    path = wsdm(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep) if isinstance(keep, float) else keep])
    with pytest.raises(TableError, match="the parquet file is damaged or cut") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


def test_a_parquet_with_damaged_pages_is_one_line(tmp_path: Path) -> None:
    path = wsdm(tmp_path)
    content = bytearray(path.read_bytes())
    content[4:40] = b"\xff" * 36
    path.write_bytes(content)
    with pytest.raises(TableError, match="the parquet file is damaged or cut"):
        read_table(path)


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_what_is_no_file_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(TableError, match=r"no such file|not a regular file"):
        read_table(tmp_path / name)


@needs_data
@pytest.mark.parametrize(
    ("name", "rows", "contest"),
    [
        ("lmsys/train.csv", 999, "lmsys"),
        ("train.csv", 8682, "lmsys"),
        ("test.csv", 983, "lmsys"),
        ("ood_test.csv", 2518, "lmsys"),
        ("raw/kaggle_test.csv", 3, "lmsys"),
        ("raw/wsdm_test.parquet", 3, "wsdm"),
    ],
)
def test_every_real_table_is_read_whole(name: str, rows: int, contest: str) -> None:
    table = read_table(DATA / name)
    assert (len(table.battles), table.contest, table.is_labelled) == (rows, contest, "train" in name)
    for each in table.battles:
        "".join((*each.prompts, *each.answers_a, *each.answers_b)).encode("utf-8")


@needs_data
def test_the_sample_of_999_rows_has_the_counts_on_record() -> None:
    battles = read_table(DATA / "lmsys/train.csv").battles
    assert [sum(each.winner == column for each in battles) for column in range(3)] == [352, 352, 295]
    assert sum(len(each.prompts) > 1 for each in battles) == 131
    assert sum(each.answers_a == each.answers_b for each in battles) == 7


def test_the_bytes_of_a_file_that_is_no_table_do_not_reach_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "binary.csv"
    path.write_bytes(b"\x1b[31m\x00,b\n1,2\n")
    with pytest.raises(TableError) as refused:
        read_table(path)
    assert str(refused.value).isprintable()
    assert r"'\x1b[31m\x00', b" in str(refused.value)
