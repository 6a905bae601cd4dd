"""Attention without padding: rows lie one behind the other in one sequence, and no token looks into another row.

`attend` is registered with transformers as an attention implementation. transformers builds masks only for the
implementations that it knows, so with this one it builds none. Which kernel runs is decided by what the device has:

- CUDA with flash kernels: one call for all rows (torch's own `varlen_attn`, or FlashAttention for soft-capped logits);
- everywhere else: each row by itself through `scaled_dot_product_attention`, whose kernels know causality without a
  mask; a window that is shorter than the row, and soft-capped logits, in blocks of queries with the keys they can see.

What it does not know: models and their heads (see `packed`), and how rows come to be packed (see `text.batch`).

Shapes: B rows, T tokens of all rows, H heads, K key heads (H is a multiple of K), D width of a head.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

from pipeline.model.transfer import to_device

if TYPE_CHECKING:
    import torch

NAME: Final = "padding_free"
# Queries of one block: scores of a block stay in the cache of a core, and a window of 128 wastes little.
BLOCK: Final = 256
AMPERE: Final = (8, 0)  # the flash kernels of torch and FlashAttention begin there
FLASH_WIDTH: Final = 256  # the widest head that they take


@dataclass(frozen=True, slots=True)
class Segments:
    """Where the rows of a packed sequence begin and end.

    Attributes:
        lengths: tokens of each row, in order; each at least 1.
        bounds: [B + 1] int32 on the model's device: begin of each row, then the end of the last.
    """

    lengths: tuple[int, ...]
    bounds: "torch.Tensor"

    @classmethod
    def of(cls, lengths: Sequence[int], device: "torch.device") -> "Segments":
        """The segments of rows of these lengths."""
        import torch

        bounds = torch.tensor([0, *accumulate(lengths)], dtype=torch.int32)
        return cls(tuple(lengths), to_device(bounds, device))

    def spans(self) -> Iterator[tuple[int, int]]:
        """Begin and end of each row."""
        return pairwise([0, *accumulate(self.lengths)])


@dataclass(frozen=True, slots=True)
class Look:
    """What a query may see.

    Attributes:
        scale: factor on the dot products.
        back, ahead: how many tokens before and behind it; None for all of the row.
        softcap: logits are bent into (-softcap, softcap) by tanh; None for not.
    """

    scale: float
    back: int | None = None
    ahead: int | None = None
    softcap: float | None = None

    @property
    def is_causal(self) -> bool:
        """Whether it sees nothing that comes after it."""
        return self.ahead == 0


Kernel = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor", Segments, Look], "torch.Tensor"]


def register() -> str:
    """Make `attend` known to transformers; returns the name to give as `attn_implementation`."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
    return NAME


def attend(  # noqa: PLR0917 - the signature is that of transformers
    module: Any,
    query_1HTD: "torch.Tensor",
    key_1KTD: "torch.Tensor",
    value_1KTD: "torch.Tensor",
    attention_mask: "torch.Tensor | None",
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    segments: Segments | None = None,
    is_causal: bool | None = None,  # noqa: FBT001 - transformers gives it by name
    **_: object,
) -> tuple["torch.Tensor", None]:
    """Attention of packed rows, with the signature that transformers calls.

    Args:
        module: the attention layer; `is_causal` is read from it where the call does not say.
        query_1HTD: projections of all rows, one behind the other, rotary already applied.
        key_1KTD: as the queries, one head for H/K of theirs.
        value_1KTD: as the keys.
        attention_mask: None; there is no padding to mask.
        scaling: factor on the dot products; 1/sqrt(D) where None.
        dropout: 0; this is inference.
        sliding_window: how many tokens a query sees on a side, itself included; None for all.
        softcap: as `Look`.
        segments: where the rows lie; given to the model's forward as a keyword.
        is_causal: None for what the layer says.

    Returns:
        [1, T, H, D], and None in place of the weights.

    Raises:
        ValueError: no segments, a mask, or dropout: the caller wants something that this does not do.
    """
    if segments is None or attention_mask is not None or dropout:
        raise ValueError(f"{NAME} takes packed rows (segments=…), no attention_mask and no dropout")
    causal = is_causal if is_causal is not None else bool(getattr(module, "is_causal", True))
    side = None if sliding_window is None else sliding_window - 1
    look = Look(
        scale=query_1HTD.shape[-1] ** -0.5 if scaling is None else scaling,
        back=side,
        ahead=0 if causal else side,
        softcap=softcap,
    )
    kernel = kernel_for(query_1HTD, look)
    mixed_THD = kernel(
        query_1HTD[0].transpose(0, 1), key_1KTD[0].transpose(0, 1), value_1KTD[0].transpose(0, 1), segments, look
    )
    return mixed_THD.unsqueeze(0), None


