"""Packed rows give the logits of the library's own forward, row by row, for every family that is packed."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from families import build

from pipeline.model import attention
from pipeline.model.attention import Look, Segments, attend, kernel_for, row_by_row
from pipeline.model.packed import packing_of
from pipeline.text.batch import plan_packs

if TYPE_CHECKING:
    from pathlib import Path

PACKED = ("llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "gemma2", "phi3", "gpt2", "bert", "modernbert")
LENGTHS = (100, 1, 7, 64, 33, 90, 16, 17, 2)
AGREE = 1e-5


def rows_of(vocabulary: int, lengths: tuple[int, ...] = LENGTHS) -> list[tuple[int, ...]]:
    draw = random.Random(7)  # noqa: S311 - made-up tokens
    return [tuple(draw.randrange(5, vocabulary) for _ in range(length)) for length in lengths]


def one_by_one(model: Any, rows: list[tuple[int, ...]]) -> Any:
    """The library's forward of each row alone, by its plainest attention."""
    import torch

    with torch.inference_mode():
        return torch.cat([model(input_ids=torch.tensor([row])).logits for row in rows])


def classifier(path: Path, family: str, **changes: Any) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    build(path, family, classifier=True)
    return AutoModelForSequenceClassification.from_pretrained(
        path, dtype=torch.float32, attn_implementation="eager", **changes
    ).eval()


def packed(model: Any, rows: list[tuple[int, ...]]) -> Any:
    import torch

    packing = packing_of(model)
    assert packing is not None
    with torch.inference_mode():
        return packing.logits(rows, torch.device("cpu"))


@pytest.mark.parametrize("family", PACKED)
def test_a_packed_row_has_the_logits_of_the_row_alone(tmp_path: Path, family: str) -> None:
    """Rows are longer than the windows of Gemma 2 (32) and ModernBERT (16), so that those count."""
    model = classifier(tmp_path / family, family)
    rows = rows_of(model.config.vocab_size)
    alone = one_by_one(model, rows)
    assert (packed(model, rows) - alone).abs().max() < AGREE
    assert alone.std() > 1e-3  # not a constant, which would agree with itself in any order


@pytest.mark.parametrize("family", ["llama", "gemma2", "bert"])
def test_rows_that_hold_or_end_in_the_pad_token_are_read_to_their_end(tmp_path: Path, family: str) -> None:
    """Where pad is eos the library stops at the token before; alone, with no pad token set, it does not."""
    model = classifier(tmp_path / family, family)
    pad = 6
    rows = [(5, pad, 9, pad), (8, 7, 5, 9, pad, pad), (pad,)]
    model.config.pad_token_id = None
    alone = one_by_one(model, rows)
    model.config.pad_token_id = pad
    assert (packed(model, rows) - alone).abs().max() < AGREE


def test_the_mean_over_a_row_is_taken_over_that_row(tmp_path: Path) -> None:
    model = classifier(tmp_path / "m", "modernbert", classifier_pooling="mean")
    rows = rows_of(model.config.vocab_size)
    alone = one_by_one(model, rows)
    assert (packed(model, rows) - alone).abs().max() < AGREE


def test_a_long_and_a_short_row_have_each_its_own_rotary_frequencies(tmp_path: Path) -> None:
    """Phi-3's longrope changes all frequencies of a batch beyond a length: such rows are never packed together."""
    factors = {"short_factor": [1.0] * 4, "long_factor": [3.0, 5.0, 7.0, 9.0]}
    rope = {"rope_type": "longrope", "rope_theta": 10_000.0, **factors}
    model = classifier(tmp_path / "m", "phi3", rope_parameters=rope, original_max_position_embeddings=32)
    rows = rows_of(model.config.vocab_size)
    alone = one_by_one(model, rows)
    packing = packing_of(model)
    assert packing is not None
    assert packing.split_at == 32
    mixed = packed(model, rows)
    assert (mixed - alone).abs().max() > AGREE  # which is why
    for pack in plan_packs(list(map(len, rows)), 10_000, packing.split_at):
        assert (packed(model, [rows[place] for place in pack]) - alone[list(pack)]).abs().max() < AGREE


