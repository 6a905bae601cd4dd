"""One verified directory as an article of the HTML page."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resolver.report.html_parts import finding_part, infos_part, text_of
from resolver.report.verification import counts_of, row_of, work_of

if TYPE_CHECKING:
    from resolver.finding import Report
    from resolver.integrity.verdicts import Verification


def verification_article(report: "Report", told: "Verification") -> Iterator[str]:
    """Its word, its findings, and every file."""
    yield f"<article>\n<h2>{text_of(told.reference)}</h2>\n"
    if str(told.root) != told.reference:
        yield f'<p class="path code">{text_of(told.root)}</p>\n'
    yield f'<p class="verdict {report.verdict}"><strong>{text_of(told.verdict)}</strong>'
    against = "what is on record beside it" if told.lock is None else f"the lock {told.lock}"
    yield f"<span>by {text_of(against)}</span><span>{text_of(counts_of(told))}</span></p>\n"
    yield f'<dl class="facts">\n<dt>Read</dt><dd>{text_of(work_of(told))}</dd>\n</dl>\n'
    for finding in report.findings:
        if finding.severity != "info":
            yield from finding_part(finding)
    yield from infos_part(each for each in report.findings if each.severity == "info")
    yield f"<details><summary>All {len(told.files)} files</summary><ul>\n"
    for each in told.files:
        name, word, why = row_of(each)
        because = f": {text_of(why)}" if why else ""
        yield f"<li><code>{text_of(name)}</code> {text_of(word)}{because}</li>\n"
    yield "</ul></details>\n</article>\n"
