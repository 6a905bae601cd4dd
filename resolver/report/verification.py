"""What `verify` and `lock` tell on a terminal: findings, the word of each directory, its files that are not proven."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from resolver.report.escape import escape
from resolver.report.lines import Line, Part, Style, coloured, line, plain
from resolver.report.tables import table
from resolver.report.terminal import finding_lines, info_lines, render
from resolver.rules.words import size

if TYPE_CHECKING:
    from resolver.finding import Report
    from resolver.integrity.verdicts import FileVerdict, Verification, Word
    from resolver.locking import Written

SHOWN: Final = 40
# In the order in which they are counted; the words of facts, which are not merged.
WORDS: Final[tuple["Word", ...]] = (
    "verified", "consistent", "corrupt", "missing", "extra", "unverifiable", "not-checked",
)  # fmt: skip


def render_verifications(
    told: "Sequence[tuple[Report, Verification | None]]", *, colour: bool = False, place: str | None = None
) -> str:
    """All directories, one after the other.

    Args:
        told: a report each, and the words of its files; None where there is no directory.
        colour: write the terminal's colours.
        place: where the lock or the reference was written.
    """
    parts = [
        render((report,), colour=colour, places=() if place is None else (place,))
        if words is None
        else (coloured if colour else plain)(list(_verification(report, words)))
        for report, words in told
    ]
    return "\n".join(parts)


def _verification(report: "Report", told: "Verification") -> Iterator[Line]:
    for finding in report.findings:
        if finding.severity != "info":
            yield from (*finding_lines(finding), ())
    yield from info_lines(report.findings)
    unproven = [each for each in told.files if each.verdict not in {"verified", "consistent"} and each.matters]
    if unproven:
        yield from (*table(("FILE", "VERDICT", "WHY"), [row_of(each) for each in unproven[:SHOWN]]), ())
    if len(unproven) > SHOWN:
        yield from (line(f"and {len(unproven) - SHOWN} more; --format json lists them all"), ())
    style: Style = "good" if told.verdict in {"verified", "consistent"} else "error"
    against = "what is on record beside it" if told.lock is None else f"the lock {escape(told.lock)}"
    path = "" if str(told.root) == told.reference else f" {escape(told.root)}"
    yield line(Part(told.verdict, style), ": ", Part(escape(told.reference), "label"), f"{path}, by {against}")
    yield line(f"  {counts_of(told)}; {work_of(told)}")


def row_of(file: "FileVerdict") -> tuple[str, str, str]:
    """A file, its word, and why."""
    why = file.reason
    if not why and file.expected is not None and file.actual is not None:
        why = f"{file.compared} {file.actual} instead of {file.expected}"
    return file.name, file.verdict, why


def counts_of(told: "Verification") -> str:
    """How many files came to which word.

    Files that a download left out on purpose are no loss, and are counted apart.
    """
    left_out = sum(1 for each in told.files if each.verdict == "missing" and not each.matters)
    counts = {word: told.count(word) - (left_out if word == "missing" else 0) for word in WORDS}
    known = [f"{count} {word}" for word, count in counts.items() if count]
    if left_out:
        known.append(f"{left_out} on the list and left out")
    return ", ".join(known) or "no file"


def work_of(told: "Verification") -> str:
    """What was read, and how fast."""
    took = f"{told.elapsed_s * 1000:.0f} ms" if told.elapsed_s < 1 else f"{told.elapsed_s:.1f} s"
    if told.only_size:
        return f"sizes and headers alone, no file was read; {took}"
    rate = f", {size(told.read_bytes / told.elapsed_s)}/s" if told.elapsed_s >= 1 else ""
    resumed = f", {size(told.resumed_bytes)} by the run that was interrupted" if told.resumed_bytes else ""
    return f"{size(told.read_bytes)} read{resumed}; {took}{rate}"


def verification_line(report: "Report", told: "Verification | None") -> str:
    """The word, the model and the counts alone, for a stream that does not carry the report."""
    if told is None:
        return f"not-found: {escape(report.model.reference)}"
    path = "" if str(told.root) == told.reference else f" {escape(told.root)}"
    return f"{told.verdict}: {escape(told.reference)}{path} ({counts_of(told)})"


def render_lock(told: "Written") -> str:
    """What was written."""
    models = told.lock.models
    count = sum(len(each.files) for each in models)
    whole = size(sum(each.size_bytes for each in models))
    lines = [line(Part("locked", "good"), ": ", Part(escape(told.path), "label"))]
    named = f"{len(models)} model{'' if len(models) == 1 else 's'}, {count} file{'' if count == 1 else 's'}, {whole}"
    lines.append(line(f"  {named}"))
    for each in models:
        source = " ".join(filter(None, (each.source.kind, each.source.id, each.source.revision)))
        lines.append(line(f"  {escape(each.reference)}: {escape(source)}, tree sha256 {each.tree_sha256}"))
    if told.statement is not None:
        lines.append(line(f"  statement, not signed: {escape(told.statement)}"))
    return plain(lines)
