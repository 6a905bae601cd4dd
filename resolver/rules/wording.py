"""C, continued: who wrote config.json, and what stands in it that readers take in different ways."""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Place
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, some

FLOATING: Final = frozenset({"float16", "bfloat16", "float32", "float64", "half", "float", "double"})
# Names that torch has; 5.x builds no unquantised model in them.
OTHER: Final = frozenset(
    {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "short", "int", "long", "bool",
     "complex64", "complex128", "cfloat", "cdouble", "chalf", "complex32", "float8_e4m3fn", "float8_e5m2",
     "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "qint8", "quint8", "qint32"}
)  # fmt: skip
MEANT: Final = {"fp16": "float16", "f16": "float16", "bf16": "bfloat16", "fp32": "float32", "f32": "float32"}


def _versions(evidence: Evidence) -> tuple[tuple[int, ...], tuple[int, ...]] | str:
    """The version that wrote config.json and the installed one, or why they cannot be compared."""
    written = evidence.model.config.transformers_version
    installed = evidence.host.version("transformers")
    if not written:
        return "config.json does not say which transformers wrote it"
    if installed is None:
        return "transformers is not installed on the machine that is judged for: R801"
    from resolver.host import Host  # noqa: PLC0415 - its reading of versions

    version = Host(packages={"transformers": written}).version("transformers")
    return (version, installed) if version else f"{written[:40]!r} is no version"


def _comparable(evidence: Evidence) -> str | None:
    if not evidence.model.config.transformers_version:
        return Moot("config.json does not say which transformers wrote it")
    found = _versions(evidence)
    return found if isinstance(found, str) else None


@rule(
    "C312",
    "written-by-newer",
    severity="info",
    requires=("C302",),
    applies=_comparable,
    consequence="keys that came since are ignored without a word; where one is known to matter, another rule says so",
)
def written_by_newer(evidence: Evidence) -> Iterator[Finding]:
    """config.json was written by a newer transformers than the one that will read it.

    Nothing compares the two. Keys that the older one does not know are kept and not used (C305 is the one that hurts),
    and new types end in "does not recognize this architecture" (C304).

    Example: "transformers_version": "5.2.0" in an image with 4.57.6.

    To mend it, where answers are odd, install the version that wrote it; otherwise nothing has to be done.
    """
    versions = _versions(evidence)
    if isinstance(versions, str) or versions[0][:2] <= versions[1][:2]:
        return
    config, installed = evidence.model.config, evidence.host.packages["transformers"]
    yield written_by_newer.finding(
        f"written by transformers {config.transformers_version}, to be read by {installed}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/transformers_version"),
        evidence={"written_by": config.transformers_version, "installed": installed},
        fix="nothing has to be done; if answers are odd, install the version that wrote it",
        command=f"pip install --no-index --find-links WHEELS 'transformers>={'.'.join(map(str, versions[0][:3]))}'",
    )


@rule(
    "C314",
    "config-irregular",
    severity="error",
    requires=("C302",),
    consequence="readers differ: Python takes the last of two keys, others the first, and few take NaN at all",
)
def config_irregular(evidence: Evidence) -> Iterator[Finding]:
    """config.json or generation_config.json holds what JSON forbids, or a dtype that torch does not have.

    Python reads duplicate keys (the last wins without a word) and NaN, other readers stop or take the first. A NaN in
    a number that is used, such as rms_norm_eps, makes every answer NaN. A dtype by another name than torch's stops
    transformers: "AttributeError: module 'torch' has no attribute 'fp16'"; that is an error, also for "torch.float16",
    unless the dtype is given by the caller.

    Example: "torch_dtype": "fp16"; "hidden_act" twice.

    To mend it, keep one of the keys, write a number, or write float16, bfloat16 or float32.
    """
    config = evidence.model.config
    path = evidence.model.files.path(config.file)
    odd = [each for each in config.irregular if "byte order mark" not in each]
    if config.not_finite:
        yield config_irregular.finding(
            f"{some(config.not_finite)} in {config.file} is no finite number: {some(odd)}",
            path=path,
            place=Place(pointer=f"/{config.not_finite[0]}"),
            evidence={"fields": list(config.not_finite), "met": few(odd)},
            consequence="every norm divides by it: the model loads, and all its answers are NaN or zero",
            fix="write the number that the family has (1e-05 or 1e-06, mostly), or fetch the file again",
        )
    elif odd:
        yield config_irregular.finding(
            f"JSON does not allow what stands here: {some(odd)}",
            path=path,
            evidence={"met": few(odd), "count": len(odd)},
            fix="keep one of the keys, and write numbers as numbers",
            severity="warning",
        )
    name = config.dtype_text
    reason = None if name is None else _not_taken(evidence, name)
    if reason is not None and name is not None:
        meant = MEANT.get(name.lower()) or (name.removeprefix("torch.") if name.startswith("torch.") else None)
        yield config_irregular.finding(
            f"{reason}: {name[:40]!r}",
            path=path,
            place=Place(pointer="/dtype"),
            evidence={"dtype": name[:80]},
            consequence="transformers stops at the configuration unless the caller gives a dtype",
            fix=f'write "{meant}"' if meant else "write float16, bfloat16 or float32",
            severity="warning" if evidence.intent.dtype else "error",
        )


def _not_taken(evidence: Evidence, name: str) -> str | None:
    """Why this dtype cannot be built in; None where it can, or where nobody knows."""
    config, installed = evidence.model.config, evidence.host.version("transformers")
    if name in FLOATING or installed is None or "AutoConfig" in config.auto_map:
        return None
    if name not in OTHER:
        return "torch has no dtype of this name"
    if installed < (5, 0, 0) or config.quantization is not None:
        return None
    return "no unquantised model can be built in this dtype"


RULES: tuple[Rule, ...] = (written_by_newer, config_irregular)
