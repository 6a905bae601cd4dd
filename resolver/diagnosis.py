"""Why a reference has no directory, in words: what is missing, where it was looked for, and what to do about it.

A judgement of the trail alone; nothing here looks at a disk.
"""

from resolver.catalog import family_of, known_places, spelled_like
from resolver.environment import Environment
from resolver.finding import Fix, Identity, NotFound, TrailStep
from resolver.policy import ANYTHING, Policy
from resolver.reference import HubId, KaggleDataset, KaggleHandle, LocalPath, PackageRef, Reference
from resolver.sources.source import asked_place

CONSEQUENCE = "no path to return; a loader given this text would try the network or call the path incorrect"
MAX_SHOWN = 20


def not_found(text: str, reference: Reference, trail: tuple[TrailStep, ...], environment: Environment) -> NotFound:
    """The diagnosis where nothing at all answers."""
    place = _kaggle_place(reference, environment)
    near = tuple(f"near: {step.where} {step.reason}" for step in trail if step.outcome == "near")
    sources = tuple(dict.fromkeys(step.source for step in trail))
    known = _known_as(reference, place)
    asked = f"{len(sources)} {'source' if len(sources) == 1 else 'sources'} asked"
    evidence = (f"{asked}; {known}" if known else asked, *near)
    odd = next((step.reason for step in trail if step.source == "path" and not step.reason.startswith("absent")), None)
    if isinstance(reference, HubId) and odd is None and not _has_mount(trail, environment):
        return NotFound(f"{text} is not on this machine", evidence, CONSEQUENCE, _bring(reference, place))
    message = f"{text} is {odd}" if odd else _message(text, reference, place)
    return NotFound(message, evidence, CONSEQUENCE, _fix(text, reference, place))


def ambiguous(text: str, candidates: tuple[Identity, ...], policy: Policy = ANYTHING) -> NotFound:
    """The diagnosis where several directories answer equally well, or only by their name."""
    guesses = all(each.confidence == "guess" for each in candidates)
    count = len(candidates)
    if guesses:
        places = "a directory" if count == 1 else f"{count} directories"
        message = f"{text} is only guessed: {places} may be it, and nothing but a name says so"
    elif count == 1:
        message = f"{text} is {candidates[0].confidence} only, less than minimum_confidence of {policy.where} allows"
    else:
        message = f"{text} is ambiguous: {count} different directories answer to it equally well"
    shown = tuple(f"{each.path} ({each.confidence}: {'; '.join(each.evidence)})" for each in candidates[:MAX_SHOWN])
    return NotFound(
        message,
        shown,
        "no path to return: a wrong model would score without an error",
        Fix(
            "name the directory itself, or say once which one is meant: in resolver.toml, [aliases], "
            f'"{text}" = "{candidates[0].path}"',
            f"resolver path {_quoted(str(candidates[0].path))}",
        ),
        ambiguous=True,
    )


def _has_mount(trail: tuple[TrailStep, ...], environment: Environment) -> bool:
    """Whether this is a Kaggle notebook: its variable is set, or its mount folder was there to be searched."""
    mount = str(environment.kaggle_mount)
    return environment.on_kaggle or not any(step.outcome == "absent" and step.where == mount for step in trail)


def _bring(reference: HubId, place: KaggleHandle | KaggleDataset | None) -> Fix:
    """What to do away from Kaggle; the handle is said as well, for what runs there."""
    fetch = _download(reference)
    return fetch if place is None else Fix(f"{fetch.text}; on Kaggle attach {place}", fetch.command)


def _message(text: str, reference: Reference, place: KaggleHandle | KaggleDataset | None) -> str:
    if isinstance(reference, PackageRef):
        return f"{text} is not installed, or carries no model"
    if isinstance(reference, LocalPath) and place is None:
        return f"{text} does not exist"
    if isinstance(reference, LocalPath):
        return f"{text} does not exist: {place} is not attached to this notebook"
    if place is not None:
        return f"{text} is not attached to this notebook, nor in any cache"
    return f"{text} is not on this machine"


def _known_as(reference: Reference, place: KaggleHandle | KaggleDataset | None) -> str | None:
    if isinstance(reference, HubId):
        if place is not None:
            return f"the catalog knows it on Kaggle as {place}"
        like = spelled_like(reference.repo_id)
        return f"did you mean {' or '.join(like)}?" if like else None
    if place is None:
        return None
    return f"the path stands for {place}" if isinstance(reference, LocalPath) else None


def _kaggle_place(reference: Reference, environment: Environment) -> KaggleHandle | KaggleDataset | None:
    """What has to be attached on Kaggle: the publisher's own loadable model first."""
    if isinstance(reference, LocalPath):
        reference = asked_place(reference, environment) or reference
    known = [each for each in known_places(reference) if each.loadable != "no"]
    official = next((each.handle for each in known if each.official), None)
    if isinstance(reference, KaggleHandle | KaggleDataset):
        return reference if reference.owner or official is None else _with_owner(reference, official)
    return official or next((each.handle for each in known if each.handle.owner), None)


def _with_owner(
    asked: KaggleHandle | KaggleDataset, official: KaggleHandle | KaggleDataset
) -> KaggleHandle | KaggleDataset:
    """The handle of a mount path, which does not show its owner, completed from the catalog."""
    if isinstance(asked, KaggleHandle) and isinstance(official, KaggleHandle) and asked.model == official.model:
        return KaggleHandle(official.owner, asked.model, asked.framework, asked.variation, asked.version)
    return asked


def _fix(text: str, reference: Reference, place: KaggleHandle | KaggleDataset | None) -> Fix:
    if isinstance(reference, PackageRef):
        return Fix("install it where there is a network, or attach its wheel", f"pip install {reference.distribution}")
    if isinstance(place, KaggleHandle):
        return _attach_model(place)
    if isinstance(place, KaggleDataset):
        name = f"{place.owner}/{place.slug}" if place.owner else f"OWNER/{place.slug}"
        return Fix(f'add "{name}" to dataset_sources in kernel-metadata.json, then', "kaggle kernels push -p .")
    if isinstance(reference, HubId):
        return _download(reference)
    return Fix(f"name a directory that exists; `resolver list` shows every model on this machine ({text} is none)")


def _attach_model(handle: KaggleHandle) -> Fix:
    version = handle.version or 1
    full = f"{handle.owner or 'OWNER'}/{handle.model}/{handle.framework}/{handle.variation}/{version}"
    consent = (
        f"accept the licence at {handle.licence_page} (consent given elsewhere does not count), "
        if handle.licence_page
        else "accept the model's licence on its Kaggle page (consent given elsewhere does not count), "
    )
    return Fix(f'{consent}add "{full}" to model_sources in kernel-metadata.json, then', "kaggle kernels push -p .")


def _download(reference: HubId) -> Fix:
    family = family_of(reference.repo_id)
    gate = f"accept its terms at https://huggingface.co/{reference.repo_id}, then " if family and family.gated else ""
    revision = f" --revision {reference.revision}" if reference.revision else ""
    command = f"hf download {reference.repo_id}{revision} --local-dir {reference.name}"
    return Fix(
        f"{gate}fetch it where there is a network, bring the directory here and name it (or its --root)", command
    )


def _quoted(text: str) -> str:
    import shlex  # noqa: PLC0415 - only in a message

    return shlex.quote(text)
