"""`resolver path`: the directory alone on stdout, all else on stderr."""

import json
import os
from pathlib import Path

from model_factory import model_dir


def test_stdout_is_the_directory_alone(resolver, good: Path) -> None:
    ran = resolver("path", good)
    assert (ran.code, ran.out) == (0, f"{good}\n")


def test_a_name_that_is_not_utf_8_comes_out_byte_for_byte(resolver, machine: Path) -> None:
    root = model_dir(Path(os.fsdecode(os.fsencode(machine) + b"/outer/caf\xe9")))
    ran = resolver("path", machine / "outer")
    assert ran.out.encode("utf-8", "surrogateescape") == os.fsencode(root) + b"\n"


def test_a_match_that_is_not_exact_is_said_on_stderr(resolver, machine: Path) -> None:
    model_dir(machine / "input" / "outer" / "below")
    ran = resolver("path", machine / "input" / "outer")
    assert ran.out == f"{machine / 'input' / 'outer' / 'below'}\n"
    assert ran.err.startswith("note: the model lies below the directory that was named")


def test_not_found_is_3_with_the_trail_on_stderr(resolver) -> None:
    ran = resolver("path", "org/nowhere")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: org/nowhere is not")
    assert "\n --> command line, argument 1\n" in ran.err
    assert "hf cache" in ran.err


def test_ambiguous_is_3_and_lists_the_candidates(resolver, machine: Path) -> None:
    """A name alone is a guess, and a guess is never taken."""
    model_dir(machine / "roots" / "some-model")
    ran = resolver("path", "org/some-model", "--root", machine / "roots")
    assert (ran.code, ran.out) == (3, "")
    assert str(machine / "roots" / "some-model") in ran.err


def test_rejected_is_1_with_the_report_on_stderr(resolver, bad: Path) -> None:
    ran = resolver("path", bad)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("error[W102] shard-missing: model-00003-of-00004.safetensors")


def test_an_ignored_rule_does_not_reject(resolver, bad: Path) -> None:
    ran = resolver("path", bad, "--ignore", "W102")
    assert (ran.code, ran.out) == (0, f"{bad}\n")
    assert "every error is of a rule that is ignored" in ran.err


def test_malformed_is_2_in_one_line(resolver) -> None:
    ran = resolver("path", "")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1


def test_json_is_one_object_on_stdout(resolver, good: Path, bad: Path) -> None:
    found = resolver("path", good, "--format", "json")
    assert found.json["resolutions"][0]["path"] == str(good)
    rejected = resolver("path", bad, "--format", "json")
    assert (rejected.code, rejected.json["resolutions"], rejected.err) == (1, [], "")
    assert [each["code"] for each in rejected.json["reports"][0]["findings"]] == ["W102"]
    absent = resolver("path", "org/nowhere", "--format", "json")
    assert (absent.code, absent.json["reports"][0]["verdict"]) == (3, "not-found")
    assert absent.json["reports"][0]["trail"]


def test_a_report_file_leaves_the_directory_on_stdout(resolver, good: Path, machine: Path) -> None:
    ran = resolver("path", good, "--format", "json", "--report", "r.json")
    assert (ran.code, ran.out) == (0, f"{good}\n")
    assert json.loads((machine / "work" / "r.json").read_text())["resolutions"][0]["path"] == str(good)


def test_exit_zero_prints_no_path_that_is_not_there(resolver, bad: Path) -> None:
    ran = resolver("path", bad, "--exit-zero")
    assert (ran.code, ran.out) == (0, "")


def test_an_alias_of_the_settings_is_followed(resolver, good: Path, machine: Path) -> None:
    (machine / "work" / "resolver.toml").write_text(f'[aliases]\nmine = "{good}"\n')
    assert resolver("path", "mine").out == f"{good}\n"
