"""The text of list, inspect, explain, rules and doctor."""

from pathlib import Path

from model_factory import edit_json, model_dir
from told_reports import SHARD, report

from resolver.finding import Identity
from resolver.host import Accelerator, Host
from resolver.inspection.describe import describe
from resolver.report.blocks import ListedModel, Location, Machine
from resolver.report.pages import render_description, render_machine, render_models, render_rule, render_rules
from resolver.rules.rulebook import RULES, find_rule


def rows(text: str) -> dict[str, str]:
    return {line.split("  ")[0]: line.partition("  ")[2].strip() for line in text.splitlines() if "  " in line}


def test_inspect_tells_what_the_files_say(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    (root / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    told = rows(render_description(Identity("org/m", root, "search root", "matched"), describe(root)))
    assert told["found in"] == "search root (matched)"
    assert told["architecture"] == "LlamaForCausalLM"
    assert told["shape"] == "layers 2, hidden size 16, vocabulary 64, positions 64"
    assert told["licence"] == "apache-2.0"
    assert told["quantisation"] == "none declared"
    assert told["weights"] == "safetensors-index"
    assert told["model-00001-of-00002.safetensors"].endswith("opened by a loader")


def test_inspect_claims_no_count_where_a_shard_is_absent(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=4, without=[3])
    told = rows(render_description(Identity("m", root), describe(root)))
    assert told["parameters"] == "unknown: not every weight file is there and has a header that can be read"
    assert told["missing"] == "model-00003-of-00004.safetensors"


def test_inspect_survives_whatever_a_config_says(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    edit_json(root / "config.json", lambda c: c.update(architectures=["\x1b[2J\u202e"], num_labels=10**4000))
    (root / "\x1b]0;title\x07.txt").write_text("x")
    shown = render_description(Identity("m", root), describe(root))
    assert all(line.isprintable() for line in shown.split("\n"))


def test_inspect_of_an_empty_directory_says_so(tmp_path: Path) -> None:
    told = rows(render_description(Identity("m", tmp_path), describe(tmp_path)))
    assert told["architecture"] == "unknown: config.json does not say"
    assert told["weights"] == "none"
    assert told["licence"] == "nothing says"


def test_list_has_one_row_a_model(tmp_path: Path) -> None:
    description = describe(model_dir(tmp_path / "m"))
    text = render_models([ListedModel(description, report(SHARD)), ListedModel(description, report())])
    header, first, second = text.splitlines()
    assert header.split() == ["REFERENCE", "SOURCE", "SIZE", "ARCHITECTURE", "LICENCE", "VERDICT"]
    assert first.startswith("google/gemma-2-9b-it  hf cache  ")
    assert (first.split()[-1], second.split()[-1]) == ("unusable", "usable")
    assert header.index("VERDICT") == first.index("unusable") == second.index("usable")


def test_rules_has_one_row_a_rule() -> None:
    assert len(render_rules(RULES).splitlines()) == 1 + len(RULES)


def test_explain_holds_title_severity_consequence_and_what_it_needs() -> None:
    rule = find_rule("shard-missing")
    assert rule is not None
    page = render_rule(rule)
    assert page.startswith("W102 shard-missing  error, level quick\n")
    assert rule.title in page
    assert f"consequence: {rule.consequence}" in page
    assert "judged after: F005" in page


def test_doctor_says_unknown_where_nothing_is_known() -> None:
    text = render_machine(Machine("3.11.7", "Linux", Host()))
    told = rows(text)
    assert told["memory"] == "unknown"
    assert told["network"] == "unknown; the hub library is not set to stay offline"
    assert told["accelerators"] == "none seen"
    assert told["secrets set"] == "none"


def test_doctor_tells_devices_places_and_variables() -> None:
    host = Host(accelerators=(Accelerator("Tesla T4"),), offline_set=True, has_network=False, memory_bytes=16 * 10**9)
    machine = Machine(
        "3.11.7", "Linux", host, {"torch": "2.13.0"},
        (Location("kaggle mount", Path("/kaggle/input"), present=True),), {"HF_HOME": "/data/hf"}, ("HF_TOKEN",),
    )  # fmt: skip
    told = rows(render_machine(machine))
    assert told["accelerators"] == "Tesla T4"
    assert told["memory"] == "16.00 GB"
    assert told["network"] == "no default route; the hub library is set to stay offline"
    assert told["kaggle mount"] == "present  /kaggle/input"
    assert told["HF_HOME"] == "/data/hf"
    assert told["torch"] == "2.13.0"
    assert told["secrets set"] == "HF_TOKEN"
