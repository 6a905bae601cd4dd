"""R, continued: do the installed versions go together, and is one of them known to call the network?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Severity
from resolver.rules.ranges import Range, Version
from resolver.rules.rule import Evidence, Rule, rule

# They ask the hub for a model's card while they load a tokenizer, also from a local directory (transformers#44843).
CALLS_HUB: Final = frozenset({(4, 57, 2), (4, 57, 3)})
TPU_TORCH: Final = ((2, 11), (2, 16))  # torch_tpu 0.2.0 carries glue for these


def _installed(evidence: Evidence) -> str | None:
    if evidence.host.version("transformers") is None:
        return "transformers is not installed on the machine that is judged for: R801"
    return None


def _outside(evidence: Evidence) -> Iterator[tuple[str, Version, Range]]:
    """Packages whose version is not one that the installed transformers takes."""
    from resolver.rules.ranges import asked_by  # noqa: PLC0415 - a table, built when it is looked at

    transformers = evidence.host.version("transformers")
    for package, wanted in asked_by(transformers or ()).items():
        found = evidence.host.version(package)
        if found and found not in wanted:
            yield package, found, wanted


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _said(wanted: Range) -> str:
    if wanted.most is None:
        return f">={_dotted(wanted.least)}"
    return f">={_dotted(wanted.least)},{'<=' if wanted.with_most else '<'}{_dotted(wanted.most)}"


@rule(
    "R802",
    "package-too-old",
    severity="error",
    applies=_installed,
    consequence="transformers cannot be imported, or goes on without torch and can build no model",
)
def package_too_old(evidence: Evidence) -> Iterator[Finding]:
    """An installed package is older than the installed transformers takes.

    transformers looks at the packages beside it when it is imported, and stops:

        ImportError: tokenizers>=0.22.0,<=0.23.0 is required for a normal functioning of this module, but found …

    An old torch does not stop it. It says "Disabling PyTorch because PyTorch >= 2.6 is required but found 2.4.1" and
    later "AutoModelForCausalLM requires the PyTorch library but it was not found in your environment".

    Example: `pip install --no-index transformers-5.23.0-….whl --no-deps` into an image of 2025.

    To mend it, attach wheels of both, so that pip can take the pair that goes together.
    """
    for package, found, wanted in _outside(evidence):
        if wanted.is_below(found):
            yield _finding(package_too_old, evidence, package, wanted)


@rule(
    "R808",
    "package-too-new",
    severity="error",
    applies=_installed,
    consequence="transformers cannot be imported",
)
def package_too_new(evidence: Evidence) -> Iterator[Finding]:
    """An installed package is newer than the installed transformers takes.

    transformers looks at the packages beside it when it is imported, and stops:

        ImportError: huggingface-hub>=0.34.0,<1.0 is required for a normal functioning of this module, but found …

    Example: huggingface_hub 2 was installed for its command line, and transformers 4.57 was there before.

    To mend it, attach the older wheel, or a newer transformers.
    """
    for package, found, wanted in _outside(evidence):
        if wanted.is_above(found):
            yield _finding(package_too_new, evidence, package, wanted)


def _finding(of: Rule, evidence: Evidence, package: str, wanted: Range) -> Finding:
    packages = evidence.host.packages
    how = "older" if of is package_too_old else "newer"
    return of.finding(
        f"{package} {packages[package]} is {how} than transformers {packages['transformers']} takes",
        evidence={
            "package": package,
            "installed": packages[package],
            "wanted": _said(wanted),
            "transformers": packages["transformers"],
        },
        fix=f"install {package} {_said(wanted)}, or another transformers",
        command=f"pip install --no-index --find-links WHEELS '{package}{_said(wanted)}'",
    )


@rule(
    "R806",
    "binary-pair-broken",
    severity="error",
    consequence="the import of one of the two fails or aborts the process, and what imports it fails with it",
)
def binary_pair_broken(evidence: Evidence) -> Iterator[Finding]:
    """Two packages with compiled code that cannot be loaded together.

    They share torch's binary interface, which changes with every minor version, and what they say does not tell so:

        RuntimeError: operator torchvision::nms does not exist
        ImportError: … undefined symbol: _ZN5torch8autograd10deleteNodeEPNS0_4NodeE
        F0000 … TPU_LIBRARY_PATH not set

    The first one stops transformers for text models too ("Could not import module 'BertModel'"): it imports torchvision
    wherever that is installed. A torch_tpu without libtpu aborts `import torch` itself, unless
    TORCH_DEVICE_BACKEND_AUTOLOAD=0 keeps torch from loading it.

    Example: torch was upgraded from a wheel, and torchvision stayed what the image had.

    To mend it, install the two versions that were released together, or remove the one that is not needed.
    """
    torch = evidence.host.version("torch")
    if torch is None:
        return
    for partner, why, fix, command, severity in _broken(evidence, torch):
        found = evidence.host.packages.get(partner)
        version = f" {found}" if found is not None else ""
        yield binary_pair_broken.finding(
            f"torch {evidence.host.packages['torch']} and {partner}{version} cannot be loaded together: {why}",
            evidence={"torch": evidence.host.packages["torch"], partner: found},
            fix=fix,
            command=command,
            severity=severity,
        )


Broken = tuple[str, str, str, str | None, Severity]


def _broken(evidence: Evidence, torch: Version) -> Iterator[Broken]:
    """Partner, why, fix, command and severity of each pair that does not go together."""
    yield from _vision(evidence, torch)
    yield from _tpu(evidence, torch)
    packages = evidence.host.packages
    # Only of this machine are all packages known; an image's table has those alone that are judged.
    if (
        evidence.host.accelerator == "host"
        and "+cu" in packages["torch"]
        and not any(name.startswith(("nvidia-", "cuda-")) for name in packages)
    ):
        why = "none of CUDA's libraries is installed as a package"
        fix = "install torch with its dependencies, unless the system brings these libraries"
        yield "nvidia-cublas", why, fix, None, "warning"


def _vision(evidence: Evidence, torch: Version) -> Iterator[Broken]:
    """A torchvision 0.(15 + n) goes with torch 2.n, and a build for CUDA with a build for CUDA."""
    vision = evidence.host.version("torchvision")
    if vision is None or torch[0] != 2 or vision[0] != 0 or len(vision) < 2 or len(torch) < 2:  # noqa: PLR2004 - torch 2
        return
    fix = "install the torchvision that was released with this torch, or remove it: text models do not need it"
    if vision[1] != torch[1] + 15:
        why = f"it was built for torch 2.{vision[1] - 15}"
        yield "torchvision", why, fix, "pip uninstall torchvision", "error"
        return
    builds = [evidence.host.packages[name].partition("+")[2] for name in ("torch", "torchvision")]
    if builds[0] != builds[1] and "cpu" in builds:
        why = "one is a build for the CPU, the other may be one for CUDA"
        yield "torchvision", why, fix, "pip uninstall torchvision", "warning"


def _tpu(evidence: Evidence, torch: Version) -> Iterator[Broken]:
    host = evidence.host
    xla = host.version("torch-xla")
    if xla is not None and xla[:2] != torch[:2]:
        fix = f"install torch_xla {torch[0]}.{torch[1]} or torch {_dotted(xla[:2])}; off a TPU, remove torch_xla"
        severity: Severity = "error" if "tpu" in host.accelerator else "warning"
        yield "torch-xla", f"it was built for torch {_dotted(xla[:2])}", fix, None, severity
    if host.version("torch-tpu") is None:
        return
    if host.version("libtpu") is None:
        if host.autoload_off:
            return
        fix = "install libtpu 0.0.50 or newer, or set TORCH_DEVICE_BACKEND_AUTOLOAD=0"
        command = "pip install --no-index --find-links WHEELS 'libtpu>=0.0.50'"
        yield "torch-tpu", "libtpu is not installed, and torch loads torch_tpu by itself", fix, command, "error"
    elif not TPU_TORCH[0] <= torch[:2] < TPU_TORCH[1]:
        yield "torch-tpu", "it takes torch 2.11 to 2.15", "install a torch from 2.11 to 2.15", None, "error"


@rule(
    "R807",
    "version-calls-hub",
    severity="warning",
    applies=_installed,
    consequence="without a network each load of a tokenizer waits for a connection that cannot come",
)
def version_calls_hub(evidence: Evidence) -> Iterator[Finding]:
    """The installed transformers calls the hub even for a local directory.

    4.57.2 and 4.57.3 ask the hub about a model while they load its tokenizer, whatever the directory is, to find out
    whether it is one of Mistral's (huggingface/transformers#44843). Offline that ends in a connection error:

        We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.

    Example: an image whose transformers was pinned in the week of that release.

    To mend it, set HF_HUB_OFFLINE=1 before the first import, or take 4.57.6.
    """
    if evidence.host.version("transformers") in CALLS_HUB and not evidence.host.offline_set:
        yield version_calls_hub.finding(
            f"transformers {evidence.host.packages['transformers']} calls the hub to load a local tokenizer",
            evidence={"transformers": evidence.host.packages["transformers"], "HF_HUB_OFFLINE": None},
            fix="set it before the first import of transformers, or install 4.57.6",
            command="export HF_HUB_OFFLINE=1",
        )


RULES: tuple[Rule, ...] = (package_too_old, package_too_new, binary_pair_broken, version_calls_hub)
