"""F: is the directory whole and the one that was meant: leftovers, links, nesting, archives, the cache around it."""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding
from resolver.inspection.description import ModelDescription
from resolver.inspection.safetensors import HeaderFault
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.words import by_role, few, quoted, some


@rule(
    "F005",
    "partial-download",
    severity="error",
    consequence="half a model is taken for a whole one",
)
def partial_download(evidence: Evidence) -> Iterator[Finding]:
    """A download left its mark and has not ended.

    Files that end in .incomplete, .part, .aria2 or .crdownload, a lock beside weights, or a version directory of
    kagglehub without its `<version>.complete` are left by a download that was interrupted. huggingface_hub and
    transformers look at none of them: `snapshot_download(local_files_only=True)` returns the directory.

    It is an error where something that is needed is absent or short, and the finding then says what; beside a model
    that is whole it is a warning: the marks are rubbish to be deleted. Put it right by running the download again; it
    goes on where it stopped.
    """
    for model in evidence.described():
        if not model.leftovers:
            continue
        lacking = _lacking(model)
        first = model.leftovers[0]
        absent = first.name.endswith(".complete")
        mark = f"has no {first.name}" if absent else f"left {first.name}"
        yield partial_download.finding(
            f"a download {mark}" + (f"; absent or short: {some(lacking)}" if lacking else ""),
            path=first,
            evidence={"marks": few(str(each) for each in model.leftovers), "absent_or_short": few(lacking)},
            consequence=None if lacking else "nothing now, as all that is needed is here; the mark misleads the next",
            fix="run the download again where there is a network; it goes on where it stopped" if lacking
            else "delete the mark once you have compared the sizes with the source's",
            command=None if lacking or absent else f"rm {quoted(first)}",
            severity="error" if lacking else "warning",
        )  # fmt: skip


def _lacking(model: ModelDescription) -> list[str]:
    """What a loader needs and does not find, or finds too short."""
    weights = model.weights
    lacking = list(weights.missing)
    is_adapter = model.adapter is not None
    if not is_adapter and not model.config.present:
        lacking.append("config.json")
    if not is_adapter and weights.chosen is None and not weights.missing:
        lacking.append("weights")
    for name in weights.opened:
        header, facts = weights.headers.get(name), model.files.get(name)
        short = isinstance(header, HeaderFault) and header.kind in {"cut", "coverage", "too-small"}
        if short or (facts is not None and facts.content == "empty"):
            lacking.append(name)
    return lacking


@rule(
    "F006",
    "broken-link",
    severity="error",
    consequence="the directory lists well and opens nothing",
)
def broken_link(evidence: Evidence) -> Iterator[Finding]:
    """A symbolic link whose target is gone.

    A snapshot of the Hugging Face cache is a directory of links into `blobs/`, and in caches of huggingface_hub 1.32
    and later on from there into a store that all repositories share. Who copies the snapshot alone, or one
    `models--org--name` folder alone, copies links to nothing, and huggingface_hub returns the path all the same:

        LocalEntryNotFoundError / OSError: … does not appear to have a file named config.json

    The finding says which hop broke. Copy with the targets (`cp -rL SNAPSHOT DESTINATION`), or copy `blobs/` (and the
    shared `blobs/` beside the repositories) to the same place relative to the links.
    """
    for model in evidence.described():
        role = by_role(model)
        broken = [facts for facts in model.files.files.values() if facts.link and facts.link.kind == "broken"]
        for severity in ("error", "warning"):
            names = [facts.name for facts in broken if role(facts.name) == severity]
            link = next((facts.link for facts in broken if facts.name in names[:1]), None)
            if link is None:
                continue
            yield broken_link.finding(
                f"{some(names)} {'links' if len(names) == 1 else 'link'} to nothing",
                path=model.files.path(names[0]),
                evidence={
                    "files": few(names),
                    "count": len(names),
                    "target": link.target,
                    "broken_hop": link.broken_hop,
                },
                fix=f"the hop to {link.broken_hop} broke; copy again from the source with the links' targets",
                command=f"cp -rL SOURCE {quoted(model.root)}",
                severity=severity,
            )


@rule(
    "F007",
    "sparse-file",
    severity="warning",
    consequence="the holes are read as zeros, without an error: layers that are dead, answers that are rubbish",
)
def sparse_file(evidence: Evidence) -> Iterator[Finding]:
    """A weights file has holes on the disk.

    Downloaders that reserve the whole length first leave a file of the right size in which ranges were never written.
    The header can be whole and every check of the libraries passes; the holes read as zeros. It is a warning and no
    error, because some file systems punch holes into ranges that are rightly zero.

    Download the file again, or compare its sha256 with the source's.
    """
    for model in evidence.described():
        holes = [facts for facts in model.files.files.values() if facts.hole_at is not None]
        if holes:
            names = [facts.name for facts in holes]
            yield sparse_file.finding(
                f"{some(names)} {'has' if len(names) == 1 else 'have'} holes on the disk",
                path=model.files.path(names[0]),
                evidence={"files": few(names), "count": len(names), "first_hole_at": holes[0].hole_at},
                fix="download again, or compare the hash with the source's",
                command=f"sha256sum {quoted(model.files.path(names[0]))}",
            )


