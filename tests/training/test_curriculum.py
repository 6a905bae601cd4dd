"""What is learned from and what is held out; what would mislead is refused with the ids, before any model is loaded."""

import csv
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import DATA, battle, learnable, write_lmsys

from pipeline.arena.table import LABELLED_COLUMNS
from pipeline.errors import SettingsError, TableError
from pipeline.training.curriculum import Sources, content_key, read_curriculum, read_teacher
from pipeline.training.plan import Plan

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="../shared/data/arena is not on this machine")


def read(train: Path, **more: Any) -> Any:
    return read_curriculum(Sources(train, **more), Plan())


def write_marks(path: Path, *rows: tuple[str, str, str, str]) -> Path:
    """Rows of an id and three marks."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(LABELLED_COLUMNS)
        for identifier, *marks in rows:
            writer.writerow((identifier, "m", "n", '["p"]', '["a"]', f'["b{identifier}"]', *marks))
    return path


def test_no_question_stands_on_both_sides(tmp_path: Path) -> None:
    battles = [battle(str(n), f"p{n % 20}", f"a{n}", f"b{n}", winner=n % 3) for n in range(100)]
    found = read(write_lmsys(tmp_path / "t.csv", battles), share=0.2)
    assert len(found.examples) + len(found.held_out) == 100
    learned = {each.battle.prompt_key() for each in found.examples}
    assert not learned & {each.prompt_key() for each in found.held_out}


def test_folds_hold_out_every_battle_once(tmp_path: Path) -> None:
    train = write_lmsys(tmp_path / "t.csv", learnable(50))
    held = [each.id for fold in range(5) for each in read(train, folds=5, fold=fold).held_out]
    assert sorted(held, key=int) == [str(n) for n in range(50)]
    with pytest.raises(SettingsError, match="there is no fold 5 of 5"):
        read(train, folds=5, fold=5)
    with pytest.raises(SettingsError, match="cannot be split"):
        read(write_lmsys(tmp_path / "same.csv", [battle(str(n), winner=0) for n in range(5)]), folds=2, fold=0)


def test_a_battle_of_two_files_is_learned_from_once_and_never_where_it_is_held_out(tmp_path: Path) -> None:
    battles = learnable(30)
    train = write_lmsys(tmp_path / "t.csv", battles)
    swapped = [battle(f"x{each.id}", each.prompts[0], each.answers_b[0], each.answers_a[0], 0) for each in battles]
    same_question = [battle(f"q{each.id}", each.prompts[0], "new", "newer", winner=0) for each in battles]
    fresh = [battle(f"f{n}", f"fresh {n}", "a", "b", winner=n % 3) for n in range(7)]
    extra = write_lmsys(tmp_path / "e.csv", [*swapped, *same_question, *fresh])
    found = read(train, extra=((extra, 0.25),), share=0.2)
    learned = [each for each in found.examples if each.weight == 0.25]
    assert {each.battle.id for each in learned} >= {each.id for each in fresh}
    assert not [each for each in learned if each.battle.id.startswith("x")]
    questions = {each.prompt_key() for each in found.held_out}
    assert not questions & {each.battle.prompt_key() for each in found.examples}
    assert len(found.left_out) == 2
    assert "30 battles stand in an earlier file too" in found.left_out[0]
    assert f"{len(found.held_out)} battles ask what a held-out battle asks" in found.left_out[1]


@pytest.mark.parametrize("turned", [False, True])
def test_a_test_battle_among_those_learned_from_is_refused_by_id(tmp_path: Path, turned: bool) -> None:
    battles = [battle(str(n), f"p{n}", f"a{n}", f"b{n}", winner=n % 3) for n in range(30)]
    train = write_lmsys(tmp_path / "t.csv", battles)
    seen = battle("other", "p7", "b7", "a7") if turned else battle("other", "p7", "a7", "b7")
    test = write_lmsys(tmp_path / "test.csv", [seen, battle("free", "p7", "a7", "c")])
    with pytest.raises(SettingsError, match="battle 7 has the texts of a test battle"):
        read(train, share=0, test=(test,))
    assert read(train, share=0, test=(write_lmsys(tmp_path / "free.csv", [battle("free", "p7", "a7", "c")]),)).examples


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (("", "", ""), r"row 2 \(id 71\).* is not one 1 and two 0"),
        (("1", "1", "0"), r"row 2 \(id 71\).*1, 1, 0 is not one 1"),
        (("nan", "0", "1"), r"row 2 \(id 71\).*nan, 0, 1 is not one 1"),
        (("0", "0", "0"), r"row 2 \(id 71\)"),
    ],
)
def test_a_battle_without_one_winner_is_refused_by_row_and_id(
    tmp_path: Path, marks: tuple[str, str, str], said: str
) -> None:
    with pytest.raises(TableError, match=said):
        read(write_marks(tmp_path / "t.csv", ("70", "1", "0", "0"), ("71", *marks)), share=0)


def test_all_battles_without_a_winner_are_told_at_once(tmp_path: Path) -> None:
    rows = [(str(n), "1", "1", "0") for n in range(30)]
    with pytest.raises(
        TableError, match=r"row 1 \(id 0\).*29 more have none either \(1, 2, 3, 4, 5, 6, 7, 8, 9, \.\.\.\)"
    ):
        read(write_marks(tmp_path / "t.csv", *rows), share=0)


def test_a_repeated_id_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 2, column id: 5 stands already in row 1"):
        read(write_marks(tmp_path / "t.csv", ("5", "1", "0", "0"), ("5", "1", "0", "0")), share=0)
    with pytest.raises(TableError, match="no row below the header"):
        read(write_marks(tmp_path / "t.csv"))
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(TableError, match="the file is empty"):
        read(tmp_path / "t.csv")


def write_teacher(path: Path, rows: dict[str, tuple[object, ...]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("id", "winner_model_a", "winner_model_b", "winner_tie"))
        writer.writerows((identifier, *cells) for identifier, cells in rows.items())
    return path


def test_a_teacher_labels_what_nobody_has_and_softens_what_somebody_has(tmp_path: Path) -> None:
    train = write_lmsys(tmp_path / "t.csv", learnable(6))
    unlabelled = write_lmsys(tmp_path / "u.csv", [battle("u1", "new", "a", "b"), battle("u2", "newer", "a", "b")])
    taught: dict[str, tuple[object, ...]] = {str(n): (0.2, 0.3, 0.5) for n in range(6)}
    taught |= {"u1": (0.7, 0.2, 0.1), "u2": (0.1, 0.2, 0.7)}
    teacher = write_teacher(tmp_path / "p.csv", taught)
    found = read_curriculum(
        Sources(train, extra=((unlabelled, 1.0),), teacher=teacher, share=0), Plan(teacher_share=0.5)
    )
    assert found.examples[0].target == pytest.approx((0.6, 0.15, 0.25))
    assert found.examples[-1].target == pytest.approx((0.1, 0.2, 0.7))
    del taught["u2"]
    with pytest.raises(SettingsError, match="battle u2 has no winner and no forecast of a teacher"):
        read(train, extra=((unlabelled, 1.0),), teacher=write_teacher(tmp_path / "p.csv", taught), share=0)


@pytest.mark.parametrize("cells", [(0.5, 0.5, 0.5), ("x", 0, 1), (float("nan"), 0, 1), (1.5, -0.5, 0)])
def test_a_teacher_that_gives_no_probabilities_is_refused_by_id(tmp_path: Path, cells: tuple[object, ...]) -> None:
    teacher = write_teacher(tmp_path / "p.csv", {"1": (0.2, 0.3, 0.5), "2": cells})
    with pytest.raises(SettingsError, match="battle 2 has no probabilities that sum to 1"):
        read_teacher(teacher, 3)
    with pytest.raises(SettingsError, match="a teacher's forecasts have the columns"):
        read_teacher(write_lmsys(tmp_path / "t.csv", learnable(3)), 3)


def test_the_same_battle_has_the_same_key_from_either_side() -> None:
    one = battle("1", "p", "a", "b")
    assert content_key(one) == content_key(one.swapped()) == content_key(battle("2", "p", "b", "a"))
    assert content_key(one) != content_key(battle("1", "p", "a", "c"))


@needs_data
def test_the_real_mix_is_split_on_real_battles_alone() -> None:
    real, mixed, test = DATA / "lmsys" / "train.csv", DATA / "train.csv", DATA / "test.csv"
    found = read(real, extra=((mixed, 0.3),), test=(test,), folds=5, fold=0)
    ids = {each.battle.id for each in found.examples} | {each.id for each in found.held_out}
    assert 999 < len(ids) <= 8682
    assert all(int(each.id) < 5_000_000_000 for each in found.held_out)
    # Five of the other sources are battles of this one under other ids.
    assert "1,004 battles stand in an earlier file too" in " ".join(found.left_out)
    assert not {each.prompt_key() for each in found.held_out} & {each.battle.prompt_key() for each in found.examples}


def write_forecasts(path: Path, ids: list[str]) -> Path:
    rows = "".join(f"{each},0.5,0.3,0.2\n" for each in ids)
    path.write_text("id,winner_model_a,winner_model_b,winner_tie\n" + rows)
    return path


def test_a_teacher_of_other_battles_is_refused(tmp_path: Path) -> None:
    train = write_lmsys(tmp_path / "t.csv", learnable(10))
    with pytest.raises(SettingsError, match="it forecasts none of the 10 battles"):
        read(train, share=0, teacher=write_forecasts(tmp_path / "f.csv", ["x1", "x2"]))


def test_a_teachers_forecast_of_an_id_that_two_battles_have_is_refused(tmp_path: Path) -> None:
    train = write_lmsys(tmp_path / "t.csv", learnable(10))
    extra = write_lmsys(tmp_path / "e.csv", [battle("3", "another", "a", "b", winner=0)])
    teacher = write_forecasts(tmp_path / "f.csv", ["3", "4"])
    with pytest.raises(SettingsError, match=r"battle 3 has a forecast in .* different battles"):
        read(train, share=0, extra=((extra, 1.0),), teacher=teacher)


def test_a_teacher_of_battles_that_nobody_ties_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nobody ties in these battles"):
        read_teacher(write_forecasts(tmp_path / "f.csv", ["1"]), labels=2)