def kernel_for(query: "torch.Tensor", look: Look) -> Kernel:
    """The fastest kernel that can do it: on the device, in the dtype, with this look."""
    import torch

    if query.device.type != "cuda" or query.dtype not in (torch.float16, torch.bfloat16):
        return row_by_row
    if query.shape[-1] > FLASH_WIDTH or torch.cuda.get_device_capability(query.device) < AMPERE:
        return row_by_row
    if look.softcap is None and _has("torch.nn.attention.varlen"):
        return torch_varlen
    return flash_varlen if _has("flash_attn") else row_by_row


@cache
def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def torch_varlen(
    query_THD: "torch.Tensor", key_TKD: "torch.Tensor", value_TKD: "torch.Tensor", segments: Segments, look: Look
) -> "torch.Tensor":
    """The flash kernel of torch itself for rows of any lengths; no soft cap."""
    from torch.nn.attention.varlen import varlen_attn

    grouped = query_THD.shape[1] != key_TKD.shape[1]
    own = {"scale": look.scale, "enable_gqa": grouped}
    return _varlen(varlen_attn, query_THD, key_TKD, value_TKD, segments, look, own)


def flash_varlen(
    query_THD: "torch.Tensor", key_TKD: "torch.Tensor", value_TKD: "torch.Tensor", segments: Segments, look: Look
) -> "torch.Tensor":
    """FlashAttention's kernel for rows of any lengths; it knows the soft cap."""
    from flash_attn import flash_attn_varlen_func

    own = {"softmax_scale": look.scale, "causal": look.is_causal, "softcap": look.softcap or 0.0}
    return _varlen(flash_attn_varlen_func, query_THD, key_TKD, value_TKD, segments, look, own)


def _varlen(  # noqa: PLR0917 - a kernel's arguments and its own ones
    kernel: Callable[..., Any],
    query_THD: "torch.Tensor",
    key_TKD: "torch.Tensor",
    value_TKD: "torch.Tensor",
    segments: Segments,
    look: Look,
    own: dict[str, Any],
) -> "torch.Tensor":
    """What flash kernels have in common: bounds and longest row of queries and of keys, and the window."""
    longest = max(segments.lengths)
    mixed: torch.Tensor = kernel(
        query_THD,
        key_TKD,
        value_TKD,
        segments.bounds,
        segments.bounds,
        longest,
        longest,
        window_size=_window(look, longest),
        **own,
    )
    return mixed


def _window(look: Look, longest: int) -> tuple[int, int]:
    """The window as flash kernels take it: tokens before and behind, -1 for all; all where no row is longer."""
    back, ahead = (-1 if side is None or (side and side >= longest - 1) else side for side in (look.back, look.ahead))
    return back, ahead


