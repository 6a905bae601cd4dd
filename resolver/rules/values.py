"""W and H at level deep: can the stored numbers be true? Judges what was seen of the tensors' data."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from resolver.finding import Finding, Json, Severity
from resolver.inspection.description import ModelDescription
from resolver.rules.on_record import repository_of
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import SHOWN, quoted, some

if TYPE_CHECKING:
    from resolver.integrity.contents import Contents, FileContents
    from resolver.integrity.values import TensorValues

MATRIX: Final = 2  # dimensions: what has fewer is a norm, a bias, a gate or a token, and rightly begins at zero
# What a matrix is called; a table of positions or masks is called otherwise, and many are kept and never trained.
MATRICES: Final = (".weight", "_proj", "_A", "_B")
FLOATS: Final = ("F", "BF")
PICKLES: Final = (".bin", ".pt", ".pth")
# Rightly zero: RoBERTa has no token types and keeps the table; PEFT begins with one of a pair at zero.
RIGHTLY_ZERO: Final = ("token_type_embeddings",)
TUNERS: Final = ("lora_", "oft_", "boft_", "hada_", "lokr_", "vera_", "ia3_", "prompt_", "randlora_", "vblora_")
NEVER_ZERO: Final = "lora_A"
BFLOAT16_FROM: Final = (8, 0)


class _Seen(NamedTuple):
    """A tensor of which there is something to say, its file, and the directory that both are of."""

    model: ModelDescription
    file: "FileContents"
    values: "TensorValues"


def values_were_read(evidence: Evidence) -> str | None:
    """Why there are no values to judge, e.g. because the weights are a pickle."""
    contents = _contents(evidence)
    if not contents:
        return "the files' contents were not read"
    if any(each.values is not None for part in contents for each in part.files.values()):
        return None
    if any(name.endswith(PICKLES) for model in evidence.described() for name in model.opened()):
        return "the weights are pickles, whose values cannot be read without unpickling them"
    return "no safetensors file could be read to its end"


def _contents(evidence: Evidence) -> "tuple[Contents, ...]":
    observed = evidence.observed
    return () if observed is None or observed.contents is None else observed.contents


def _seen(evidence: Evidence, wanted: "Callable[[TensorValues], bool]") -> list[_Seen]:
    return [
        _Seen(model, file, values)
        for model, contents in zip(evidence.described(), _contents(evidence), strict=False)
        for file in contents.files.values()
        if file.values is not None
        for values in file.values.notable
        if wanted(values)
    ]


def _by_model(seen: list[_Seen]) -> Iterator[list[_Seen]]:
    for root in dict.fromkeys(each.model.root for each in seen):
        yield [each for each in seen if each.model.root == root]


def _is_loaded(evidence: Evidence, seen: _Seen) -> bool:
    """Whether a parameter is made of the tensor; what the real loader passed over hurts nobody here."""
    loading = evidence.observed.loading if evidence.observed is not None else None
    return loading is None or seen.model is not evidence.model or seen.values.name not in loading.unexpected


def _is_not_finite(values: "TensorValues") -> bool:
    """Infinity is meant in a mask, which is added to what nobody is to look at, and in a lone number: no bound."""
    return values.nan > 0 or (values.inf > 0 and "mask" not in values.name and any(side > 1 for side in values.shape))


@rule(
    "W118",
    "values-not-finite",
    severity="error",
    level="deep",
    requires=("W103", "W104"),
    applies=values_were_read,
    consequence="one such weight makes whole rows of answers NaN; the loader says nothing",
)
def values_not_finite(evidence: Evidence) -> Iterator[Finding]:
    """Weights hold NaN or infinity.

    A training run that diverged was saved, a conversion overflowed, or bytes were damaged into a pattern that means
    NaN. Header, size and loader are content; what comes out is

        loss: nan
        RuntimeError: probability tensor contains either `inf`, `nan` or element < 0

    Every float of every file that the loader opens was looked at, an adapter's too. Masks (a name with "mask" in it)
    and lone numbers (the bounds of a range) may be infinite, and a tensor that the real loader passes over is a
    warning. Download the file again; if its hash is right, the published weights are broken: take another revision or
    checkpoint, or run the conversion again.
    """
    for everything in _by_model(_seen(evidence, _is_not_finite)):
        loaded = [each for each in everything if _is_loaded(evidence, each)]
        passed_over = [each for each in everything if not _is_loaded(evidence, each)]
        if loaded:
            yield _not_finite(loaded, "error")
        if passed_over:
            yield _not_finite(passed_over, "warning")


def _not_finite(group: list[_Seen], severity: Severity) -> Finding:
    names = [each.values.name for each in group]
    first = group[0]
    return values_not_finite.finding(
        f"{some(names)} {'holds' if len(names) == 1 else 'hold'} {_kinds(group)}",
        path=first.model.files.path(first.file.name),
        evidence={"tensors": [_counted(each) for each in group[:SHOWN]], "count": len(group)},
        consequence=None if severity == "error" else "nothing here: no parameter of this class is made of it",
        fix="fetch that file again; if its hash was right, take another checkpoint",
        command=_fetch(first),
        severity=severity,
    )


def _kinds(group: list[_Seen]) -> str:
    nan, inf = any(each.values.nan for each in group), any(each.values.inf for each in group)
    return "NaN and infinity" if nan and inf else "NaN" if nan else "infinity"


def _counted(seen: _Seen) -> dict[str, Json]:
    values = seen.values
    told: dict[str, Json] = {"name": values.name, "nan": values.nan, "inf": values.inf, "shape": [*values.shape]}
    return {**told, "dtype": values.dtype, "file": seen.file.name, "at_least": values.more}


def _fetch(seen: _Seen) -> str:
    place = "" if seen.model.cache is not None else f" --local-dir {quoted(seen.model.root)}"
    return f"hf download {repository_of(seen.model)} {quoted(seen.file.name)}{place} --force-download"


def _is_dead(values: "TensorValues") -> bool:
    """A matrix of zeros that nobody begins with: no bias, no gate, no second half of an adapter's pair."""
    name = values.name
    if not values.zero or sum(side > 1 for side in values.shape) < MATRIX or not values.dtype.startswith(FLOATS):
        return False
    if not name.endswith(MATRICES) or any(part in name for part in RIGHTLY_ZERO):
        return False
    return NEVER_ZERO in name or not any(part in name for part in TUNERS)


