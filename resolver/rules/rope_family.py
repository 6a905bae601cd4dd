"""C, continued: is the rotary base the one that this generation of the family was trained with?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Place
from resolver.rules.rule import Evidence, Moot, Rule, rule

DEFAULT: Final = 10_000.0  # of Llama's class where config.json says nothing
# model_type: the vocabulary that only this generation has, its base, what it is called. Read in published configs.
GENERATIONS: Final = {
    "llama": (range(128_256, 128_513), 500_000.0, "Llama 3"),
    "qwen3": (range(151_669, 152_065), 1_000_000.0, "Qwen3"),
    "qwen3_moe": (range(151_669, 152_065), 1_000_000.0, "Qwen3"),
}


def _known(evidence: Evidence) -> str | None:
    config = evidence.model.config
    known = GENERATIONS.get(config.model_type or "")
    if known is None or config.vocab_size not in known[0]:
        return Moot("no generation is known by this model_type and vocabulary")
    return None


@rule(
    "C319",
    "rope-theta-unlikely",
    severity="warning",
    requires=("C302", "C305"),
    applies=_known,
    consequence="if it is not meant, every position is turned by the wrong angle: it loads, and the answers are worse",
)
def rope_theta_unlikely(evidence: Evidence) -> Iterator[Finding]:
    """The rotary base is the class's default, and this generation was trained with another.

    A Llama 3 has 500000; its class assumes 10000 where config.json says nothing. A config that was read by one version
    of transformers and saved by another can lose the number on the way, for good: it is valid, the model loads without
    a word, and the longer the text the worse the answers.

    Example: a Llama 3 saved by transformers 5, loaded and saved again by 4.57: "rope_theta": 10000.0.

    To mend it, write the publisher's number. A base that was raised for longer texts is not meant here.
    """
    config = evidence.model.config
    _, base, name = GENERATIONS[config.model_type or ""]
    theta = config.rope_theta
    if theta is None and config.model_type != "llama":
        return  # what another class assumes is not known here
    if (DEFAULT if theta is None else theta) > DEFAULT:
        return
    written = f"rope_theta is {theta:g}" if theta is not None else f"no rope_theta is written, which means {DEFAULT:g}"
    yield rope_theta_unlikely.finding(
        f"{written}; {name}, which has this vocabulary, was trained with {base:g}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/rope_theta"),
        evidence={
            "rope_theta": theta,
            "published": base,
            "model_type": config.model_type,
            "vocab_size": config.vocab_size,
        },
        fix=f'set "rope_theta": {base:.1f}, unless you have trained it with another',
    )


RULES: tuple[Rule, ...] = (rope_theta_unlikely,)
