"""What each quantisation method needs, by version of transformers: packages, and a device.

Read from `quantizers/` of 4.41.2, 4.42.4, 4.43.4, 4.45.2, 4.46.3, 4.48.3, 4.51.3, 4.57.6, 5.0.0, 5.10.0 and 5.23.0; run
with 4.41.2, 4.57.6 and 5.23.0. Names are those of distributions; "a|b" is one of them. A row holds from its version on,
until the next one; a version between two that were read is held to the lower of their demands (`asked_of`).
"""

from typing import Final, NamedTuple

from resolver.finding import Severity

Version = tuple[int, ...]
Package = tuple[str, Version]
READ: Final[tuple[Version, ...]] = (
    (4, 41, 2), (4, 42, 4), (4, 43, 4), (4, 45, 2), (4, 46, 3), (4, 48, 3), (4, 51, 3), (4, 57, 6), (5, 0, 0),
    (5, 10, 0), (5, 23, 0),
)  # fmt: skip
FLOAT8: Final = "float8"  # what `--quantize fp8` makes of weights, with torch alone; no config declares it
_ACCELERATE: Final[Package] = ("accelerate", ())
_ACCELERATE_5: Final[Package] = ("accelerate", (1, 1, 0))
_FBGEMM: Final[Package] = ("fbgemm-gpu|fbgemm-gpu-genai|fbgemm-gpu-nightly", ())
_KERNELS: Final[Package] = ("kernels", ())


class Row(NamedTuple):
    """From `since` on, these packages are asked for."""

    since: Version
    packages: tuple[Package, ...]


class Device(NamedTuple):
    """What happens on a device that cannot.

    Attributes:
        since, before: the versions of transformers that do so; `before` None for all that follow.
        capability: the least compute capability of a GPU; (0, 0) for any GPU.
        severity: whether it stops, or goes on in another way.
        says: what transformers says or does; torch, where it is torch that cannot.
        cpu: whether a machine without a GPU will do.
    """

    since: Version
    before: Version | None
    capability: tuple[int, int]
    severity: Severity
    says: str
    cpu: bool = False


PACKAGES: Final[dict[str, tuple[Row, ...]]] = {
    "bitsandbytes": (
        Row((4, 41, 2), (("bitsandbytes", (0, 39, 0)), _ACCELERATE)),
        Row((5, 0, 0), (("bitsandbytes", (0, 46, 1)), _ACCELERATE_5)),
    ),
    "gptq": (
        Row((4, 41, 2), (("optimum", ()), ("auto-gptq", (0, 4, 2)))),
        Row((4, 51, 3), (("optimum", ()), ("gptqmodel|auto-gptq", ()))),
        Row((5, 0, 0), (("optimum", (1, 24, 0)), ("gptqmodel", (1, 4, 3)))),
    ),
    "awq": (
        Row((4, 41, 2), (("autoawq", ()), _ACCELERATE)),
        Row((5, 0, 0), (("gptqmodel", ()), _ACCELERATE_5)),
    ),
    "aqlm": (Row((4, 41, 2), (("aqlm", ()), _ACCELERATE)), Row((5, 0, 0), (("aqlm", ()), _ACCELERATE_5))),
    "quanto": (
        Row((4, 41, 2), (("quanto", ()), _ACCELERATE)),
        Row((4, 46, 3), (("optimum-quanto|quanto", ()), _ACCELERATE)),
        Row((4, 48, 3), (("optimum-quanto", ()), _ACCELERATE)),
        Row((5, 0, 0), (("optimum-quanto", ()), _ACCELERATE_5)),
    ),
    "eetq": (Row((4, 41, 2), (("eetq", ()), _ACCELERATE)), Row((5, 0, 0), (_KERNELS, _ACCELERATE_5))),
    "hqq": (Row((4, 41, 2), (("hqq", ()),)), Row((4, 46, 3), (("hqq", (0, 2, 1)),))),
    "compressed-tensors": (
        Row((4, 46, 3), (("compressed-tensors", ()),)),
        Row((5, 23, 0), (("compressed-tensors", (0, 15, 0)),)),
    ),
    "fbgemm_fp8": (Row((4, 43, 4), (_FBGEMM, _ACCELERATE)), Row((5, 0, 0), (_FBGEMM, _ACCELERATE_5))),
    "torchao": (
        Row((4, 46, 3), (("torchao", ()),)),
        Row((4, 51, 3), (("torchao", (0, 4, 0)),)),
        Row((5, 10, 0), (("torchao", (0, 15, 0)),)),
    ),
    "bitnet": (Row((4, 46, 3), (_ACCELERATE,)), Row((5, 0, 0), (_ACCELERATE_5,))),
    "higgs": (Row((4, 48, 3), (_ACCELERATE, ("flute-kernel", ()), ("fast-hadamard-transform", ()))),),
    "vptq": (Row((4, 48, 3), (("vptq", (0, 0, 4)), _ACCELERATE)),),
    "spqr": (Row((4, 51, 3), (("spqr-quant", ()), _ACCELERATE)),),
    "quark": (Row((4, 51, 3), (("amd-quark|quark", ()),)), Row((5, 23, 0), (("amd-quark|quark", (0, 12)),))),
    "fp8": (Row((4, 51, 3), (_ACCELERATE,)), Row((5, 0, 0), (_ACCELERATE_5,))),
    "mxfp8": (Row((5, 23, 0), (_ACCELERATE_5,)),),
    "mxfp4": (Row((4, 57, 6), (_ACCELERATE,)), Row((5, 0, 0), (_ACCELERATE_5,))),
    "auto-round": (Row((4, 57, 6), (("auto-round", (0, 5, 0)),)),),
    "fp_quant": (Row((4, 57, 6), (("fp-quant", ()),)), Row((5, 23, 0), (("fp-quant", (0, 3, 2)),))),
    "fouroversix": (Row((5, 10, 0), (("fouroversix", ()),)),),
    "sinq": (Row((5, 10, 0), (("sinq", ()),)),),
}