@rule("F008", "nested-model", severity="info", consequence="a loader that is given the outer directory finds no model")
def nested_model(evidence: Evidence) -> Iterator[Finding]:
    """The model lies below the directory that was named.

    Kaggle datasets and model versions often hold the model one or more folders further down. A loader that is given
    the outer directory says

        OSError: Unrecognized model in /kaggle/input/x. Should have a `model_type` key in its config.json.

    Here the one directory below that holds a model was taken instead; the finding names it. Give that path to code
    that does not go through this tool.
    """
    for model in evidence.described():
        if model.nested:
            yield nested_model.finding(
                f"the model lies in {model.root.relative_to(model.asked)}",
                path=model.root,
                evidence={"asked": str(model.asked), "used": str(model.root)},
                fix=f"use {model.root}",
            )


@rule(
    "F009",
    "unclean-ref",
    severity="info",
    consequence="huggingface_hub does not find the snapshot by its revision, though it is here",
)
def unclean_ref(evidence: Evidence) -> Iterator[Finding]:
    """The cache's own note of which snapshot a revision is cannot be read by the library.

    `refs/main` holds the commit of a snapshot, without a new line. An editor or `echo` adds one; a copy of `snapshots/`
    alone leaves `refs/` out. huggingface_hub then says

        Cannot find an appropriate cached snapshot folder for the specified revision on the local disk

    although the snapshot lies there. Here white space was ignored and a lone snapshot was taken. Mend the file with
    `printf %s COMMIT > refs/main`.
    """
    for model in evidence.described():
        cache = model.cache
        if cache is None:
            continue
        for ref in cache.refs:
            if ref.text.strip() == cache.commit and ref.text != cache.commit:
                yield unclean_ref.finding(
                    f"refs/{ref.revision} holds white space around the commit",
                    path=ref.path,
                    evidence={"text": ref.text, "accepted": cache.commit},
                    fix="write the commit without a new line",
                    command=f"printf %s {cache.commit} > {quoted(ref.path)}",
                )
        if not cache.refs and cache.snapshots == 1:
            path = cache.repository / "refs" / "main"
            yield unclean_ref.finding(
                "no refs say which revision this snapshot is; it is the only one and was taken",
                path=path,
                evidence={"text": None, "accepted": cache.commit},
                fix="write the commit where the library looks for it",
                command=f"mkdir -p {quoted(path.parent)} && printf %s {cache.commit} > {quoted(path)}",
            )


UNPACK: Final = (
    ((".tar.gz", ".tgz"), "tar -xzf {archive} -C {target}"),
    ((".tar",), "tar -xf {archive} -C {target}"),
    ((".zip",), "python -m zipfile -e {archive} {target}"),
    ((".7z",), "7z x {archive} -o{target}"),
)


@rule(
    "F010",
    "archive-not-extracted",
    severity="error",
    consequence="a loader looks for config.json and finds an archive",
)
def archive_not_extracted(evidence: Evidence) -> Iterator[Finding]:
    """The directory holds the model as an archive only.

    An upload of `model.tar.gz` as a dataset stays an archive. No loader looks into it:

        OSError: Unrecognized model in /kaggle/input/x. Should have a `model_type` key in its config.json.

    Extract it to a place that can be written (`/kaggle/input` cannot), or upload the files themselves.
    """
    for model in evidence.described():
        if model.config.present or model.adapter is not None or model.weights.formats:
            continue
        for facts in model.files.at_top():
            command = next((how for suffixes, how in UNPACK if facts.name.endswith(suffixes)), None)
            if command is not None and facts.content in {"zip", "gzip", "tar", "7z"}:
                archive = quoted(model.files.path(facts.name))
                yield archive_not_extracted.finding(
                    f"{facts.name} is not extracted, and there is no model beside it",
                    path=model.files.path(facts.name),
                    evidence={"content": facts.content, "size_bytes": facts.size_bytes},
                    fix="extract it to a directory that can be written, then check that one",
                    command=f"mkdir -p model && {command.format(archive=archive, target='model')}",
                )


RULES: tuple[Rule, ...] = (
    partial_download,
    broken_link,
    sparse_file,
    nested_model,
    unclean_ref,
    archive_not_extracted,
)
