"""N: what a rule may know of a notebook, and how grave a fault is by whether its code runs."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from resolver.finding import Finding, Json, Place, Severity
from resolver.host import Accelerator
from resolver.notebook.facts import Code, Condition, Metadata, Reach, Spot
from resolver.notebook.standing import Standing, State
from resolver.record import Record, field
from resolver.rules.rule import Moot, Rule

# Competitions whose pages forbid internet in a submission.
OFFLINE_COMPETITIONS: Final = (
    "lmsys-chatbot-arena",
    "llm-classification-finetuning",
    "wsdm-cup-multilingual-chatbot-arena",
)
MAX_PLACES: Final = 5
_GRAVITY: Final[Mapping[Reach, Severity]] = {
    "runs": "error",
    "caught": "warning",
    "fallback": "warning",
    "never-called": "info",
}
NO_METADATA: Final = "there is no kernel-metadata.json beside it, so what will be mounted is not known; name one"


class NotebookEvidence(Record):
    """All that an N rule may know.

    Attributes:
        code: what was read of the notebook or script.
        metadata: of its kernel-metadata.json; None where there is none.
        standings: what each reference will meet.
        devices: of the accelerator that the metadata asks for; empty for a CPU, None where it is not known.
        accelerator: its name.
        present: texts of references that lie on this machine, where the mount folder itself is here.
        has_mount: whether this machine has Kaggle's mount folder, so that what is absent will be missed.
    """

    code: Code
    metadata: Metadata | None
    standings: tuple[Standing, ...]
    devices: tuple[Accelerator, ...] | None = None
    accelerator: str = ""
    present: frozenset[str] = field(default_factory=frozenset)
    has_mount: bool = False

    @property
    def offline(self) -> bool:
        """Whether it runs without a network: where nothing says otherwise, it does."""
        return self.metadata is None or self.metadata.internet is not True

    def in_state(self, *states: State) -> Iterator[Standing]:
        """The references that meet one of these, each where its code may run."""
        for each in self.standings:
            if each.state in states and each.use.reach != "guarded":
                yield each


def needs_metadata(evidence: NotebookEvidence) -> str | None:
    """The reason why a rule about attached sources has nothing to go by."""
    return None if evidence.metadata is not None or evidence.has_mount else NO_METADATA


def needs_no_network(evidence: NotebookEvidence) -> str | None:
    """The reason why a rule about a missing network has nothing to judge."""
    return None if evidence.offline else Moot("the metadata switches internet on")


def gravity(reach: Reach, conditions: tuple[Condition, ...] = ()) -> Severity | None:
    """How grave it is that a call fails; None where it cannot run offline on Kaggle at all."""
    severity = _GRAVITY.get(reach)
    return "warning" if severity == "error" and conditions else severity


def gravest(severities: Iterable[Severity | None]) -> Severity | None:
    """The gravest of several."""
    found = set(severities)
    order: tuple[Severity, ...] = ("error", "warning", "info")
    return next((each for each in order if each in found), None)


def about(
    rule: Rule,
    evidence: NotebookEvidence,
    spots: Iterable[Spot],
    message: str,
    *,
    severity: Severity | None,
    fix: str,
    command: str | None = None,
    **facts: Json,
) -> Iterator[Finding]:
    """One finding of what stands at several places: the first is its place, the others are evidence."""
    if severity is None:
        return
    places = list(dict.fromkeys(spots))
    first = places[0]
    told: dict[str, Json] = {**facts}
    if first.snippet:
        told["code"] = first.snippet
    if first.file is not None:
        told["file"] = first.file
    if len(places) > 1:
        told["also"] = [where(each) for each in places[1:MAX_PLACES]]
    yield rule.finding(
        message,
        path=evidence.code.path,
        place=Place(line=first.line, cell=first.cell),
        evidence={name: value for name, value in told.items() if value not in (None, "", [])},
        fix=fix,
        command=command,
        severity=severity,
    )


def where(spot: Spot) -> str:
    """A place in words: "cell 3, line 4", "train.py line 7"."""
    within = f"{spot.file} " if spot.file else f"cell {spot.cell}, " if spot.cell is not None else ""
    return f"{within}line {spot.line}"