_ANY: Final = (0, 0)
DEVICES: Final[dict[str, tuple[Device, ...]]] = {
    "bitsandbytes": (Device((4, 35, 2), (4, 45, 0), _ANY, "error", "No GPU found. A GPU is needed for quantization."),),
    "awq": (Device((4, 35, 2), (4, 45, 2), _ANY, "error", "AWQ is only available on GPU"),),
    "hqq": (Device((4, 41, 2), (4, 51, 4), _ANY, "error", "No GPU found. A GPU is needed for quantization."),),
    "eetq": (Device((4, 41, 2), None, _ANY, "error", "No GPU found. A GPU is needed for quantization."),),
    "higgs": (Device((4, 48, 3), None, _ANY, "error", "HIGGS quantization is only supported on GPU."),),
    "spqr": (Device((4, 51, 3), None, _ANY, "error", "GPU is required to run SpQR quantized model."),),
    "vptq": (Device((5, 0, 0), None, _ANY, "error", "GPU is required to run VTPQ quantized model."),),
    "fp_quant": (Device((4, 57, 6), None, _ANY, "error", "FPQuant quantization is only supported on GPU"),),
    "fbgemm_fp8": (
        Device((4, 43, 4), None, (9, 0), "error", "only supported on GPUs with compute capability >= 9.0 (e.g H100)"),
    ),
    "fp8": (
        Device((4, 51, 3), (5, 0, 0), (8, 9), "error", "only supported on GPUs with compute capability >= 8.9"),
        Device((5, 0, 0), None, (8, 9), "warning", "We will default to dequantizing the model to bf16"),
    ),
    "mxfp8": (Device((5, 23, 0), None, (8, 9), "warning", "We will default to dequantizing the model to bf16"),),
    "mxfp4": (Device((4, 57, 6), None, (7, 5), "warning", "We will default to dequantizing the model to bf16"),),
}
FLOAT8_SAYS: Final = "torch._scaled_mm is only supported on CUDA devices with compute capability >= 9.0 or 8.9"
# Which methods a version knows at all; those up to 4.48 stop at one that they do not know, later ones go on without.
KNOWN: Final[tuple[tuple[Version, str], ...]] = (
    ((4, 41, 2), "awq bitsandbytes gptq aqlm quanto eetq hqq"),
    ((4, 43, 4), "fbgemm_fp8"),
    ((4, 46, 3), "compressed-tensors torchao bitnet"),
    ((4, 48, 3), "higgs vptq"),
)
STOPS_AT_UNKNOWN: Final = ((4, 41, 2), (4, 48, 3))


def devices_of(method: str) -> tuple[Device, ...]:
    """What happens with a method on a device that cannot.

    >>> devices_of("float8")[0].capability
    (8, 9)
    """
    if method == FLOAT8:
        return (Device((0,), None, (8, 9), "error", FLOAT8_SAYS, cpu=True),)
    return DEVICES.get(method, ())


def asked_of(method: str, installed: Version) -> tuple[Package, ...]:
    """The packages that this version asks for: of two versions that were read, the lower demand.

    >>> asked_of("bitsandbytes", (5, 23, 0))[0]
    ('bitsandbytes', (0, 46, 1))
    >>> asked_of("gptq", (4, 50, 0))  # 4.48 asks for auto-gptq, 4.51 for either
    (('optimum', ()), ('auto-gptq|gptqmodel', ()))
    """
    before = max((version for version in READ if version <= installed), default=None)
    after = min((version for version in READ if version >= installed), default=before)
    if before is None or after is None:
        return ()
    one, other = _at(method, before), _at(method, after)
    return one if one == other else tuple(_lower(*each) for each in zip(one, other, strict=False))


def _at(method: str, version: Version) -> tuple[Package, ...]:
    """What a version that was read asks for."""
    return next((row.packages for row in reversed(PACKAGES.get(method, ())) if row.since <= version), ())


def _lower(one: Package, other: Package) -> Package:
    names = dict.fromkeys((*one[0].split("|"), *other[0].split("|")))
    return "|".join(names), min(one[1], other[1])


def known_to(installed: Version) -> frozenset[str] | None:
    """The methods that a version knows that stops at any other; None for a version that does not stop."""
    if not STOPS_AT_UNKNOWN[0] <= installed <= STOPS_AT_UNKNOWN[1]:
        return None
    seen: list[str] = []
    for version, names in KNOWN:
        seen += names.split()
        if version >= installed:
            break
    return frozenset(seen)
