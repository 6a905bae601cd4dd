"""R: are the packages that this model needs installed, and will a file that is missing stall for want of a network?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding
from resolver.rules.rule import Evidence, Rule, rule

# What each package is for, in the words of the finding.
PURPOSES: Final = {
    "torch": "computes with the weights",
    "transformers": "builds the model",
    "safetensors": "reads the weights",
}


def _needed(evidence: Evidence) -> dict[str, str]:
    """Package to the file, or the act, that needs it."""
    model = evidence.model
    needed = {"torch": "the model", "transformers": "config.json"}
    shards = [name for name in model.weights.shards if name.endswith(".safetensors")]
    if shards:
        needed["safetensors"] = shards[0]
    return needed


@rule(
    "R801",
    "package-missing",
    severity="error",
    requires=("C301",),
    consequence="an ImportError, often minutes into the run",
)
def package_missing(evidence: Evidence) -> Iterator[Finding]:
    """A package that this model needs is not installed where it is to run.

    transformers notices late: "AutoModelForCausalLM requires the PyTorch library but it was not found in your
    environment." Packages that only the tokenizer needs are T204, those of a quantisation C309.

    Example: an image for analysis, in which there is no torch.

    To mend it, install the package; without a network, attach its wheel as a dataset.
    """
    for package, wanted_by in _needed(evidence).items():
        if evidence.host.version(package) is None and package not in evidence.host.packages:
            yield package_missing.finding(
                f"{package} is not installed",
                path=evidence.model.root,
                evidence={"package": package, "needed_for": wanted_by, "because": PURPOSES[package]},
                fix=f"install {package}; offline, from a wheel that was attached",
                command=f"pip install --no-index --find-links WHEELS {package}",
            )


def _network_known(evidence: Evidence) -> str | None:
    if evidence.host.has_network is None:
        return "whether there is a network cannot be known here without opening a socket"
    return None


@rule(
    "R803",
    "offline-not-set",
    severity="warning",
    applies=_network_known,
    consequence="each file that is looked for on the hub stalls for 23 to 46 seconds before it fails",
)
def offline_not_set(evidence: Evidence) -> Iterator[Finding]:
    """There is no network, and HF_HUB_OFFLINE is not set.

    A loader that looks for one optional file on the hub then waits for connections that cannot come: 23 s for
    AutoConfig, 46 s for AutoTokenizer or AutoModel, and says "We couldn't connect to 'https://huggingface.co'". With
    the variable set the same call fails, or goes on, in under 10 ms.

    Example: a Kaggle notebook with the internet switched off.

    To mend it, set the variable before transformers or huggingface_hub is imported: they read it once.
    """
    if evidence.host.has_network is False and not evidence.host.offline_set:
        yield offline_not_set.finding(
            "no network, and HF_HUB_OFFLINE is not set",
            evidence={"default_route": False, "HF_HUB_OFFLINE": None},
            fix="set it before the first import of transformers",
            command="export HF_HUB_OFFLINE=1",
        )


@rule(
    "R804",
    "cache-not-writable",
    severity="error",
    consequence="what has to be written there fails: OSError: [Errno 30] Read-only file system, or [Errno 13]",
)
def cache_not_writable(evidence: Evidence) -> Iterator[Finding]:
    """A cache of the Hugging Face libraries lies where nothing can be written.

    Loading from a local directory writes nothing, except that transformers copies a model's own code into
    HF_MODULES_CACHE before it imports it: then it is an error. For all else it is a warning: the first thing that is
    fetched, locked or converted there ends in

        OSError: [Errno 30] Read-only file system: '/kaggle/input/…'

    Example: HF_HOME below /kaggle/input, so that a cache that was attached is found.

    To mend it, let the variable name a place that can be written; only HF_HUB_CACHE has to name the attached cache.
    """
    for variable, place in evidence.host.unwritable.items():
        if variable == "HF_MODULES_CACHE" and "HF_HOME" in evidence.host.unwritable and not _own_code(evidence):
            continue  # it lies below the one that was named already
        code = variable == "HF_MODULES_CACHE" and _own_code(evidence)
        yield cache_not_writable.finding(
            f"{variable} is {place}, where nothing can be written" + (", and the model's code is copied there" * code),
            path=place,
            evidence={"variable": variable, "place": place, "code_of_its_own": _own_code(evidence)},
            consequence=None if code else "this model loads; what is fetched, locked or converted there will fail",
            fix="name a place that can be written",
            command=f"export {variable}=/tmp/huggingface{'/modules' if code else ''}",
            severity="error" if code else "warning",
        )


def _own_code(evidence: Evidence) -> bool:
    """Whether only the model's own code knows its type, so that it has to be copied and imported."""
    config = evidence.model.config
    if not config.auto_map or config.model_type is None:
        return bool(config.auto_map)
    if evidence.host.model_types is not None:
        return config.model_type not in evidence.host.model_types
    from resolver.inspection.model_types import known_since  # noqa: PLC0415 - a table; only for such a model

    return known_since(config.model_type) is None


@rule(
    "R805",
    "offline-masked",
    severity="warning",
    consequence="the libraries go online, and each file that is looked for on the hub stalls where there is no network",
)
def offline_masked(evidence: Evidence) -> Iterator[Finding]:
    """HF_HUB_OFFLINE is set to something false, and so hides TRANSFORMERS_OFFLINE=1.

    huggingface_hub takes the first of the two that is not empty, and "0" is not empty: TRANSFORMERS_OFFLINE=1 then
    does nothing, and nobody says so until

        We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them in the cached files.

    Example: a base image that sets HF_HUB_OFFLINE=0, and a job that sets TRANSFORMERS_OFFLINE=1.

    To mend it, set HF_HUB_OFFLINE=1, or unset it.
    """
    if evidence.host.offline_masked:
        yield offline_masked.finding(
            "HF_HUB_OFFLINE is false and hides TRANSFORMERS_OFFLINE, which is true",
            evidence={"variables": ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"], "offline": False},
            fix="set the one that is looked at",
            command="export HF_HUB_OFFLINE=1",
        )


RULES: tuple[Rule, ...] = (package_missing, offline_not_set, cache_not_writable, offline_masked)
