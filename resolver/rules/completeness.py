"""I: is all here that was published, and is there anything to prove it by? Family I's rules of what is absent."""

from collections.abc import Iterator, Mapping
from typing import Final

from resolver.finding import Finding, Severity
from resolver.inspection.description import ModelDescription
from resolver.inspection.files import MAX_DEPTH, is_of_bundle
from resolver.rules.on_record import NOTHING, fetch_again, hash_of, is_recorded, records, told_elsewhere, unreadable
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, quoted, some

# Opened where they are there, and done without where they are not: how much a loader then does otherwise.
DONE_WITHOUT: Final[Mapping[str, Severity]] = {
    "tokenizer.json": "warning",
    "tokenizer_config.json": "warning",
    "chat_template.jinja": "warning",
    "added_tokens.json": "info",
    "special_tokens_map.json": "info",
    "generation_config.json": "info",
    "preprocessor_config.json": "info",
    "processor_config.json": "info",
}


def _has_listing(evidence: Evidence) -> str | None:
    reason = is_recorded(evidence)
    if reason is not None:
        return reason
    if any(model.on_record is not None and model.on_record.listing for model in evidence.described()):
        return None
    return unreadable(evidence) or "no list of the commit's files is on record, so nothing can be known to be absent"


@rule(
    "I903",
    "file-missing",
    severity="error",
    applies=_has_listing,
    consequence="half a snapshot is taken for a whole one",
)
def file_missing(evidence: Evidence) -> Iterator[Finding]:
    """A file that is on record is absent, and a loader would open it.

    Beside a download of a whole repository stands the list of the commit's files. huggingface_hub compares it with
    the snapshot when it is asked for the whole of it, and says

        IncompleteSnapshotError: The cached snapshot for 'org/name' (…) is incomplete: 3 file(s) are missing

    transformers does not ask. It fails at the first file that it cannot do without, and does without the rest in
    silence: a Llama without tokenizer_config.json has no padding token, no template, no end of turn.

    Files that no loader opens are left out by many downloads on purpose (`--include "*.safetensors" "*.json"`) and are
    not told; those that a lock names are, as an info: whoever wrote it had them. It is an error where loading or
    batches fail without the file, otherwise a warning or an info. Fetch the files that are named; those that are here
    need not be fetched again.
    """
    for model in evidence.described():
        groups: dict[Severity, list[str]] = {}
        for name, severity in absent_files(model, evidence).items():
            groups.setdefault(severity, []).append(name)
        for severity, names in groups.items():
            yield _missing(model, sorted(names), severity)


def _missing(model: ModelDescription, names: list[str], severity: Severity) -> Finding:
    recorded = records(model)
    total = sum(recorded[name].size_bytes or 0 for name in names)
    listing = model.on_record.listing if model.on_record is not None else None
    consequence = (
        "the loader, or the first batch, fails" if severity == "error"
        else "it loads, and falls back to defaults: special tokens, template or settings may differ from the published"
    )  # fmt: skip
    return file_missing.finding(
        f"{some(names)} {'is' if len(names) == 1 else 'are'} on record and not here",
        path=model.root,
        evidence={"missing": few(names), "count": len(names), "missing_bytes": total, "on_record": listing},
        consequence=consequence,
        fix=f"fetch {'it' if len(names) == 1 else 'them'} where there is a network; what is here need not be fetched",
        command=(fetch_again(model, names) or "").replace(" --force-download", "") or None,
        severity=severity,
    )


def absent_files(model: ModelDescription, evidence: Evidence) -> dict[str, Severity]:
    """What a loader would open, is on record and is not here, with how grave that is."""
    if model.on_record is None or model.on_record.listing is None or not model.files.complete:
        return {}
    absent = [name for name in model.on_record.files if model.files.get(name) is None and name.count("/") <= MAX_DEPTH]
    found: dict[str, Severity] = dict.fromkeys(model.on_record.locked.intersection(absent), "info")
    found |= dict.fromkeys(_weights(model, absent), "error")
    if model.adapter is None and not model.config.present:
        found |= {name: "error" for name in absent if name == model.config.file}
    tokenizer = model.tokenizer
    has_text = tokenizer is not None and tokenizer.source is not None
    for name in absent:
        if name in DONE_WITHOUT and (has_text or name == "generation_config.json"):
            found[name] = "error" if _fails_without(name, evidence) else DONE_WITHOUT[name]
    return found


def _weights(model: ModelDescription, absent: list[str]) -> list[str]:
    """Absent weights without which there are none, or not all; other formats are nobody's loss."""
    if model.adapter is not None and not model.config.present:
        return [name for name in absent if name == "adapter_model.safetensors" and model.adapter.weights_file is None]
    missing = [name for name in absent if name in model.weights.missing]
    if missing or model.weights.formats:
        return missing
    kinds = ((".safetensors", ".safetensors.index.json"), (".bin", ".bin.index.json"))
    for suffixes in kinds:
        stems = ("model", "pytorch_model")
        names = [name for name in absent if name.startswith(stems) and name.endswith(suffixes)]
        if names:
            return names
    return []


