"""What `check` makes of a model, of an adapter beside it, and of what is not there."""

import json

import pytest
from model_factory import model_dir, write_safetensors
from mounts import HOST, environment, place

from resolver.errors import MalformedReference
from resolver.preflight import Question, check
from resolver.resolve import choose
from resolver.rules.judge import judge
from resolver.rules.model_rules import MODEL_RULES
from resolver.rules.rule import Evidence, Intent, rule
from resolver.rules.rulebook import RULES, find_rule

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"


def codes(report, severity="error"):
    return [each.code for each in report.findings if each.severity == severity]


def adapter_dir(root, base, *, head=True):
    root.mkdir(parents=True)
    config = {"peft_type": "LORA", "task_type": "SEQ_CLS", "r": 4, "lora_alpha": 8, "base_model_name_or_path": base}
    (root / "adapter_config.json").write_text(json.dumps(config))
    at = "base_model.model.model.layers.0.self_attn.v_proj"
    tensors = {f"{at}.lora_A.weight": ("F32", (4, 16), None), f"{at}.lora_B.weight": ("F32", (16, 4), None)}
    if head:
        tensors["base_model.model.score.weight"] = ("F32", (3, 16), None)
    write_safetensors(root / "adapter_model.safetensors", tensors)
    return root


def test_whole_model_is_usable_and_every_rule_is_accounted_for(tmp_path):
    report = check(str(model_dir(tmp_path / "m")), environment(tmp_path), HOST)
    assert report.verdict == "usable"
    assert sorted([*report.run, *(each.code for each in report.skipped)]) == sorted(each.code for each in MODEL_RULES)
    assert all(each.reason for each in report.skipped)
    assert report.judged_with["transformers"] == "5.23.0"
    assert report.elapsed_ms > 0


def test_explicit_directory_is_judged_whatever_is_in_it(tmp_path):
    (tmp_path / "empty").mkdir()
    report = check(str(tmp_path / "empty"), environment(tmp_path), HOST)
    assert report.verdict == "unusable"
    assert report.model.confidence == "exact"


def test_absent_model_is_a_report_and_not_an_exception(tmp_path):
    report = check(LLAMA, environment(tmp_path), HOST)
    assert report.verdict == "not-found"
    assert report.not_found is not None
    assert report.trail
    assert report.findings == ()


def test_absent_adapter_is_not_found(tmp_path):
    model = model_dir(tmp_path / "m")
    report = check(str(model), environment(tmp_path), HOST, Question(adapter=str(tmp_path / "no-adapter")))
    assert report.verdict == "not-found"
    assert "no-adapter" in report.not_found.message


def test_malformed_reference_is_raised(tmp_path):
    with pytest.raises(MalformedReference):
        check("", environment(tmp_path), HOST)


def test_severity_follows_the_purpose(tmp_path):
    model = str(model_dir(tmp_path / "m"))
    here = environment(tmp_path)
    assert check(model, here, HOST, Question(purpose="load")).verdict == "usable"
    assert codes(check(model, here, HOST, Question(purpose="score"))) == ["C307"]
    assert check(model, here, HOST, Question(purpose="score", head="tokens")).verdict == "usable"
    assert check(model, here, HOST, Question(purpose="train")).verdict == "usable"


def test_adapter_brings_the_head_and_its_own_base_is_no_error(tmp_path):
    model = model_dir(tmp_path / "m")
    adapter = adapter_dir(tmp_path / "a", "someone/gone")
    asked = Question(purpose="score", adapter=str(adapter))
    report = check(str(model), environment(tmp_path), HOST, asked)
    assert codes(report) == []
    assert report.adapter.path == adapter
    assert "A403" in codes(report, "info")


def test_adapter_alone_needs_its_base_here(tmp_path):
    adapter = adapter_dir(tmp_path / "a", LLAMA)
    here = environment(tmp_path)
    assert "A403" in codes(check(str(adapter), here, HOST))
    place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1", LLAMA)
    assert "A403" not in codes(check(str(adapter), here, HOST))


def test_adapter_base_written_as_a_kaggle_path_is_resolved(tmp_path):
    adapter = adapter_dir(tmp_path / "a", "/kaggle/input/llama-3/transformers/8b-chat-hf/1")
    place(tmp_path / "input/models/metaresearch/llama-3/transformers/8b-chat-hf/1", LLAMA)
    assert "A403" not in codes(check(str(adapter), environment(tmp_path), HOST))


def test_model_named_as_adapter_is_an_error_as_in_peft(tmp_path):
    model = model_dir(tmp_path / "m")
    report = check(str(model), environment(tmp_path), HOST, Question(adapter=str(model)))
    assert codes(report) == ["A401"]
    peft = pytest.importorskip("peft")
    with pytest.raises(ValueError, match="Can't find"):
        peft.PeftConfig.from_pretrained(str(model))


