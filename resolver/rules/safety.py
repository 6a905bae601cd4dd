"""S: would loading these files run somebody's code, open somebody's files, or exhaust the machine?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Severity
from resolver.inspection.config import CONFIG_FILE
from resolver.inspection.description import ModelDescription
from resolver.inspection.index import IndexFacts, escapes
from resolver.inspection.pickles import PickleFacts
from resolver.inspection.safetensors import HeaderFault
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.words import by_role, few, quoted, some

CONVERT: Final = "delete it and use safetensors; where only the pickle exists, convert it on a machine that may be lost"


def _inside(facts: PickleFacts) -> str:
    return facts.file if facts.member is None else f"{facts.file} (member {facts.member})"


def _by_file(model: ModelDescription) -> dict[str, list[PickleFacts]]:
    found: dict[str, list[PickleFacts]] = {}
    for facts in model.pickles:
        found.setdefault(facts.file, []).append(facts)
    return found


@rule(
    "S601",
    "pickle-unsafe",
    severity="error",
    consequence="whoever unpickles the file runs code of whoever made it; torch.load refuses it from 2.6 on",
)
def pickle_unsafe(evidence: Evidence) -> Iterator[Finding]:
    """A pickle resolves names that no weights need.

    A pickle is a program. `torch.load` before 2.6, `pickle.load`, `joblib.load` and `numpy.load(allow_pickle=True)` run
    it while they read. Here its opcodes were followed without running one, also inside archives and whatever the file
    is called, and every name that it would import was compared with the 144 that torch allows for weights. All others
    are refused: lists of bad names have been circumvented every year. Newer torch says

        UnpicklingError: Weights only load failed … Unsupported global: GLOBAL os.system was not an allowed global

    Some of these files are innocent (training_args.bin holds transformers' own classes): still nothing of them is
    needed to load a model, so delete them. It is an error in a file that a loader opens, a warning elsewhere.
    """
    for model in evidence.described():
        role = by_role(model)
        for file, pickles in _by_file(model).items():
            bad = [facts for facts in pickles if facts.forbidden]
            if bad:
                names = list(dict.fromkeys(name for facts in bad for name in facts.forbidden))
                yield pickle_unsafe.finding(
                    f"{_inside(bad[0])} is a pickle that resolves {some(names)}",
                    path=model.files.path(file),
                    evidence={
                        "names": few(names),
                        "members": few(facts.member for facts in bad if facts.member is not None),
                        "calls": any(facts.calls for facts in bad),
                        "faults": few(facts.fault for facts in bad if facts.fault is not None),
                    },
                    fix=CONVERT,
                    command=f"rm {quoted(model.files.path(file))}",
                    severity=role(file),
                )


@rule(
    "S602",
    "pickle-uninspectable",
    severity="error",
    consequence="what it would do cannot be known; scanners skip such a file, and torch may not",
)
def pickle_uninspectable(evidence: Evidence) -> Iterator[Finding]:
    """A pickle or an archive that cannot be followed to its end.

    An archive with a wrong checksum, an encrypted flag or a name that differs between its two directories, an archive
    inside an archive, a pickle that breaks off: scanners give up on these, and torch and numpy, which do not look at
    checksums and flags, read on. So it is not judged clean. torch itself says of a file that was cut short

        PytorchStreamReader failed reading zip archive: failed finding central directory

    Download it again, or delete it if nothing needs it. It is an error in a file that a loader opens, a warning
    elsewhere.
    """
    for model in evidence.described():
        role = by_role(model)
        for file, pickles in _by_file(model).items():
            if any(facts.forbidden for facts in pickles):
                continue  # S601 says more
            faulty = [facts for facts in pickles if facts.fault is not None]
            if faulty:
                yield pickle_uninspectable.finding(
                    f"{_inside(faulty[0])} cannot be looked into to its end: {faulty[0].fault}",
                    path=model.files.path(file),
                    evidence={
                        "fault": faulty[0].fault,
                        "members": few(facts.member for facts in faulty if facts.member is not None),
                        "count": len(faulty),
                    },
                    fix="download it again, or delete it if nothing needs it",
                    command=f"rm {quoted(model.files.path(file))}",
                    severity=role(file),
                )


@rule(
    "S604",
    "path-escape",
    severity="error",
    consequence="a loader opens a file of this machine that is not the model's",
)
def path_escape(evidence: Evidence) -> Iterator[Finding]:
    """A path in the model's files leads out of its directory.

    transformers joins the file names of an index to the directory and asks nothing: `../../other/model.safetensors` or
    an absolute path loads weights of another model, silently. The same goes for names of code in `auto_map`. No honest
    model has such paths; they are errors.

    A symbolic link out of the directory is a warning: it loads here and will be broken in every copy. Links into the
    store of a Hugging Face cache are the layout and no fault. A link that leads elsewhere is not followed, so what it
    points to was not judged. Remove the path, or replace the link by the file.
    """
    for model in evidence.described():
        yield from _escaping_index(model, model.weights.index, "error")
        yield from _escaping_index(model, model.weights.shadowed, "warning")
        yield from _escaping_config(model)
        outside = [facts for facts in model.files.files.values() if facts.link and facts.link.kind == "outside"]
        if outside:
            names = [facts.name for facts in outside]
            first = model.files.path(names[0])
            yield path_escape.finding(
                f"{some(names)}: a link out of the directory, which is not followed",
                path=first,
                evidence={
                    "files": few(names),
                    "count": len(names),
                    "targets": few(_target(facts.link) for facts in outside),
                },
                consequence="it loads on this machine only, and what it points to was not judged",
                fix="replace the link by the file",
                command=f'cp --remove-destination "$(readlink -f {quoted(first)})" {quoted(first)}',
                severity="warning",
            )


def _target(link: object) -> str:
    return str(getattr(link, "target", ""))


def _escaping_index(model: ModelDescription, index: IndexFacts | None, severity: Severity) -> Iterator[Finding]:
    if index is not None and index.escaping:
        yield path_escape.finding(
            f"{index.file} names weights outside the directory: {some(index.escaping)}",
            path=model.files.path(index.file),
            evidence={"names": few(index.escaping), "count": len(index.escaping)},
            fix="do not use this model; get it from its source again",
            severity=severity,
        )


def _escaping_config(model: ModelDescription) -> Iterator[Finding]:
    named = model.config.transformers_weights
    code = [part for value in model.config.auto_map.values() for part in value.split(",")]
    # "owner/repo--module.Class": only what stands behind the repository is a path.
    modules = [part.strip().rpartition("--")[2].rpartition(".")[0] for part in code]
    bad = [name for name in (*modules, *((named,) if named else ())) if escapes(name)]
    if bad:
        yield path_escape.finding(
            f"{CONFIG_FILE} names files outside the directory: {some(bad)}",
            path=model.files.path(CONFIG_FILE),
            evidence={"names": few(bad), "count": len(bad)},
            fix="do not use this model; get it from its source again",
        )


@rule(
    "S605",
    "header-bomb",
    severity="error",
    consequence="the loader takes gigabytes of memory and seconds of time before it says anything",
)
def header_bomb(evidence: Evidence) -> Iterator[Finding]:
    """A header or JSON file is larger or deeper than an honest one can be.

    The safetensors library reads a header of up to 100 MB; one with 1.6 million empty tensors takes it six seconds and
    1.3 GB. JSON of a few megabytes of brackets ends Python with

        RecursionError: maximum recursion depth exceeded

    The largest honest header, of 92,000 tensors, has 12 MB. Here what is larger or deeper is not parsed at all. Delete
    the file.
    """
    for model in evidence.described():
        role = by_role(model)
        found = {name: header.message for name, header in _headers(model) if header.kind == "bomb"}
        tokenizer = model.tokenizer.faults if model.tokenizer is not None else ()
        adapter = model.adapter.faults if model.adapter is not None else ()
        index = (model.weights.index.fault,) if model.weights.index is not None else ()
        for fault in (*model.config.faults, *tokenizer, *adapter, *index):
            if fault is not None and fault.bomb:
                found[fault.file] = fault.message
        for name, message in found.items():
            yield header_bomb.finding(
                f"{name} is made to exhaust its reader: {message}",
                path=model.files.path(name),
                evidence={"met": message, "size_bytes": model.files.files[name].size_bytes},
                fix="delete it; no honest model has such a file",
                command=f"rm {quoted(model.files.path(name))}",
                severity=role(name),
            )


def _headers(model: ModelDescription) -> Iterator[tuple[str, HeaderFault]]:
    for name, header in model.weights.headers.items():
        if isinstance(header, HeaderFault):
            yield name, header
    adapter = model.adapter
    if adapter is not None and adapter.weights_fault is not None and adapter.weights_file is not None:
        yield adapter.weights_file, adapter.weights_fault


RULES: tuple[Rule, ...] = (pickle_unsafe, pickle_uninspectable, path_escape, header_bomb)
