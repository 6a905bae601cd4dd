"""What the sites said of a model on a terminal: one message a site, what holds for both, what it comes to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.report.escape import escape
from resolver.report.lines import Line, Part, Style, coloured, line, plain
from resolver.report.terminal import fix_lines, labelled

if TYPE_CHECKING:
    from resolver.online.answers import AccessReport, SiteAccess, Verdict

HEADS: Final[dict["Verdict", tuple[str, Style]]] = {
    "granted": ("granted", "good"),
    "to-do": ("to do", "error"),
    "missing": ("not found", "error"),
    "unknown": ("not judged", "warning"),
}


def render_access(told: "AccessReport", *, colour: bool = False) -> str:
    """All sites, then the notes, then one line."""
    lines: list[Line] = []
    for each in told.sites:
        lines += (*_site(each), ())
    lines += [line(Part("note: ", "quiet"), escape(note)) for note in told.notes]
    if told.notes:
        lines.append(())
    word, style = HEADS[told.verdict]
    lines.append(line(Part(word, style), one_line(told)[len(word) :]))
    return coloured(lines) if colour else plain(lines)


def one_line(told: "AccessReport") -> str:
    """What it comes to."""
    granted = sum(each.answer.verdict == "granted" for each in told.sites)
    word, _ = HEADS[told.verdict]
    return f"{word}: {escape(told.reference)}, {granted} of {len(told.sites)} sites grant it"


def _site(told: "SiteAccess") -> Iterator[Line]:
    answer = told.answer
    word, style = HEADS[answer.verdict]
    yield line(Part(word, style), f" {answer.site}: ", Part(escape(told.message), "label"))
    yield line(Part(" --> ", "quiet"), escape(answer.page))
    if told.evidence:
        yield labelled("evidence", escape("; ".join(told.evidence)))
    if told.consequence:
        yield labelled("consequence", escape(told.consequence))
    if told.fix.text or told.fix.command:
        yield from fix_lines(told.fix)
