"""`resolver check`: reports, codes and streams."""

import json
from pathlib import Path

import pytest
from model_factory import model_dir


def test_usable_is_0_and_unusable_is_1(resolver, good: Path, bad: Path) -> None:
    fine = resolver("check", good)
    assert (fine.code, fine.err) == (0, "")
    assert f"\nusable: {good} (exact, path)\n" in f"\n{fine.out}"
    broken = resolver("check", bad)
    assert (broken.code, broken.err) == (1, "")
    assert broken.out.startswith("error[W102] shard-missing: model-00003-of-00004.safetensors")
    assert f"\nunusable: {bad} (exact, path)\n" in broken.out


def test_not_found_is_3_and_names_the_argument(resolver, good: Path) -> None:
    ran = resolver("check", good, "org/nowhere")
    assert ran.code == 3
    assert "error: org/nowhere is not" in ran.out
    assert " --> command line, argument 2\n" in ran.out


def test_the_worst_of_several_models_decides_and_all_are_told(resolver, good: Path, bad: Path) -> None:
    ran = resolver("check", good, bad, "org/nowhere", "", "--format", "json")
    assert ran.code == 2
    assert [each["verdict"] for each in ran.json["reports"]] == ["usable", "unusable", "not-found"]
    assert ran.err.startswith("error: ")


def test_an_empty_directory_is_judged_and_unusable(resolver, machine: Path) -> None:
    (machine / "empty").mkdir()
    ran = resolver("check", machine / "empty")
    assert ran.code == 1
    assert "error[W101] no-weights" in ran.out


def test_fail_on_warning_counts_warnings(resolver, good: Path) -> None:
    """A model without a licence text loads all the same."""
    assert resolver("check", good).code == 0
    ran = resolver("check", good, "--fail-on", "warning")
    assert ran.code == 1
    assert "warning[L501] licence-missing" in ran.out
    assert resolver("check", good, "--fail-on", "warning", "--ignore", "L501").code == 0


def test_exit_zero_keeps_the_verdict_in_the_report(resolver, bad: Path) -> None:
    ran = resolver("check", bad, "org/nowhere", "--exit-zero", "--format", "json")
    assert ran.code == 0
    assert [each["verdict"] for each in ran.json["reports"]] == ["unusable", "not-found"]


def test_select_judges_only_these_rules(resolver, bad: Path) -> None:
    ran = resolver("check", bad, "--select", "C,T2", "--format", "json")
    (report,) = ran.json["reports"]
    known = {*report["checks"]["run"], *(each["code"] for each in report["checks"]["skipped"])}
    assert {code[:1] for code in known} == {"C", "T"}


def test_ignore_says_so_under_skipped(resolver, bad: Path) -> None:
    (report,) = resolver("check", bad, "--ignore", "W102", "--format", "json").json["reports"]
    assert {"code": "W102", "reason": "ignored: --ignore"} in report["checks"]["skipped"]
    assert "W102" not in [each["code"] for each in report["findings"]]


def test_the_reason_of_the_settings_is_told(resolver, bad: Path, machine: Path) -> None:
    (machine / "work" / "resolver.toml").write_text('[ignore]\nW102 = "a stub on purpose"\n')
    (report,) = resolver("check", bad, "--format", "json").json["reports"]
    assert {"code": "W102", "reason": "ignored: a stub on purpose"} in report["checks"]["skipped"]


@pytest.mark.parametrize("flag", ["--select", "--ignore"])
@pytest.mark.parametrize("code", ["W999", "X", "", ",", "nonsense"])
def test_an_unknown_code_is_2(resolver, good: Path, flag: str, code: str) -> None:
    ran = resolver("check", good, flag, code)
    assert (ran.code, ran.out) == (2, "")
    assert flag in ran.err


def test_the_report_goes_to_the_file_and_a_line_to_stderr(resolver, bad: Path, machine: Path) -> None:
    ran = resolver("check", bad, "--format", "json", "--report", "report.json")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"unusable: {bad} (1 error, 1 warning, 1 info)\nreport written to report.json\n"
    assert json.loads((machine / "work" / "report.json").read_text())["reports"][0]["verdict"] == "unusable"


def test_the_purpose_decides(resolver, good: Path) -> None:
    assert resolver("check", good).code == 0
    ran = resolver("check", good, "--for", "score")
    assert ran.code == 1
    assert "error[C307] head-missing" in ran.out


def test_an_adapter_that_is_nowhere_is_3(resolver, good: Path) -> None:
    ran = resolver("check", good, "--adapter", "org/nowhere")
    assert ran.code == 3
    assert "org/nowhere" in ran.out


def test_hostile_names_are_shown_and_not_obeyed(resolver, machine: Path) -> None:
    root = model_dir(machine / "input" / "a\u202e::error")
    (root / "model.safetensors").rename(root / "we\x1b]0;x\x07ights.safetensors")
    (root / "::error::y").write_text("")
    ran = resolver("check", root)
    assert ran.code == 1
    assert "\\x1b]0;x\\x07" in ran.out
    assert all(line.isprintable() for line in ran.out.split("\n"))
    assert not any(line.lstrip().startswith("::") for line in ran.out.split("\n"))


def test_the_accelerator_of_the_settings_is_judged_for_unless_the_command_line_names_one(
    resolver, good: Path, machine: Path
) -> None:
    (machine / "work" / "resolver.toml").write_text('accelerator = "kaggle-t4x2"\n')
    (report,) = resolver("check", good, "--format", "json").json["reports"]
    assert report["accelerator"] == "kaggle-t4x2"
    assert report["versions_from"].startswith("Kaggle's GPU image of ")
    (report,) = resolver("check", good, "--accelerator", "host", "--format", "json").json["reports"]
    assert (report["accelerator"], report["versions_from"]) == ("host", "this machine")
