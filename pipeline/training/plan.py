"""All that decides how a run goes, beside the model and the battles: read from recipes, written into run directories.

Two runs with equal plans, data, base and machine give the same adapter; what is only about the place where it runs
(device, processes, where checkpoints lie) is no part of it.
"""

from typing import Annotated, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Tune = Literal["lora", "head", "full"]
Targets = Literal["linear", "attention", "output-value"]
Schedule = Literal["cosine", "linear", "constant"]
Swap = Literal["none", "alternate", "both"]
Bits = Literal["none", "int8", "int4"]
TUNES: Final[tuple[Tune, ...]] = get_args(Tune)
TARGETS: Final[tuple[Targets, ...]] = get_args(Targets)
SCHEDULES: Final[tuple[Schedule, ...]] = get_args(Schedule)
SWAPS: Final[tuple[Swap, ...]] = get_args(Swap)
BITS: Final[tuple[Bits, ...]] = get_args(Bits)

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)]
# Far from the end of 64 bits: the number of a step is added, many times over.
Seed = Annotated[int, Field(ge=-(2**53), le=2**53)]
Share = Annotated[float, Field(ge=0, lt=1)]


class Plan(BaseModel):
    """How a run goes.

    Attributes:
        tune: what is trained: a LoRA and the head, the head alone, or everything.
        rank, alpha, dropout: of the LoRA; its product is scaled by alpha / rank, by alpha / sqrt(rank) with `rslora`.
        rslora: rank-stabilised scaling (Kalajdzievski 2023), for ranks of 64 and more.
        dora: magnitude and direction apart (Liu et al. 2024); slower, better at small ranks.
        targets: the layers that get a LoRA: all linear ones, those of attention, or the two that the contest's public
            notebook takes (o_proj and v_proj).
        quantize: bits of the frozen base (QLoRA); `none` for the base as it is.
        epochs: times that every battle is seen.
        batch_size: battles of a step of the optimiser, over all processes.
        batch_tokens: tokens of a micro-batch, padding included; bounds the memory, changes no result but by rounding.
        rate: peak learning rate.
        head_rate: of the head alone; None for the same.
        weight_decay: of AdamW.
        warmup: share of the steps that climb to the peak.
        schedule: how the rate falls behind the peak.
        clip: largest norm of a step's gradient.
        smoothing: share of each target that is spread evenly over the labels.
        teacher_share: weight of a teacher's probabilities in the target where a battle has both them and a winner.
        swap: show battles as they are; each with its sides exchanged every other time it is seen; or both ways in
            every epoch.
        checkpointing: compute activations again in the backward pass instead of keeping them.
        buckets: lengths that rows are padded to, rising; empty for the longest row of each micro-batch. Where every
            shape is compiled these are all that there will be.
        seed: of the head, the dropout and the order.
        evaluate_every: steps between evaluations; 0 for the end of each epoch only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tune: Tune = "lora"
    rank: Count = 16
    alpha: Count = 32
    dropout: Share = 0.05
    rslora: bool = False
    dora: bool = False
    targets: Targets = "linear"
    quantize: Bits = "none"
    epochs: Count = 3
    batch_size: Count = 16
    batch_tokens: Count = 2048
    rate: Rate = 5e-4
    head_rate: Rate | None = None
    weight_decay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.01
    warmup: Share = 0.1
    schedule: Schedule = "cosine"
    clip: Rate = 1.0
    smoothing: Share = 0.0
    teacher_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    swap: Swap = "alternate"
    checkpointing: bool = False
    buckets: tuple[Count, ...] = ()
    seed: Seed = 0
    evaluate_every: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "Plan":
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ValueError(f"buckets {', '.join(map(str, self.buckets))} do not rise")
        if self.quantize != "none" and self.tune == "full":
            raise ValueError(f"weights of {self.quantize} cannot be trained; a LoRA over them can")
        return self
