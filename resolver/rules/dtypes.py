"""W, continued: can the installed libraries read these dtypes, and will torch open weights that are pickles?"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from resolver.finding import Finding
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.weights import is_model
from resolver.rules.words import few, some

Version = tuple[int, ...]
CVE_2025_32434: Final = (2, 6)
CVE_2026_24747: Final = (2, 10)


class Support(NamedTuple):
    """Since when a dtype is read.

    Attributes:
        refused: the newest safetensors that was seen to refuse it; None for none, () for all.
        taken: the oldest that was seen to take it.
        torch: the torch that has the type.
    """

    refused: Version | None
    taken: Version
    torch: Version


# Tried with the wheels of safetensors 0.3.3, 0.4.0, 0.4.5, 0.5.3, 0.6.2, 0.7.0 and 0.8.0; torch by its release notes.
SUPPORT: Final = {
    "F8_E4M3": Support((0, 4, 0), (0, 4, 5), (2, 1)),
    "F8_E5M2": Support((0, 4, 0), (0, 4, 5), (2, 1)),
    "F8_E8M0": Support((0, 5, 3), (0, 6, 2), (2, 7)),
    "F4": Support((0, 5, 3), (0, 6, 2), (2, 8)),
    "C64": Support((0, 6, 2), (0, 7, 0), (1, 6)),
    "F8_E4M3FNUZ": Support((0, 7, 0), (0, 8, 0), (2, 2)),
    "F8_E5M2FNUZ": Support((0, 7, 0), (0, 8, 0), (2, 2)),
    "F6_E2M3": Support((), (), ()),
    "F6_E3M2": Support((), (), ()),
    "U16": Support(None, (0, 3, 3), (2, 3)),
    "U32": Support(None, (0, 3, 3), (2, 3)),
    "U64": Support(None, (0, 3, 3), (2, 3)),
}


def _installed(evidence: Evidence) -> str | None:
    missing = [name for name in ("safetensors", "torch") if evidence.host.version(name) is None]
    return f"{missing[0]} is not installed on the machine that is judged for: R801" if missing else is_model(evidence)


@rule(
    "W117",
    "dtype-unsupported",
    severity="error",
    applies=_installed,
    consequence="the load stops at the first such tensor, or at the header, and the message does not name the file",
)
def dtype_unsupported(evidence: Evidence) -> Iterator[Finding]:
    """A tensor is stored in a dtype that the installed safetensors or torch cannot read.

    The list of dtypes is open and grows with each release. An older safetensors refuses the whole header

        SafetensorError: … unknown variant `F8_E8M0`, expected one of `BOOL`, `U8`, …

    and the newest still says of six-bit floats, which it lists, "Dtype not understood: F6_E2M3". An older torch has no
    type to put the numbers into.

    Example: an FP8 export with E8M0 scales in an image with safetensors 0.5.

    To mend it, attach newer wheels, or take the model in another dtype.
    """
    by_dtype: dict[str, list[str]] = {}
    for name, stored in evidence.model.weights.tensors.items():
        if stored.dtype in SUPPORT:
            by_dtype.setdefault(stored.dtype, []).append(name)
    for dtype, tensors in by_dtype.items():
        unmet = _unmet(evidence, SUPPORT[dtype])
        if unmet is None:
            continue
        who, fix, command = unmet
        file = evidence.model.weights.tensors[tensors[0]].file
        yield dtype_unsupported.finding(
            f"{who} cannot read {dtype}, the dtype of {some(tuple(tensors))}",
            path=evidence.model.files.path(file),
            evidence={"dtype": dtype, "tensors": few(tensors), "count": len(tensors)},
            fix=fix,
            command=command,
        )


def _unmet(evidence: Evidence, support: Support) -> tuple[str, str, str | None] | None:
    """Which package falls short, and what to do; None where both read it, or where nobody has tried."""
    packages = evidence.host.packages
    if support.refused == ():
        return (
            f"safetensors {packages['safetensors']}",
            "take the model in another dtype; no release reads this one",
            None,
        )
    installed = evidence.host.version("safetensors") or ()
    if support.refused is not None and installed <= support.refused:
        return _wanted(evidence, "safetensors", support.taken)
    if (evidence.host.version("torch") or ()) < support.torch:
        return _wanted(evidence, "torch", support.torch)
    return None


def _wanted(evidence: Evidence, package: str, since: Version) -> tuple[str, str, str]:
    version = ".".join(map(str, since))
    command = f"pip install --no-index --find-links WHEELS '{package}>={version}'"
    return f"{package} {evidence.host.packages[package]}", f"install {package} {version} or newer", command


def _pickled(evidence: Evidence) -> str | None:
    reason = is_model(evidence)
    if reason is not None:
        return reason
    if not any(name.endswith(".bin") for name in evidence.model.weights.shards):
        return Moot("the weights are no pickles")
    if evidence.host.version("torch") is None:
        return "torch is not installed on the machine that is judged for: R801"
    return None


@rule(
    "W120",
    "pickle-weights-blocked",
    severity="error",
    applies=_pickled,
    consequence="transformers refuses to open the weights",
)
def pickle_weights_blocked(evidence: Evidence) -> Iterator[Finding]:
    """The weights are pickles, and the installed torch has a known hole in reading them.

    Before 2.6 even `weights_only=True` could be made to run code (CVE-2025-32434), so transformers refuses:

        ValueError: Due to a serious vulnerability issue in `torch.load`, even with `weights_only=True`, we now require
        users to upgrade torch to at least v2.6 in order to use the function.

    From 2.6 to 2.9 it loads, with another hole (CVE-2026-24747): a warning.

    Example: `pytorch_model.bin` alone, in an image of early 2025.

    To mend it, convert the weights to safetensors where torch is new: `save_pretrained` does it.
    """
    model, torch = evidence.model, evidence.host.version("torch") or ()
    if torch >= CVE_2026_24747:
        return
    blocked = torch < CVE_2025_32434
    shard = next(name for name in model.weights.shards if name.endswith(".bin"))
    cve, since = ("CVE-2025-32434", "2.6") if blocked else ("CVE-2026-24747", "2.10")
    yield pickle_weights_blocked.finding(
        f"{shard} is a pickle, and torch {evidence.host.packages['torch']} has {cve}",
        path=model.files.path(shard),
        evidence={"torch": evidence.host.packages["torch"], "cve": cve, "mended_in": since},
        consequence=None if blocked else "it loads; a file made to exploit it would run code",
        fix=f"convert the weights to safetensors on a machine with torch {since} or newer, or upgrade torch here",
        severity="error" if blocked else "warning",
    )


WHOLE: Final = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "BOOL"})


def _plain(evidence: Evidence) -> str | None:
    if evidence.model.config.quantization is not None:
        return Moot("the weights are quantised: whole numbers are what they are packed into")
    return is_model(evidence)


@rule(
    "W122",
    "weights-not-floating",
    severity="error",
    requires=("W113", "C302"),
    applies=_plain,
    consequence="transformers casts the numbers as they stand and goes on: every layer is rubbish, silently",
)
def weights_not_floating(evidence: Evidence) -> Iterator[Finding]:
    """Weights or biases are stored as whole numbers, and no quantisation is declared that would unpack them.

    transformers takes whatever dtype a tensor has, casts it to the model's, and says nothing: no exception, no row in
    the load report, logits that mean nothing.

    Example: a quantised export whose `quantization_config` was lost, or config.json of the original beside it.

    To mend it, bring the config.json that belongs to these files, or take the weights that are not quantised.
    """
    model = evidence.model
    found = [
        name
        for name, stored in model.weights.tensors.items()
        if stored.dtype in WHOLE and name.endswith((".weight", ".bias"))
    ]
    if found:
        stored = model.weights.tensors[found[0]]
        yield weights_not_floating.finding(
            f"{some(tuple(found))}: stored as {stored.dtype}, and config.json declares no quantisation",
            path=model.files.path(stored.file),
            evidence={"tensors": few(found), "count": len(found), "dtype": stored.dtype},
            fix="bring the config.json that belongs to these weights, with its quantization_config",
        )


RULES: tuple[Rule, ...] = (dtype_unsupported, pickle_weights_blocked, weights_not_floating)
