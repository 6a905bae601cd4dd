"""What a model with its adapter is made of, counted on the meta device: no weight is read, `config.json` is enough.

The model is made by the functions that make it for a run, so that nothing here knows what a LoRA goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.model.load import Classifier, quiet, refused_as_model
from pipeline.model.quantise import declared_by
from pipeline.preflight import packed_bytes
from pipeline.training.adapt import lora_targets, modules_to_save, prepare
from pipeline.training.plan import Plan

# A gate beside the inner layer of an MLP, as the families call it.
GATES: Final = ("gate_proj", "gate_up_proj", "w1")
EXPERTS: Final = 3  # axes of a tensor that holds one matrix for each expert


@dataclass(frozen=True, slots=True)
class Census:
    """What memory and time depend on; elements are numbers, whatever a number takes.

    Attributes:
        family: the class of the model.
        elements: of all parameters, those of a trained copy of a head and of its original too, as PEFT counts.
        trained: of those that are trained.
        weights_bytes: of all parameters as the run holds them: the trained in float32, the frozen in `element_bytes`,
            or packed.
        element_bytes: of what is computed with.
        layers, hidden, inner: as in the config; `inner` of all experts that see a token.
        heads: of the attention.
        attention: width of all heads together.
        has_gate: whether the MLP has one.
        norms: normalisations of a layer.
        scores: whether attention scores are made in full ("eager").
        drops_scores: whether the model drops some of them; a CPU then makes them in full too.
        dropouts: places of a layer where the hidden state meets a dropout of the model's own.
        products: elements of the matrices that a token meets in the layers, the LoRA's not counted.
        trained_products: of those, the ones that are trained themselves.
        lora: elements of the matrices of the LoRA.
        inputs: widths of the inputs of layers that are trained or have a LoRA, summed over the model.
    """

    family: str
    elements: int
    trained: int
    weights_bytes: int
    element_bytes: int
    layers: int
    hidden: int
    inner: int
    heads: int
    attention: int
    has_gate: bool
    norms: float
    scores: bool
    drops_scores: bool
    dropouts: int
    products: int
    trained_products: int
    lora: int
    inputs: int


def take_census(path: Path, plan: Plan, *, labels: int, dtype: str) -> Census:
    """Count a model that is to be trained.

    Args:
        path: a directory with a config.json.
        plan: what is trained, and how the frozen weights are packed.
        labels: columns of the head.
        dtype: what is computed in, as torch calls it.

    Raises:
        ModelUnusableError: transformers does not make a classifier of the config, or it has no layer for a LoRA.
        SettingsError: the family has no layers of the kind that `plan.targets` names.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    kind: torch.dtype = getattr(torch, dtype)
    with quiet(), refused_as_model(path, "--for train"), torch.device("meta"):
        config = AutoConfig.from_pretrained(path, num_labels=labels, local_files_only=True, trust_remote_code=False)
        bare = AutoModelForSequenceClassification.from_config(config, dtype=kind, trust_remote_code=False)
        targets = _targets(bare, plan)
        products = _products(bare)
        made = prepare(Classifier(bare, None, torch.device("meta"), kind, labels), plan).model
    packed = declared_by(config)
    return Census(
        family=type(bare).__name__,
        elements=sum(each.numel() for each in made.parameters()),
        trained=sum(each.numel() for each in made.parameters() if each.requires_grad),
        weights_bytes=_file_bytes(path) if packed else sum(_bytes(made, plan)),
        element_bytes=kind.itemsize,
        products=products,
        trained_products=products if plan.tune == "full" else 0,
        lora=sum(each.numel() for name, each in made.named_parameters() if ".lora_" in name and each.dim() > 1),
        inputs=sum(targets),
        **_architecture(config.get_text_config(), bare),
    )


def _architecture(config: Any, model: Any) -> dict[str, Any]:
    layers, hidden, heads = config.num_hidden_layers, config.hidden_size, config.num_attention_heads
    inner = getattr(config, "intermediate_size", None) or 4 * hidden
    experts = getattr(config, "num_experts_per_tok", None)
    if experts:
        inner = experts * (getattr(config, "moe_intermediate_size", None) or inner)
    kinds = [type(module).__name__ for module in model.modules()]
    names = [name.rpartition(".")[2] for name, _ in model.named_modules()]
    noise = getattr(config, "attention_probs_dropout_prob", None) or getattr(config, "attention_dropout", None)
    return {
        "layers": layers,
        "hidden": hidden,
        "inner": inner,
        "heads": heads,
        "attention": heads * (getattr(config, "head_dim", None) or hidden // heads),
        "has_gate": any(each in GATES for each in names),
        "norms": sum("Norm" in each for each in kinds) / layers,
        "scores": getattr(config, "_attn_implementation", None) == "eager",
        "drops_scores": bool(noise),
        "dropouts": 2 if getattr(config, "hidden_dropout_prob", None) else 0,
    }


def _matrices(model: Any) -> Iterator[tuple[str, int, int]]:
    """Every linear layer outside the head: name, width of its input and of its output."""
    for name in lora_targets(model):
        module = model.get_submodule(name)
        rows, columns = module.weight.shape
        is_transposed = type(module).__name__ == "Conv1D"
        yield (name, rows, columns) if is_transposed else (name, columns, rows)


def _products(model: Any) -> int:
    config = model.config.get_text_config()
    count = sum(inputs * outputs for _, inputs, outputs in _matrices(model))
    experts = getattr(config, "num_local_experts", None) or getattr(config, "num_experts", None)
    chosen = getattr(config, "num_experts_per_tok", None)
    if experts and chosen:
        stacked = sum(each.numel() for each in model.parameters() if each.dim() == EXPERTS)
        count += stacked * chosen // experts
    return count


def _targets(model: Any, plan: Plan) -> list[int]:
    """The widths of the inputs that the backward pass wants again."""
    if plan.tune == "head":
        return []
    wanted = None if plan.tune == "full" else set(lora_targets(model, plan.targets))
    return [inputs for name, inputs, _ in _matrices(model) if wanted is None or name in wanted]


def _bytes(model: Any, plan: Plan) -> Iterator[int]:
    """What every parameter takes; bitsandbytes packs the matrices of linear layers outside the head."""
    saved = set(modules_to_save(model.get_base_model() if hasattr(model, "get_base_model") else model))
    linear = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if type(module).__name__ == "Linear" and not set(name.split(".")) & saved
    }
    for name, parameter in model.named_parameters():
        if plan.quantize != "none" and name in linear and not parameter.requires_grad:
            yield packed_bytes(plan.quantize, *parameter.shape)
        else:
            yield parameter.numel() * parameter.element_size()


def _file_bytes(path: Path) -> int:
    """Of a checkpoint that is packed already: it is held as it is stored."""
    return sum(each.stat().st_size for each in path.glob("*.safetensors"))
