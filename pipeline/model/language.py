"""A generative model that is asked for a letter: the logits of A, B and perhaps C behind each row.

Rows are packed as a classifier's are (see `packed`); the language head is applied to the last token of each row alone,
so no row costs a vocabulary of logits for every token. Families whose head is more than one layer and a soft cap are
run row by row through their own forward.
"""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ModelUnusableError
from pipeline.model.attention import Segments
from pipeline.model.load import SCORE, open_model, precision, quantising, quiet, refused_as_model
from pipeline.model.packed import Packing, Pool, packing_of
from pipeline.model.quantise import Quantize, is_quantised, require_runnable, settle
from pipeline.model.transfer import to_device
from pipeline.text.batch import Batch, plan_packs
from pipeline.text.prompt import Ids

if TYPE_CHECKING:
    import torch

# Whose logits are the output embedding of the backbone's last hidden state, soft-capped where the config says so.
PLAIN_HEADS: Final = frozenset(
    {"llama", "mistral", "qwen2", "qwen3", "qwen3_moe", "gemma", "gemma2", "phi3", "gpt2"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A model in memory; attributes as `load.Classifier`."""

    model: Any
    device: "torch.device"
    dtype: "torch.dtype"
    quantised: bool = False


def load_language_model(
    path: Path, *, dtype: "torch.dtype", device: "torch.device", quantize: Quantize = "none"
) -> LanguageModel:
    """Load a causal language model; nothing is looked for outside the directory.

    Raises:
        ModelUnusableError: the libraries refuse it, or a weight would be random.
    """
    from transformers import AutoModelForCausalLM

    check = f"{SCORE} --head tokens"
    options = quantising(AutoModelForCausalLM, path, quantize, dtype=dtype, device=device, check=check)
    model, missing = open_model(AutoModelForCausalLM, path, dtype=dtype, check=check, **options)
    require_runnable(model, path, quantize, device)
    with quiet(), refused_as_model(path, check):
        settle(model)
    if missing:
        raise ModelUnusableError(
            f"{path} lacks {len(missing)} weights that would be random: {', '.join(missing[:3])}",
            fix="give a model with its language head; a classifier is scored with --head classifier",
        )
    placed = model if options else model.to(device)
    quantised = is_quantised(placed)
    return LanguageModel(placed.eval(), device, placed.dtype if quantised else dtype, quantised=quantised)


def attach_to_language(language: LanguageModel, adapter: Path) -> LanguageModel:
    """The model with a trained causal adapter over it.

    Raises:
        ModelUnusableError: PEFT refuses it, or its tensors are not the ones that the model has places for.
    """
    from pipeline.model.adapter import lay_over

    laid = lay_over(language.model, adapter)
    return replace(language, model=(laid if language.quantised else laid.to(language.device)).eval())


@dataclass(frozen=True, slots=True)
class PackedLetters:
    """Rows behind one another, nothing padded; a `Runner`."""

    language: LanguageModel
    packing: Packing
    labels: int

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """As `Runner`."""
        return plan_packs(lengths, token_budget, self.packing.split_at)

    def computed(self, lengths: Sequence[int]) -> int:
        """As `Runner`."""
        return sum(lengths)

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """As `Runner`."""
        with precision(self.language.device, self.language.dtype):
            return self.packing.logits(rows, self.language.device)


@dataclass(frozen=True, slots=True)
class LettersOneByOne:
    """Each row by itself, through the library's own forward; a `Runner`."""

    language: LanguageModel
    letters: tuple[int, ...]

    @property
    def labels(self) -> int:
        """As `Runner`."""
        return len(self.letters)

    def plan(self, lengths: Sequence[int], token_budget: int) -> tuple[Batch, ...]:
        """As `Runner`; the rows of a batch are run one after the other."""
        return plan_packs(lengths, token_budget)

    def computed(self, lengths: Sequence[int]) -> int:
        """As `Runner`."""
        return sum(lengths)

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """As `Runner`."""
        import torch

        with precision(self.language.device, self.language.dtype):
            return torch.cat([self._row(row) for row in rows])

    def _row(self, row: Ids) -> "torch.Tensor":
        import torch

        model = self.language.model
        kept = {"logits_to_keep": 1} if _keeps_logits(model) else {}
        ids_1T = to_device(torch.tensor([row], dtype=torch.long), self.language.device)
        logits_1C: torch.Tensor = model(input_ids=ids_1T, use_cache=False, **kept).logits[:, -1, list(self.letters)]
        return logits_1C.float()


def letters_runner(language: LanguageModel, letters: tuple[int, ...]) -> PackedLetters | LettersOneByOne:
    """The best way to run a model on rows that end where it answers with a letter.

    Args:
        language: a causal language model in evaluation mode; a packed one changes its attention, so that it can only
            be run packed.
        letters: ids of the letters, in the order of the columns.
    """
    packing = packing_of(language.model, lambda model: _letters_pool(model, letters))
    if packing is None:
        return LettersOneByOne(language, letters)
    return PackedLetters(language, packing, len(letters))


def _letters_pool(model: Any, letters: tuple[int, ...]) -> Pool | None:
    if model.config.model_type not in PLAIN_HEADS:
        return None
    cap = getattr(model.config, "final_logit_softcapping", None)

    def pool(model: Any, hidden_1TE: "torch.Tensor", segments: Segments) -> "torch.Tensor":
        last_BE = hidden_1TE[0, segments.bounds[1:].long() - 1]
        logits_BC: torch.Tensor = model.get_output_embeddings()(last_BE)[:, list(letters)].float()
        return logits_BC if cap is None else cap * (logits_BC / cap).tanh()

    return pool


def _keeps_logits(model: Any) -> bool:
    bare = model.get_base_model() if hasattr(model, "peft_config") else model
    return "logits_to_keep" in inspect.signature(bare.forward).parameters