@rule(
    "W119",
    "tensor-all-zero",
    severity="warning",
    level="deep",
    requires=("W103", "W104"),
    applies=values_were_read,
    consequence="the layer answers zero to everything: the model loads, and its answers are worse or rubbish",
)
def tensor_all_zero(evidence: Evidence) -> Iterator[Finding]:
    """A weight matrix is nothing but zeros.

    A download that reserved the file's length and never came to its end, or a copy that failed in the middle, leaves
    zeros where weights should be, in a file of the right size whose header is whole. Where the file system still knows
    that these bytes were never written (F007), the finding says so.

    Some are zero on purpose and are not told: biases, norms, gates and lone tokens, tables of positions, the half of a
    LoRA pair that begins at zero, RoBERTa's token types. Layers that were added and never trained (block
    expansion) are told, since nothing tells them from a failed copy. Download the file again, or compare its hash.
    """
    for group in _by_model([each for each in _seen(evidence, _is_dead) if _is_loaded(evidence, each)]):
        names = [each.values.name for each in group]
        holes = [each for each in group if each.values.name in each.file.holes]
        first = group[0]
        why = f"; {'all' if len(holes) == len(group) else len(holes)} in a hole that was never written (F007)"
        yield tensor_all_zero.finding(
            f"{some(names)} {'is' if len(names) == 1 else 'are'} nothing but zeros{why if holes else ''}",
            path=first.model.files.path(first.file.name),
            evidence={
                "tensors": [
                    {"name": each.values.name, "file": each.file.name, "shape": [*each.values.shape]}
                    for each in group[:SHOWN]
                ],
                "count": len(group),
                "never_written": len(holes) or None,
            },
            fix="fetch that file again, or compare its hash with the publisher's",
            command=_fetch(first) if holes else f"sha256sum {quoted(first.model.files.path(first.file.name))}",
        )


def _runs_in_half(evidence: Evidence) -> str | None:
    """Why nothing has to run in float16 here."""
    reason = values_were_read(evidence)
    dtype, devices = evidence.intent.dtype, evidence.host.accelerators
    if reason is not None or dtype == "float16":
        return reason
    if dtype is not None:
        return Moot(f"it is to run in {dtype}")
    if not devices:
        return Moot("no accelerator is known here, so nothing has to run in float16; --dtype float16 asks for it")
    capabilities = [device.capability for device in devices]
    if any(each is None for each in capabilities):
        return f"whether {devices[capabilities.index(None)].name} computes in bfloat16 is not known"
    if all(each is not None and each >= BFLOAT16_FROM for each in capabilities):
        return Moot("the accelerator computes in bfloat16, so nothing has to run in float16")
    return None


@rule(
    "H708",
    "fp16-overflow",
    severity="warning",
    level="deep",
    requires=("W118",),
    applies=_runs_in_half,
    consequence="they become infinity when the weights are turned into float16, and the answers NaN",
)
def fp16_overflow(evidence: Evidence) -> Iterator[Finding]:
    """Weights are too large for half precision, and this accelerator has to run in it.

    bfloat16 and float32 reach to 3.4e38, float16 to 65,504. GPUs before compute capability 8.0 (T4, P100, V100) have
    no bfloat16 units, so weights that were published in bfloat16 are turned into float16 there:

        AutoModel.from_pretrained(path, dtype=torch.float16)

    A weight of 65,520 or more becomes infinity without a word. Run it in float32 where that fits, quantise it (int8
    keeps a scale for each row), or take an accelerator with bfloat16. Whether activations overflow cannot be seen in
    the weights.
    """
    every = evidence.intent.dtype == "float16"

    def overflows(values: "TensorValues") -> bool:
        return values.overflowing > 0 and (every or values.dtype == "BF16") and "mask" not in values.name

    for group in _by_model([each for each in _seen(evidence, overflows) if _is_loaded(evidence, each)]):
        names = [each.values.name for each in group]
        largest = max(group, key=lambda each: each.values.largest or 0.0)
        yield fp16_overflow.finding(
            f"{some(names)} {'holds' if len(names) == 1 else 'hold'} values beyond float16's 65,504",
            path=group[0].model.files.path(group[0].file.name),
            evidence={
                "tensors": [
                    {"name": each.values.name, "overflowing": each.values.overflowing, "largest": each.values.largest}
                    for each in group[:SHOWN]
                ],
                "count": len(group),
                "largest": largest.values.largest,
                "accelerators": [device.name for device in evidence.host.accelerators],
            },
            fix="run it in float32 where that fits, in int8, or on an accelerator with bfloat16 (capability 8.0 on)",
        )


RULES: tuple[Rule, ...] = (values_not_finite, tensor_all_zero, fp16_overflow)
