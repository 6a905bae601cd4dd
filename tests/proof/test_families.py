"""The families are what they claim: built by the libraries, loaded by them, finite, and the same on every run."""

import pytest
from families import FAMILIES, build, lora, packed, quantised
from oracle import refusal

CAUSAL = ("llama", "gemma2", "qwen2", "qwen3", "qwen3_moe", "mistral", "phi3", "gpt2")
# peft 0.21.2 adds patterns of its own for experts that a tiny MoE does not have, and warns of them.
PATTERNS = pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern keys:RuntimeWarning")


def loaded(path, *, auto=None):
    import torch
    import transformers as t

    kind = auto or next(iter(t.AutoConfig.from_pretrained(path).architectures))
    model, info = getattr(t, kind).from_pretrained(path, output_loading_info=True)
    row = t.AutoTokenizer.from_pretrained(path)("which answer is better?", return_tensors="pt")["input_ids"]
    decoder = {"decoder_input_ids": row} if kind == "T5ForConditionalGeneration" else {}
    with torch.no_grad():
        logits = model(input_ids=row, **decoder).logits
    return logits, {name: sorted(keys) for name, keys in info.items() if keys}


@pytest.mark.parametrize("options", [{}, {"classifier": True}, {"sharded": True}], ids=["language", "head", "shards"])
@pytest.mark.parametrize("family", FAMILIES)
def test_family_loads_without_a_word_and_is_finite(tmp_path, family, options):
    logits, said = loaded(build(tmp_path / "m", family, **options))
    assert said == {}
    assert logits.isfinite().all()
    if options.get("classifier"):
        assert logits.shape[-1] == 3


@pytest.mark.parametrize("family", FAMILIES)
def test_tie_can_be_turned_round(tmp_path, family):
    logits, said = loaded(build(tmp_path / "m", family, tied=not FAMILIES[family].tied))
    assert said == {}
    assert logits.isfinite().all()


def test_shards_change_no_logit(tmp_path):
    whole, _ = loaded(build(tmp_path / "one", "bert"))
    parts, _ = loaded(build(tmp_path / "many", "bert", sharded=True))
    assert whole.equal(parts)


@PATTERNS
@pytest.mark.parametrize("family", FAMILIES)
def test_adapter_for_a_classifier_is_laid_over(tmp_path, family):
    import peft
    import transformers as t

    base = build(tmp_path / "base", family)
    bare = t.AutoModelForSequenceClassification.from_pretrained(base, num_labels=3)
    assert peft.PeftModel.from_pretrained(bare, lora(tmp_path / "a", base, task="SEQ_CLS")) is not None


@PATTERNS
@pytest.mark.parametrize("family", CAUSAL)
def test_adapter_for_a_language_model_is_laid_over(tmp_path, family):
    import peft
    import transformers as t

    base = build(tmp_path / "base", family)
    bare = t.AutoModelForCausalLM.from_pretrained(base)
    assert peft.PeftModel.from_pretrained(bare, lora(tmp_path / "a", base)) is not None


@pytest.mark.parametrize("how", ["nf4", "int8"])
def test_bitsandbytes_packs_and_loads_on_a_cpu(tmp_path, how):
    pytest.importorskip("bitsandbytes")
    logits, said = loaded(quantised(tmp_path / "q", build(tmp_path / "m", "llama_wide"), how))
    assert said == {}
    assert logits.isfinite().all()


@pytest.mark.parametrize("how", ["gptq", "awq"])
def test_exports_need_packages_that_are_not_here(tmp_path, how):
    said = refusal(packed(tmp_path / "q", build(tmp_path / "m", "llama"), how))
    assert said is not None
    assert "ImportError" in said or "optimum" in said or "gptqmodel" in said
