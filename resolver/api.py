"""The three functions of the library, over this process's environment and machine."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from resolver.environment import Environment
from resolver.finding import LEVELS, Level, Purpose, Report
from resolver.host import HOST, Host, this_host
from resolver.inspection.describe import describe
from resolver.inspection.description import ModelDescription
from resolver.policy import policy_of
from resolver.resolve import Resolution, resolve
from resolver.settings import Settings, load_settings

if TYPE_CHECKING:
    from resolver.preflight import Question

AnyReference = str | os.PathLike[str]


def resolve_model(
    reference: AnyReference,
    *,
    purpose: Purpose | None = None,
    accelerator: str | None = None,
    image: str | None = None,
    environment: AnyReference | None = None,
    adapter: AnyReference | None = None,
    labels: int = 3,
    head: str = "classifier",
    max_length: int | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    quantize: str | None = None,
    roots: Sequence[AnyReference] = (),
    config: Path | None = None,
) -> Resolution:
    """The local directory of a model.

    Args:
        reference: a hub id, a Kaggle handle or mount path, `package:NAME`, or a path.
        purpose: None checks what makes the bytes unusable anywhere; "load", "score" or "train" asks for the whole
            preflight for that purpose, and its report is on the result.
        accelerator: as in `check_model`; only with a purpose, like the next nine.
        image: as in `check_model`.
        environment: as in `check_model`.
        adapter: as in `check_model`.
        labels: as in `check_model`.
        head: as in `check_model`.
        max_length: as in `check_model`.
        batch_size: as in `check_model`.
        dtype: as in `check_model`.
        quantize: as in `check_model`.
        roots: further directories to search.
        config: a resolver.toml.

    Returns:
        A `Resolution`: an os.PathLike whose str() is the path, with source, confidence, evidence and trail.

    Raises:
        MalformedReference: the text is no reference (a ValueError).
        ModelNotFound: no directory answers (a FileNotFoundError), with the trail; AmbiguousModel: several do.
        ModelRejected: what was found cannot be used, or the policy forbids it (an OSError), with the report.
        ConfigurationError: resolver.toml cannot be used (a ValueError).
    """
    text = os.fspath(reference)
    here, settings, host = _surroundings(roots, config)
    if purpose is None:
        return resolve(text, here, host, policy_of(settings))
    from resolver.preflight import Question, vet  # noqa: PLC0415 - the whole rule book, only where it is asked for

    question = Question(
        purpose=purpose,
        adapter=None if adapter is None else os.fspath(adapter),
        labels=labels,
        head=head,
        max_length=max_length,
        batch_size=batch_size,
        dtype=dtype,
        quantize=quantize,
        ignored=settings.ignores,
        policy=policy_of(settings),
    )
    judged_for = _target(here, host, settings, accelerator=accelerator, image=image, recorded=environment)
    return vet(text, here, judged_for, _sane(question))


def check_model(
    reference: AnyReference,
    *,
    purpose: Purpose = "load",
    level: Level = "quick",
    accelerator: str | None = None,
    image: str | None = None,
    environment: AnyReference | None = None,
    adapter: AnyReference | None = None,
    labels: int = 3,
    head: str = "classifier",
    max_length: int | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    quantize: str | None = None,
    roots: Sequence[AnyReference] = (),
    config: Path | None = None,
    select: Sequence[str] = (),
    ignore: Mapping[str, str] | None = None,
) -> Report:
    """The preflight of a model; never raises for a bad one.

    Args:
        reference: as in `resolve_model`.
        purpose: what it is wanted for; severity follows it.
        level: "quick" (stat, small files, headers), "standard" (the real loader, tokenizer and chat template too,
            without data, in child processes) or "deep" (values and hashes too).
        accelerator: the profile that is judged for; "host" is this machine; None for what the settings say.
        image: the day of the Kaggle image whose versions are judged with; None for the newest.
        environment: a file that `resolver doctor --format json` wrote on the machine that is judged for.
        adapter: an adapter that is laid over the model, as a reference.
        labels: classes that the head has to have, for purpose "score".
        head: "classifier", or "tokens" for the letters' logits of a causal model.
        max_length: tokens a row, for the memory that it takes; None judges a short row.
        batch_size: rows a batch, as above; None judges one.
        dtype: "float16", "bfloat16" or "float32"; None for what the files say.
        quantize: "int8", "int4" or "fp8" where the loader makes the weights so, as `arena score --quantize` does;
            None for as they are stored.
        roots: further directories to search.
        config: a resolver.toml.
        select: beginnings of the codes that are judged, e.g. ("I901",); () for all.
        ignore: rule code -> the reason why it is not judged.

    Returns:
        A `Report`; its verdict is "usable", "unusable" (exactly when there is an error) or "not-found".

    Raises:
        MalformedReference: the text is no reference.
        ConfigurationError: a resolver.toml or a recorded environment that cannot be used, an accelerator or the day
            of an image that is not known (a ValueError).
        ValueError: a level, a dtype or a quantisation that is not known, or a number below 1.
    """
    from resolver.preflight import Question, check  # noqa: PLC0415 - the whole rule book, only where it is asked for

    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not known; known are {', '.join(LEVELS)}")
    here, settings, host = _surroundings(roots, config)
    question = Question(
        purpose=purpose,
        level=level,
        adapter=None if adapter is None else os.fspath(adapter),
        labels=labels,
        head=head,
        max_length=max_length,
        batch_size=batch_size,
        dtype=dtype,
        quantize=quantize,
        select=tuple(select),
        ignored={**settings.ignores, **(ignore or {})},
        policy=policy_of(settings),
    )
    judged_for = _target(here, host, settings, accelerator=accelerator, image=image, recorded=environment)
    return check(os.fspath(reference), here, judged_for, _sane(question))


def describe_model(reference: AnyReference, *, roots: Sequence[AnyReference] = ()) -> ModelDescription:
    """Everything that can be read of a model at the quick level, judged by nobody.

    Raises:
        MalformedReference, ModelNotFound, ModelRejected, ConfigurationError: as `resolve_model`; a directory that
            exists is described whatever is in it.
    """
    text = os.fspath(reference)
    environment, settings, host = _surroundings(roots, None)
    path = environment.expand(text)
    if path.is_dir():
        return describe(path)
    return describe(resolve(text, environment, host, policy_of(settings)).path)


def _surroundings(roots: Sequence[AnyReference], config: Path | None) -> tuple[Environment, Settings, Host]:
    here = Environment.this()
    settings = load_settings(here, config)
    given = tuple(here.expand(os.fspath(root)) for root in roots)
    environment = here.extended((*given, *settings.roots), settings.aliases)
    return environment, settings, this_host(environment)


def _target(
    here: Environment,
    host: Host,
    settings: Settings,
    *,
    accelerator: str | None,
    image: str | None,
    recorded: AnyReference | None,
) -> Host:
    name = accelerator or settings.accelerator
    if name == HOST and image is None and recorded is None:
        return host
    from resolver.target import target_host  # noqa: PLC0415 - only where another machine is judged for

    told = None if recorded is None else os.fspath(recorded)
    file = None if told is None else here.expand(told)
    return target_host(host, name, settings.accelerators, image=image, recorded=file, told=told)


def _sane(question: "Question") -> "Question":
    from resolver.preflight import DTYPES, QUANTIZE  # noqa: PLC0415 - as above

    for name, word, known in (("dtype", question.dtype, DTYPES), ("quantize", question.quantize, QUANTIZE)):
        if word is not None and word not in known:
            raise ValueError(f"{name} {word!r} is not known; known are {', '.join(known)}")
    for name, value in (("max_length", question.max_length), ("batch_size", question.batch_size)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; it counts from 1 on")
    return question
