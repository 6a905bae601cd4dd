"""W118, W119 and H708 against what transformers and torch make of the same weights."""

from pathlib import Path

import pytest
import safetensors.torch
import torch
from model_factory import model_dir, tiny_model
from oracle import load, logits, refusal

from resolver.environment import Environment
from resolver.finding import Finding
from resolver.host import Accelerator, Host, this_host
from resolver.inspection.describe import describe
from resolver.integrity.contents import read_contents
from resolver.preflight import Question, check
from resolver.probe.loading import Loading
from resolver.probe.observed import Observed
from resolver.rules import files, integrity, values, weights
from resolver.rules.judge import Judged, judge
from resolver.rules.rule import Evidence, Intent

RULES = (*files.RULES, *weights.RULES, *integrity.RULES, *values.RULES)
T4 = Host(accelerators=(Accelerator("Tesla T4", 16 << 30, (7, 5)),) * 2)
L4 = Host(accelerators=(Accelerator("NVIDIA L4", 24 << 30, (8, 9)),))
UP = "model.layers.1.mlp.up_proj.weight"


def judged(
    root: Path,
    *,
    adapter: Path | None = None,
    host: Host | None = None,
    dtype: str | None = None,
    loading: Loading | None = None,
) -> Judged:
    models = (describe(root),) if adapter is None else (describe(root), describe(adapter))
    evidence = Evidence(
        models[0],
        Intent(dtype=dtype),
        host or Host(),
        adapter=models[1] if adapter is not None else None,
        observed=Observed(contents=read_contents(models), loading=loading),
    )
    return judge(evidence, RULES, level="deep")


def told(root: Path, **options) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in judged(root, **options).findings]


def one(root: Path, code: str, **options) -> Finding:
    (found,) = [each for each in judged(root, **options).findings if each.code == code]
    return found


def why_not(root: Path, code: str, **options) -> str:
    (found,) = [each.reason for each in judged(root, **options).skipped if each.code == code]
    return found


def change(root: Path, name: str, edit) -> None:
    """Change one tensor of model.safetensors with the real library."""
    path = root / "model.safetensors"
    state = safetensors.torch.load_file(path)
    edit(state[name])
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})


