"""The parts of a page that tell one finding, one absence, one trail; everything escaped, no style."""

from collections.abc import Iterable, Iterator
from html import escape as marked_up

from resolver.finding import Finding, Fix, NotFound, TrailStep
from resolver.report.escape import escape
from resolver.report.evidence import evidence_in_words


def text_of(text: object) -> str:
    """Text of anybody's, harmless and without mark-up."""
    return marked_up(escape(text))


def finding_part(finding: Finding) -> Iterator[str]:
    """One finding as a section: where, evidence, consequence, fix."""
    yield f'<section class="{finding.severity}">\n{title_part(finding)}<dl>\n'
    pairs = (("Where", _place(finding)), ("Evidence", text_of(evidence_in_words(finding.evidence))),
             ("Consequence", text_of(finding.consequence)), ("Fix", _fix(finding.fix)))  # fmt: skip
    yield from (f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n</section>\n"


def title_part(finding: Finding) -> str:
    """The heading of a finding: its code, what is wrong, the name of its rule."""
    tag = f'<span class="code tag">{text_of(finding.code)}</span>'
    rule = f'<span class="rule">{text_of(finding.name)}, {finding.severity}</span>'
    return f"<h3>{tag}{text_of(finding.message)} {rule}</h3>\n"


def _place(finding: Finding) -> str:
    if finding.path is None:
        return ""
    place = finding.place
    cell = f" cell {place.cell}" if place is not None and place.cell is not None else ""
    line = f":{place.line}" if place is not None and place.line is not None else ""
    pointer = f" at <code>{text_of(place.pointer)}</code>" if place is not None and place.pointer else ""
    return f"<code>{text_of(finding.path)}{cell}{line}</code>{pointer}"


def _fix(fix: Fix) -> str:
    command = f"<pre>{_command(fix.command)}</pre>" if fix.command else ""
    return f"{text_of(fix.text)}{command}"


def _command(command: str) -> str:
    return "\n".join(map(text_of, command.splitlines()))


def infos_part(findings: Iterable[Finding]) -> Iterator[str]:
    """What is worth knowing, each with its fix alone."""
    infos = list(findings)
    if infos:
        yield '<div class="infos">\n'
        for finding in infos:
            fix = f'<div class="fix">{_fix(finding.fix)}</div>'
            yield f'<section class="info">\n{title_part(finding)}{fix}\n</section>\n'
        yield "</div>\n"


def not_found_part(lost: NotFound) -> Iterator[str]:
    """Why there is no directory, as a section."""
    yield f'<section class="error">\n<h3>{text_of(lost.message)}</h3>\n<dl>\n'
    looked = "<br>".join(map(text_of, lost.evidence))
    pairs = (("Evidence", looked), ("Consequence", text_of(lost.consequence)), ("Fix", _fix(lost.fix)))
    yield from (f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in pairs if value)
    yield "</dl>\n</section>\n"


def number_of(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def trail_part(steps: tuple[TrailStep, ...]) -> Iterator[str]:
    """Where was looked, folded away."""
    if steps:
        yield f"<details><summary>Where was looked: {number_of(len(steps), 'place')}</summary><ul>\n"
        for step in steps:
            where = f"{text_of(step.source)}: <code>{text_of(step.where)}</code>"
            yield f"<li>{where} {step.outcome}, {text_of(step.reason)}</li>\n"
        yield "</ul></details>\n"