def test_an_adapter_with_its_head_is_run_packed(tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    model = classifier(tmp_path / "m", "llama")
    torch.manual_seed(1)
    adapted = get_peft_model(model, LoraConfig(task_type=TaskType.SEQ_CLS, r=4, init_lora_weights=False)).eval()
    rows = rows_of(model.config.vocab_size)
    alone = one_by_one(adapted, rows)
    assert (packed(adapted, rows) - alone).abs().max() < AGREE


def test_families_with_an_attention_or_a_head_of_their_own_are_not_packed(tmp_path: Path) -> None:
    for family in ("deberta_v3", "t5"):
        model = classifier(tmp_path / family, family)
        before = model.config._attn_implementation
        assert packing_of(model) is None
        assert model.config._attn_implementation == before


def test_dynamic_frequencies_and_a_model_in_training_are_not_packed(tmp_path: Path) -> None:
    rope = {"rope_type": "dynamic", "rope_theta": 10_000.0, "factor": 2.0}
    assert packing_of(classifier(tmp_path / "dynamic", "llama", rope_parameters=rope)) is None
    assert packing_of(classifier(tmp_path / "training", "llama").train()) is None


def test_no_mask_is_built_and_a_forward_without_segments_is_refused(tmp_path: Path) -> None:
    import torch

    model = classifier(tmp_path / "m", "llama")
    packed(model, rows_of(model.config.vocab_size))
    with pytest.raises(ValueError, match="takes packed rows"):
        model(input_ids=torch.tensor([[5, 6]]))


def test_empty_rows_are_refused(tmp_path: Path) -> None:
    import torch

    packing = packing_of(classifier(tmp_path / "m", "llama"))
    assert packing is not None
    for rows in ([], [(5,), ()]):
        with pytest.raises(ValueError, match="at least one token"):
            packing.logits(rows, torch.device("cpu"))


LOOKS = {
    "causal": Look(0.5, None, 0),
    "both ways": Look(0.5),
    "causal window": Look(0.5, 4, 0),
    "window both ways": Look(0.5, 3, 3),
    "soft cap": Look(0.5, None, 0, 2.0),
    "soft cap and window": Look(0.5, 300, 0, 2.0),
}


def by_the_formula(query: Any, key: Any, value: Any, look: Look) -> Any:
    """softmax(QK') V of one row [L, heads, width], written out."""
    import torch

    key, value = (each.repeat_interleave(query.shape[1] // key.shape[1], dim=1) for each in (key, value))
    logits = torch.einsum("qhd,khd->hqk", query, key) * look.scale
    if look.softcap is not None:
        logits = look.softcap * torch.tanh(logits / look.softcap)
    distance = torch.arange(len(query))[:, None] - torch.arange(len(query))
    hidden = torch.zeros_like(distance, dtype=torch.bool)
    if look.back is not None:
        hidden |= distance > look.back
    if look.ahead is not None:
        hidden |= -distance > look.ahead
    return torch.einsum("hqk,khd->qhd", logits.masked_fill(hidden, float("-inf")).softmax(-1), value)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("heads", [(4, 4), (4, 2)])
def test_rows_are_attended_by_the_formula_and_apart(look: Look, heads: tuple[int, int]) -> None:
    """Rows shorter, as long as, and longer than the blocks of queries."""
    import torch

    torch.manual_seed(0)
    lengths = (5, 1, attention.BLOCK, 600)
    query = torch.randn(sum(lengths), heads[0], 8)
    key, value = torch.randn(2, sum(lengths), heads[1], 8)
    mixed = row_by_row(query, key, value, Segments.of(lengths, torch.device("cpu")), look)
    starts = [0, 5, 6, 6 + attention.BLOCK, sum(lengths)]
    for begin, end in pairwise(starts):
        expected = by_the_formula(query[begin:end], key[begin:end], value[begin:end], look)
        assert torch.allclose(mixed[begin:end], expected, atol=1e-5)


@pytest.mark.parametrize("name", ["causal", "both ways", "causal window", "window both ways"])
def test_the_flash_kernel_is_asked_for_the_same_attention(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such device here: what torch's function is given is carried out by the formula, as its documentation says."""
    import torch
    from torch.nn.attention import varlen

    def documented(query: Any, key: Any, value: Any, *bounds: Any, scale: float, window_size: Any, enable_gqa: bool):
        cu_seq_q, cu_seq_k, max_q, max_k = bounds
        assert cu_seq_q is cu_seq_k
        assert (cu_seq_q.dtype, max_q, max_k) == (torch.int32, 12, 12)
        assert enable_gqa == (query.shape[1] != key.shape[1])
        look = Look(scale, *(None if side == -1 else side for side in window_size))
        return torch.cat([
            by_the_formula(query[begin:end], key[begin:end], value[begin:end], look)
            for begin, end in pairwise(cu_seq_q.tolist())
        ])  # fmt: skip

    monkeypatch.setattr(varlen, "varlen_attn", documented)
    lengths = (5, 12, 1)
    query, (key, value) = torch.randn(18, 4, 8), torch.randn(2, 18, 2, 8)
    segments = Segments.of(lengths, torch.device("cpu"))
    flash = attention.torch_varlen(query, key, value, segments, LOOKS[name])
    assert torch.allclose(flash, row_by_row(query, key, value, segments, LOOKS[name]), atol=1e-5)


def test_flash_attention_is_given_window_and_cap_as_it_names_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    import torch

    asked: list[dict[str, Any]] = []
    fake = types.SimpleNamespace(flash_attn_varlen_func=lambda *tensors, **more: (asked.append(more), tensors[0])[1])
    monkeypatch.setitem(sys.modules, "flash_attn", fake)  # type: ignore[arg-type]
    ones = torch.ones(8, 2, 8)
    attention.flash_varlen(ones, ones, ones, Segments.of((5, 3), torch.device("cpu")), Look(0.25, 2, 0, 50.0))
    assert asked == [{"softmax_scale": 0.25, "causal": True, "window_size": (2, 0), "softcap": 50.0}]


def test_the_kernel_follows_device_dtype_and_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    class OnDevice:
        def __init__(self, dtype: Any, width: int = 64) -> None:
            self.device, self.dtype, self.shape = torch.device("cuda"), dtype, (1, 4, 9, width)

    def chosen(capability: tuple[int, int], query: Any, look: Look, installed: tuple[str, ...]) -> str:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
        monkeypatch.setattr(attention, "_has", lambda module: module in installed)
        return kernel_for(query, look).__name__

    half, plain, capped = OnDevice(torch.bfloat16), Look(1.0, None, 0), Look(1.0, None, 0, 50.0)
    both = ("torch.nn.attention.varlen", "flash_attn")
    assert chosen((9, 0), half, plain, both) == "torch_varlen"
    assert chosen((9, 0), half, plain, ()) == "row_by_row"
    assert chosen((9, 0), half, capped, both) == "flash_varlen"
    assert chosen((9, 0), half, capped, both[:1]) == "row_by_row"
    assert chosen((7, 5), OnDevice(torch.float16), plain, both) == "row_by_row"  # a T4
    assert chosen((9, 0), OnDevice(torch.float32), plain, both) == "row_by_row"
    assert chosen((9, 0), OnDevice(torch.bfloat16, 512), plain, both) == "row_by_row"
    assert kernel_for(torch.ones(1, 2, 3, 4, dtype=torch.bfloat16), plain) is row_by_row


def test_dropout_and_masks_are_refused() -> None:
    import torch

    ones = torch.ones(1, 2, 3, 4)
    segments = Segments.of((3,), torch.device("cpu"))
    for more in ({"attention_mask": torch.ones(1, 3)}, {"attention_mask": None, "dropout": 0.1}):
        with pytest.raises(ValueError, match="no attention_mask and no dropout"):
            attend(None, ones, ones, ones, segments=segments, **more)
