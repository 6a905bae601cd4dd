"""Lay a PEFT adapter over a classifier; every tensor in its place, or an error."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ModelUnusableError
from pipeline.model.load import Classifier, first_line, quiet

WEIGHTS: Final = "adapter_model.safetensors"
CONFIG: Final = "adapter_config.json"


def attach_adapter(classifier: Classifier, adapter: Path) -> Classifier:
    """The classifier with a trained adapter over it, head included.

    Raises:
        ModelUnusableError: PEFT refuses it, its tensors are not the ones that the model has places for, or weights
            that the base lacks are not in it.
    """
    model = lay_over(classifier.model, adapter)
    saved = tuple(model.peft_config["default"].modules_to_save or ())
    random = [name for name in classifier.missing if not set(name.split(".")) & set(saved)]
    if random:
        raise ModelUnusableError(
            f"neither the model nor the adapter {adapter} holds {', '.join(random[:3])}: the head would be random",
            fix="train the adapter with its head in modules_to_save; arena train does",
        )
    placed = model if classifier.quantised else model.to(classifier.device)
    return replace(classifier, model=placed.eval(), missing=())


def merged(model: Any) -> Any:
    """A model with an adapter's layers added into its weights; as it is where they cannot be (a learned prompt)."""
    if any(each.is_prompt_learning for each in model.peft_config.values()) or not hasattr(model, "merge_and_unload"):
        return model
    with quiet():
        bare = model.merge_and_unload()
    # It still says that it has one.
    if hasattr(bare, "peft_config"):
        del bare.peft_config
    return bare.eval()


def lay_over(model: Any, adapter: Path) -> Any:
    """A model with a trained adapter over it, for inference.

    Raises:
        ModelUnusableError: PEFT refuses it, or its tensors are not the ones that the model has places for.
    """
    from peft import PeftModel

    try:
        with quiet():
            laid = PeftModel.from_pretrained(model, adapter, is_trainable=False, local_files_only=True)
            _require_same_tensors(laid, adapter)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, ModelUnusableError):
            raise
        raise ModelUnusableError(
            f"the adapter {adapter} cannot be laid over the model: {first_line(error)}", fix=f"resolver check {adapter}"
        ) from error
    return laid


def _require_same_tensors(model: Any, adapter: Path) -> None:
    """PEFT passes over names that it does not know, and leaves its fresh weights where a name is absent."""
    from peft import get_peft_model_state_dict
    from safetensors import safe_open

    if not (adapter / WEIGHTS).is_file():
        raise ModelUnusableError(
            f"the adapter {adapter} has no {WEIGHTS}",
            fix="save it again with safe_serialization=True; pickles are not opened",
        )
    with safe_open(adapter / WEIGHTS, framework="pt") as file:
        stored = set(file.keys())
    wanted = set(get_peft_model_state_dict(model, save_embedding_layers=False))
    strays, absent = sorted(stored - wanted), sorted(wanted - stored)
    if strays or absent:
        raise ModelUnusableError(
            f"the adapter {adapter} does not fit the model: {len(strays)} tensors have no place,"
            f" {len(absent)} are missing ({', '.join((strays + absent)[:2])})",
            fix="name the base model that it was trained on",
        )
