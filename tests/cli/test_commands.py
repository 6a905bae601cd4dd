"""list, inspect, explain, rules, doctor and completion, from the command line to the streams."""

import shutil
import subprocess
from pathlib import Path

import pytest
from model_factory import model_dir

from resolver.cli import COMMANDS
from resolver.rules.rulebook import RULES


def test_list_shows_every_model_and_exits_0(resolver, machine: Path) -> None:
    model_dir(machine / "input" / "llama-3" / "transformers" / "8b-chat-hf" / "1")
    model_dir(machine / "roots" / "broken", shards=4, without=[3])
    ran = resolver("list", "--root", machine / "roots")
    assert ran.code == 0
    assert "LlamaForCausalLM" in ran.out
    assert sorted(line.split()[-1] for line in ran.out.splitlines() if str(machine) in line or "llama-3" in line) == [
        "unusable",
        "usable",
    ]


def test_list_fails_only_where_it_is_asked_to(resolver, machine: Path) -> None:
    model_dir(machine / "roots" / "broken", shards=4, without=[3])
    ran = resolver("list", "--root", machine / "roots", "--fail-on", "error", "--format", "json")
    assert ran.code == 1
    assert [each["verdict"] for each in ran.json["models"] if each["source"] == "search root"] == ["unusable"]


def test_inspect_describes_a_damaged_model_too(resolver, bad: Path) -> None:
    ran = resolver("inspect", bad)
    assert (ran.code, ran.err) == (0, "")
    assert "architecture    LlamaForCausalLM" in ran.out
    (read,) = resolver("inspect", bad, "--format", "json").json["descriptions"]
    assert read["weights"]["missing"] == ["model-00003-of-00004.safetensors"]


def test_inspect_of_what_is_nowhere_is_3(resolver) -> None:
    ran = resolver("inspect", "org/nowhere")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: org/nowhere is not")
    assert resolver("inspect", "org/nowhere", "--format", "json").json["reports"][0]["verdict"] == "not-found"


@pytest.mark.parametrize("code", ["W102", "w102", "shard-missing"])
def test_explain_takes_code_and_name(resolver, code: str) -> None:
    ran = resolver("explain", code)
    assert ran.code == 0
    assert ran.out.startswith("W102 shard-missing")


def test_explain_of_an_unknown_code_is_2_and_names_near_ones(resolver) -> None:
    ran = resolver("explain", "shard-mising")
    assert (ran.code, ran.out) == (2, "")
    assert "near: W102" in ran.err


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_every_rule_can_be_explained(resolver, rule) -> None:
    (page,) = resolver("explain", rule.code, "--format", "json").json["rules"]
    assert page["title"]
    assert page["explanation"]
    assert page["consequence"]


def test_rules_lists_all_and_selects_by_prefix(resolver) -> None:
    assert [each["code"] for each in resolver("rules", "--format", "json").json["rules"]] == [r.code for r in RULES]
    selected = resolver("rules", "--select", "W10", "--ignore", "W102").out.splitlines()[1:]
    assert [line.split()[0] for line in selected] == [
        r.code for r in RULES if r.code.startswith("W10") and r.code != "W102"
    ]


def test_doctor_tells_places_and_no_secret(resolver, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setenv("HF_HOME", str(machine / "hf"))
    for ran in (resolver("doctor"), resolver("doctor", "--format", "json")):
        assert ran.code == 0
        assert str(machine / "input") in ran.out
        assert "HF_TOKEN" in ran.out
        assert "abcdefghijklmnopqrstuvwxyz" not in ran.out
    place = {each["name"]: each for each in ran.json["machine"]["places"]}
    assert (place["kaggle mount"]["present"], place["hf cache"]["present"]) == (True, False)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_every_command_and_flag(resolver, shell: str) -> None:
    ran = resolver("completion", shell)
    assert ran.code == 0
    for word in (*COMMANDS, "fail-on", "adapter"):
        assert word in ran.out
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=ran.out, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(
    ("words", "completed"),
    [("resolver pa", "path"), ("resolver check --adap", "--adapter"), ("resolver rules --sel", "--select")],
)
def test_bash_completes(resolver, words: str, completed: str) -> None:
    script = resolver("completion", "bash").out
    typed = words.split()
    ask = f'{script}\nCOMP_WORDS=({" ".join(typed)}); COMP_CWORD={len(typed) - 1}; _resolver; echo "${{COMPREPLY[@]}}"'
    ran = subprocess.run(["/usr/bin/env", "bash", "-c", ask], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == completed


def test_list_tells_copies_their_cost_and_the_ground(resolver, machine: Path) -> None:
    one = model_dir(machine / "input/one")
    for name in ("two", "three"):
        shutil.copytree(one, machine / "input" / name)
    cost = 2 * (one / "model.safetensors").stat().st_size
    told = resolver("list").out
    assert "3 directories hold 1 model; the copies take" in told
    assert "same headers: bytes not compared" in told
    document = resolver("list", "--format", "json").json["duplicates"]
    (group,) = document["groups"]
    assert (document["extra_bytes"], group["extra_bytes"], group["same"]) == (cost, cost, "headers")
    assert [each["path"] for each in group["copies"]] == [str(machine / "input" / n) for n in ("one", "three", "two")]


def test_list_says_nothing_of_copies_where_there_are_none(resolver, machine: Path) -> None:
    model_dir(machine / "input/one")
    assert "copies" not in resolver("list").out
    assert resolver("list", "--format", "json").json["duplicates"] == {"groups": [], "extra_bytes": 0}
