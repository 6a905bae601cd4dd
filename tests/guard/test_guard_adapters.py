"""An adapter's base, and the libraries above transformers, inside the guard."""

import json
from pathlib import Path

import pytest

from resolver import ModelLoadError, guard

peft = pytest.importorskip("peft")
transformers = pytest.importorskip("transformers")

HANDLE = "someone/tiny/transformers/default/1"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("mount") / "models" / HANDLE
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=32, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture
def adapter(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A LoRA whose base is named by its handle, as it was trained elsewhere."""
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tiny.parents[5]))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    base = transformers.LlamaForCausalLM.from_pretrained(tiny)
    directory = tmp_path / "adapter"
    peft.get_peft_model(base, peft.LoraConfig(r=2, task_type="CAUSAL_LM")).save_pretrained(directory)
    name_base(directory, HANDLE)
    return directory


def name_base(adapter: Path, name: str) -> None:
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"base_model_name_or_path": name}))


def test_an_adapters_base_is_loaded_from_where_it_lies(adapter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with guard():
        model = peft.AutoPeftModelForCausalLM.from_pretrained(adapter)
    assert model.peft_config["default"].r == 2
    assert f"{HANDLE} is loaded from" in capsys.readouterr().err


def test_transformers_own_way_with_an_adapter_finds_the_base_too(adapter: Path) -> None:
    with guard():
        model = transformers.AutoModelForCausalLM.from_pretrained(adapter)
    assert any("lora" in name for name, _ in model.named_parameters())


def test_a_base_that_is_nowhere_is_named(adapter: Path) -> None:
    """F-57: the library's error names everything but the base."""
    name_base(adapter, "meta-llama/Meta-Llama-3-8B")
    with guard(), pytest.raises(ModelLoadError) as raised:
        peft.AutoPeftModelForCausalLM.from_pretrained(adapter)
    assert "meta-llama/Meta-Llama-3-8B" in str(raised.value)
    assert "A4" in str(raised.value)


def test_an_adapter_that_is_nowhere_is_told(tiny: Path, adapter: Path) -> None:
    base = transformers.LlamaForCausalLM.from_pretrained(tiny)
    with guard(), pytest.raises(ModelLoadError, match=r"PeftModel\.from_pretrained\('/kaggle/input/my-lora'\) failed"):
        peft.PeftModel.from_pretrained(base, "/kaggle/input/my-lora")


def test_sentence_transformers_are_guarded(adapter: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    with guard(), pytest.raises(ModelLoadError, match=r"SentenceTransformer\('/kaggle/input/minilm'\) failed"):
        library.SentenceTransformer("/kaggle/input/minilm")
