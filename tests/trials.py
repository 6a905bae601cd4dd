"""One trial: a model is built, damaged, put before the real libraries and before us; the two answers side by side."""

from __future__ import annotations

import random
import shutil
import zlib
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from adapter_damage import ADAPTERS
from damage_tools import Scene
from damages import DAMAGES
from damages_random import RANDOM
from families import FAMILIES, build, lora
from oracle_process import Answer, oracle
from standard_level import findings

from resolver.environment import Environment
from resolver.host import Host, this_host
from resolver.preflight import Question

if TYPE_CHECKING:
    from pathlib import Path

    from resolver.finding import Finding, Level

Real = Literal["right", "wrong", "refuses"]
Verdict = Literal["usable", "warned", "unusable"]
MASKED = frozenset({"bert", "deberta_v2", "deberta_v3", "modernbert"})
CLOSE = 1e-5
# Another precision is no damage: the same numbers, but for their last digits.
OF_PRECISION, PRECISE = frozenset({"config.half-dtype", "weights.halve-precision"}), 0.15
HARMS = {**DAMAGES, **ADAPTERS, **RANDOM}


class Subject(NamedTuple):
    """A model that is tried: a family, and how it was saved and what it is for."""

    family: str
    form: Literal["language", "sharded", "classifier", "turned", "adapter"]

    @property
    def auto(self) -> str:
        """The class of transformers that its user asks for."""
        if self.form in {"classifier", "adapter"}:
            return "AutoModelForSequenceClassification"
        if self.family == "t5":
            return "AutoModelForSeq2SeqLM"
        return "AutoModelForMaskedLM" if self.family in MASKED else "AutoModelForCausalLM"

    def build(self, path: Path) -> Path:
        """Its directory; "turned" ties what the family does not tie, and the other way round."""
        if self.form == "adapter":
            # An encoder's language model has no pooler, and peft would save none: its base is a classifier already.
            base = build(self.base(path), self.family, classifier=self.family in MASKED)
            return lora(path, base, task="SEQ_CLS")
        return build(
            path,
            self.family,
            classifier=self.form == "classifier",
            sharded=self.form == "sharded",
            tied=not FAMILIES[self.family].tied if self.form == "turned" else None,
        )

    def ask(self, root: Path) -> Answer:
        """What the libraries make of a directory that is said to be this model (or its adapter)."""
        if self.form == "adapter":
            return oracle().load(self.base(root), self.auto, labels=3, adapter=root)
        if self.form == "classifier":
            return oracle().load(root, self.auto, labels=3)
        return oracle().load(root, self.auto)

    def judge(self, root: Path) -> tuple[Path, dict[Level, tuple[Finding, ...]]]:
        """Our errors and warnings at each level, and the directory judged.

        Family L is left out, for no loader asks about licences.
        """
        here, host = machine()
        scores = self.form in {"classifier", "adapter"}
        adapter = str(root) if self.form == "adapter" else None
        question = Question(purpose="score" if scores else "load", adapter=adapter)
        told = findings(self.base(root) if adapter else root, here, host, question)
        judged = root if adapter else told["quick"][0]
        return judged, {
            level: tuple(each for each in found if each.severity != "info" and each.code[0] != "L")
            for level, (_, found) in told.items()
        }

    def base(self, adapter: Path) -> Path:
        """Where the base of an adapter lies: beside it, undamaged."""
        return adapter.parent / "base"

    def __str__(self) -> str:
        return f"{self.family}/{self.form}"


class Trial(NamedTuple):
    """Both answers.

    Attributes:
        subject, damage, seed: what was tried; the three give the same directory again.
        real: whether the libraries load it and compute what they computed before, something else, or refuse.
        said: the library's words where it refused, else what differs.
        findings: level to ours that the undamaged model does not have, errors and warnings.
        touched: names of the files that a finding may name.
    """

    subject: Subject
    damage: str
    seed: int
    real: Real
    said: str
    findings: dict[Level, tuple[Finding, ...]]
    touched: frozenset[str]

    def verdict(self, level: Level) -> Verdict:
        """Ours, beside what we say of the undamaged model."""
        severities = {each.severity for each in self.findings[level]}
        return "unusable" if "error" in severities else "warned" if severities else "usable"

    def codes(self, level: Level) -> str:
        """For a table."""
        return " ".join(sorted({f"{each.code}:{each.severity[0]}" for each in self.findings[level]})) or "-"

    def named(self, level: Level) -> bool:
        """Whether a finding names a file that was touched."""
        return any(_names(each, self.touched) for each in self.findings[level])

    @property
    def agrees(self) -> bool:
        """Whether the standard level says what the libraries do."""
        return (self.real != "right") == (self.verdict("standard") == "unusable")


