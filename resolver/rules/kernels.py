"""H, continued: can the device run it at all (kernels of the torch build, dtypes, attention), and is there disk?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Place
from resolver.host import HERE, HOST, Accelerator
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import size

Capability = tuple[int, int]
BF16_FROM: Final[Capability] = (8, 0)
FLASH_FROM: Final[Capability] = (8, 0)
FLASH: Final = frozenset({"flash_attention_2", "flash_attention_3"})
_CUDA_12: Final[tuple[Capability, ...]] = ((5, 0), (6, 0), (7, 0), (7, 5), (8, 0), (8, 6), (9, 0))
_BLACKWELL: Final[tuple[Capability, ...]] = ((7, 5), (8, 0), (8, 6), (9, 0), (10, 0), (12, 0))
_VOLTA: Final[tuple[Capability, ...]] = ((7, 0), *_BLACKWELL)
# CUDA build of the wheel -> from which torch on, and the architectures that it has kernels for (PyTorch's release
# matrix and build scripts). A device runs those of its own major version that are not newer than it.
BUILDS: Final[dict[str, tuple[tuple[Capability, tuple[Capability, ...]], ...]]] = {
    "cu118": (((2, 0), _CUDA_12),),
    "cu121": (((2, 1), _CUDA_12),),
    "cu124": (((2, 4), _CUDA_12),),
    "cu126": (((2, 6), _CUDA_12),),
    "cu128": (((2, 7), _BLACKWELL), ((2, 8), _VOLTA), ((2, 11), _BLACKWELL)),
    "cu129": (((2, 8), _VOLTA),),
    "cu130": (((2, 9), _BLACKWELL),),
}
ADAPTER_FILE_BYTES: Final = 4  # as float32, in a checkpoint and at the end
ADAM_FILE_BYTES: Final = 8


def _gpus(evidence: Evidence) -> tuple[Accelerator, ...]:
    return tuple(each for each in evidence.host.accelerators if not each.name.startswith("TPU"))


def _no_gpu(evidence: Evidence) -> str | None:
    gpus = _gpus(evidence)
    if not gpus:
        return Moot("no GPU is judged for")
    if any(each.capability is None for each in gpus):
        return "the compute capability of the accelerator is not known"
    return None


def _least(evidence: Evidence) -> tuple[str, Capability]:
    """Name and capability of the least capable GPU; `_no_gpu` has asked."""
    return min(((each.name, each.capability or (0, 0)) for each in _gpus(evidence)), key=lambda pair: pair[1])


def _dotted(capability: Capability) -> str:
    return ".".join(map(str, capability))


@rule(
    "H703",
    "dtype-unsupported-by-accelerator",
    severity="warning",
    applies=_no_gpu,
    consequence="torch emulates it, several times slower; other engines refuse",
)
def dtype_unsupported_by_accelerator(evidence: Evidence) -> Iterator[Finding]:
    """The model runs in bfloat16, and the GPU has no units for it.

    Before compute capability 8.0 torch emulates bfloat16; vLLM stops: "Bfloat16 is only supported on GPUs with compute
    capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5." What fp8 needs, C310 says.

    Example: a Llama 3 as published (dtype bfloat16) on two T4.

    To mend it, load it in float16; whether its weights stand that, the deep level says (H708).
    """
    from resolver.rules.memory_plan import dtype_of  # noqa: PLC0415 - only where a GPU is judged for

    name, capability = _least(evidence)
    if capability >= BF16_FROM or dtype_of(evidence) != "bfloat16":
        return
    asked = evidence.intent.dtype is not None
    yield dtype_unsupported_by_accelerator.finding(
        f"{name} has no bfloat16, which is {'asked for' if asked else 'what the model is written in'}",
        path=evidence.model.files.path(evidence.model.config.file),
        evidence={"dtype": "bfloat16", "capability": _dotted(capability), "needs_capability": _dotted(BF16_FROM)},
        fix="load it in float16: from_pretrained(…, dtype=torch.float16), or --dtype float16",
    )


def _torch_known(evidence: Evidence) -> str | None:
    host = evidence.host
    if not host.accelerators:
        return Moot("no accelerator is judged for")
    if host.accelerator != HOST and host.source == HERE:
        return f"which torch {host.accelerator} has is not known: the versions are those of this machine"
    if host.version("torch") is None:
        return "torch is not installed"
    return _build_known(evidence) if _gpus(evidence) else None


def _build_known(evidence: Evidence) -> str | None:
    build = _build(evidence)
    if build == "cpu":
        return None
    if build not in BUILDS:
        return f"torch {evidence.host.packages['torch']} does not say for which CUDA it was built"
    return _no_gpu(evidence)


def _build(evidence: Evidence) -> str:
    return evidence.host.packages["torch"].partition("+")[2]


def kernels_of(build: str, torch: tuple[int, ...]) -> tuple[Capability, ...] | None:
    """The architectures that a CUDA build of torch has kernels for; None where that is not known."""
    return next((each for since, each in reversed(BUILDS.get(build, ())) if torch[:2] >= since), None)


def runs(device: Capability, kernels: tuple[Capability, ...]) -> bool:
    """Whether a device runs one of these: the same major version, not newer than the device."""
    return any(major == device[0] and minor <= device[1] for major, minor in kernels)


@rule(
    "H704",
    "accelerator-unusable",
    severity="error",
    applies=_torch_known,
    consequence="torch.cuda.is_available() is True, and the first operation dies",
)
def accelerator_unusable(evidence: Evidence) -> Iterator[Finding]:
    """The installed torch has no kernels for this device.

    Wheels are built for a list of architectures, and old and new ones are left out: CUDA 12.8 builds have none for a
    P100 (sm_60), CUDA 12.6 builds none for Blackwell (sm_120). It is found out late:

        CUDA error: no kernel image is available for execution on the device

    Example: a P100 on Kaggle with an image since March 2026 (torch 2.10.0+cu128).

    To mend it, choose another accelerator, or attach a torch that was built for this one.
    """
    torch = evidence.host.packages["torch"]
    if not _gpus(evidence):
        yield from _tpu(evidence, torch)
        return
    if _build(evidence) == "cpu":
        yield _unusable(
            evidence,
            f"torch {torch} is built for the CPU alone and does not see {_gpus(evidence)[0].name}",
            consequence="torch.cuda.is_available() is False, and everything runs on the CPU",
            severity="warning",
        )
        return
    name, device = _least(evidence)
    kernels = kernels_of(_build(evidence), evidence.host.version("torch") or ())
    if kernels is not None and not runs(device, kernels):
        yield _unusable(
            evidence,
            f"torch {torch} has no kernels for {name} (sm_{device[0]}{device[1]})",
            built_for=", ".join(f"sm_{major}{minor}" for major, minor in kernels),
        )


def _tpu(evidence: Evidence, torch: str) -> Iterator[Finding]:
    packages = evidence.host.packages
    if "torch-xla" in packages or "torch-tpu" in packages:
        return
    yield _unusable(
        evidence,
        f"torch {torch} cannot use a TPU: neither torch_xla nor torch_tpu is installed",
        consequence="everything runs on the CPU",
        severity="warning" if evidence.host.accelerator == HOST else "error",
    )


def _unusable(
    evidence: Evidence, message: str, *, built_for: str = "", consequence: str | None = None, severity: str = "error"
) -> Finding:
    return accelerator_unusable.finding(
        message,
        path=evidence.model.root,
        evidence={
            "torch": evidence.host.packages["torch"],
            "device": evidence.host.accelerators[0].name,
            "built_for": built_for or None,
        },
        consequence=consequence,
        fix="choose another accelerator, or attach a torch that was built for this one",
        severity="warning" if severity == "warning" else "error",
    )


def _asks_for_flash(evidence: Evidence) -> str | None:
    dims = evidence.model.config.dimensions
    if dims is None or dims.attention not in FLASH:
        return Moot("config.json asks for no attention kernel of its own")
    return None


@rule(
    "H705",
    "kernel-unavailable",
    severity="error",
    applies=_asks_for_flash,
    consequence="from_pretrained stops with an ImportError",
)
def kernel_unavailable(evidence: Evidence) -> Iterator[Finding]:
    """config.json asks for an attention kernel that is not there, or that does not run on this device.

    `attn_implementation` in config.json binds every loader. Without the package transformers stops:

        ImportError: FlashAttention2 has been toggled on, but it cannot be used due to the following error: the package
        for FlashAttention2 doesn't seem to be installed.

    With it, a GPU before compute capability 8.0 fails at the first row (a warning here, since it was not tried):
    "FlashAttention only supports Ampere GPUs or newer."

    Example: a config.json that was saved on an A100 and is loaded on a T4.

    To mend it, ask for another: from_pretrained(…, attn_implementation="sdpa"), or take the key out.
    """
    dims, packages = evidence.model.config.dimensions, evidence.host.packages
    asked = dims.attention if dims is not None else None
    if "flash-attn" not in packages and "flash-attn-3" not in packages and "kernels" not in packages:
        yield _kernel(evidence, asked, f"{asked} is asked for, and flash-attn is not installed")
        return
    gpus = [each for each in _gpus(evidence) if each.capability is not None and each.capability < FLASH_FROM]
    if gpus:
        yield _kernel(
            evidence,
            asked,
            f"{asked} is asked for, and does not run on {gpus[0].name}",
            consequence="the first row fails: FlashAttention only supports Ampere GPUs or newer",
            severity="warning",
        )


def _kernel(
    evidence: Evidence, asked: str | None, message: str, *, consequence: str | None = None, severity: str = "error"
) -> Finding:
    return kernel_unavailable.finding(
        message,
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer="/attn_implementation"),
        evidence={"attn_implementation": asked, "devices": [each.name for each in _gpus(evidence)]},
        consequence=consequence,
        fix='say another one: from_pretrained(…, attn_implementation="sdpa"), or take the key out of config.json',
        severity="warning" if severity == "warning" else "error",
    )


def _written(evidence: Evidence) -> str | None:
    if evidence.intent.purpose != "train":
        return Moot("only a training run writes what could fill a disk")
    if evidence.host.disk_bytes is None:
        return f"how much may be written on {evidence.host.accelerator} is not known"
    if not _adapter_elements(evidence):
        return "what a run writes follows from its adapter, and none is named"
    return None


def _adapter_elements(evidence: Evidence) -> int:
    from resolver.rules.memory_plan import adapter_elements  # noqa: PLC0415 - only where a disk is judged for

    return adapter_elements(evidence)


@rule(
    "H706",
    "disk-insufficient",
    severity="error",
    applies=_written,
    consequence="OSError: [Errno 28] No space left on device, when the first checkpoint is written",
)
def disk_insufficient(evidence: Evidence) -> Iterator[Finding]:
    """What the run writes does not fit on the disk.

    A training run writes its adapter at the end and, to be resumed, one checkpoint: the adapter again with Adam's two
    moments. /kaggle/working takes 20 GB, and what is in it already counts.

        OSError: [Errno 28] No space left on device

    Example: an adapter that holds the whole embedding matrix (modules_to_save) and so takes gigabytes.

    To mend it, write elsewhere, or train less: fewer modules_to_save, a lower rank.
    """
    elements, limit = _adapter_elements(evidence), evidence.host.disk_bytes
    needed = elements * (2 * ADAPTER_FILE_BYTES + ADAM_FILE_BYTES)
    if limit is not None and needed > limit:
        yield disk_insufficient.finding(
            f"the run writes {size(needed)}, and {size(limit)} may be written on {evidence.host.accelerator}",
            path=evidence.adapter.root if evidence.adapter is not None else None,
            evidence={"adapter_elements": elements, "needed_bytes": needed, "limit_bytes": limit},
            fix="write to a larger disk, or train fewer elements",
        )


RULES: tuple[Rule, ...] = (
    dtype_unsupported_by_accelerator,
    accelerator_unusable,
    kernel_unavailable,
    disk_insufficient,
)
