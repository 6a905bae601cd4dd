"""All that is decided before a byte is written: which tensors the classifier has, and what each of them is made of.

The names are those of the class that transformers builds from the config, without data. A base that was saved without
its head lacks their first part, and old ones spell two of them otherwise; what the class has no place for (a language
head) is left out, and told.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pipeline.errors import ModelUnusableError
from pipeline.merging.adapter import Laid, read_changes
from pipeline.merging.shards import Slot
from pipeline.model.load import quiet, refused_as_model
from pipeline.model.quantise import declared_by
from pipeline.preflight import Contents, Stored

MergeDtype = Literal["auto", "float32", "float16", "bfloat16"]
MERGE_DTYPES: Final[tuple[MergeDtype, ...]] = get_args(MergeDtype)
SPELLED: Final = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
FLOATING: Final = ("F64", "F32", "F16", "BF16")  # from fine to coarse
EXACT: Final = ("I64", "I32", "I16", "I8", "U8", "BOOL")
# As checkpoints of before 2019 spell a LayerNorm, which transformers still reads.
OLD_SPELLINGS: Final = ((".weight", ".gamma"), (".bias", ".beta"))


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge.

    Attributes:
        slots: the tensors that are written, in the order in which the model has them.
        sources: name -> the base's own name and place of it; absent where the adapter has all of it.
        laid: what the adapter changes.
        left_out: the base's tensors that the classifier has no place for.
        architecture: the class that transformers makes of it.
        config: as transformers reads the base's, for that many labels.
    """

    slots: tuple[Slot, ...]
    sources: Mapping[str, tuple[str, Stored]]
    laid: Laid
    left_out: tuple[str, ...]
    architecture: str
    config: Any

    @property
    def size_bytes(self) -> int:
        """Bytes of all tensors that are written."""
        return sum(slot.size_bytes for slot in self.slots)

    @property
    def coarsest(self) -> str:
        """The dtype of what is written that rounds most, as a header spells it."""
        written = {slot.dtype for slot in self.slots}
        return max((each for each in FLOATING if each in written), key=FLOATING.index)


def plan_merge(base: Path, inside: Contents, adapter: Path, *, labels: int, dtype: MergeDtype) -> Plan:
    """Decide all.

    Args:
        base: the model's directory.
        inside: what lies in it.
        adapter: the adapter's directory.
        labels: columns of its head.
        dtype: of what is written; "auto" for what each of the base's tensors has.

    Raises:
        ModelUnusableError: the base is quantised, no safetensors or not whole, or the adapter does not fit it.
    """
    config = _config(base, labels)
    _refuse_base(base, inside, config)
    model = _without_data(base, config)
    names = _names(model)
    shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    architecture, prefix = type(model).__name__, model.base_model_prefix
    laid = read_changes(adapter, model)
    sources = {name: found for name in names if (found := _find(name, inside.tensors, prefix)) is not None}
    kept = tuple(_kept(names, sources, laid, base))
    _require_whole(kept, shapes, sources, laid, base)
    spelled = _spelled(inside.tensors.values(), dtype)
    slots = tuple(Slot(name, _dtype(name, sources, laid, spelled, dtype), shapes[name]) for name in kept)
    used = {stored for stored, _ in sources.values()}
    left_out = tuple(sorted(set(inside.tensors) - used))
    return Plan(slots, sources, laid, left_out, architecture, config)


def _config(base: Path, labels: int) -> Any:
    from transformers import AutoConfig

    with quiet(), refused_as_model(base):
        return AutoConfig.from_pretrained(base, num_labels=labels, local_files_only=True, trust_remote_code=False)


def _refuse_base(base: Path, inside: Contents, config: Any) -> None:
    method = declared_by(config)
    if method is not None:
        raise ModelUnusableError(
            f"{base} is quantised ({method}): nothing can be added to its weights",
            fix="merge into the model that it was made of, or score with --model and --adapter",
        )
    if not inside.tensors:
        raise ModelUnusableError(
            f"{base}: its weights are no safetensors, or not all of them are there; pickles are not opened",
            fix=f"resolver check {base}",
        )
    strange = sorted({each.dtype for each in inside.tensors.values()} - {*FLOATING, *EXACT})
    if strange:
        raise ModelUnusableError(f"{base} has weights of {', '.join(strange)}: nothing can be added to those")


def _without_data(base: Path, config: Any) -> Any:
    import torch
    from transformers import AutoModelForSequenceClassification

    with quiet(), refused_as_model(base), torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)


def _names(model: Any) -> dict[str, tuple[str, ...]]:
    """The model's tensors, each with all names of the same one: itself, and those that it is tied to."""
    same: dict[int, list[str]] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        same.setdefault(id(tensor), []).append(name)
    return {name: tuple(names) for names in same.values() for name in names}


def _find(name: str, tensors: Mapping[str, Stored], prefix: str) -> tuple[str, Stored] | None:
    """The base's own name of a tensor, and where it lies."""
    for whole in (name, name.removeprefix(f"{prefix}.")):
        for spelling in (whole, *(whole.removesuffix(new) + old for new, old in OLD_SPELLINGS if whole.endswith(new))):
            if spelling in tensors:
                return spelling, tensors[spelling]
    return None


def _kept(
    names: Mapping[str, tuple[str, ...]], sources: Mapping[str, tuple[str, Stored]], laid: Laid, base: Path
) -> Iterator[str]:
    """The names that are written: of tied ones the first that is there."""
    for name, tied in names.items():
        there = [each for each in tied if each in sources or each in laid.whole] or [name]
        if len(tied) > 1 and any(each in laid.weights or each in laid.whole for each in tied):
            raise ModelUnusableError(
                f"the adapter changes {name}, which {base} ties to {', '.join(set(tied) - {name})}"
            )
        if name == there[0]:
            yield name


def _require_whole(
    kept: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
    sources: Mapping[str, tuple[str, Stored]],
    laid: Laid,
    base: Path,
) -> None:
    absent = [name for name in kept if name not in sources and name not in laid.whole]
    if absent:
        raise ModelUnusableError(
            f"neither {base} nor the adapter holds {', '.join(absent[:3])} ({len(absent)} of {len(kept)} tensors)",
            fix="name the base that the adapter was trained on; one whose names the loader rewrites is not merged",
        )
    for name in kept:
        if name not in laid.whole and sources[name][1].shape != shapes[name]:
            stored = list(sources[name][1].shape)
            raise ModelUnusableError(f"{base}: {name} is {stored}, and its config asks for {list(shapes[name])}")


def _spelled(tensors: Iterator[Stored] | Any, dtype: MergeDtype) -> str:
    """The dtype of what the base has none of: the one that was asked for, else that of most of its tensors."""
    if dtype != "auto":
        return SPELLED[dtype]
    counted = Counter(each.dtype for each in tensors if each.dtype in FLOATING)
    return max(counted, key=counted.__getitem__)


def _dtype(name: str, sources: Mapping[str, tuple[str, Stored]], laid: Laid, spelled: str, dtype: MergeDtype) -> str:
    if name not in sources or name in laid.whole:
        return spelled
    stored = sources[name][1].dtype
    return spelled if stored in FLOATING and dtype != "auto" else stored
