"""Read a notebook and its metadata, judge both, and check the models that it names and this machine has.

The report of the notebook stands first; each model that was found here has one of its own, for the accelerator that
the metadata asks for and with the versions of its image.
"""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.accelerators import host_for, of_kernel, profile_of
from resolver.environment import Environment
from resolver.errors import MalformedReference, ModelNotFound
from resolver.finding import Identity, Report
from resolver.host import HOST, Host
from resolver.images import known_dates
from resolver.notebook.facts import Code, Metadata, Use
from resolver.notebook.here import present
from resolver.notebook.metadata import find_metadata, read_metadata
from resolver.notebook.read import read_code
from resolver.notebook.reading import MODEL_ROLES
from resolver.notebook.standing import Standing, standings
from resolver.policy import ANYTHING, Policy
from resolver.preflight import Question, check
from resolver.record import Record, field
from resolver.resolve import choose
from resolver.rules.judge import judge
from resolver.rules.notebook import NotebookEvidence
from resolver.rules.notebook_sources import place_to_attach
from resolver.rules.rulebook import NOTEBOOK_RULES

if TYPE_CHECKING:
    from resolver.accelerators import Profile

# Arguments of a loader that make a model smaller, or lay it over several devices.
SPREAD: Final = frozenset(
    ["device_map", "quantization_config", "load_in_8bit", "load_in_4bit", "max_memory", "tp_plan", "quantization",
     "tensor_parallel_size", "gpu_memory_utilization", "cpu_offload_gb"]
)  # fmt: skip
MAX_MODELS: Final = 8  # of one notebook that are checked; each takes its own preflight


class NotebookQuestion(Record):
    """What `resolver notebook` is asked besides the file.

    Attributes:
        metadata: the kernel-metadata.json; None for the one beside the file.
        select: beginnings of the codes that are judged; empty for all.
        ignored: code -> reason.
        profiles: accelerators of the settings.
        policy: what may be loaded at all.
    """

    metadata: Path | None = None
    select: tuple[str, ...] = ()
    ignored: Mapping[str, str] = field(default_factory=dict)
    profiles: "Mapping[str, Profile]" = field(default_factory=dict)
    policy: Policy = ANYTHING


class NotebookReport(Record):
    """What a notebook came to.

    Attributes:
        report: its own findings; `report.model` names the file.
        code, metadata: what was read; metadata is None where there is none.
        references: every reference of the code and what it will meet, in the order of the code.
        models: the reports of the models that this machine has, by the text of the reference.
    """

    report: Report
    code: Code
    metadata: Metadata | None
    references: tuple[Standing, ...]
    models: Mapping[str, Report] = field(default_factory=dict)


def check_notebook(
    path: Path, environment: Environment, host: Host, question: NotebookQuestion | None = None
) -> NotebookReport:
    """The preflight of one notebook or script; never raises for a bad one.

    Args:
        path: an .ipynb, or a .py in plain or percent form.
        environment: this machine.
        host: its versions and devices; a metadata that names an accelerator of Kaggle's is judged for that one.
        question: all else.
    """
    asked = question or NotebookQuestion()
    started = time.perf_counter()
    code = read_code(path)
    beside = asked.metadata or find_metadata(path)
    metadata = None if beside is None else read_metadata(beside)
    name = _accelerator(metadata)
    judged_for = host if name is None else _kaggle_host(host, name, asked.profiles)
    found = standings(code, metadata)
    evidence = NotebookEvidence(
        code=code,
        metadata=metadata,
        standings=found,
        devices=None if name is None else profile_of(name, asked.profiles).devices,
        accelerator=name or HOST,
        present=present(code, environment.kaggle_mount),
        has_mount=environment.kaggle_mount.is_dir(),
    )
    wanted = tuple(prefix.upper() for prefix in asked.select)
    rules = [rule for rule in NOTEBOOK_RULES if not wanted or rule.code.startswith(wanted)]
    judged = judge(evidence, rules, asked.ignored)
    report = Report(
        level="quick",
        purpose="load",
        accelerator=judged_for.accelerator,
        judged_with=judged_for.judged_with(),
        versions_from=judged_for.source,
        model=Identity(reference=str(path)),
        verdict="unusable" if any(each.severity == "error" for each in judged.findings) else "usable",
        findings=judged.findings,
        run=judged.run,
        skipped=judged.skipped,
        elapsed_ms=(time.perf_counter() - started) * 1000,
    )
    models = dict(_models(found, environment, judged_for, asked))
    return NotebookReport(report, code, metadata, found, models)


def _kaggle_host(host: Host, name: str, profiles: "Mapping[str, Profile]") -> Host:
    """The machine that the metadata asks for; without an accelerator it runs Kaggle's image all the same."""
    image = None if profile_of(name, profiles).image else known_dates("GPU")[-1]
    return host_for(host, name, profiles, image)


def _accelerator(metadata: Metadata | None) -> str | None:
    if metadata is None:
        return None
    return of_kernel(metadata.machine_shape, gpu=metadata.gpu, tpu=metadata.tpu)


def _models(
    found: tuple[Standing, ...], environment: Environment, host: Host, asked: NotebookQuestion
) -> Iterator[tuple[str, Report]]:
    """The reports of the models that the notebook reads and this machine has, each directory once."""
    here: dict[Path, list[tuple[str, Standing]]] = {}
    for standing in found:
        use = standing.use
        if use.role not in MODEL_ROLES or standing.state in ("made", "dormant", "whole") or use.reach == "guarded":
            continue
        place = place_to_attach(standing)
        for text in (use.text, *(() if place is None else (str(place),))):
            path = _lies_at(text, environment, host, asked.policy)
            if path is not None:
                here.setdefault(path, []).append((text, standing))
                break
    for named in list(here.values())[:MAX_MODELS]:
        text, standing = named[0]
        yield standing.use.text, check(text, environment, host, _question([each.use for _, each in named], asked))


def _question(uses: list[Use], asked: NotebookQuestion) -> Question:
    """What a model is asked, given how the notebook reads it: whole, or its tokenizer alone; spread, or quantised."""
    loads = [use for use in uses if use.role != "tokenizer"]
    ignored = dict(asked.ignored)
    if any(set(use.keywords) & SPREAD for use in loads):
        ignored |= dict.fromkeys(("H701", "H702"), "the call says how the model is spread or quantised")
    dtypes = {use.dtype for use in loads}
    return Question(
        select=asked.select or (() if loads else ("T",)),
        ignored=ignored,
        dtype=dtypes.pop() if len(dtypes) == 1 else None,
        policy=asked.policy,
    )


def _lies_at(text: str, environment: Environment, host: Host, policy: Policy) -> Path | None:
    try:
        return choose(text, environment, host, policy).identity.path
    except (MalformedReference, ModelNotFound):
        return None
