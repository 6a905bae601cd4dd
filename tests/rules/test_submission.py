import random
from pathlib import Path

import pytest

from resolver.finding import Finding
from resolver.inspection.submission import read_submission
from resolver.rules.submission import RULES, SubmissionEvidence, judge_submission

COLUMNS = ("id", "winner_model_a", "winner_model_b", "winner_tie")
HEADER = ",".join(COLUMNS) + "\n"
GOOD = HEADER + "1,0.5,0.25,0.25\n2,0.2,0.3,0.5\n"


def judge(
    tmp_path: Path, text: str | bytes, ids: tuple[str, ...] = ("1", "2"), columns: tuple[str, ...] = COLUMNS
) -> tuple[tuple[Finding, ...], tuple[str, ...], list[str]]:
    path = tmp_path / "submission.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    evidence = SubmissionEvidence(read_submission(path), columns, ids, "sample_submission.csv")
    findings, run, skipped = judge_submission(evidence)
    return findings, run, [each.code for each in skipped]


def codes(tmp_path: Path, text: str | bytes, **more: tuple[str, ...]) -> list[str]:
    return [each.code for each in judge(tmp_path, text, **more)[0]]


def many(rows: list[tuple[float, float, float]]) -> tuple[str, tuple[str, ...]]:
    return HEADER + "".join(f"{n},{a!r},{b!r},{t!r}\n" for n, (a, b, t) in enumerate(rows)), tuple(
        map(str, range(len(rows)))
    )


def plausible(count: int, seed: int = 0) -> list[tuple[float, float, float]]:
    draw = random.Random(seed)  # noqa: S311 - made-up forecasts, not secrets
    rows = [[draw.uniform(0.1, 1) for _ in range(3)] for _ in range(count)]
    return [(a / (a + b + t), b / (a + b + t), t / (a + b + t)) for a, b, t in rows]


def test_a_good_submission_is_judged_by_every_rule_and_found_good(tmp_path: Path) -> None:
    assert judge(tmp_path, GOOD) == ((), ("P001", "P002", "P003", "P004"), [])


@pytest.mark.parametrize(
    "text",
    [
        HEADER + "2,0.2,0.3,0.5\n1,0.5,0.25,0.25\n",
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        HEADER + '"1","0.5","0.25","0.25"\n2,2e-1,.3,0.5\n\n',
        HEADER + "1,0.5,0.25,0.2500009\n2,1,0,0\n",
    ],
    ids=["order", "bom", "crlf", "quotes", "tolerance"],
)
def test_what_the_server_takes_is_taken(tmp_path: Path, text: str) -> None:
    assert codes(tmp_path, text) == []


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (",id,winner_model_a,winner_model_b,winner_tie", "an index column"),
        ("Unnamed: 0,id,winner_model_a,winner_model_b,winner_tie", "an index column"),
        ("id,winner_model_b,winner_model_a,winner_tie", "another order"),
        ("id,winner_model_a,winner_model_b,tie", "column winner_tie is missing"),
        ("id,winner_model_a,winner_model_b,winner_tie,x", "column x is not in the sample"),
        ("id,winner_model_a,winner_model_b,winner_tie,id", "a column stands twice"),
    ],
)
def test_p001_other_columns_are_an_error_and_stop_the_rest(tmp_path: Path, header: str, words: str) -> None:
    findings, run, skipped = judge(tmp_path, header + "\n" + ",".join("0" * (header.count(",") + 1)) + "\n")
    assert [(each.code, each.severity) for each in findings] == [("P001", "error")]
    assert words in findings[0].message
    assert (run, skipped) == (("P001",), ["P002", "P003", "P004"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        (b"id,\xff\n", "it is not UTF-8: byte 3 is 0xff"),
        (HEADER + '1,"0.5', "is no csv"),
        (HEADER + "1,0.5,0.5\n2,0.2,0.3,0.5\n", "line 2 has 3 cells where the header has 4"),
    ],
)
def test_p001_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, text: str | bytes, words: str) -> None:
    findings = judge(tmp_path, text)[0]
    assert {each.code for each in findings} == {"P001"}
    assert words in findings[0].message


