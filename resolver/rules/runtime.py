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
    "sentencepiece": "reads the tokenizer's model file; tokenizer.json would need no package",
    "protobuf": "reads the tokenizer's model file; tokenizer.json would need no package",
    "tiktoken": "reads tiktoken.model; tokenizer.json would need no package",
}


def _needed(evidence: Evidence) -> dict[str, str]:
    """Package to the file, or the act, that needs it."""
    model = evidence.model
    needed = {"torch": "the model", "transformers": "config.json"}
    shards = [name for name in model.weights.shards if name.endswith(".safetensors")]
    if shards:
        needed["safetensors"] = shards[0]
    if model.tokenizer is not None and model.tokenizer.source is not None:
        needed |= dict.fromkeys(model.tokenizer.packages, model.tokenizer.source)
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

    transformers notices late and not always in the right words: a tokenizer.model without sentencepiece is "Couldn't
    instantiate the backend tokenizer from one of …" in 5.x and "requires the protobuf library but it was not found in
    your environment" in 4.57.

    Example: a LlamaTokenizer with tokenizer.model alone, in an image without sentencepiece.

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


RULES: tuple[Rule, ...] = (package_missing, offline_not_set)