def row_by_row(
    query_THD: "torch.Tensor", key_TKD: "torch.Tensor", value_TKD: "torch.Tensor", segments: Segments, look: Look
) -> "torch.Tensor":
    """Each row by itself: whole where the kernels of torch can do it without a mask, else in blocks of queries."""
    import torch

    query_HTD, key_KTD, value_KTD = (each.transpose(0, 1) for each in (query_THD, key_TKD, value_TKD))
    rows = []
    for begin, end in segments.spans():
        row = (query_HTD[:, begin:end], key_KTD[:, begin:end], value_KTD[:, begin:end])
        rows.append(_whole(*row, look) if _is_plain(look, end - begin) else _in_blocks(*row, look))
    return torch.cat(rows, dim=1).transpose(0, 1)


def _is_plain(look: Look, length: int) -> bool:
    """Whether a row of that length needs neither a window nor a cap."""
    sides = (side for side in (look.back, look.ahead) if side)
    return look.softcap is None and all(side >= length - 1 for side in sides)


def _whole(query_HLD: "torch.Tensor", key_KLD: "torch.Tensor", value_KLD: "torch.Tensor", look: Look) -> "torch.Tensor":
    from torch.nn.functional import scaled_dot_product_attention

    grouped = query_HLD.shape[0] != key_KLD.shape[0]
    mixed = scaled_dot_product_attention(
        query_HLD.unsqueeze(0),
        key_KLD.unsqueeze(0),
        value_KLD.unsqueeze(0),
        is_causal=look.is_causal and query_HLD.shape[1] > 1,
        scale=look.scale,
        enable_gqa=grouped,
    )
    return mixed[0]


def _in_blocks(
    query_HLD: "torch.Tensor", key_KLD: "torch.Tensor", value_KLD: "torch.Tensor", look: Look
) -> "torch.Tensor":
    """Blocks of queries with the keys that they can see; work and memory follow the window, not the row squared."""
    import torch

    length = query_HLD.shape[1]
    groups = query_HLD.shape[0] // key_KLD.shape[0]
    key_HLD, value_HLD = (each.repeat_interleave(groups, dim=0) for each in (key_KLD, value_KLD))
    blocks = []
    for begin in range(0, length, BLOCK):
        end = min(begin + BLOCK, length)
        first = 0 if look.back is None else max(0, begin - look.back)
        last = length if look.ahead is None else min(length, end + look.ahead)
        seen_QK = _seen(range(begin, end), range(first, last), look, query_HLD.device)
        blocks.append(_mix(query_HLD[:, begin:end], key_HLD[:, first:last], value_HLD[:, first:last], seen_QK, look))
    return torch.cat(blocks, dim=1)


def _seen(queries: range, keys: range, look: Look, device: "torch.device") -> "torch.Tensor":
    """[queries, keys] of a block: True where the query sees the key."""
    import torch

    query_Q1 = torch.arange(queries.start, queries.stop, device=device).unsqueeze(1)
    key_1K = torch.arange(keys.start, keys.stop, device=device).unsqueeze(0)
    seen = torch.ones(len(queries), len(keys), dtype=torch.bool, device=device)
    if look.back is not None:
        seen &= query_Q1 - key_1K <= look.back
    if look.ahead is not None:
        seen &= key_1K - query_Q1 <= look.ahead
    return seen


def _mix(
    query_HQD: "torch.Tensor", key_HKD: "torch.Tensor", value_HKD: "torch.Tensor", seen_QK: "torch.Tensor", look: Look
) -> "torch.Tensor":
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    if look.softcap is None:
        mixed: torch.Tensor = scaled_dot_product_attention(
            query_HQD.unsqueeze(0), key_HKD.unsqueeze(0), value_HKD.unsqueeze(0), attn_mask=seen_QK, scale=look.scale
        )
        return mixed[0]
    logits_HQK = query_HQD @ key_HKD.transpose(1, 2) * look.scale
    logits_HQK = torch.tanh(logits_HQK / look.softcap) * look.softcap
    weights_HQK = logits_HQK.masked_fill(~seen_QK, float("-inf")).softmax(dim=-1, dtype=torch.float32)
    return weights_HQK.to(value_HKD.dtype) @ value_HKD