def put(value: float):
    def edit(tensor: torch.Tensor) -> None:
        tensor.view(-1)[tensor.numel() // 3] = value

    return edit


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_w118_one_such_weight_is_an_error_that_loads_and_spoils_the_answers(
    tmp_path: Path, dtype: str, value: float
) -> None:
    root = tiny_model(tmp_path / "m", torch_dtype=dtype)
    assert told(root) == []
    change(root, UP, put(value))
    assert refusal(root) is None
    assert not torch.isfinite(logits(root).float()).all()
    found = one(root, "W118")
    (each,) = found.evidence["tensors"]
    assert found.severity == "error"
    assert (each["name"], each["nan"], each["inf"]) == (UP, int(value != value), int(value == value))  # noqa: PLR0124


def test_w118_the_largest_finite_value_is_none(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", torch_dtype="bfloat16")
    change(root, UP, put(torch.finfo(torch.bfloat16).max))
    assert told(root) == []


def test_w118_names_the_shard_and_counts_the_rest(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", shards=2)
    path = root / "model-00002-of-00002.safetensors"
    state = safetensors.torch.load_file(path)
    for tensor in state.values():
        tensor.view(-1)[0] = float("nan")
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})
    found = one(root, "W118")
    assert found.path == str(path)
    assert found.evidence["count"] == len(state)


def test_w118_infinity_in_a_mask_is_meant(tmp_path: Path) -> None:
    """Old checkpoints store their causal masks; transformers ignores such a tensor and answers."""
    root = model_dir(tmp_path / "m")
    state = safetensors.torch.load_file(root / "model.safetensors")
    state["model.causal_mask"] = torch.full((8, 8), float("-inf")).triu(1)
    safetensors.torch.save_file(state, root / "model.safetensors", metadata={"format": "pt"})
    assert torch.isfinite(logits(root)).all()
    assert told(root) == []


def test_w118_a_tensor_that_the_loader_passes_over_is_a_warning(tmp_path: Path) -> None:
    """The real loader's own list says so; without it (a pickle beside, no transformers) it stays an error."""
    root = model_dir(tmp_path / "m")
    state = safetensors.torch.load_file(root / "model.safetensors")
    state["model.old_head.weight"] = torch.full((8, 8), float("nan"))
    safetensors.torch.save_file(state, root / "model.safetensors", metadata={"format": "pt"})
    _, info = load(root)
    assert torch.isfinite(logits(root)).all()
    assert told(root) == [("W118", "error")]
    loading = Loading(unexpected=tuple(info["unexpected_keys"]))
    assert told(root, loading=loading) == [("W118", "warning")]


def test_w118_a_file_that_no_loader_opens_is_not_read(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    spoilt = {"w": torch.full((4, 4), float("nan"))}
    safetensors.torch.save_file(spoilt, root / "optimizer.safetensors")
    assert refusal(root) is None
    assert told(root) == []


def test_w118_pickles_are_skipped_and_the_reason_is_said(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", weights="bin")
    assert "pickles" in why_not(root, "W118")
    assert "pickles" in why_not(root, "W119")


def test_w118_needs_a_whole_file(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    with (root / "model.safetensors").open("r+b") as stream:
        stream.truncate(3_000)
    assert why_not(root, "W118") in {"W103 has to be mended first", "no safetensors file could be read to its end"}


def lora(base: Path, target: Path) -> Path:
    import peft
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base)
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "embed_tokens"])
    peft.get_peft_model(model, config).save_pretrained(target)
    return target


def test_w119_the_half_of_a_pair_that_begins_at_zero_is_none(tmp_path: Path) -> None:
    """An adapter as peft saves it before the first step: lora_B, and lora_embedding_A, are zeros."""
    base = tiny_model(tmp_path / "m")
    adapter = lora(base, tmp_path / "a")
    state = safetensors.torch.load_file(adapter / "adapter_model.safetensors")
    assert {
        name.split(".")[-2] if "embedding" not in name else name.split(".")[-1]
        for name, each in state.items()
        if not each.any()
    } >= {"lora_B"}
    assert told(base, adapter=adapter) == []
    assert told(adapter) == []


def test_w119_the_half_that_never_is_zero_is_told_and_nan_in_an_adapter_too(tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "m")
    adapter = lora(base, tmp_path / "a")
    path = adapter / "adapter_model.safetensors"
    state = safetensors.torch.load_file(path)
    first = next(name for name in state if "lora_A" in name)
    state[first].zero_()
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})
    assert one(base, "W119", adapter=adapter).evidence["tensors"][0]["name"] == first
    state[first][0, 0] = float("nan")
    safetensors.torch.save_file(state, path, metadata={"format": "pt"})
    assert told(base, adapter=adapter) == [("W118", "error")]


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_w119_models_as_transformers_makes_them_have_no_dead_matrix(tmp_path: Path, family: str) -> None:
    """Biases of a fresh BERT are zeros, its padding row too."""
    root = tiny_model(tmp_path / "m", family=family, classifier=True)
    state = safetensors.torch.load_file(root / "model.safetensors")
    assert family == "llama" or any(not each.any() for each in state.values())
    assert told(root) == []


@pytest.mark.parametrize("kind", ["dinov2", "vit_mae", "gemma4_audio"])
def test_w118_and_w119_know_what_transformers_itself_makes_zero_or_infinite(tmp_path: Path, kind: str) -> None:
    """Mask tokens and tables of positions begin at zero and some stay there; a range without a bound is infinite."""
    from transformers import CONFIG_MAPPING, AutoModel

    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    AutoModel.from_config(CONFIG_MAPPING[kind](**small)).save_pretrained(tmp_path / "m")
    state = safetensors.torch.load_file(tmp_path / "m" / "model.safetensors")
    odd = [
        name for name, each in state.items() if (each.dim() > 1 and not each.any()) or not torch.isfinite(each).all()
    ]
    assert odd
    assert told(tmp_path / "m") == []


