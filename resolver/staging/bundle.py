"""What a bundle says of itself: README.md with the one line to use it, and dataset-metadata.json for Kaggle's uploader.

No time and no machine stands in either, and nothing of the target's name: equal input gives equal bytes.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from resolver.inspection.files import METADATA_FILE, WHEELS
from resolver.inspection.lock import LOCK_FILE
from resolver.rules.words import size, some
from resolver.staging.plan import PlannedModel, safe

README: Final = "README.md"
OWNER: Final = "INSERT_OWNER"
SHORTEST: Final = 6  # of a title and of a slug, in Kaggle's own client; its documentation allows slugs of 3
LONGEST: Final = 50
BEGIN: Final = "<!-- resolver stage: begin -->"
END: Final = "<!-- resolver stage: end -->"
# A hub's licence ids in Kaggle's vocabulary (its documentation of dataset metadata); what is not here is "other" there.
LICENCES: Final[Mapping[str, str]] = {
    "agpl-3.0": "AGPL-3.0",
    "apache-2.0": "apache-2.0",
    "cc-by-3.0": "CC-BY-3.0",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "cc-by-nc-nd-4.0": "CC-BY-NC-ND-4.0",
    "cc-by-nc-sa-4.0": "CC-BY-NC-SA-4.0",
    "cc-by-nd-4.0": "CC-BY-ND-4.0",
    "cc-by-sa-3.0": "CC-BY-SA-3.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "cc0-1.0": "CC0-1.0",
    "cdla-permissive-1.0": "CDLA-Permissive-1.0",
    "cdla-sharing-1.0": "CDLA-Sharing-1.0",
    "gfdl": "FDL-1.3",
    "gpl-2.0": "GPL-2.0",
    "gpl-3.0": "GPL-3.0",
    "lgpl-3.0": "LGPL-3.0",
    "odbl": "ODbL-1.0",
    "odc-by": "ODC-BY-1.0",
    "pddl": "PDDL",
}


def metadata(models: Sequence[PlannedModel]) -> bytes:
    """dataset-metadata.json as `kaggle datasets create` takes it, but for the owner, whom nobody here knows."""
    title = title_of(models)
    licences = sorted({licence for each in models for licence in licences_of(each)})
    value = {
        "title": title,
        "id": f"{OWNER}/{slug_of(title)}",
        "licenses": [{"name": _kaggle_licence(licences)}],
        "description": "\n".join(_description(models)),
    }
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def licences_of(planned: PlannedModel) -> tuple[str, ...]:
    """The licence ids that a model's card declares."""
    facts = planned.model.description.licence
    return () if facts is None else facts.declared


def title_of(models: Sequence[PlannedModel]) -> str:
    """The dataset's title, of 6 to 50 characters."""
    first, more = safe(models[0].title), len(models) - 1
    tail = f" and {more} more" if more else ""
    title = f"{first[: LONGEST - len(tail)].rstrip('-._')}{tail}"
    return title if len(title) >= SHORTEST else f"model {title}"


def slug_of(title: str) -> str:
    """A dataset's name in its address: lower-case letters, digits and hyphens.

    >>> slug_of("Meta-Llama-3.1-8B"), slug_of("x__y")
    ('meta-llama-3-1-8b', 'model-x-y')
    """
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:LONGEST].strip("-")
    return slug if len(slug) >= SHORTEST else f"model-{slug}".strip("-")


def _kaggle_licence(licences: Sequence[str]) -> str:
    if not licences:
        return "unknown"
    return LICENCES.get(licences[0], "other") if len(licences) == 1 else "other"


def _description(models: Sequence[PlannedModel]) -> Iterator[str]:
    for planned in models:
        yield f"{_plain(_name(planned))} ({_origin(planned)}), licence: {_licences(planned)}."
    yield "Checked and staged for use without a network; README.md shows the line that uses it."


def _licences(planned: PlannedModel) -> str:
    return ", ".join(map(_plain, licences_of(planned))) or "not declared"


def readme(models: Sequence[PlannedModel], sizes: Mapping[str, int], *, wheels: bool, folders: bool) -> bytes:
    """The README of a bundle: how to use it, what is in it, how to verify and upload it.

    Args:
        models: what was planned.
        sizes: folder of each model -> bytes of its files, this text not among them.
        wheels: whether wheels lie in it.
        folders: whether it has folders, which Kaggle's client leaves out unless it is told otherwise.
    """
    lines = [*_use(models), *_contents(models, sizes), *_verify(models)]
    lines += _install() if wheels else []
    return ("\n".join([*lines, *_upload(folders=folders)]) + "\n").encode()


