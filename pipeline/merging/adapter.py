"""What an adapter changes, told by PEFT itself: its layers, laid over a model without data.

Ranks, scales, patterns and targets are PEFT's own reading of adapter_config.json. What this file adds is refusal: of
every setting whose effect is no change of a weight, and of every tensor that has no place.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ModelUnusableError
from pipeline.merging.lay import Change
from pipeline.model.adapter import CONFIG, WEIGHTS, require_same_tensors
from pipeline.model.load import first_line, quiet

NAME: Final = "default"
PREFIX: Final = "base_model.model."
TASK: Final = "SEQ_CLS"
# Ways to begin that leave the base as it is; others (PiSSA, OLoRA, CorDA, LoftQ) train over other weights than it has.
PLAIN_BEGINNINGS: Final = (True, False, "gaussian", "orthogonal", "eva")
MERGES: Final = "what is merged is a LoRA, rank-stabilised or DoRA, over linear layers and embeddings, with its head"


@dataclass(frozen=True, slots=True)
class Laid:
    """An adapter as changes of a base.

    Attributes:
        weights: name of a weight of the model -> what is laid over it.
        biases: name of a bias -> the name of lora_B's bias in the adapter's file, and the scale.
        whole: name of a weight of the model -> the name of what replaces it in the adapter's file.
    """

    weights: Mapping[str, Change]
    biases: Mapping[str, tuple[str, float]]
    whole: Mapping[str, str]


def read_changes(adapter: Path, model: Any) -> Laid:
    """What an adapter changes of a model.

    Args:
        adapter: its directory.
        model: a transformers classifier on the meta device; it is wrapped by PEFT and of no other use afterwards.

    Raises:
        ModelUnusableError: it is another kind of adapter, it has settings that no weight can hold, or its tensors are
            not those that the model has places for.
    """
    config = _config(adapter)
    known = frozenset(model.state_dict())
    laid = _laid_over(model, config, adapter)
    wanted = require_same_tensors(laid, adapter)
    _require_same_shapes(wanted, adapter)
    changes = dict(_changes(laid, adapter))
    biases = {
        f"{module}.bias": (f"{PREFIX}{module}.lora_B.bias", layer.scaling[NAME])
        for module, layer in _layers(laid)
        if layer.lora_bias[NAME] and f"{module}.bias" in known
    }
    whole = {name.removeprefix(PREFIX): name for name in wanted if name.removeprefix(PREFIX) in known}
    used = {*whole.values(), *(up for up, _ in biases.values())}
    used |= {name for each in changes.values() for name in (each.down, each.up, each.magnitude) if name is not None}
    strange = sorted(set(wanted) - used)
    if strange:
        raise ModelUnusableError(f"the adapter {adapter} holds {', '.join(strange[:3])}: {MERGES}")
    return Laid(changes, biases, whole)


def _config(adapter: Path) -> Any:
    """PEFT's configuration, of settings that are known and whose effect a weight can hold."""
    from peft import LoraConfig

    try:
        said = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnusableError(f"{adapter / CONFIG}: {first_line(error)}", fix=f"resolver check {adapter}") from None
    _refuse_other_kinds(said, adapter)
    names = {each.name for each in fields(LoraConfig)}
    unknown = sorted(key for key, value in said.items() if key not in names and value not in (None, False, [], {}))
    if unknown:
        raise ModelUnusableError(
            f"{adapter / CONFIG}: the installed peft does not know {', '.join(unknown[:3])}",
            fix="install the peft that wrote it, or delete the keys where they change nothing",
        )
    with quiet():
        config = LoraConfig.from_pretrained(adapter)
    config.inference_mode = True
    config.init_lora_weights = False  # nothing is drawn: every tensor comes from the adapter
    return config


def _refuse_other_kinds(said: Mapping[str, Any], adapter: Path) -> None:
    if said.get("peft_type") != "LORA":
        raise ModelUnusableError(
            f"the adapter {adapter} is of the kind {said.get('peft_type')}, which has no place in weights: {MERGES}",
            fix="score with --model and --adapter",
        )
    if said.get("task_type") != TASK:
        raise ModelUnusableError(
            f"the adapter {adapter} is for {said.get('task_type')}, and classifiers ({TASK}) are merged here",
            fix="score with --model and --adapter",
        )
    beginning = said.get("init_lora_weights", True)
    if beginning not in PLAIN_BEGINNINGS:
        raise ModelUnusableError(
            f"the adapter {adapter} began as {beginning}, over other weights than its base has stored",
            fix="have peft convert it to a plain LoRA (path_initial_model_for_weight_conversion) where it was trained",
        )
    if said.get("layer_replication"):
        raise ModelUnusableError(f"the adapter {adapter} repeats layers of its base (layer_replication): {MERGES}")


def _laid_over(model: Any, config: Any, adapter: Path) -> Any:
    from peft import get_peft_model

    try:
        with quiet():
            return get_peft_model(model, config, adapter_name=NAME, low_cpu_mem_usage=True)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise ModelUnusableError(
            f"the adapter {adapter} cannot be laid over the model: {first_line(error)}", fix=f"resolver check {adapter}"
        ) from error


def _layers(laid: Any) -> Iterator[tuple[str, Any]]:
    from peft.tuners.lora import LoraLayer

    for name, module in laid.base_model.model.named_modules():
        if isinstance(module, LoraLayer):
            yield name, module


def _changes(laid: Any, adapter: Path) -> Iterator[tuple[str, Change]]:
    from peft.tuners.lora import Embedding, Linear
    from peft.tuners.lora.variants import DoraEmbeddingVariant, DoraLinearVariant

    for module, layer in _layers(laid):
        variant = layer.lora_variant.get(NAME)
        if type(layer) not in (Linear, Embedding) or not isinstance(
            variant, DoraEmbeddingVariant | DoraLinearVariant | None
        ):
            kind = type(layer if variant is None else variant).__name__
            raise ModelUnusableError(f"the adapter {adapter} has a {kind} over {module}: {MERGES}")
        embeds = type(layer) is Embedding
        down, up = ("lora_embedding_A", "lora_embedding_B") if embeds else ("lora_A.weight", "lora_B.weight")
        at = f"{PREFIX}{module}"
        magnitude = None if variant is None else f"{at}.lora_magnitude_vector"
        turned = embeds or layer.fan_in_fan_out
        yield f"{module}.weight", Change(f"{at}.{down}", f"{at}.{up}", layer.scaling[NAME], turned, magnitude)


def _require_same_shapes(wanted: Mapping[str, Any], adapter: Path) -> None:
    from safetensors import safe_open

    with safe_open(adapter / WEIGHTS, framework="pt") as file:
        for name, place in wanted.items():
            stored = list(file.get_slice(name).get_shape())
            if stored != list(place.shape):
                raise ModelUnusableError(
                    f"the adapter {adapter} does not fit the model: {name} is {stored}, its place {list(place.shape)}",
                    fix="name the base model that it was trained on, and the rank in adapter_config.json",
                )
