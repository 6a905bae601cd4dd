"""A notebook's report on a terminal: its findings, each reference with what it will meet, and its models."""

from typing import TYPE_CHECKING, Final

from resolver.notebook_fix import sentences
from resolver.report.escape import escape
from resolver.report.lines import Line, coloured, line, plain
from resolver.report.summary import summary_lines
from resolver.report.tables import table
from resolver.report.terminal import finding_lines, info_lines, render

if TYPE_CHECKING:
    from resolver.notebook.facts import Spot
    from resolver.notebook.standing import Standing, State
    from resolver.notebook_fix import Made
    from resolver.notebook_preflight import NotebookReport

MEETS: Final[dict["State", str]] = {
    "attached": "attached",
    "version": "another version is attached",
    "layout": "no path of its source",
    "missing": "not attached",
    "hub": "hub id",
    "made": "written by the notebook",
    "whole": "the mount folder",
    "dormant": "not taken: the code asks for a place first",
    "unknown": "not known",
}
REACHES: Final = {
    "never-called": "in a function that nothing calls",
    "guarded": "not offline on Kaggle",
    "fallback": "only where what is tried fails",
    "caught": "tried",
}


def render_notebook(told: "NotebookReport", made: "Made | None" = None, *, colour: bool = False) -> str:
    """The whole report: what --fix made, findings, references, summary, and then each model that is here."""
    report = told.report
    lines: list[Line] = []
    if made is not None:
        lines += [line(escape(each)) for each in sentences(made)]
        lines.append(())
    grave = [each for each in report.findings if each.severity != "info"]
    for finding in grave:
        lines += (*finding_lines(finding), ())
    lines += info_lines(report.findings)
    if told.references:
        lines += (*references_table(told), ())
    lines += summary_lines(report)
    shown = coloured(lines) if colour else plain(lines)
    models = tuple(told.models.values())
    return shown if not models else f"{shown}\n{render(models, colour=colour)}"


def references_table(told: "NotebookReport") -> list[Line]:
    """One row a reference: where it stands, what reads it, what it says, what it will meet."""
    rows = [(place_of(each.use.origin), each.use.call, each.use.text, meets(each)) for each in once(told.references)]
    return table(("where", "read by", "reference", "meets"), rows)


def once(references: "tuple[Standing, ...]") -> "list[Standing]":
    """References without those that stand at the same place and meet the same."""
    kept: dict[object, Standing] = {}
    for each in references:
        kept.setdefault((place_of(each.use.origin), each.use.text, each.use.call, each.state), each)
    return list(kept.values())


def place_of(spot: "Spot") -> str:
    """A spot in few letters: "3:14" for cell and line, "train.py:7" for a file."""
    if spot.file is not None:
        return f"{spot.file}:{spot.line}"
    return f"{spot.line}" if spot.cell is None else f"{spot.cell}:{spot.line}"


def meets(standing: "Standing") -> str:
    """What a reference meets, in words."""
    told = MEETS[standing.state]
    if standing.use.resolved and standing.state in ("attached", "unknown", "hub"):
        told = f"resolved{'' if standing.source is None else ', attached'}"
    if standing.source is not None and standing.state in ("attached", "version"):
        told = f"{told}: {standing.source.text}"
    reach = REACHES.get(standing.use.reach)
    return told if reach is None else f"{told} ({reach})"