def _use(models: Sequence[PlannedModel]) -> Iterator[str]:
    title = title_of(models)
    yield from (f"# {title}, staged for use without a network", "", "```python")
    yield from ("from resolver import resolve_model", "")
    for planned in models:
        yield f'path = resolve_model("{_usable(planned, slug_of(title))}")'
    yield from ("```", "")
    if any(not each.is_local for each in models):
        yield from ("It is found by that name wherever this directory is mounted, or searched with `--root`.", "")
    if any(each.is_local for each in models):
        yield from (f"A path is where Kaggle mounts the dataset `{slug_of(title)}`; elsewhere name the directory.", "")


def _contents(models: Sequence[PlannedModel], sizes: Mapping[str, int]) -> Iterator[str]:
    yield from ("| model | size | licence | comes from |", "|---|---|---|---|")
    for planned in models:
        where = f" in `{planned.folder}`" if planned.folder else ""
        name, total = _plain(_name(planned)), size(sizes[planned.folder])
        yield f"| {name}{where} | {total} | {_licences(planned)} | {_origin(planned)} |"
    yield from _texts(models)


def _verify(models: Sequence[PlannedModel]) -> Iterator[str]:
    places = [planned.folder.rstrip("/") or "." for planned in models]
    told = "Every byte, against the hashes that were taken while it was copied; then whether a loader can take it:"
    yield from ("", "## Verify", "", told, "")
    yield from ("```sh", f"resolver verify {LOCK_FILE}", f"resolver check {' '.join(places)} --level deep", "```")


def _install() -> Iterator[str]:
    install = f"pip install --no-index --find-links {WHEELS} --require-hashes -r {WHEELS}/requirements.txt"
    yield from ("", "## Install", "", "The packages lie beside the models; nothing is asked of an index:", "")
    yield from ("```sh", install, "```")


def _upload(*, folders: bool) -> Iterator[str]:
    yield from ("", "## Upload to Kaggle", "")
    yield from (f"Put your user name in place of `{OWNER}` in `{METADATA_FILE}`, then:", "")
    yield from ("```sh", f"kaggle datasets create -p .{' --dir-mode zip' if folders else ''}", "```", "")
    yield "The dataset is private until you say otherwise; what the licence allows you to pass on, its text says."


def _usable(planned: PlannedModel, slug: str) -> str:
    """What to write in `resolve_model`: its name, or where Kaggle will mount a model that has none."""
    if not planned.is_local:
        return _plain(planned.reference)
    return f"/kaggle/input/{slug}/{planned.folder}".rstrip("/")


def _name(planned: PlannedModel) -> str:
    return safe(planned.title) if planned.is_local else planned.reference


def _origin(planned: PlannedModel) -> str:
    source = planned.source
    if source.id is None:
        return "a local directory"
    revision = f" at {_plain(source.revision)}" if source.revision else ""
    return f"{source.kind}: {_plain(source.id)}{revision}"


def _texts(models: Sequence[PlannedModel]) -> Iterator[str]:
    """Licence texts and what has to be known, model by model."""
    for planned in models:
        facts = planned.model.description.licence
        names = [] if facts is None else [planned.folder + each.name for each in facts.files]
        told = [f"licence texts: {some(names, 6)}"] if names else []
        told += planned.notes
        if told:
            yield ""
        yield from (f"- {_plain(_name(planned))}: {each}" for each in told)


def _plain(text: str) -> str:
    """A name that others wrote, as it can stand in a line of Markdown and of a shell."""
    return re.sub(r"[^A-Za-z0-9._/:@+-]", "?", text)


def with_card(card: bytes, told: bytes) -> bytes:
    r"""A model's card with a section of ours in it: below its front matter, where loaders and hubs read the licence.

    A section that an earlier staging has put there is replaced.

    >>> with_card(b"---\nlicense: mit\n---\n# Tiny\n", b"ours\n").decode().splitlines()[3:6]
    ['<!-- resolver stage: begin -->', 'ours', '<!-- resolver stage: end -->']
    """
    begin, end = BEGIN.encode(), END.encode()
    head, found, rest = card.partition(begin + b"\n")
    if found and end in rest:
        card = head + rest.partition(end)[2].removeprefix(b"\n").removeprefix(b"\n")
    front = _front_matter(card)
    ours = begin + b"\n" + told + end + b"\n"
    body = card[len(front) :]
    return front + ours + (b"\n" + body if body.strip() else b"")


def _front_matter(card: bytes) -> bytes:
    """The lines between two lines of three dashes, with both; nothing where the card does not begin with them."""
    lines = card.splitlines(keepends=True)
    if not lines or lines[0].removeprefix(b"\xef\xbb\xbf").strip() != b"---":
        return b""
    at = next((number for number, line in enumerate(lines[1:], start=1) if line.strip() in {b"---", b"..."}), None)
    return b"" if at is None else b"".join(lines[: at + 1])