def test_p001_an_absent_file_or_a_directory_is_a_fault_and_no_exception(tmp_path: Path) -> None:
    assert read_submission(tmp_path / "absent.csv").fault == "it cannot be read: No such file or directory"
    assert read_submission(tmp_path).fault == "it is not a regular file"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("1,1,0,0\n", "1 of 2 ids are missing: 2"),
        ("1,1,0,0\n2,1,0,0\n3,1,0,0\n", "1 of 2 ids are unknown: 3"),
        ("1,1,0,0\n2,1,0,0\n2,1,0,0\n", "1 of 2 ids are repeated: 2"),
        ("1.0,1,0,0\n2.0,1,0,0\n", "ids are written as another type: 1.0, 2.0 for 1, 2"),
    ],
)
def test_p002_ids_are_those_of_the_sample_each_once(tmp_path: Path, rows: str, words: str) -> None:
    findings = [each for each in judge(tmp_path, HEADER + rows)[0] if each.code == "P002"]
    assert [each.severity for each in findings] == ["error"]
    assert words in findings[0].message


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ("nan,0.5,0.5", "nan is not finite"),
        ("inf,0,0", "inf is not finite"),
        ("-0.1,0.6,0.5", "-0.1 is outside [0, 1]"),
        ("1.1,0,0", "1.1 is outside [0, 1]"),
        (",0.5,0.5", "a cell is empty"),
        ("a,0.5,0.5", "'a' is not a number"),
        ("0.3_3,0.5,0.17", "'0.3_3' is not a number"),
        ("0.33,0.33,0.33", "the row sums to 0.99, not 1"),
        ("0.5,0.25,0.250002", "the row sums to 1.000002, not 1"),
    ],
)
def test_p003_a_row_that_is_no_forecast_is_an_error(tmp_path: Path, cells: str, words: str) -> None:
    findings = judge(tmp_path, HEADER + "1,0.5,0.25,0.25\n2," + cells + "\n")[0]
    assert [(each.code, each.severity) for each in findings] == [("P003", "error")]
    assert words in findings[0].message
    assert findings[0].evidence["lines"] == [3]


def test_p003_a_label_is_one_of_the_two(tmp_path: Path) -> None:
    label = ("id", "winner")
    assert codes(tmp_path, "id,winner\n1,model_a\n2,model_b\n", columns=label) == []
    assert codes(tmp_path, "id,winner\n1,model_a\n2,tie\n", columns=label) == ["P003"]
    assert codes(tmp_path, "id,winner\n1,0\n2,1\n", columns=label) == ["P003"]


def test_p004_a_constant_forecast_is_a_warning(tmp_path: Path) -> None:
    text, ids = many([(1 / 3, 1 / 3, 1 / 3)] * 3)
    findings = judge(tmp_path, text, ids)[0]
    assert [(each.code, each.severity) for each in findings] == [("P004", "warning")]
    assert "all 3 rows say the same" in findings[0].message


def test_p004_a_constant_label_is_a_warning_once_there_are_many(tmp_path: Path) -> None:
    for count, expected in ((10, []), (60, ["P004"])):
        ids = tuple(map(str, range(count)))
        text = "id,winner\n" + "".join(f"{each},model_b\n" for each in ids)
        findings = judge(tmp_path, text, ids, ("id", "winner"))[0]
        assert [each.code for each in findings] == expected
    assert "all 60 rows say the same: model_b" in findings[0].message


@pytest.mark.parametrize("seed", range(5))
def test_p004_a_plausible_forecast_stays_quiet(tmp_path: Path, seed: int) -> None:
    text, ids = many(plausible(300, seed))
    assert codes(tmp_path, text, ids=ids) == []


def test_p004_a_swapped_run_that_was_not_turned_back_leans(tmp_path: Path) -> None:
    text, ids = many([(max(a, b, t), min(a, b, t), 1 - max(a, b, t) - min(a, b, t)) for a, b, t in plausible(300)])
    assert "leans to one side" in judge(tmp_path, text, ids)[0][0].message


def test_p004_ties_in_the_wrong_column_are_seen(tmp_path: Path) -> None:
    text, ids = many([(0.15 + n % 2 / 100, 0.15, 0.7 - n % 2 / 100) for n in range(100)])
    assert "the mean forecast of a tie is 0.69" in judge(tmp_path, text, ids)[0][0].message


def test_p004_rows_joined_in_the_order_of_a_sort_are_seen(tmp_path: Path) -> None:
    text, ids = many(sorted(plausible(300), key=lambda row: row[2]))
    assert "follows the order of the rows" in judge(tmp_path, text, ids)[0][0].message


def test_p004_says_nothing_of_the_mean_of_three_rows(tmp_path: Path) -> None:
    text, ids = many([(0.9, 0.05, 0.05), (0.8, 0.1, 0.1), (0.9, 0.06, 0.04)])
    assert codes(tmp_path, text, ids=ids) == []


def test_every_rule_explains_itself() -> None:
    assert [each.code for each in RULES] == ["P001", "P002", "P003", "P004"]
    assert all(len(each.title) > 20 and len(each.explanation) > 100 for each in RULES)
