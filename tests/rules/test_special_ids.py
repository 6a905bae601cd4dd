"""T207, T208, T209: the real library generates past its end, refuses to pad, or pools elsewhere, where we speak."""

import json

import pytest
from model_factory import edit_json, tiny_model
from rule_driver import judge
from tokenizer_factory import write_tokenizer_files

from resolver.rules import special_ids
from resolver.rules.rule import Intent

RULES = special_ids.RULES
SCORE = Intent(purpose="score")
ROW = [5, 9, 20, 33]


def auto_tokenizer(root):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(root), local_files_only=True)


def generated(root):
    """How many tokens the model adds before it stops, eight at most."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    ids = torch.tensor([ROW])
    with torch.no_grad():
        return model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False).shape[1] - 4


def first_word(root):
    """The token that the model says first, and its id."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    with torch.no_grad():
        number = int(model(torch.tensor([ROW])).logits[0, -1].argmax())
    return auto_tokenizer(root).convert_ids_to_tokens(number), number


def generation(root, **ids):
    (root / "generation_config.json").write_text(json.dumps(ids))


def ends_with(root, token):
    edit_json(root / "tokenizer_config.json", lambda value: value.update(eos_token=token))


@pytest.mark.parametrize("family", ["llama", "bert"])
@pytest.mark.parametrize("intent", [Intent(), SCORE])
def test_whole_model_is_quiet(tmp_path, family, intent):
    assert judge(tiny_model(tmp_path, family=family), rules=RULES, intent=intent).codes() == []


# --- T207 --------------------------------------------------------------------------------------------------------


def test_t207_end_that_generation_does_not_know_is_a_warning_and_generation_never_stops(tmp_path):
    root = tiny_model(tmp_path)
    token, number = first_word(root)
    ends_with(root, token)
    generation(root, eos_token_id=2)
    assert auto_tokenizer(root).eos_token_id == number
    assert generated(root) == 8
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T207", "warning")
    assert finding.path == str(root / "generation_config.json")
    assert finding.evidence == {"generation_config.json": 2, "tokenizer": number, "token": token}


def test_t207_near_miss_a_list_that_contains_it_agrees_and_generation_stops(tmp_path):
    root = tiny_model(tmp_path)
    token, number = first_word(root)
    ends_with(root, token)
    generation(root, eos_token_id=[2, number])
    assert generated(root) == 1
    assert judge(root, rules=RULES).codes() == []


def test_t207_near_miss_an_id_that_generation_config_overrules_is_quiet(tmp_path):
    root = tiny_model(tmp_path)
    token, number = first_word(root)
    ends_with(root, token)
    generation(root, eos_token_id=number)
    assert json.loads((root / "config.json").read_text())["eos_token_id"] == 2
    assert generated(root) == 1
    assert judge(root, rules=RULES).codes() == []


def test_t207_another_pad_is_a_warning_and_the_classifier_pools_at_padding(tmp_path):
    import torch
    from transformers import AutoModelForSequenceClassification

    root = tiny_model(tmp_path, classifier=True)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(pad_token="<unk>"))
    real = auto_tokenizer(root)
    model = AutoModelForSequenceClassification.from_pretrained(str(root), local_files_only=True)
    with torch.no_grad():
        alone = model(torch.tensor([ROW])).logits[0]
        padded = model(torch.tensor([[*ROW, real.pad_token_id, real.pad_token_id]])).logits[0]
    assert not torch.allclose(alone, padded, atol=1e-6)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.place.pointer) == ("T207", "/pad_token_id")


def test_t207_near_miss_an_encoder_ends_nothing(tmp_path):
    """BERT's config may carry any eos: nothing is generated."""
    root = tiny_model(tmp_path, family="bert")
    edit_json(root / "config.json", lambda value: value.update(eos_token_id=9, bos_token_id=8))
    edit_json(root / "tokenizer_config.json", lambda value: value.update(eos_token="[SEP]"))
    assert judge(root, rules=RULES).codes() == []


def test_t207_nothing_written_is_not_judged(tmp_path):
    root = tiny_model(tmp_path)

    def without(value):
        for role in ("bos", "eos", "pad"):
            value.pop(f"{role}_token_id", None)

    edit_json(root / "config.json", without)
    (root / "generation_config.json").unlink(missing_ok=True)
    assert "names an id" in judge(root, rules=RULES).skipped["T207"]


# --- T208 --------------------------------------------------------------------------------------------------------


def unpadded(root, *, reserved="<|reserved_special_token_0|>"):
    special = [{"id": 11, "content": reserved, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}]  # fmt: skip
    return write_tokenizer_files(root, added=special)


def test_t208_no_pad_token_is_a_warning_and_transformers_refuses_to_pad(tmp_path):
    root = unpadded(tiny_model(tmp_path))
    with pytest.raises(ValueError, match="Asking to pad but the tokenizer does not have a padding token"):
        auto_tokenizer(root)(["the", "a b"], padding=True)
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity) == ("T208", "warning")
    assert '"<|reserved_special_token_0|>"' in finding.fix.text


