"""What is really wrong with what a library could not load: our own preflight of it, as text and as values."""

import contextlib
import os
from pathlib import Path
from typing import Final

from resolver.environment import Environment
from resolver.errors import ResolverError
from resolver.finding import Finding, NotFound, Report, TrailStep
from resolver.record import Record
from resolver.secrets import mask

ATTRIBUTE: Final = "__resolver_diagnosis__"
SAID: Final = 300


class Diagnosis(Record):
    """Why a call failed.

    Attributes:
        call: as the code names it, e.g. "AutoModel.from_pretrained".
        asked: what it was asked for, as written.
        text: the whole, for a traceback.
        not_found: why there is no directory, where there is none.
        findings: what is wrong with the directory, where there is one.
        trail: where was looked.
        says: the sentence where neither explains it.
    """

    call: str
    asked: str
    text: str
    not_found: NotFound | None = None
    findings: tuple[Finding, ...] = ()
    trail: tuple[TrailStep, ...] = ()
    says: str = ""


def diagnosis_of(error: BaseException | None) -> Diagnosis | None:
    """The diagnosis that the guard has given an error, or one that it was raised from."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        found = getattr(error, ATTRIBUTE, None)
        if isinstance(found, Diagnosis):
            return found
        error = error.__cause__ or error.__context__
    return None


def diagnose(
    call: str, asked: str, error: BaseException, *, judged: str | None = None, is_file: bool = False
) -> Diagnosis:
    """The diagnosis of a call that failed.

    Args:
        call: as the code names it.
        asked: the reference, or the path of a file.
        error: what the library raised.
        judged: the directory that the library was given in the place of `asked`; None where it was given that.
        is_file: `asked` is one file; the directory that holds it is judged.
    """
    place, asked = judged or asked, mask(asked)
    report = _report(str(Path(place).parent) if is_file and Path(place).exists() else place)
    head = f"{call}({asked!r}) failed"
    said = f"  = {type(error).__name__}: {mask(_first_line(error))}\n"
    if report.not_found is not None:
        from resolver.report.terminal import render_not_found  # noqa: PLC0415 - only where there is bad news

        told = render_not_found(report.not_found, report.trail).removeprefix("error: ")
        text = f"{head}: {told}{said}".rstrip()
        return Diagnosis(call, asked, text, not_found=report.not_found, trail=report.trail)
    if report.model.path is not None and not os.path.exists(place):  # noqa: PTH110 - any text, no path
        return _unexplained(call, asked, head, f"{_here_but(report)}; name the directory itself", report, said)
    findings = _of_call(call, _errors(report, Path(place).name if is_file else None))
    if findings:
        from resolver.report.terminal import render_findings  # noqa: PLC0415 - only where there is bad news

        text = f"{head}: {findings[0].message}\n{render_findings(findings)}{said}"
        return Diagnosis(call, asked, text.rstrip(), findings=findings, trail=report.trail)
    sentence = (
        f"the files of {report.model.path or place} are in order as far as the quick preflight can see; "
        "what the library says is the best that is known"
    )
    return _unexplained(call, asked, head, sentence, report, said)


def _report(asked: str) -> Report:
    from resolver.host import this_host  # noqa: PLC0415 - as above
    from resolver.policy import policy_of  # noqa: PLC0415
    from resolver.preflight import Question, check  # noqa: PLC0415
    from resolver.settings import load_settings  # noqa: PLC0415

    here = Environment.this()
    settings = load_settings(here, None)
    environment = here.extended(settings.roots, settings.aliases)
    question = Question(ignored=settings.ignores, policy=policy_of(settings))
    return check(asked, environment, this_host(environment), question)


def _errors(report: Report, file: str | None) -> tuple[Finding, ...]:
    """The errors; for one file that is opened by itself, what names it, and otherwise what makes weights unreadable."""
    if file is None:
        return report.errors()
    named = tuple(each for each in report.findings if each.severity != "info" and Path(each.path or "").name == file)
    return named or tuple(each for each in report.errors() if each.code[0] in "FWS")


def _of_call(call: str, errors: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The errors that can be why this call failed: a configuration opens no weights, a tokenizer no shards."""
    from resolver.rules.policy import CODES  # noqa: PLC0415 - only where there is bad news

    loads = call.partition(".")[0]
    families = "FWCTALSHRI" if loads in {"transformers", "SentenceTransformer", "CrossEncoder"} else "FWCALSHRI"
    if "Config" in loads:
        families = "FCS"
    elif "Tokenizer" in loads:
        families = "FCTS"
    return tuple(each for each in errors if each.code[0] in families or each.code in CODES)


def _unexplained(call: str, asked: str, head: str, sentence: str, report: Report, said: str) -> Diagnosis:  # noqa: PLR0917 - the parts of one text
    command = f"resolver check {report.model.path or asked} --level standard"
    text = f"{head}: {sentence}\n  = fix: ask the real loader what it makes of it\n      {command}\n{said}"
    return Diagnosis(call, asked, text.rstrip(), trail=report.trail, says=f"{sentence}\n{command}")


def _here_but(report: Report) -> str:
    model = report.model
    return (
        f"{model.reference} lies at {model.path} ({model.confidence}), and was not put in its place: {_why_not(report)}"
    )


def _why_not(report: Report) -> str:
    if report.model.confidence != "exact":
        return f"that is no exact match ({'; '.join(report.model.evidence)})"
    return "the call names a revision, subfolder, variant or cache_dir that it is not proven to be"


def attach(error: BaseException, diagnosis: Diagnosis) -> None:
    """Note a diagnosis on an error that stays itself."""
    with contextlib.suppress(AttributeError, TypeError):  # an exception without room for it still takes the note
        setattr(error, ATTRIBUTE, diagnosis)
    error.add_note(diagnosis.text)


def try_to_diagnose(
    call: str, asked: str, error: BaseException, *, judged: str | None, is_file: bool
) -> Diagnosis | str:
    """As `diagnose`; a sentence where that fails itself: the guard never hides the library's error behind its own."""
    try:
        return diagnose(call, asked, error, judged=judged, is_file=is_file)
    except (ResolverError, OSError, ValueError) as trouble:
        return f"resolver cannot say more of {asked!r}: {_first_line(trouble)}"
    except Exception as trouble:  # noqa: BLE001 - a fault of ours
        return f"resolver cannot say more of {asked!r}: {type(trouble).__name__}: {_first_line(trouble)}"


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines() or [""]
    return lines[0][:SAID]
