"""May this account have this model: on the hub, on Kaggle, or on both, as far as the catalog knows both names.

Reads as one sentence: targets of a reference, asked side by side, each answer told with what to do about it.
"""

from collections.abc import Callable
from typing import Final

from resolver import catalog
from resolver.environment import Environment
from resolver.errors import MalformedReference
from resolver.online.advice import site_access
from resolver.online.answers import NAMES, SITES, AccessReport, Answer, Site
from resolver.online.children import ask_sites
from resolver.reference import (
    HubId,
    KaggleDataset,
    KaggleHandle,
    LocalPath,
    PackageRef,
    Reference,
    mounted_name,
    parse_reference,
)

CALL_S: Final = 10
PUBLISHERS: Final = {
    "meta-llama": "Meta (https://www.llama.com/llama-downloads)",
    "google": "Google (https://ai.google.dev/gemma/terms)",
    "mistralai": "Mistral AI (https://mistral.ai)",
}
OFFLINE: Final = "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set: the client asks nobody"


def ask_access(
    text: str,
    environment: Environment,
    *,
    sites: tuple[Site, ...] = SITES,
    seconds: float = CALL_S,
    waiting: Callable[[], None] = lambda: None,
) -> AccessReport:
    """Ask the sites about one model.

    Args:
        text: a hub id, a Kaggle handle, the URL of either, or a mount path.
        environment: aliases, mounts, and where the clients are installed; they read their own variables.
        sites: which are asked.
        seconds: the most that one call may take.
        waiting: called again and again while answers are awaited.

    Raises:
        MalformedReference: the text is no reference, or none that a site knows.
        NotInstalled: the clients are missing.
    """
    reference = named_reference(text, environment)
    targets = [each for each in targets_of(reference) if each.site in sites]
    if not targets:
        named = " or ".join(NAMES[each] for each in sites)
        raise MalformedReference(f"{reference} has no name on {named} that is known here; write the one it has there")
    silent = environment.is_offline_set
    open_targets = [each for each in targets if not (silent and each.site == "huggingface")]
    found = {each.site: each for each in ask_sites(open_targets, environment, seconds, waiting)}
    answers = [found.get(each.site, each.replaced(host="huggingface.co", trouble=OFFLINE)) for each in targets]
    return AccessReport(
        str(reference),
        tuple(site_access(each, str(reference)) for each in answers),
        tuple(_notes(answers, sites)),
    )


def named_reference(text: str, environment: Environment) -> HubId | KaggleHandle:
    """What a site can be asked about.

    Raises:
        MalformedReference: nothing that a site has: a package, a directory, a dataset that the catalog does not know.
    """
    reference: Reference = parse_reference(environment.aliases.get(text, text))
    if isinstance(reference, LocalPath):
        reference = _mounted(reference, environment)
    if isinstance(reference, KaggleHandle):
        return _owned(reference)
    if isinstance(reference, KaggleDataset):
        known = catalog.hub_ids(reference)
        if len(known) == 1:
            return HubId(known[0])
        raise MalformedReference(
            f"{reference} is a dataset, and those ask for no consent; name the model that it holds"
        )
    if isinstance(reference, PackageRef | LocalPath):
        raise MalformedReference(f"{reference} is on no site; name a hub id or a Kaggle handle")
    return reference


def _mounted(path: LocalPath, environment: Environment) -> Reference:
    mount = environment.kaggle_mount
    place = environment.expand(path.text)
    if mount not in place.parents:
        return path
    named = mounted_name(place.relative_to(mount).parts)
    return path if named is None else named[0]


def _owned(handle: KaggleHandle) -> KaggleHandle:
    """The handle with the owner that a mount path does not show."""
    if handle.owner is not None:
        return handle
    owners = {row.handle.owner for row in catalog.known_places(handle) if row.official and row.handle.owner}
    if len(owners) != 1:
        raise MalformedReference(f"whose model {handle} is does not show; write owner/{handle}")
    return handle.replaced(owner=owners.pop())


def targets_of(reference: HubId | KaggleHandle) -> tuple[Answer, ...]:
    """What each site is asked about: the name that was given, and the publisher's own on the other site.

    >>> [each.target for each in targets_of(HubId("meta-llama/Meta-Llama-3-8B-Instruct"))]
    ['meta-llama/Meta-Llama-3-8B-Instruct', 'metaresearch/llama-3/transformers/8b-chat-hf']
    """
    if isinstance(reference, HubId):
        hub = Answer("huggingface", reference.repo_id, reference.revision, named=True)
        rows = [row.handle for row in catalog.known_places(reference) if row.official and row.loadable != "no"]
        handles = [each for each in rows if isinstance(each, KaggleHandle) and each.owner is not None]
        return (hub, *(_kaggle(each.replaced(version=None), named=False) for each in handles[:1]))
    ids = catalog.hub_ids(reference) if catalog.is_official(reference) else ()
    hub_ids = [Answer("huggingface", each, None, named=False) for each in ids[:1]]
    return (*hub_ids, _kaggle(reference, named=True))


def _kaggle(handle: KaggleHandle, *, named: bool) -> Answer:
    version = None if handle.version is None else str(handle.version)
    return Answer("kaggle", str(handle.replaced(version=None)), version, named=named)


def _notes(answers: list[Answer], sites: tuple[Site, ...]) -> list[str]:
    """What holds for all sites, and which were not asked."""
    asked = {each.site for each in answers}
    notes = [
        f"{NAMES[each.site]}: only the catalog names {each.target}; that it is not there does not count"
        for each in answers
        if not each.named and each.verdict == "missing"
    ]
    notes += [
        f"not judged: {NAMES[site]}: the catalog knows no official name of this model there; give it to ask about it"
        for site in sites
        if site not in asked
    ]
    hub_id = next((each.target for each in answers if each.site == "huggingface"), None)
    if any(_is_gated(each) for each in answers):
        organisation = "" if hub_id is None else hub_id.partition("/")[0]
        publisher = PUBLISHERS.get(organisation, "the publisher")
        notes.insert(
            0,
            f"a grant by {publisher}, access on Hugging Face and consent on Kaggle are three different things:"
            " none of them stands for another",
        )
    return notes


def _is_gated(answer: Answer) -> bool:
    family = catalog.family_of(answer.target) if answer.site == "huggingface" else None
    return answer.gate in ("automatic", "manual", "consent") or bool(family is not None and family.gated)