def test_t208_the_token_that_the_family_keeps_for_padding_is_named_first(tmp_path):
    root = unpadded(tiny_model(tmp_path), reserved="<|finetune_right_pad_id|>")
    (finding,) = judge(root, rules=RULES).findings
    edit_json(root / "tokenizer_config.json", lambda value: value.update(pad_token="<|finetune_right_pad_id|>"))
    assert '"<|finetune_right_pad_id|>"' in finding.fix.text
    assert auto_tokenizer(root)(["the", "a b"], padding=True).input_ids[0][-1] == 11
    edit_json(root / "config.json", lambda value: value.update(pad_token_id=11))
    assert judge(root, rules=RULES).codes() == []


def test_t208_near_miss_padding_that_tokenizer_json_stores_is_a_pad_token(tmp_path):
    root = tiny_model(tmp_path)
    padding = {"strategy": "BatchLongest", "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
               "pad_type_id": 0, "pad_token": "<unk>"}  # fmt: skip
    write_tokenizer_files(root, padding=padding)
    edit_json(root / "config.json", lambda value: value.update(pad_token_id=0))
    assert auto_tokenizer(root).pad_token == "<unk>"
    assert judge(root, rules=RULES).codes() == []


@pytest.mark.parametrize(("model_type", "name"), [("bert", "BertTokenizer"), ("t5", "T5Tokenizer"), ("gemma2", None)])
def test_t208_near_miss_a_class_that_brings_one_is_quiet(tmp_path, model_type, name):
    """Which it brings is read from the class; what is known here is only that some class may."""
    root = unpadded(tmp_path)
    (root / "config.json").write_text(json.dumps({"model_type": model_type, "vocab_size": 64}))
    edit_json(root / "tokenizer_config.json", lambda value: value.update(tokenizer_class=name) or value)
    assert judge(root, rules=RULES).of("T208") == []


def test_t208_no_tokenizer_is_not_judged(tmp_path):
    assert "T201" in judge(tiny_model(tmp_path, tokenizer=False), rules=RULES).skipped["T208"]


# --- T209 --------------------------------------------------------------------------------------------------------


def padded_with_its_end(root):
    edit_json(root / "tokenizer_config.json", lambda value: value.update(pad_token="</s>"))
    edit_json(root / "config.json", lambda value: value.update(pad_token_id=2))
    return root


def test_t209_pad_that_is_the_end_is_a_warning_and_an_end_is_taken_for_padding(tmp_path):
    """transformers 5.23 pools before the row's own end, 4.41 before the first one: here both can be seen."""
    import torch
    from transformers import AutoModelForSequenceClassification

    root = padded_with_its_end(tiny_model(tmp_path, classifier=True))
    model = AutoModelForSequenceClassification.from_pretrained(str(root), local_files_only=True)
    with torch.no_grad():
        closed = model(torch.tensor([[*ROW, 2]])).logits[0]
        open_ = model(torch.tensor([ROW])).logits[0]
    assert torch.allclose(closed, open_, atol=1e-6)  # the end has no say: it is padding
    (finding,) = judge(root, rules=RULES).findings
    assert (finding.code, finding.severity, finding.evidence["id"]) == ("T209", "warning", 2)


def test_t209_a_base_is_judged_where_it_is_to_score(tmp_path):
    root = padded_with_its_end(tiny_model(tmp_path))
    assert judge(root, rules=RULES, intent=SCORE).codes() == ["T209"]
    assert "no sequence classifier" in judge(root, rules=RULES).skipped["T209"]
    assert judge(root, rules=RULES, intent=Intent(purpose="score", head="tokens")).codes() == []


def test_t209_near_miss_an_encoder_pools_elsewhere(tmp_path):
    root = tiny_model(tmp_path, family="bert", classifier=True)
    edit_json(root / "tokenizer_config.json", lambda value: value.update(eos_token="[PAD]"))
    judged = judge(root, rules=RULES, intent=SCORE)
    assert judged.codes() == []
    assert "bert" in judged.skipped["T209"]


def test_t209_families_are_those_whose_classifier_looks_for_padding():
    """Read from the installed library's own source, so that a family that it adds is noticed."""
    from importlib.util import find_spec
    from pathlib import Path

    package = Path(find_spec("transformers").origin).parent / "models"
    looked_for = ("GenericForSequenceClassification", "Cannot handle batch sizes > 1 if no padding token")
    pooling = {
        path.parent.name
        for path in package.glob("*/modeling_*.py")
        if any(text in path.read_text("utf-8") for text in looked_for)
    }
    known = {name.replace("-", "_") for name in special_ids.POOLS_AT_PAD.split()} - {"gemma3_text"}
    assert {name.replace("openai_gpt", "openai") for name in known} <= pooling
