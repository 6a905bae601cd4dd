"""Make a loaded classifier trainable: a fresh head, a LoRA or none, float32 for whatever is going to be changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from pipeline.errors import ModelUnusableError, SettingsError
from pipeline.model.load import Classifier, head_modules, quiet
from pipeline.training.plan import Plan, Targets

if TYPE_CHECKING:
    import torch

# What PEFT itself saves for a classifier, whatever it is told.
PEFT_SAVES: Final = ("classifier", "score")
# Projections of values and out of attention, as the families call them.
OUTPUT_VALUE: Final = frozenset({"v_proj", "o_proj", "value", "v_lin", "out_lin", "out_proj", "dense"})
ATTENTION: Final = ("attn", "attention")


@dataclass(frozen=True, slots=True)
class Trainable:
    """One tensor that the optimiser changes.

    Attributes:
        name: in the model.
        parameter: the tensor.
        is_head: of the head or the pooler below it.
    """

    name: str
    parameter: "torch.nn.Parameter"
    is_head: bool


def prepare(classifier: Classifier, plan: Plan) -> Classifier:
    """The classifier in training mode, with what `plan.tune` names trainable and all else frozen.

    What is trained is held in float32 whatever the base has: half precision loses small steps. The head that the
    checkpoint lacks is drawn from torch's generator, which the caller seeds.

    Raises:
        ModelUnusableError: there is no layer to put a LoRA on.
        SettingsError: the family has no layers of the kind that `plan.targets` names.
    """
    _draw_missing(classifier)
    model = classifier.model if plan.tune == "full" else _with_adapter(classifier, plan)
    if plan.checkpointing:
        _compute_again(model)
    model.config.use_cache = False  # keys and values of every layer would be kept for tokens that nobody generates
    model.train()
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return replace(classifier, model=model, missing=())


def trainables(model: Any) -> tuple[Trainable, ...]:
    """What the optimiser changes, in the model's order."""
    bare = model.get_base_model() if hasattr(model, "get_base_model") else model
    saved = set(modules_to_save(bare))
    return tuple(
        Trainable(name, parameter, bool(set(name.split(".")) & saved))
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    )


def modules_to_save(model: Any) -> tuple[str, ...]:
    """Modules that are trained whole and stored in the adapter: the head, and the pooler below it where there is one.

    A pooler is one layer between encoder and head. Checkpoints lack it or carry one that their own use never called
    (embedding models take the mean), so it has to be learned like the head.
    """
    has_pooler = any(name.split(".")[-1] == "pooler" for name, _ in model.named_modules())
    return (*head_modules(model), *(("pooler",) if has_pooler else ()))


def lora_targets(model: Any, kind: Targets = "linear") -> tuple[str, ...]:
    """Full names of the encoder's linear layers (GPT-2's are `Conv1D`) of a kind, without those trained whole.

    `linear` are all; `attention` those inside of a module of attention; `output-value` the projections of values and
    out of attention, by the families' own names.
    """
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    saved = set(modules_to_save(model))
    names = (name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D))
    return tuple(name for name in names if not set(name.split(".")) & saved and _is_of(name, kind))


def _is_of(name: str, kind: Targets) -> bool:
    *path, last = name.split(".")
    in_attention = any(word in part for part in path for word in ATTENTION)
    return kind == "linear" or (in_attention and (kind == "attention" or last in OUTPUT_VALUE))


def _with_adapter(classifier: Classifier, plan: Plan) -> Any:
    """PEFT's model around the classifier; one that targets nothing carries the head alone."""
    from peft import LoraConfig, TaskType, get_peft_model
    from peft.utils.constants import DUMMY_TARGET_MODULES

    targets: Any = DUMMY_TARGET_MODULES if plan.tune == "head" else _require_targets(classifier.model, plan)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=plan.rank,
        lora_alpha=plan.alpha,
        lora_dropout=plan.dropout,
        use_rslora=plan.rslora,
        use_dora=plan.dora,
        target_modules=targets,
        modules_to_save=[name for name in modules_to_save(classifier.model) if name not in PEFT_SAVES],
    )
    with quiet():
        return get_peft_model(classifier.model, config)


def _require_targets(model: Any, plan: Plan) -> list[str]:
    family = type(model).__name__
    found = lora_targets(model, plan.targets)
    if found:
        return list(found)
    if plan.targets == "linear":
        raise ModelUnusableError(f"{family} has no linear layer for a LoRA outside its head", fix="say --tune full")
    raise SettingsError(f"{family} has no layers that --targets {plan.targets} names", fix="say --targets linear")


def _compute_again(model: Any) -> None:
    """Gradient checkpointing; the frozen embeddings' output asks for gradients, or nothing behind it would get any."""
    # A later transformers gave it another name.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    model.enable_input_require_grads()


def _draw_missing(classifier: Classifier) -> None:
    """The weights that the checkpoint lacks were drawn while loading, from whatever state: draw them from the seed."""
    import torch

    missing = set(classifier.missing)
    spread = float(getattr(classifier.model.config, "initializer_range", None) or 0.02)
    with torch.no_grad():
        for name, parameter in classifier.model.named_parameters():
            if name in missing and parameter.dim() > 1:
                parameter.normal_(0.0, spread)
            elif name in missing and name.endswith("bias"):
                parameter.zero_()


def groups(parts: Iterable[Trainable], plan: Plan) -> list[dict[str, Any]]:
    """The optimiser's groups: head and body with their peak rates, vectors (biases, norms) without weight decay."""
    return [group for group in _groups(tuple(parts), plan) if group["params"]]


def _groups(parts: tuple[Trainable, ...], plan: Plan) -> Iterator[dict[str, Any]]:
    for is_head, peak in ((False, plan.rate), (True, plan.head_rate or plan.rate)):
        for is_matrix, decay in ((True, plan.weight_decay), (False, 0.0)):
            inside = [
                each.parameter for each in parts if each.is_head == is_head and (each.parameter.dim() > 1) == is_matrix
            ]
            yield {"params": inside, "lr": peak, "peak": peak, "weight_decay": decay}
