"""One self-contained page: what people attach to a ticket."""

from collections.abc import Iterator

from resolver.finding import Report
from resolver.report.blocks import Told
from resolver.report.frame import framed
from resolver.report.html_parts import finding_part, infos_part, not_found_part, number_of, text_of, trail_part
from resolver.report.summary import counts


def render(told: Told) -> str:
    """The page; ASCII, so that no reader has to guess its encoding."""
    names = ", ".join(f"{report.model.reference}: {report.verdict}" for report in told.reports)
    return framed(names or "resolver", _title(told), _articles(told))


def _title(told: Told) -> str:
    return "Model report" if told.notebook is None else "Submission runbook"


def _articles(told: Told) -> Iterator[str]:
    """One a model; a notebook's runbook first, then the models of it that are here."""
    models = told.reports
    if told.notebook is not None:
        from resolver.report.runbook import runbook  # noqa: PLC0415 - the page of one command

        yield from runbook(told.notebook, told.fix)
        models = told.reports[1:]
    words = told.verifications or (None,) * len(models)
    for report, verified in zip(models, words, strict=True):
        if verified is None:
            yield from _report(report)
            continue
        from resolver.report.verification_page import verification_article  # noqa: PLC0415 - as above

        yield from verification_article(report, verified)


def _report(report: Report) -> Iterator[str]:
    yield f"<article>\n<h2>{text_of(report.model.reference)}</h2>\n"
    if report.model.path is not None and str(report.model.path) != report.model.reference:
        yield f'<p class="path code">{text_of(report.model.path)}</p>\n'
    yield f'<p class="verdict {report.verdict}"><strong>{text_of(report.verdict)}</strong>'
    yield f"<span>to {text_of(report.purpose)} on {text_of(report.accelerator)}</span>"
    yield f"<span>{text_of(counts(report))}</span></p>\n"
    yield from _facts(report)
    if report.not_found is not None:
        yield from not_found_part(report.not_found)
    grave = [finding for finding in report.findings if finding.severity != "info"]
    for finding in sorted(grave, key=lambda each: each.severity):
        yield from finding_part(finding)
    yield from infos_part(finding for finding in report.findings if finding.severity == "info")
    yield from _unknown(report)
    yield from trail_part(report.trail)
    yield "</article>\n"


def _facts(report: Report) -> Iterator[str]:
    model, adapter = report.model, report.adapter
    versions = ", ".join(f"{name} {version}" for name, version in report.judged_with.items())
    pairs = (
        ("Found by", ", ".join(filter(None, (model.confidence, model.source)))),
        ("Hub id", model.hub_id),
        ("Kaggle", model.kaggle_handle),
        ("Revision", model.revision),
        ("Adapter", adapter and f"{adapter.reference} {adapter.path or ''}".strip()),
        ("Judged with", f"{versions} of {report.versions_from}" if versions else None),
        ("Judged", f"{len(report.run)} rules at level {report.level}" if report.run else None),
    )
    yield '<dl class="facts">\n'
    yield from (f"<dt>{name}</dt><dd>{text_of(value)}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n"


def _unknown(report: Report) -> Iterator[str]:
    unknown = [each for each in report.skipped if not each.moot]
    if unknown:
        yield f"<details><summary>{number_of(len(unknown), 'rule')} could not be judged</summary><ul>\n"
        yield from (f"<li><code>{text_of(each.code)}</code> {text_of(each.reason)}</li>\n" for each in unknown)
        yield "</ul></details>\n"