@cache
def machine() -> tuple[Environment, Host]:
    """This one, as it is: the libraries that judge are those that are judged for."""
    here = Environment.this()
    return here, this_host(here)


# A directory, what the libraries compute of it, and level to (code, severity) of our findings.
Good = tuple["Path", dict[str, Any], dict["Level", set[tuple[str, str]]]]


class Bench:
    """Where trials are made: undamaged models with what the libraries computed of them, each once."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._good: dict[Subject, Good] = {}

    def good(self, subject: Subject) -> Good:
        """Directory, the libraries' answer, and our findings as (code, severity)."""
        if subject not in self._good:
            root = subject.build(self.place / "good" / subject.family / subject.form)
            answer = subject.ask(root)
            if not answer.loads:
                raise RuntimeError(f"{subject} does not load undamaged: {answer.value}")
            _, told = subject.judge(root)
            known = {level: {(each.code, each.severity) for each in found} for level, found in told.items()}
            self._good[subject] = root, answer.value, known
        return self._good[subject]

    def kinds(self, subject: Subject) -> tuple[str, ...]:
        """The damages that this form of a model can have."""
        return tuple(ADAPTERS if subject.form == "adapter" else DAMAGES)

    def try_(self, subject: Subject, damage: str, seed: int) -> Trial | None:
        """Damage a fresh copy and ask both; None where this damage cannot be done to this model."""
        good, before, known = self.good(subject)
        place = self.place / "trial"
        shutil.rmtree(place, ignore_errors=True)
        root = shutil.copytree(good, place / "model", symlinks=True)
        if subject.form == "adapter":
            shutil.copytree(subject.base(good), subject.base(root))
        dice = random.Random(zlib.crc32(f"{subject} {damage} {seed}".encode()))  # noqa: S311 - repeatable, not secret
        touched = HARMS[damage](Scene(root, dice, self._others(subject)))
        if touched is None:
            return None
        names = {touched} if isinstance(touched, str) else set(touched)
        if damage.startswith(("weights", "bytes.flip")):
            names.add("config.json")  # which of the two is the wrong one cannot be known
        path, told = subject.judge(root)
        new = {
            level: tuple(each for each in found if (each.code, each.severity) not in known[level])
            for level, found in told.items()
        }
        real, said = compare(before, subject.ask(path), PRECISE if damage in OF_PRECISION else CLOSE)
        return Trial(subject, damage, seed, real, said, new, frozenset(names))

    def _others(self, subject: Subject) -> tuple[Path, ...]:
        """The same form of a model at another size, and a family with another, larger vocabulary."""
        if subject.form == "adapter":
            return ()
        kin = "llama_wide" if subject.family != "llama_wide" else "llama"
        tokens = "mistral" if FAMILIES[subject.family].tokenizer != "LlamaTokenizer" else "llama"
        return self.good(Subject(kin, subject.form))[0], self.good(Subject(tokens, "language"))[0]


def compare(before: dict[str, Any], answer: Answer, close: float = CLOSE) -> tuple[Real, str]:
    """What the libraries did with the damaged model, held against the undamaged one.

    The chat template is left out: neither loading nor scoring with a classifier renders it.
    """
    if not answer.loads:
        return "refuses", f"{answer.outcome}: {answer.value}"
    after = answer.value
    if not after["finite"]:
        return "wrong", "the logits are not finite"
    if after["ids"] != before["ids"]:
        return "wrong", "the tokens differ"
    if not _close(before["logits"], after["logits"], close):
        said = {name: after[name][:2] for name in ("missing", "unexpected", "mismatched") if after[name]}
        return "wrong", f"the logits differ {said or ''}".strip()
    return "right", ""


def _close(before: list[list[float]], after: list[list[float]], close: float) -> bool:
    if [len(row) for row in before] != [len(row) for row in after]:
        return False
    pairs = zip(before, after, strict=True)
    return all(abs(a - b) <= close * max(1.0, abs(a)) for one, other in pairs for a, b in zip(one, other, strict=True))


def _names(finding: Finding, names: frozenset[str]) -> bool:
    told = f"{finding.path or ''} {finding.message} {finding.evidence} {finding.fix.text}"
    return any(name in told for name in names)
