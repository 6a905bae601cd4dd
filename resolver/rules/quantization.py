"""C, continued: are the packages for this quantisation there, and does it run on the accelerator that is chosen?"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.quantization import QuantizationFacts
from resolver.rules.rule import Evidence, Moot, Rule, rule

if TYPE_CHECKING:
    from resolver.rules.quantization_methods import Device, Package

# The method of what `--quantize` asks for; the last one is no config's, see FLOAT8 in `quantization_methods`.
ASKED: Final = {"int8": "bitsandbytes", "int4": "bitsandbytes", "fp8": "float8"}


def _declared(evidence: Evidence) -> str | None:
    quantization = evidence.model.config.quantization
    if quantization is None and evidence.intent.quantize is None:
        return Moot("the weights are not quantised, as far as config.json says")
    reason = None if quantization is None else _unread(evidence, quantization)
    if reason is None and evidence.host.version("transformers") is None:
        return "transformers is not installed on the machine that is judged for: R801"
    return reason


def _unread(evidence: Evidence, quantization: QuantizationFacts) -> Moot | None:
    """Why transformers does not see what is declared; None where it does."""
    if not quantization.pointer:
        return Moot(f"it stands in {quantization.file}, which transformers does not read")
    if "mlx" in evidence.model.weights.formats:
        return Moot("MLX weights are not for transformers: W113")
    if quantization.pointer.endswith("/quantization"):
        return Moot("it stands under a key of MLX, which transformers does not read")
    return None


def _packages_known(evidence: Evidence) -> str | None:
    reason = _declared(evidence)
    if reason is not None:
        return reason
    from resolver.rules.quantization_methods import FLOAT8, READ, asked_of  # noqa: PLC0415 - for quantised models

    method, installed = _facts(evidence).method, evidence.host.version("transformers") or ()
    if method is None or method == "mlx":
        return Moot("the method is not named: C310")
    if method == FLOAT8:
        return Moot("--quantize fp8 needs no package beside torch")
    if installed < READ[0]:
        return f"what transformers before {'.'.join(map(str, READ[0]))} needs was not looked into"
    if not asked_of(method, installed):
        return f"transformers {evidence.host.packages['transformers']} is not known to have a method {method[:40]!r}"
    return None


def _facts(evidence: Evidence) -> QuantizationFacts:
    """The quantisation that the files declare, else the one that is asked for."""
    asked = ASKED.get(evidence.intent.quantize or "")
    return evidence.model.config.quantization or QuantizationFacts(asked, None, "")


def _what(evidence: Evidence) -> str:
    """What needs a package or a device, as people would say it."""
    is_asked = evidence.model.config.quantization is None
    return f"--quantize {evidence.intent.quantize}" if is_asked else f"{_facts(evidence).method} weights"


def _path(evidence: Evidence) -> object:
    """Where it is declared, or the model where it is asked for."""
    config = evidence.model.config
    return evidence.model.root if config.quantization is None else evidence.model.files.path(config.file)


@rule(
    "C309",
    "quantization-needs-package",
    severity="error",
    requires=("C303",),
    applies=_packages_known,
    consequence="transformers stops with an ImportError, minutes into the notebook and before it reads the weights",
)
def quantization_needs_package(evidence: Evidence) -> Iterator[Finding]:
    """The weights are quantised, or are to be (--quantize), and a package for it is missing or too old.

    transformers looks for it when it loads: "Using `bitsandbytes` 4-bit quantization requires bitsandbytes: `pip
    install -U bitsandbytes>=0.46.1`", "Loading a GPTQ quantized model requires optimum (`pip install optimum`)".
    Version 4.57 says "No package metadata was found for bitsandbytes". Which package reads a method changed: AWQ was
    autoawq until 4.57 and is gptqmodel since 5.0.

    Example: an nf4 copy of Llama 3.1 in an image without bitsandbytes.

    To mend it, install the package; without a network, attach its wheel as a dataset.
    """
    from resolver.rules.quantization_methods import asked_of  # noqa: PLC0415 - as above

    quantization, installed = _facts(evidence), evidence.host.version("transformers") or ()
    asked = asked_of(quantization.method or "", installed)
    wanting = [each for each in asked if not _is_there(evidence, each)]
    if not wanting:
        return
    needs = [_spelled(each) for each in wanting]
    yield quantization_needs_package.finding(
        f"{_what(evidence)} {'needs' if quantization.pointer == '' else 'need'} {' and '.join(needs)}",
        path=_path(evidence),
        place=Place(pointer=quantization.pointer) if quantization.pointer else None,
        evidence={
            "method": quantization.method,
            "transformers": evidence.host.packages["transformers"],
            "installed": {name: evidence.host.packages.get(name) for each in wanting for name in each[0].split("|")},
        },
        fix="install what is missing; offline, from wheels that were attached",
        command="pip install --no-index --find-links WHEELS " + " ".join(_quoted(each) for each in wanting),
    )


def _is_there(evidence: Evidence, package: "Package") -> bool:
    """Whether one of the distributions is installed and new enough; a version that cannot be read counts as new."""
    names, least = package
    for name in names.split("|"):
        if name in evidence.host.packages:
            version = evidence.host.version(name)
            if not version or version >= least:
                return True
    return False


def _spelled(package: "Package") -> str:
    names, least = package
    return " or ".join(names.split("|")) + (f" {'.'.join(map(str, least))} or newer" if least else "")


def _quoted(package: "Package") -> str:
    name, least = package[0].partition("|")[0], package[1]
    return f"'{name}>={'.'.join(map(str, least))}'" if least else name


def _devices_known(evidence: Evidence) -> str | None:
    reason = _declared(evidence)
    method = _facts(evidence).method
    if reason is not None or method is None or method in ("mlx", "nvfp4"):
        return reason
    if _is_twice(evidence) or _unknown_method(evidence):
        return None
    from resolver.rules.quantization_methods import FLOAT8, PACKAGES  # noqa: PLC0415 - as above

    if method not in PACKAGES and method != FLOAT8:
        return f"the method {method[:40]!r} is not known here; whether its tensors fit, W114 to W116 say"
    return _why_no_device(evidence, method)


def _why_no_device(evidence: Evidence, method: str) -> str | None:
    from resolver.rules.quantization_methods import devices_of  # noqa: PLC0415 - as above

    asked = [each for each in devices_of(method) if _in_force(evidence, each)]
    if asked and _is_tpu(evidence):
        return f"whether {method} runs on a TPU is not known here"
    if any(each.capability > (0, 0) for each in asked) and evidence.host.accelerators and _capability(evidence) is None:
        return "the compute capability of the accelerator is not known"
    return None


def _is_tpu(evidence: Evidence) -> bool:
    return any(device.name.startswith("TPU") for device in evidence.host.accelerators)


def _in_force(evidence: Evidence, device: "Device") -> bool:
    installed = evidence.host.version("transformers") or ()
    return device.since <= installed and (device.before is None or installed < device.before)


def _is_twice(evidence: Evidence) -> bool:
    """Whether weights are to be quantised that are so already."""
    return evidence.intent.quantize is not None and evidence.model.config.quantization is not None


def _capability(evidence: Evidence) -> tuple[int, int] | None:
    """The least of the devices'; None where one is not known."""
    found = [device.capability for device in evidence.host.accelerators]
    known = [each for each in found if each is not None]
    return min(known) if known and len(known) == len(found) else None


def _unknown_method(evidence: Evidence) -> frozenset[str] | None:
    """The methods of a version that stops at any other, where this one is another; None where nothing stops."""
    from resolver.rules.quantization_methods import known_to  # noqa: PLC0415 - as above

    known, method = known_to(evidence.host.version("transformers") or ()), _facts(evidence).method
    if evidence.model.config.quantization is None:
        return None
    return known if known is not None and method is not None and method not in known else None


@rule(
    "C310",
    "quantization-unsupported",
    severity="error",
    requires=("C303",),
    applies=_devices_known,
    consequence="transformers stops before it opens the weights",
)
def quantization_unsupported(evidence: Evidence) -> Iterator[Finding]:
    """This quantisation does not run where the model is to run, or would be a second one.

    Some methods have kernels for one kind of device only: "HIGGS quantization is only supported on GPU.", "FP8
    quantized models is only supported on GPUs with compute capability >= 9.0 (e.g H100)". transformers 5 turns fp8 and
    mxfp4 back into bfloat16 where the device cannot (a warning here: it runs, and takes twice to four times the
    memory). Old versions stop at a method that came later: "Unknown quantization type, got fp8 - supported types are:
    …"; every version stops where quantization_config names none: "has no `quant_method` attribute".

    What --quantize asks for is judged likewise: fp8 needs products of float8, which GPUs have from compute capability
    8.9 on, and weights that are quantised cannot be quantised again.

    Example: an fbgemm_fp8 checkpoint on two T4 (compute capability 7.5).

    To mend it, take another copy of the model: unquantised, or bitsandbytes, which runs on all of them.
    """
    quantization, version = _facts(evidence), evidence.host.packages["transformers"]
    if _is_twice(evidence):
        yield _twice(evidence)
        return
    if quantization.method is None or quantization.method == "mlx":
        yield _found(evidence, "quantization_config names no quant_method", {})
        return
    known = _unknown_method(evidence)
    if known is not None:
        facts: dict[str, Json] = {"known": [*sorted(known)]}
        yield _found(evidence, f"transformers {version} does not know the quantisation {quantization.method}", facts)
        return
    if quantization.method == "nvfp4":
        yield _found(evidence, "transformers does not load weights that are stored as nvfp4", {})
        return
    from resolver.rules.quantization_methods import devices_of  # noqa: PLC0415 - as above

    for device in devices_of(quantization.method):
        if _in_force(evidence, device) and not _runs(evidence, device):
            yield _on_device(evidence, quantization.method, device)


def _runs(evidence: Evidence, device: "Device") -> bool:
    if not evidence.host.accelerators:
        return device.cpu
    capability = _capability(evidence)
    return device.capability == (0, 0) or (capability is not None and capability >= device.capability)


def _on_device(evidence: Evidence, method: str, device: "Device") -> Finding:
    from resolver.rules.quantization_methods import FLOAT8  # noqa: PLC0415 - as above

    names = sorted({each.name for each in evidence.host.accelerators})
    where = ", ".join(names) or "a machine without a GPU"
    who = "torch" if method == FLOAT8 else "transformers"
    facts: dict[str, Json] = {"devices": [*names], f"{who}_says": device.says}
    if device.capability > (0, 0):
        facts["needs_capability"] = ".".join(map(str, device.capability))
    message = f"{method} does not run on {where}"
    if evidence.model.config.quantization is None:
        return _not_here(evidence, f"{_what(evidence)} does not run on {where}", facts)
    if device.severity == "error":
        return _found(evidence, message, facts)
    return quantization_unsupported.finding(
        f"{message}: it is turned back into bfloat16",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer=_facts(evidence).pointer),
        evidence=facts,
        consequence="it runs, and the weights take twice (fp8) to four times (mxfp4) the memory of the files",
        fix="reckon with the memory of bfloat16, or take a copy quantised with bitsandbytes",
        severity="warning",
    )


def _twice(evidence: Evidence) -> Finding:
    quantization, asked = _facts(evidence), evidence.intent.quantize
    return quantization_unsupported.finding(
        f"--quantize {asked}: the weights are quantised already ({quantization.method or 'unnamed'})",
        path=_path(evidence),
        place=Place(pointer=quantization.pointer),
        evidence={"method": quantization.method},
        consequence="there are no whole weights left to make smaller",
        fix="leave --quantize out, or take the copy that is not quantised",
    )


def _not_here(evidence: Evidence, message: str, facts: Mapping[str, Json]) -> Finding:
    other = "int8" if evidence.intent.quantize == "fp8" else None
    return quantization_unsupported.finding(
        message,
        path=_path(evidence),
        evidence=facts,
        consequence="the run stops while the weights are made, or at the first product with them",
        fix="leave --quantize out" if other is None else f"say --quantize {other}, which runs on every GPU",
    )


def _found(evidence: Evidence, message: str, facts: Mapping[str, Json]) -> Finding:
    quantization = _facts(evidence)
    return quantization_unsupported.finding(
        message,
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer=quantization.pointer),
        evidence={"method": quantization.method, **facts},
        fix="take a copy that is not quantised, or one quantised with bitsandbytes",
    )


RULES: tuple[Rule, ...] = (quantization_needs_package, quantization_unsupported)
