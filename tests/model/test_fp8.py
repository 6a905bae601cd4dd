"""Eight-bit floats: the product against a dequantised one in float32, the layers that stay, and the whole way to a file."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from families import build, lora
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_classifier import battle, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.errors import SettingsError
from pipeline.model import fp8
from pipeline.model.fp8 import in_fp8, require_fp8, scaled_product, to_float8
from pipeline.model.runner import Packed
from pipeline.scoring.letters import LoadLetters
from pipeline.scoring.loading import LoadClassifier
from pipeline.scoring.throughput import facts_of

torch = pytest.importorskip("torch")
CPU = torch.device("cpu")
ROWS = [tuple(range(5, 5 + length)) for length in (30, 3, 17)]
LETTERS = (7, 8, 9)

try:
    require_fp8(CPU)
except SettingsError as error:
    pytest.skip(str(error), allow_module_level=True)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return build(tmp_path_factory.mktemp("fp8") / "base", "llama_wide", classifier=True)


def logits(runner: Any, rows: Any = ROWS) -> Any:
    with torch.inference_mode():
        return runner.logits(rows)


def rounded(rows: Any) -> Any:
    """What is left of rows after a scale each and four bits of mantissa."""
    scale = rows.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / 448
    return (rows / scale).to(torch.float8_e4m3fn).float() * scale


class Dequantised(torch.nn.Module):
    """A linear layer whose weight and input are rounded as in float8, and multiplied in float32."""

    def __init__(self, linear: Any) -> None:
        super().__init__()
        self.weight, self.bias = rounded(linear.weight.detach()), linear.bias

    def forward(self, x: Any) -> Any:
        flat = rounded(x.reshape(-1, x.shape[-1]))
        return torch.nn.functional.linear(flat, self.weight, self.bias).reshape(*x.shape[:-1], -1)


def reference(model: Any, kept: tuple[str, ...] = ("score", "lm_head")) -> Any:
    for name, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear) and name.split(".")[0] not in kept:
            model.set_submodule(name, Dequantised(module))
    return model.eval()


def alone(model: Any, columns: Any = None) -> Any:
    with torch.inference_mode():
        found = [model(input_ids=torch.tensor([row])).logits for row in ROWS]
    return torch.cat([each[:, -1, list(columns)] if columns else each for each in found])


@settings(deadline=None, max_examples=50)
@given(
    st.integers(1, 40), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1e-20, 1e-3, 1.0, 1e4]), st.integers()
)
def test_the_product_is_that_of_the_rounded_matrices(tokens: int, ins: int, outs: int, size: float, seed: int) -> None:
    made = torch.Generator().manual_seed(seed % 2**32)
    x, w = (torch.randn(rows, 16 * ins, generator=made) * size for rows in (tokens, 16 * outs))
    (x8, scale_x), (w8, scale_w) = to_float8(x), to_float8(w)
    found = scaled_product(x8, w8, scale_x, scale_w.t(), torch.float32)
    torch.testing.assert_close(found, rounded(x) @ rounded(w).t(), rtol=1e-5, atol=1e-5 * size * size * ins)


@pytest.mark.parametrize("value", [0.0, 1e-30, 3e38, -3e38])
def test_rounding_overflows_nothing(value: float) -> None:
    rows, scale = to_float8(torch.tensor([[value, value / 2, 0.0]]))
    again = rows.float() * scale
    assert torch.isfinite(again).all()
    torch.testing.assert_close(again, torch.tensor([[value, value / 2, 0.0]]), rtol=0.07, atol=1e-12)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_takes_what_a_model_computes_in(dtype: str) -> None:
    rows = torch.randn(5, 32).to(getattr(torch, dtype))
    rows8, scale = to_float8(rows)
    assert (rows8.dtype, scale.dtype, scale.shape) == (torch.float8_e4m3fn, torch.float32, (5, 1))
    torch.testing.assert_close(rows8.float() * scale, rows.float(), rtol=0.07, atol=0.01)


def test_all_but_the_head_is_in_float8_and_the_logits_are_those_of_the_rounded_layers(base: Path) -> None:
    from transformers import AutoModelForSequenceClassification as Auto

    runner = LoadClassifier(base, None, 3, "float32", "fp8")("cpu")
    assert isinstance(runner, Packed)
    assert runner.classifier.quantised
    model: Any = runner.classifier.model
    kinds = Counter(type(each).__name__ for each in model.modules() if hasattr(each, "in_features"))
    assert kinds == {"Fp8Linear": 14, "Linear": 1}
    assert {each.weight.dtype for each in model.modules() if type(each).__name__ == "Fp8Linear"} == {
        torch.float8_e4m3fn
    }
    whole = Auto.from_pretrained(base, dtype=torch.float32, num_labels=3)
    exact = alone(whole)
    # A sum in another order may round an activation to the next float8, which is an eighth away.
    torch.testing.assert_close(logits(runner), alone(reference(whole)), atol=0.01 * float(exact.abs().max()), rtol=0)
    assert not torch.equal(logits(runner), exact)
    torch.testing.assert_close(logits(runner), exact, atol=0.2 * float(exact.abs().max()), rtol=0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_runs_too(base: Path, dtype: str) -> None:
    exact = logits(LoadClassifier(base, None, 3, "float32", "fp8")("cpu"))
    half = logits(LoadClassifier(base, None, 3, dtype, "fp8")("cpu"))
    torch.testing.assert_close(half, exact, atol=0.1 * float(exact.abs().max()), rtol=0)


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_an_encoders_pooler_head_and_biases_are_kept(tmp_path: Path, family: str) -> None:
    from transformers import AutoModelForSequenceClassification as Auto

    runner: Any = LoadClassifier(save_classifier(tmp_path / "model", family=family), None, 3, "float32", "fp8")("cpu")
    model = runner.classifier.model
    assert {name.split(".")[0] for name, each in model.named_modules() if type(each).__name__ == "Fp8Linear"} == {
        model.base_model_prefix
    }
    assert not any("pooler" in name for name, each in model.named_modules() if type(each).__name__ == "Fp8Linear")
    wanted = reference(Auto.from_pretrained(tmp_path / "model", dtype=torch.float32), kept=("classifier",))
    if family == "bert":
        wanted.bert.pooler.dense = model.bert.pooler.dense
    exact = alone(wanted)
    torch.testing.assert_close(logits(runner), exact, atol=0.02 * float(exact.abs().max()), rtol=0)


def test_an_adapter_is_merged_before_the_weights_are_rounded(base: Path, tmp_path: Path) -> None:
    import peft
    from transformers import AutoModelForSequenceClassification as Auto

    adapter = lora(tmp_path / "adapter", base, task="SEQ_CLS")
    runner: Any = LoadClassifier(base, adapter, 3, "float32", "fp8")("cpu")
    assert not hasattr(runner.classifier.model, "peft_config")
    laid = peft.PeftModel.from_pretrained(Auto.from_pretrained(base, dtype=torch.float32, num_labels=3), adapter)
    whole: Any = laid.merge_and_unload()
    exact = alone(reference(whole))
    torch.testing.assert_close(logits(runner), exact, atol=0.02 * float(exact.abs().max()), rtol=0)


def test_a_language_head_stays_as_it_is(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM as Auto

    language = build(tmp_path / "language", "llama_wide")
    runner: Any = LoadLetters(language, None, LETTERS, "float32", "fp8")("cpu")
    assert type(runner.language.model.lm_head) is torch.nn.Linear
    exact = alone(reference(Auto.from_pretrained(language, dtype=torch.float32)), LETTERS)
    torch.testing.assert_close(logits(runner), exact, atol=0.02 * float(exact.abs().max()), rtol=0)


def test_layers_that_a_family_keeps_in_float32_are_kept(tmp_path: Path) -> None:
    """T5 casts its input to the dtype of that weight, which is no dtype to compute in."""
    from transformers import T5Config, T5ForSequenceClassification

    numbers = {"d_model": 32, "d_ff": 64, "d_kv": 16, "num_heads": 2, "num_layers": 2, "vocab_size": 64}
    model = in_fp8(T5ForSequenceClassification(T5Config(**numbers, decoder_start_token_id=0)).eval(), CPU)
    kinds = {(name.split(".")[-1], type(each).__name__) for name, each in model.named_modules()}
    assert {("wo", "Linear"), ("wi", "Fp8Linear"), ("q", "Fp8Linear")} <= kinds


def test_a_layer_with_odd_sides_stays_and_a_model_of_such_is_refused(tmp_path: Path) -> None:
    from transformers import LlamaConfig, LlamaForSequenceClassification

    numbers = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 64}
    model = in_fp8(LlamaForSequenceClassification(LlamaConfig(**numbers, intermediate_size=40)).eval(), CPU)
    assert type(model.model.layers[0].mlp.up_proj) is torch.nn.Linear
    assert type(model.model.layers[0].self_attn.q_proj).__name__ == "Fp8Linear"
    odd = LlamaForSequenceClassification(LlamaConfig(**{**numbers, "hidden_size": 24}, intermediate_size=40)).eval()
    with pytest.raises(SettingsError, match="no layer whose sides are multiples of 16"):
        in_fp8(odd, CPU)


def test_a_device_multiplies_as_many_elements_as_before(base: Path) -> None:
    whole, small = (facts_of(LoadClassifier(base, None, 3, "float32", how)("cpu")) for how in ("none", "fp8"))
    assert small.block_parameters == whole.block_parameters


@pytest.fixture
def fresh() -> Any:
    require_fp8.cache_clear()
    yield
    require_fp8.cache_clear()


def test_a_device_without_the_product_is_refused_in_one_line(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_: object, **__: object) -> None:
        raise RuntimeError("torch._scaled_mm is only supported on CUDA devices\nwith compute capability >= 9.0 or 8.9")

    monkeypatch.setattr(torch, "_scaled_mm", absent)
    with pytest.raises(
        SettingsError, match=r"cpu has no products of float8 here: torch\._scaled_mm is only"
    ) as refused:
        require_fp8(CPU)
    assert "\n" not in str(refused.value)
    assert "--quantize int8" in refused.value.fix


def test_a_device_whose_product_is_wrong_is_refused(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fp8, "scaled_product", lambda x8, w8, *_: x8.float() @ w8.float().t())
    with pytest.raises(SettingsError, match="multiplies float8 wrongly"):
        require_fp8(CPU)


def test_the_command_goes_the_whole_way_and_the_same_bits_come_twice(base: Path, tmp_path: Path) -> None:
    write_lmsys(tmp_path / "test.csv", [battle(str(n), f"p{n}", "one " * n, "two " * (5 - n)) for n in range(5)])
    arguments = ["score", "--model", str(base), "--test", str(tmp_path / "test.csv"), "--max-length", "120"]
    for name in ("a.csv", "b.csv"):
        assert run([*arguments, "--quantize", "fp8", "--output", str(tmp_path / name)]) == 0
    assert run([*arguments, "--output", str(tmp_path / "whole.csv")]) == 0
    first, second, whole = ((tmp_path / name).read_text() for name in ("a.csv", "b.csv", "whole.csv"))
    assert first == second
    assert first != whole
