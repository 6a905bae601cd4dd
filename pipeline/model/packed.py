"""Logits of many rows in one forward without a token of padding: rows packed into one sequence, heads read per row.

transformers' own forward of a classifier looks for one last (or first) token a batch row; here the rows lie in one
batch row, so the backbone is called and the head is applied to each row's own token. Families whose backbone or head is
not known here are not packed, and nothing is guessed: see `packing_of`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pipeline.model.attention import Segments, register
from pipeline.model.transfer import to_device
from pipeline.text.prompt import Ids

if TYPE_CHECKING:
    import torch

# Whose head reads the last token, and whose the first; other decoders are known by their class, see `_pool_of`.
LAST_TOKEN: Final = frozenset({"gpt2"})
FIRST_TOKEN: Final = frozenset({"bert", "roberta", "xlm-roberta", "camembert"})
# Positions of these begin behind the pad id.
SHIFTED: Final = frozenset({"roberta", "xlm-roberta", "camembert"})
# Frequencies of these depend on the longest row of a batch, beyond a length.
CHANGING_ROPE: Final = frozenset({"longrope", "dynamic"})

# The model, hidden states [1, T, hidden], segments -> logits [B, labels].
Pool = Callable[[Any, "torch.Tensor", Segments], "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Packing:
    """How a model is run on packed rows.

    Attributes:
        model: the model, without PEFT's wrapping.
        pool: reads its head.
        first_position: the position of a row's first token.
        split_at: rows longer than this are never packed with rows that are not; None where that does not matter.
    """

    model: Any
    pool: Pool
    first_position: int = 0
    split_at: int | None = None

    def logits(self, rows: Sequence[Ids], device: "torch.device") -> "torch.Tensor":
        """Logits [rows, labels] in float32, in the order of the rows; nothing is padded.

        Raises:
            ValueError: an empty row, or none.
        """
        import torch

        if not rows or not all(rows):
            raise ValueError("rows to pack have at least one token each")
        segments = Segments.of([len(row) for row in rows], device)
        ids_1T = torch.tensor([[token for row in rows for token in row]], dtype=torch.long)
        first = self.first_position
        positions_1T = torch.cat([torch.arange(first, first + length) for length in segments.lengths]).unsqueeze(0)
        backbone = getattr(self.model, self.model.base_model_prefix)
        output = backbone(
            input_ids=to_device(ids_1T, device),
            position_ids=to_device(positions_1T, device),
            segments=segments,
            use_cache=False,
        )
        logits_BC: torch.Tensor = self.pool(self.model, output.last_hidden_state, segments).float()
        return logits_BC


def packing_of(model: Any, pool_of: Callable[[Any], Pool | None] | None = None) -> Packing | None:
    """How to run a model on packed rows; None where its family is not known to allow it.

    The model's attention is changed to the padding-free one, which takes packed rows alone.

    Args:
        model: a transformers model in evaluation mode, perhaps wrapped by PEFT.
        pool_of: how its head is read, None where that is not known; by default as a sequence classifier's.
    """
    bare = _unwrapped(model)
    if bare is None or bare.training:
        return None
    pool = (pool_of or _pool_of)(bare)
    limit = _rope_limit(bare.config)
    if pool is None or limit == 0 or not _takes_our_attention(bare):
        return None
    shift = (bare.config.pad_token_id or 0) + 1 if bare.config.model_type in SHIFTED else 0
    return Packing(bare, pool, shift, limit)


def _unwrapped(model: Any) -> Any | None:
    """The transformers model inside PEFT's; None where the adapter is more than layers in it (a learned prompt)."""
    if not hasattr(model, "peft_config"):
        return model
    if any(each.is_prompt_learning for each in model.peft_config.values()):
        return None
    return model.get_base_model()


def _pool_of(model: Any) -> Pool | None:
    from transformers.modeling_layers import GenericForSequenceClassification

    kind = model.config.model_type
    if isinstance(model, GenericForSequenceClassification) or kind in LAST_TOKEN:
        return _last_token
    if kind in FIRST_TOKEN:
        return _first_token
    return _modernbert if kind == "modernbert" else None


def _takes_our_attention(model: Any) -> bool:
    """Switch the attention; False where the family writes its own (DeBERTa's looks at distances, T5's has a bias)."""
    if not getattr(model, "_supports_attention_backend", False):
        return False
    model.set_attn_implementation(register())
    return True


def _rope_limit(config: Any) -> int | None:
    """The length beyond which rotary frequencies change; None where they never do, 0 where they change gradually."""
    parameters = getattr(config.get_text_config(), "rope_parameters", None) or {}
    layers = parameters.values() if all(isinstance(each, dict) for each in parameters.values()) else (parameters,)
    changing = [each for each in layers if each.get("rope_type") in CHANGING_ROPE]
    if not changing:
        return None
    if any(each["rope_type"] == "dynamic" for each in changing):
        return 0
    return int(min(each["original_max_position_embeddings"] for each in changing))


def _last_token(model: Any, hidden_1TE: "torch.Tensor", segments: Segments) -> "torch.Tensor":
    logits_BC: torch.Tensor = model.score(hidden_1TE[0, segments.bounds[1:].long() - 1])
    return logits_BC


def _first_token(model: Any, hidden_1TE: "torch.Tensor", segments: Segments) -> "torch.Tensor":
    """BERT's pooler and RoBERTa's head both take the first token of what they are given."""
    first_B1E = hidden_1TE[0, segments.bounds[:-1].long()].unsqueeze(1)
    pooler = getattr(getattr(model, model.base_model_prefix), "pooler", None)
    logits_BC: torch.Tensor = model.classifier(first_B1E if pooler is None else pooler(first_B1E))
    return logits_BC


def _modernbert(model: Any, hidden_1TE: "torch.Tensor", segments: Segments) -> "torch.Tensor":
    import torch

    if model.config.classifier_pooling == "cls":
        pooled_BE = hidden_1TE[0, segments.bounds[:-1].long()]
    else:
        pooled_BE = torch.stack([hidden_1TE[0, begin:end].mean(dim=0) for begin, end in segments.spans()])
    logits_BC: torch.Tensor = model.classifier(model.head(pooled_BE))
    return logits_BC