def test_w119_a_zero_matrix_loads_and_answers_otherwise(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m")
    before = logits(root)
    change(root, UP, torch.Tensor.zero_)
    assert not logits(root).equal(before)
    found = one(root, "W119")
    assert (found.severity, found.evidence["count"], found.evidence["never_written"]) == ("warning", 1, None)


def test_w119_zeros_that_are_meant_are_none(tmp_path: Path) -> None:
    """Gemma stores a norm's weight less one, RoBERTa has a table of token types and no token types."""
    root = model_dir(tmp_path / "m")
    state = safetensors.torch.load_file(root / "model.safetensors")
    state["model.norm.weight"].zero_()
    state["model.layers.0.self_attn.q_proj.bias"] = torch.zeros(16)
    state["roberta.embeddings.token_type_embeddings.weight"] = torch.zeros(1, 16)
    state["model.layers.0.self_attn.g_idx"] = torch.zeros(4, 4, dtype=torch.int32)
    state["model.embed_tokens.weight"][3].zero_()
    safetensors.torch.save_file(state, root / "model.safetensors", metadata={"format": "pt"})
    assert told(root) == []


def test_w119_says_where_the_zeros_were_never_written(tmp_path: Path) -> None:
    """A download that reserved the length and never came: F007 sees the hole, the values say what lies in it."""
    config = {"hidden_size": 256, "intermediate_size": 512}
    root = model_dir(tmp_path / "m", config=config, sparse=True)
    holes = [each for each in judged(root).findings if each.code == "W119"]
    assert refusal(root) is None
    (found,) = holes
    assert found.evidence["never_written"] == found.evidence["count"]
    assert "all in a hole that was never written (F007)" in found.message


def test_w119_zeros_that_were_written_lie_in_no_hole(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", config={"hidden_size": 256, "intermediate_size": 512})
    change(root, UP, torch.Tensor.zero_)
    assert one(root, "W119").evidence["never_written"] is None


def test_h708_values_that_half_precision_cannot_say_become_infinite(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", torch_dtype="bfloat16")
    assert told(root, host=T4) == []
    change(root, UP, put(70_000.0))
    assert torch.isfinite(logits(root).float()).all()
    half = safetensors.torch.load_file(root / "model.safetensors")[UP].to(torch.float16)
    assert torch.isinf(half).sum() == 1
    found = one(root, "H708", host=T4)
    assert found.severity == "warning"
    assert found.evidence["largest"] == pytest.approx(70_000, rel=0.01)


def test_h708_nearly_too_large_is_none(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", torch_dtype="bfloat16")
    change(root, UP, put(65_280.0))
    assert torch.isfinite(safetensors.torch.load_file(root / "model.safetensors")[UP].to(torch.float16)).all()
    assert told(root, host=T4) == []


def test_h708_only_where_half_precision_has_to_be(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", torch_dtype="bfloat16")
    change(root, UP, put(70_000.0))
    assert "bfloat16" in why_not(root, "H708", host=L4)
    assert "no accelerator" in why_not(root, "H708")
    assert why_not(root, "H708", host=T4, dtype="float32") == "it is to run in float32"
    assert "not known" in why_not(root, "H708", host=Host(accelerators=(Accelerator("TPU"),)))
    assert told(root, host=L4, dtype="float16") == [("H708", "warning")]


def test_h708_float32_weights_count_where_float16_is_asked_for(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m")
    change(root, UP, put(65_520.0))
    assert told(root, host=T4) == []
    assert told(root, host=T4, dtype="float16") == [("H708", "warning")]


def test_the_whole_preflight_at_level_deep_joins_the_loader_and_the_values(tmp_path: Path) -> None:
    """One real child, one reading: what it passes over is a warning, what it loads is an error, the rest is run."""
    root = model_dir(tmp_path / "m")
    state = safetensors.torch.load_file(root / "model.safetensors")
    state["model.old_head.weight"] = torch.full((8, 8), float("nan"))
    state[UP][3, 3] = float("inf")
    safetensors.torch.save_file(state, root / "model.safetensors", metadata={"format": "pt"})
    here = Environment.this()
    seen: list[tuple[int, int]] = []
    asked = Question(level="deep", select=("W", "I"))
    report = check(str(root), here, this_host(here), asked, lambda done, total: seen.append((done, total)))
    found = {(each.code, each.severity, each.message) for each in report.findings}
    assert ("W118", "error", f"{UP} holds infinity") in found
    assert ("W118", "warning", "model.old_head.weight holds NaN") in found
    assert "W115" in {code for code, *_ in found}
    assert {"I905", "W118", "W119"} <= set(report.run)
    assert seen[-1][0] == seen[-1][1] == (root / "model.safetensors").stat().st_size
