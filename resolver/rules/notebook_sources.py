"""N: is every model and file that the notebook reads among the sources that will be mounted?"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from resolver.catalog import family_of, hub_ids, known_places
from resolver.errors import MalformedReference
from resolver.finding import Finding, Severity
from resolver.notebook.facts import AttachedSource, Use
from resolver.notebook.reading import MODEL_ROLES
from resolver.notebook.standing import Standing, below_mount
from resolver.reference import HubId, KaggleDataset, KaggleHandle, parse_reference
from resolver.rules.notebook import (
    NotebookEvidence,
    about,
    gravest,
    gravity,
    needs_metadata,
    needs_no_network,
)
from resolver.rules.rule import Moot, Rule, rule

WEIGHTS_ROLES: Final = (*MODEL_ROLES, "weights")
# Frameworks whose variations transformers cannot open; a "pytorch" one may hold either format.
FOREIGN: Final = frozenset(
    ["keras", "tensorflow1", "tensorflow2", "tflite", "tfjs", "litert", "jax", "flax", "paxml", "maxtext", "gemmacpp",
     "gemma.cpp", "tensorrtllm", "coral", "onnx"]
)  # fmt: skip
_PUSH: Final = "kaggle kernels push -p ."


@rule(
    "N001",
    "model-not-attached",
    severity="error",
    applies=needs_metadata,
    consequence="the loader calls the path incorrect: OSError: Incorrect path_or_model_id, after the commit",
)
def model_not_attached(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A model is read that no source of the notebook mounts.

    The path can be right to the letter: it exists only where `kernel-metadata.json` lists the model and its licence
    was accepted on Kaggle with the account that pushes. Consent that was given on the hub does not count there.
    Transformers then says `OSError: Incorrect path_or_model_id`, and not a word of the licence.

    Add the handle to `model_sources` (or the dataset to `dataset_sources`) and accept the terms on the model's page.
    """
    for text, group in _by_text(evidence.in_state("missing", "unknown"), WEIGHTS_ROLES):
        if _is_absent(evidence, group):
            place = place_to_attach(group[0])
            yield from about(
                model_not_attached,
                evidence,
                (each.use.origin for each in group),
                _missing(text, place, group[0].use.resolved),
                severity=_severity(group),
                fix=_attach(place, text),
                command=None if place is None else _PUSH,
                path=text,
                call=group[0].use.call,
            )


def _is_absent(evidence: NotebookEvidence, group: list[Standing]) -> bool:
    """Whether nothing mounts a reference: by the metadata, or, without one, by this machine's own mount."""
    if evidence.metadata is not None:
        return group[0].state == "missing"
    mounted = below_mount(group[0].use.text) is not None or group[0].place is not None
    return evidence.has_mount and mounted and group[0].use.text not in evidence.present


def _missing(text: str, place: KaggleHandle | KaggleDataset | None, resolved: bool) -> str:  # noqa: FBT001 - a word
    if place is not None and place.owner is not None:
        return f"{place} is read and no source of the notebook mounts it"
    if resolved:
        return f"no source of the notebook is known to hold {text}"
    if below_mount(text) is not None:
        return f"{text} is read and no source of the notebook mounts it"
    return f"{text} is read, and neither a source mounts it nor the notebook writes it"


def place_to_attach(standing: Standing) -> KaggleHandle | KaggleDataset | None:
    """What has to be attached for a reference: as named, its owner and loadable form from the catalog."""
    reference: HubId | KaggleHandle | KaggleDataset | None = standing.place
    if reference is None and below_mount(standing.use.text) is None:
        try:
            parsed = parse_reference(standing.use.text)
        except MalformedReference:
            return None
        reference = parsed if isinstance(parsed, HubId | KaggleHandle | KaggleDataset) else None
    if reference is None:
        return None
    known = [each.handle for each in known_places(reference) if each.loadable != "no" and each.handle.owner]
    if isinstance(reference, HubId):
        return known[0] if known else None
    if isinstance(reference, KaggleDataset):
        same = [each for each in known if isinstance(each, KaggleDataset) and each.slug == reference.slug]
        return KaggleDataset(reference.owner or (same[0].owner if same else None), reference.slug)
    return _with_owner(reference, known)


def _with_owner(handle: KaggleHandle, known: Iterable[KaggleHandle | KaggleDataset]) -> KaggleHandle:
    """Under the owner whose variation of that name is known; many have copies of a model below its publisher's name."""
    owners = (each.owner for each in known if isinstance(each, KaggleHandle) and _same_variation(each, handle))
    return handle if handle.owner else handle.replaced(owner=next(owners, None))


