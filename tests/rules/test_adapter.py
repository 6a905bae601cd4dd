"""Each rule of family A: peft and transformers fail (or are silently wrong) where we speak, and load where we are quiet."""

import json
import shutil
from pathlib import Path

import pytest
from model_factory import edit_json, lfs_pointer, tiny_model
from rule_driver import judge

from resolver.rules import adapter, heads
from resolver.rules.rule import Intent

RULES = adapter.RULES
ALONE = Intent(base_resolved="")
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory) -> Path:
    """A base model and an adapter of it, as peft saves them."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    place = tmp_path_factory.mktemp("adapters")
    base = AutoModelForSequenceClassification.from_pretrained(str(tiny_model(place / "base")), num_labels=3)
    wanted = LoraConfig(task_type="SEQ_CLS", r=4, lora_alpha=8, target_modules=["q_proj"])
    get_peft_model(base, wanted).save_pretrained(str(place / "adapter"))
    return place


@pytest.fixture
def base(workshop) -> Path:
    return workshop / "base"


@pytest.fixture
def made(workshop, tmp_path) -> Path:
    return Path(shutil.copytree(workshop / "adapter", tmp_path / "adapter"))


def load(base, root):
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(str(base), num_labels=3, local_files_only=True)
    return PeftModel.from_pretrained(model, str(root), local_files_only=True)


def load_alone(root, **options):
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(str(root), local_files_only=True, **options)


def logits(model):
    import torch

    with torch.no_grad():
        return model.eval()(torch.tensor([[1, 5, 6, 7]])).logits


def rewrite_tensors(root, change) -> None:
    from safetensors.torch import load_file, save_file

    save_file(change(load_file(root / WEIGHTS)), root / WEIGHTS, metadata={"format": "pt"})


def without_head(tensors):
    return {name: tensor for name, tensor in tensors.items() if "score" not in name}


def test_whole_adapter_is_quiet(base, made):
    load(base, made)
    intent = Intent(base_resolved=str(base))
    assert judge(made, rules=RULES, intent=intent).codes() == []
    assert judge(base, rules=RULES, adapter_at=made, intent=Intent(adapter_asked=True)).codes() == []


# --- A401 --------------------------------------------------------------------------------------------------------


def test_a401_weights_without_config_are_an_error_as_in_peft(base, made):
    (made / CONFIG).unlink()
    with pytest.raises(ValueError, match=r"Can't find 'adapter_config.json' at"):
        load(base, made)
    (finding,) = judge(made, rules=RULES, intent=ALONE).of("A401")
    assert (finding.evidence["r"], finding.evidence["target_modules"]) == ([4], ["q_proj"])
    assert "lora_alpha" in finding.fix.text


def test_a401_broken_config_is_an_error_as_in_peft(base, made):
    (made / CONFIG).write_text('{"r": 4,\n}')
    with pytest.raises(ValueError, match="Expecting property name"):
        load(base, made)
    (finding,) = judge(made, rules=RULES, intent=ALONE).findings
    assert (finding.code, finding.place.line) == ("A401", 2)


def test_a401_near_miss_lone_adapter_weights_beside_a_model_load_and_are_quiet(made, tmp_path):
    root = tiny_model(tmp_path / "model", classifier=True)
    shutil.copy(made / WEIGHTS, root)
    load_alone(root)
    assert judge(root, rules=RULES).codes() == []


def test_a401_pointer_is_left_to_family_f(made):
    (made / CONFIG).write_text(lfs_pointer())
    assert judge(made, rules=RULES).of("A401") == []


# --- A402 --------------------------------------------------------------------------------------------------------


def test_a402_config_without_weights_is_an_error_as_in_peft(base, made):
    (made / WEIGHTS).unlink()
    with pytest.raises((OSError, ValueError)):
        load(base, made)
    assert judge(made, rules=RULES, intent=Intent(base_resolved=str(base))).codes("error") == ["A402"]


def test_a402_truncated_weights_are_an_error_as_in_peft(base, made):
    (made / WEIGHTS).write_bytes((made / WEIGHTS).read_bytes()[:-10])
    with pytest.raises(Exception, match="file not fully covered"):
        load(base, made)
    (finding,) = judge(made, rules=RULES, intent=Intent(base_resolved=str(base))).findings
    assert finding.code == "A402"
    assert finding.evidence["expected_bytes"] - finding.evidence["bytes"] == 10


def test_a402_pointer_is_left_to_family_f(made):
    (made / WEIGHTS).write_text(lfs_pointer())
    assert judge(made, rules=RULES).of("A402") == []


def test_a402_near_miss_weights_as_pickle_load_and_are_quiet(base, made):
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(made / WEIGHTS), made / "adapter_model.bin")
    (made / WEIGHTS).unlink()
    load(base, made)
    judged = judge(made, rules=RULES, intent=Intent(base_resolved=str(base)))
    assert judged.codes() == []
    assert "pickle" in judged.skipped["A408"]


# --- A403 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["meta-llama/Meta-Llama-3-8B", "/kaggle/input/llama-3/transformers/8b-hf/1", None])
def test_a403_base_that_is_nowhere_is_an_error_that_transformers_does_not_name(made, named, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    edit_json(made / CONFIG, lambda value: value.update(base_model_name_or_path=named))
    with pytest.raises(OSError, match=r"couldn't find them in the cached files|Repo id must be") as caught:
        load_alone(made)
    assert "Meta-Llama-3" not in str(caught.value)
    (finding,) = judge(made, rules=RULES, intent=ALONE).findings
    assert (finding.code, finding.severity) == ("A403", "error")
    assert finding.evidence["base_model_name_or_path"] == named
    assert str(named) in finding.message or named is None


def test_a403_near_miss_a_named_base_loads_and_is_only_worth_knowing(base, made):
    edit_json(made / CONFIG, lambda value: value.update(base_model_name_or_path="meta-llama/Meta-Llama-3-8B"))
    load(base, made)
    judged = judge(base, rules=RULES, adapter_at=made, intent=Intent(adapter_asked=True, base_resolved=""))
    assert [(each.code, each.severity) for each in judged.findings] == [("A403", "info")]


def test_a403_near_miss_a_base_that_lies_there_is_quiet(base, made):
    load_alone(made, num_labels=3)
    assert judge(made, rules=RULES, intent=Intent(base_resolved=str(base))).codes() == []


def test_a403_a_base_that_was_not_looked_for_is_not_a_pass(made):
    judged = judge(made, rules=RULES)
    assert judged.codes() == []
    assert "not looked for" in judged.skipped["A403"]


# --- A408 --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False])
def test_a408_classifier_adapter_without_its_head_is_an_error_as_in_peft(base, made, kept):
    rewrite_tensors(made, without_head)
    if not kept:
        edit_json(made / CONFIG, lambda value: value.update(modules_to_save=None))
    with pytest.raises(KeyError, match=r"base_model.model.score.weight"):
        load(base, made)
    rules = (*RULES, *heads.RULES)
    intent = Intent(purpose="score", adapter_asked=True)
    judged = judge(base, rules=rules, adapter_at=made, intent=intent)
    assert judged.codes("error") == ["A408"]
    assert judged.skipped["C307"] == "A408 has to be mended first"


def test_a408_near_miss_a_causal_adapter_has_no_head_and_loads(base, tmp_path):
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(base), local_files_only=True)
    wanted = LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj"])
    get_peft_model(model, wanted).save_pretrained(str(tmp_path))
    PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(str(base)), str(tmp_path), local_files_only=True)
    judged = judge(base, rules=RULES, adapter_at=tmp_path, intent=Intent(adapter_asked=True))
    assert judged.codes() == []


def test_c307_a_causal_adapter_over_a_base_leaves_the_head_random(base, tmp_path):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(base), local_files_only=True)
    get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj"])).save_pretrained(
        str(tmp_path)
    )
    judged = judge(
        base, rules=(*RULES, *heads.RULES), adapter_at=tmp_path, intent=Intent(purpose="score", adapter_asked=True)
    )
    assert judged.codes("error") == ["C307"]
    assert judged.of("C307")[0].evidence["adapter_tensors"] == 4


# --- A412 --------------------------------------------------------------------------------------------------------


def test_a412_adapter_beside_a_model_changes_what_is_loaded_without_a_word(made, tmp_path):
    root = tiny_model(tmp_path / "model", classifier=True)
    before = logits(load_alone(root))
    rewrite_tensors(
        made, lambda tensors: {name: tensor + (0.5 if "lora_B" in name else 0) for name, tensor in tensors.items()}
    )
    for name in (CONFIG, WEIGHTS):
        shutil.copy(made / name, root)
    assert (logits(load_alone(root)) - before).abs().max() > 0.01
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("A412", "warning")


def test_a412_config_beside_a_model_without_weights_stops_the_loader(made, tmp_path):
    root = tiny_model(tmp_path / "model", classifier=True)
    shutil.copy(made / CONFIG, root)
    with pytest.raises(OSError, match=r"adapter_model\.safetensors"):
        load_alone(root)
    assert judge(root, rules=RULES).codes("error") == ["A402"]


def test_a412_near_miss_an_adapter_in_a_directory_below_is_quiet(made, tmp_path):
    root = tiny_model(tmp_path / "model", classifier=True)
    before = logits(load_alone(root))
    shutil.copytree(made, root / "adapter")
    assert (logits(load_alone(root)) == before).all()
    assert judge(root, rules=RULES).codes() == []


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")


def test_adapter_config_of_any_shape_is_judged(tmp_path):
    for value in ({}, {"base_model_name_or_path": 5}, {"task_type": ["SEQ_CLS"], "r": "4"}):
        (tmp_path / CONFIG).write_text(json.dumps(value))
        assert judge(tmp_path, rules=RULES, intent=ALONE).codes("error") == ["A402", "A403"]


# --- the state dict that a notebook saves ------------------------------------------------------------------------


def test_a401_bare_state_dict_of_a_notebook_names_rank_modules_labels_and_the_command(base, tmp_path):
    """torch.save of what has a gradient, under live names, without a configuration: nothing loads it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_pretrained(str(base), num_labels=3)
    live = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["o_proj", "v_proj"]))
    root = tmp_path / "bare"
    root.mkdir()
    torch.save({n: p for n, p in live.named_parameters() if p.requires_grad}, root / "llama_3_finetuned_model.pth")
    with pytest.raises(ValueError, match=r"Can't find 'adapter_config.json' at"):
        load(base, root)
    (finding,) = judge(root, rules=RULES, intent=ALONE).of("A401")
    assert (finding.evidence["r"], finding.evidence["labels"]) == ([4], 3)
    assert finding.evidence["target_modules"] == ["o_proj", "v_proj"]
    assert finding.fix.command.startswith(f"resolver repair adapter {root}/llama_3_finetuned_model.pth --base BASE")


def test_an_adapter_alone_is_not_asked_for_a_model_type(base, made):
    """Through the whole rule book: what C301 has nothing to judge in, C303 must not judge either."""
    from resolver import check_model

    report = check_model(made)
    assert [each.code for each in report.findings if each.severity == "error"] == []


def test_a401_near_miss_a_state_dict_without_lora_is_no_adapter(tmp_path):
    import torch

    torch.save({"model.norm.weight": torch.ones(4)}, tmp_path / "model.pth")
    assert judge(tmp_path, rules=RULES, intent=ALONE).codes() == []
