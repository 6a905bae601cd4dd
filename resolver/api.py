"""The three functions of the library, over this process's environment and machine."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resolver.environment import Environment
from resolver.finding import LEVELS, Level, Purpose, Report
from resolver.host import Host, this_host
from resolver.inspection.describe import describe
from resolver.inspection.description import ModelDescription
from resolver.resolve import Resolution, resolve
from resolver.settings import Settings, load_settings

if TYPE_CHECKING:
    from resolver.preflight import Question

AnyReference = str | os.PathLike[str]


def resolve_model(
    reference: AnyReference,
    *,
    purpose: Purpose | None = None,
    adapter: AnyReference | None = None,
    labels: int = 3,
    head: str = "classifier",
    roots: Sequence[AnyReference] = (),
    config: Path | None = None,
) -> Resolution:
    """The local directory of a model.

    Args:
        reference: a hub id, a Kaggle handle or mount path, `package:NAME`, or a path.
        purpose: None checks what makes the bytes unusable anywhere; "load", "score" or "train" asks for the whole
            preflight for that purpose, and its report is on the result.
        adapter: as in `check_model`; only with a purpose, like the next two.
        labels: as in `check_model`.
        head: as in `check_model`.
        roots: further directories to search.
        config: a resolver.toml.

    Returns:
        A `Resolution`: an os.PathLike whose str() is the path, with source, confidence, evidence and trail.

    Raises:
        MalformedReference: the text is no reference (a ValueError).
        ModelNotFound: no directory answers (a FileNotFoundError), with the trail; AmbiguousModel: several do.
        ModelRejected: what was found cannot be used (an OSError), with the report.
        ConfigurationError: resolver.toml cannot be used (a ValueError).
    """
    text = os.fspath(reference)
    environment, settings, host = _surroundings(roots, config)
    if purpose is None:
        return resolve(text, environment, host, minimum_confidence=settings.minimum_confidence)
    from resolver.preflight import vet  # noqa: PLC0415 - the whole rule book, only where it is asked for

    overlay = None if adapter is None else os.fspath(adapter)
    question = _question(settings, purpose=purpose, adapter=overlay, labels=labels, head=head)
    return vet(text, environment, host, question)


def check_model(
    reference: AnyReference,
    *,
    purpose: Purpose = "load",
    level: Level = "quick",
    accelerator: str = "host",
    environment: AnyReference | None = None,
    adapter: AnyReference | None = None,
    labels: int = 3,
    head: str = "classifier",
    roots: Sequence[AnyReference] = (),
    config: Path | None = None,
    ignore: Mapping[str, str] | None = None,
) -> Report:
    """The preflight of a model; never raises for a bad one.

    Args:
        reference: as in `resolve_model`.
        purpose: what it is wanted for; severity follows it.
        level: "quick" (stat, small files, headers), "standard" (the real loader, tokenizer and chat template too,
            without data, in child processes) or "deep" (values and hashes too).
        accelerator: the profile that is judged for; "host" is this machine.
        environment: a file that `resolver doctor --format json` wrote on the machine that is judged for.
        adapter: an adapter that is laid over the model, as a reference.
        labels: classes that the head has to have, for purpose "score".
        head: "classifier", or "tokens" for the letters' logits of a causal model.
        roots: further directories to search.
        config: a resolver.toml.
        ignore: rule code -> the reason why it is not judged.

    Returns:
        A `Report`; its verdict is "usable", "unusable" (exactly when there is an error) or "not-found".

    Raises:
        MalformedReference: the text is no reference.
        ConfigurationError: a resolver.toml or a recorded environment that cannot be used (a ValueError).
        ValueError: a level or an accelerator that is not known here.
    """
    from resolver.preflight import check  # noqa: PLC0415 - the whole rule book, only where it is asked for

    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not known; known are {', '.join(LEVELS)}")
    if accelerator != "host":
        raise ValueError(f"accelerator {accelerator!r} is not known; known is host")
    here, settings, host = _surroundings(roots, config)
    if environment is not None:
        from resolver.recorded import read_machine  # noqa: PLC0415 - only where another machine is judged for

        host = read_machine(here.expand(os.fspath(environment))).replaced(source=os.fspath(environment))
    overlay = None if adapter is None else os.fspath(adapter)
    question = _question(settings, purpose=purpose, adapter=overlay, labels=labels, head=head)
    ignored = {**settings.ignores, **(ignore or {})}
    return check(os.fspath(reference), here, host, question.replaced(level=level, ignored=ignored))


def describe_model(reference: AnyReference, *, roots: Sequence[AnyReference] = ()) -> ModelDescription:
    """Everything that can be read of a model at the quick level, judged by nobody.

    Raises:
        MalformedReference, ModelNotFound, ModelRejected: as `resolve_model`; a directory that exists is described
            whatever is in it.
    """
    text = os.fspath(reference)
    environment, settings, host = _surroundings(roots, None)
    path = environment.expand(text)
    if path.is_dir():
        return describe(path)
    return describe(resolve(text, environment, host, minimum_confidence=settings.minimum_confidence).path)


def _surroundings(roots: Sequence[AnyReference], config: Path | None) -> tuple[Environment, Settings, Host]:
    here = Environment.this()
    settings = load_settings(here, config)
    given = tuple(here.expand(os.fspath(root)) for root in roots)
    environment = here.extended((*given, *settings.roots), settings.aliases)
    return environment, settings, this_host(environment)


def _question(settings: Settings, *, purpose: Purpose, adapter: str | None, labels: int, head: str) -> "Question":
    from resolver.preflight import Question  # noqa: PLC0415 - as above

    return Question(
        purpose=purpose,
        adapter=adapter,
        labels=labels,
        head=head,
        ignored=settings.ignores,
        minimum_confidence=settings.minimum_confidence,
    )