def _fails_without(name: str, evidence: Evidence) -> bool:
    """Whether batches cannot be padded: tokenizer_config.json is where most families name their padding token."""
    if name != "tokenizer_config.json" or evidence.intent.purpose == "load":
        return False
    specials = (each for model in evidence.described() if model.tokenizer for each in model.tokenizer.specials)
    return all(each.role != "pad_token" for each in specials)


def _can_be_told(evidence: Evidence) -> str | None:
    if is_recorded(evidence) is None or (evidence.observed is not None and evidence.observed.contents is not None):
        return None
    return unreadable(evidence) or NOTHING


def _has_lock(evidence: Evidence) -> str | None:
    if any(model.on_record is not None and model.on_record.lock for model in evidence.described()):
        return None
    return Moot("no lock lies in the directory")


@rule(
    "I904",
    "file-unknown",
    severity="warning",
    applies=_has_lock,
    consequence="nobody has said what it should be: it came later than the lock, and is proven by nothing",
)
def file_unknown(evidence: Evidence) -> Iterator[Finding]:
    """A file lies in the directory that its lock does not know.

    A lock names every file that was there when it was written. One that came later is drift: a merge that was saved
    into the folder, a tokenizer file that a tool added, a script. A loader asks nobody: an `added_tokens.json` or a
    `chat_template.jinja` more is read and changes what the model is given.

    It is a warning for a file that a loader opens, otherwise an info. A file of which a downloader has a hash on record
    is not told. Remove the file, or write the lock again once you know where it came from.
    """
    for model in evidence.described():
        if model.on_record is None or model.on_record.lock is None:
            continue
        known = records(model)
        unknown = [name for name in model.files.files if not is_of_bundle(name) and hash_of(known.get(name)) is None]
        opened = [name for name in unknown if name in model.opened()]
        others = [name for name in unknown if name not in model.opened()]
        groups: tuple[tuple[Severity, list[str]], ...] = (("warning", opened), ("info", others))
        for severity, names in groups:
            if names:
                yield unknown_files(names, model.root, model.on_record.lock, severity)


def unknown_files(names: list[str], root: object, lock: str, severity: Severity) -> Finding:
    """The finding of files that a lock does not know; one that lies elsewhere may be of other models too."""
    own = lock.rpartition("/")[0] == str(root)
    anew = "write the lock again" if own else "write the lock again, with all its models"
    return file_unknown.finding(
        f"the lock does not know {some(names)}",
        path=root,
        evidence={"unknown": few(names), "count": len(names), "lock": lock},
        fix=f"remove what does not belong there; otherwise {anew}",
        command=f"resolver lock {quoted(root)} --output {quoted(lock)}" if own else None,
        severity=severity,
    )


@rule(
    "I905",
    "integrity-unproven",
    severity="error",
    applies=_can_be_told,
    consequence="a damaged or exchanged file of the right form is not told from the published one",
)
def integrity_unproven(evidence: Evidence) -> Iterator[Finding]:
    """There is nothing to verify a file against.

    A Kaggle mount, a copied folder and `save_pretrained` carry no hashes: the bytes may be right, and nothing on this
    disk can prove it. What can be proven lies in the Hugging Face cache (a blob is named by its hash) or in a folder
    made by `hf download --local-dir` (`.cache/huggingface/`). kagglehub's `<version>.complete` says that a download
    has ended, not what it brought.

    It is told where only some of the files are on record, and at level deep, which was asked to verify, as an info.
    Otherwise the report lists it as not judged. `resolver verify` was asked for proof: there it is an error. Compare
    the sha256 with the publisher's page, where it stands for every large file; `resolver lock` then keeps it.
    """
    for model in evidence.described():
        opened = sorted(name for name in model.opened() if name in model.files.files)
        lacking = [
            name for name in opened if hash_of(records(model).get(name)) is None and not told_elsewhere(model, name)
        ]
        if model.on_record is not None and model.on_record.lock is not None:
            continue  # what a lock does not know, I904 tells
        asked = evidence.observed is not None and evidence.observed.contents is not None
        if lacking and (len(lacking) < len(opened) or asked):
            yield _unproven(model, lacking, len(opened))


def _unproven(model: ModelDescription, lacking: list[str], opened: int) -> Finding:
    unreadable = model.on_record.unreadable if model.on_record is not None else ""
    shards = [name for name in lacking if name in model.weights.shards]
    first = (shards or lacking)[0]
    return integrity_unproven.finding(
        f"no hash is on record of {some(lacking)}" if len(lacking) < opened else "no hash of any file is on record",
        path=model.root,
        evidence={"unproven": few(lacking), "count": len(lacking), "opened": opened, "reason": unreadable},
        fix="compare sha256 and size with the publisher's page",
        command=f"sha256sum {quoted(model.files.path(first))}",
        severity="info",
    )


RULES: tuple[Rule, ...] = (file_missing, file_unknown, integrity_unproven)