def test_adapter_without_its_head_is_found_out_for_scoring(tmp_path):
    model = model_dir(tmp_path / "m")
    adapter = adapter_dir(tmp_path / "a", str(model), head=False)
    report = check(str(model), environment(tmp_path), HOST, Question(purpose="score", adapter=str(adapter)))
    assert codes(report) == ["A408"]


def test_select_judges_only_those_and_ignore_says_why(tmp_path):
    model = model_dir(tmp_path / "m")
    here = environment(tmp_path)
    report = check(str(model), here, HOST, Question(select=("L",)))
    assert {code[0] for code in report.run} == {"L"}
    ignored = check(str(model), here, HOST, Question(ignored={"L501": "signed"}))
    assert ("L501", "ignored: signed") in [(each.code, each.reason) for each in ignored.skipped]
    assert "L501" not in ignored.run


def test_commands_name_the_hub_id_where_it_is_known(tmp_path):
    where = place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1", LLAMA)
    (where / "model.safetensors").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 9\n"
    )
    report = check(LLAMA, environment(tmp_path), HOST)
    said = " ".join(each.fix.command or "" for each in report.findings)
    assert "REPO_ID" not in said
    assert LLAMA in said


def test_commands_name_the_hub_id_of_a_mount_path(tmp_path):
    where = place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1", LLAMA)
    (where / "model.safetensors").write_bytes(b"\0" * 4)
    report = check(str(where), environment(tmp_path), HOST)
    assert report.model.hub_id is None
    assert any(LLAMA in (each.fix.command or "") for each in report.findings)


def test_type_that_no_pinned_version_knows_is_looked_up_in_the_installed_library(tmp_path):
    site = tmp_path / "site"
    auto = site / "transformers/models/auto"
    auto.mkdir(parents=True)
    (auto / "configuration_auto.py").write_text(
        'CONFIG_MAPPING_NAMES = OrderedDict(\n    [\n        ("brandnew", "BrandNewConfig"),\n        ("bert", "BertConfig"),\n    ]\n)\n'
    )
    here = environment(tmp_path, search_path=(site,))
    newer = HOST.replaced(packages={**HOST.packages, "transformers": "9.0.0"})
    model = model_dir(tmp_path / "m", config={"model_type": "brandnew"})
    assert "C304" not in codes(check(str(model), here, newer))
    other = model_dir(tmp_path / "n", config={"model_type": "unheardof"})
    assert codes(check(str(other), here, newer)) == ["C304"]


def test_requires_leaves_one_finding_a_fault(tmp_path):
    @rule("X001", "first", severity="error", consequence="")
    def first(evidence):
        """First."""
        yield first.finding("broken")

    @rule("X002", "second", severity="error", consequence="", requires=("X001",))
    def second(evidence):
        """Second."""
        yield second.finding("broken too")

    @rule("X003", "third", severity="error", consequence="", applies=lambda _: "cannot be known")
    def third(evidence):
        """Third."""
        raise AssertionError

    description = choose(str(model_dir(tmp_path / "m")), environment(tmp_path), HOST).description
    judged = judge(Evidence(description, Intent(), HOST), (second, third, first))
    assert [each.code for each in judged.findings] == ["X001"]
    assert {each.code: each.reason for each in judged.skipped} == {
        "X002": "X001 has to be mended first",
        "X003": "cannot be known",
    }


def test_rulebook_finds_by_code_and_by_name():
    assert find_rule("w102") is find_rule("shard-missing")
    assert find_rule("nonsense") is None


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.code)
def test_every_rule_explains_itself(each):
    assert each.title
    assert len(each.explanation) > 80
    assert each.consequence
    assert set(each.requires) <= {other.code for other in RULES}


def test_issue_rules_are_all_there():
    wanted = (
        [f"F{number:03}" for number in range(1, 11)]
        + [f"W{number}" for number in range(101, 123)]
        + [f"C{number}" for number in range(301, 321)]
        + [f"T{number}" for number in range(201, 216)]
        + [f"A{number}" for number in range(401, 413)]
        + ["S601", "S602", "S603", "S604", "S605", "S607", "R801"]
        + [f"R{number}" for number in range(802, 809)]
        + [f"L{number}" for number in range(501, 508)]
        + ["I901", "I902", "I903", "I904", "I905", "I907"]
        + [f"H{number}" for number in range(701, 709)]
        + [f"N{number:03}" for number in range(1, 16)]
        + ["P001", "P002", "P003", "P004"]
    )
    assert sorted(each.code for each in RULES) == sorted(wanted)