def source_line(place: KaggleHandle | KaggleDataset) -> tuple[str, str]:
    """The key of kernel-metadata.json and the line that attaches a place; an unknown owner is written OWNER."""
    if isinstance(place, KaggleDataset):
        return "dataset_sources", f"{place.owner or 'OWNER'}/{place.slug}"
    parts = (place.owner or "OWNER", place.model, place.framework, place.variation, str(place.version or 1))
    return "model_sources", "/".join(parts)


def _attach(place: KaggleHandle | KaggleDataset | None, text: str) -> str:
    if place is None:
        return f"attach a model or dataset that holds {text}, or correct the path"
    key, line = source_line(place)
    consent = ""
    if isinstance(place, KaggleHandle):
        page = place.licence_page or "the model's page on Kaggle"
        consent = f"accept the licence at {page} (consent given elsewhere does not count), "
    return f'{consent}add "{line}" to {key} in kernel-metadata.json, then'


@rule(
    "N002",
    "hub-id-offline",
    severity="error",
    applies=needs_no_network,
    consequence="the loader asks the hub, waits, and stops: OSError: We couldn't connect to 'https://huggingface.co'",
)
def hub_id_offline(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A hub id reaches a loader while internet is off.

    A notebook that worked in the editor, where internet was on or the cache warm, dies in the rerun: the hub cannot be
    reached, and Kaggle's machine has no cache of it.

    Name the model by `resolve_model("...")`, which finds the attached copy whatever its path, or write the mount path.
    """
    for text, group in _by_text(evidence.in_state("hub"), WEIGHTS_ROLES):
        place = place_to_attach(group[0])
        name = text if place is None else str(place)
        yield from about(
            hub_id_offline,
            evidence,
            (each.use.origin for each in group),
            f"the hub id {text} reaches {group[0].use.call} while internet is off",
            severity=_severity(group),
            fix=_instead(place, name, _is_attached(evidence, place)),
            command=f'str(resolve_model("{name}"))',
            hub_id=text,
        )


def _is_attached(evidence: NotebookEvidence, place: KaggleHandle | KaggleDataset | None) -> bool:
    sources = () if evidence.metadata is None else evidence.metadata.sources
    named = [str(each.handle or each.dataset).lower().rpartition("/")[0] for each in sources]
    return place is not None and str(place).lower().rpartition("/")[0] in named


def _instead(place: KaggleHandle | KaggleDataset | None, name: str, is_attached: bool) -> str:  # noqa: FBT001 - a word
    if place is None:
        return "attach a copy of it as a model or dataset, and name it by"
    return f"put this in its place{'' if is_attached else f'; {_attach(place, name)} `{_PUSH}`'}:"


@rule(
    "N004",
    "mount-layout-differs",
    severity="error",
    applies=needs_metadata,
    consequence="the path does not exist where the notebook runs, although its source is attached",
)
def mount_layout_differs(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A path fits no form in which its attached source is mounted.

    Kaggle mounts a model at `model/framework/variation/version` or at `models/owner/model/framework/variation/version`
    below /kaggle/input, a dataset at `slug` or `datasets/owner/slug`; old and new forms mix within one session. A path
    in any of them is taken as right; this one fits none.

    Write one of the paths that are told, or let `resolve_model("the handle")` find it in each of them.
    """
    for text, group in _by_text(evidence.in_state("layout")):
        standing = group[0]
        name = standing.source.text if standing.source else text
        yield from about(
            mount_layout_differs,
            evidence,
            (each.use.origin for each in group),
            f"{text} is no path at which {name} is mounted",
            severity=_severity(group),
            fix=f"write {' or '.join(standing.will_be)}, or str(resolve_model(...)) which finds either",
            path=text,
        )


@rule(
    "N005",
    "version-differs",
    severity="warning",
    applies=needs_metadata,
    consequence="the path is not found, or holds other weights than those that were meant",
)
def version_differs(evidence: NotebookEvidence) -> Iterator[Finding]:
    """The code and the metadata name different versions of a source.

    The version is a directory of the path: with version 2 attached, `.../1` does not exist. Versions of one variation
    can differ in their files and in their format.

    Write the same version in both places.
    """
    for text, group in _by_text(evidence.in_state("version")):
        source = group[0].source
        if source is not None:
            yield from about(
                version_differs,
                evidence,
                (each.use.origin for each in group),
                f"{text} is read, and version {source.version} of it is attached",
                severity="warning" if _severity(group) == "error" else _severity(group),
                fix=f"write {' or '.join(group[0].will_be)}, or change the version of {source.text} in "
                f"{_key_of(source)}",
                attached=source.text,
            )


def _key_of(source: AttachedSource) -> str:
    return source.pointer.strip("/").partition("/")[0]


@rule(
    "N006",
    "framework-not-loadable",
    severity="error",
    consequence="transformers finds no config.json: OSError, or ValueError: Unrecognized model",
)
def framework_not_loadable(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A variation of another framework is given to a loader of transformers.

    Kaggle keeps one variation a framework: `keras`, `flax` and most `pytorch` ones of a publisher hold that
    framework's own files, without a config.json of transformers. A folder's name alone does not decide: a `pytorch`
    variation that people upload often is a transformers directory, so only what is known to be none is told.

    Attach the `transformers` variation of the same model.
    """
    for _, group in _by_text(_loaded_by_transformers(evidence)):
        place = group[0].place or (group[0].source.handle if group[0].source else None)
        if not isinstance(place, KaggleHandle):
            continue
        known = [each for each in known_places(place) if each.handle == place or _same_variation(each.handle, place)]
        is_known_bad = bool(known) and all(each.loadable == "no" for each in known)
        if place.framework in FOREIGN or is_known_bad:
            other = next(
                (str(each.handle) for each in known_places(place) if each.loadable == "yes"),
                f"{place.owner or 'OWNER'}/{place.model}/transformers/…",
            )
            yield from about(
                framework_not_loadable,
                evidence,
                (each.use.origin for each in group),
                f"{place} is a {place.framework} variation, which {group[0].use.call} cannot open",
                severity=_severity(group),
                fix=f"attach a transformers variation, e.g. {other}, and read that",
            )


def _same_variation(known: KaggleHandle | KaggleDataset, place: KaggleHandle) -> bool:
    return isinstance(known, KaggleHandle) and (known.model, known.framework, known.variation) == (
        place.model,
        place.framework,
        place.variation,
    )


def _loaded_by_transformers(evidence: NotebookEvidence) -> Iterator[Standing]:
    for each in evidence.in_state("attached", "missing", "version", "unknown"):
        owner = each.use.call.rpartition(".")[0].rpartition(".")[2]
        by_keras = "keras" in each.use.call.lower() or owner.endswith(("CausalLM", "Backbone", "Preprocessor"))
        is_auto = owner.startswith(("Auto", "Peft")) or "For" in owner or owner.endswith(("Tokenizer", "Model"))
        if each.use.role in MODEL_ROLES and each.use.call.endswith(".from_pretrained") and is_auto and not by_keras:
            yield each


@rule(
    "N010",
    "access-gated-source",
    severity="info",
    consequence="where the terms were not accepted the model is not mounted, and nothing says so",
)
def access_gated_source(evidence: NotebookEvidence) -> Iterator[Finding]:
    """An attached source needs its terms accepted.

    Kaggle mounts a gated model only for an account that has accepted its terms on the model's own page there.

    Open the page with the account that submits, and accept.
    """
    for source in () if evidence.metadata is None else evidence.metadata.sources:
        handle = source.handle
        families = [family_of(each) for each in hub_ids(handle)] if handle is not None else []
        if handle is not None and any(each is not None and each.gated for each in families):
            yield access_gated_source.finding(
                f"{source.text} is mounted only where its terms were accepted",
                path=None if evidence.metadata is None else evidence.metadata.path,
                fix=f"accept them at {handle.licence_page} with the account that submits",
            )


def _can_tell_unused(evidence: NotebookEvidence) -> str | None:
    if evidence.metadata is None:
        return Moot("there is no kernel-metadata.json beside it")
    if any(each.state == "whole" for each in evidence.standings):
        return Moot("the code looks at the whole mount folder")
    if evidence.code.dynamic or any(each.use.resolved for each in evidence.standings):
        return Moot("what the code reads is partly known only when it runs")
    return None


@rule(
    "N011",
    "source-unused",
    severity="info",
    applies=_can_tell_unused,
    consequence="the session starts later, and its accelerator's time is spent on mounting",
)
def source_unused(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A source is attached that nothing in the code reads.

    Each source is mounted before the first cell runs; one that nobody reads costs time at the start, and tells a
    reader of the notebook something that is not so. It is told only where everything that is read is known.

    Take it out of kernel-metadata.json, or name it where it is meant to be read.
    """
    used = {each.source.pointer for each in evidence.standings if each.source is not None}
    mentioned = [text.lower() for text, _ in evidence.code.mentioned]
    for source in () if evidence.metadata is None else evidence.metadata.sources:
        name = source.handle.model if source.handle else source.dataset.slug if source.dataset else source.slug or ""
        is_mentioned = any(name.lower() in text.split("/") for text in mentioned)
        if source.kind != "competition" and source.pointer not in used and not is_mentioned:
            yield source_unused.finding(
                f"{source.text} is attached and nothing reads it",
                path=None if evidence.metadata is None else evidence.metadata.path,
                fix=f"take it out of {_key_of(source)}, or read it",
            )


@rule(
    "N012",
    "input-missing",
    severity="warning",
    applies=needs_metadata,
    consequence="FileNotFoundError where it is read",
)
def input_missing(evidence: NotebookEvidence) -> Iterator[Finding]:
    """A file below the mount folder is read that no attached source provides.

    Datasets, outputs of other notebooks and the files of a competition are mounted where kernel-metadata.json lists
    them, each in a list of its own.

    Add the dataset, the notebook or the competition to its list.
    """
    for text, group in _by_text(evidence.in_state("missing", "unknown"), ("data", "wheels", "code")):
        slug, place = group[0].competition, group[0].place
        is_named = slug is not None or place is not None
        if not _is_absent(evidence, group) or not (is_named or below_mount_of(group[0].use) is not None):
            continue
        severity = _severity(group)
        yield from about(
            input_missing,
            evidence,
            (each.use.origin for each in group),
            f"{text} is read and no source of the notebook provides it",
            severity="warning" if severity == "error" else severity,
            fix=f'add "{slug}" to competition_sources in kernel-metadata.json' if slug else _provide(place),
            call=group[0].use.call,
        )


def below_mount_of(use: Use) -> tuple[str, ...] | None:
    """The parts of a reference below the mount folder, `../input` included."""
    text = use.text.replace("../input", "/kaggle/input", 1) if use.text.startswith("../input") else use.text
    return below_mount(text)


def _provide(place: KaggleHandle | KaggleDataset | None) -> str:
    if place is None:
        return "attach the source that holds it"
    if isinstance(place, KaggleHandle):
        return f'add "{source_line(place)[1]}" to model_sources in kernel-metadata.json'
    name = source_line(place)[1]
    return (
        f'add "{name}" to dataset_sources, or "{place.slug}" to competition_sources where it is a competition, '
        "in kernel-metadata.json"
    )


@rule(
    "N014",
    "reference-dynamic",
    severity="info",
    consequence="whether it will be there is not known, and unknown is never a pass",
)
def reference_dynamic(evidence: NotebookEvidence) -> Iterator[Finding]:
    """Which model is read cannot be known before running.

    The argument of a loader hangs on something that this file does not say: an environment, a file, what a function of
    a library gives. It is not guessed.

    Make it a constant, or check the model by its own name with `resolver check`.
    """
    for each in evidence.code.dynamic:
        if each.role in WEIGHTS_ROLES and each.reach not in ("guarded", "never-called"):
            yield from about(
                reference_dynamic,
                evidence,
                (each.at,),
                f"what {each.call} reads cannot be known: it hangs on {each.why}",
                severity="info",
                fix="write the path or the name as a constant, or check it by its own name: resolver check NAME",
            )


def _severity(group: list[Standing]) -> Severity | None:
    return gravest(gravity(each.use.reach, each.use.conditions) for each in group)


def _by_text(
    standings: Iterable[Standing], roles: tuple[str, ...] | None = None
) -> Iterator[tuple[str, list[Standing]]]:
    """References by their text, in the order of the code."""
    kept = [each for each in standings if roles is None or each.use.role in roles]
    order = list(dict.fromkeys(each.use.text for each in kept))
    kept.sort(key=lambda each: order.index(each.use.text))
    for text, group in groupby(kept, key=lambda each: each.use.text):
        yield text, list(group)


RULES: Final[tuple[Rule, ...]] = (
    model_not_attached,
    hub_id_offline,
    mount_layout_differs,
    version_differs,
    framework_not_loadable,
    access_gated_source,
    source_unused,
    input_missing,
    reference_dynamic,
)
