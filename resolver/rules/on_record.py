"""What the rules of family I share: what is on record of a file, whether it matters, and how to fetch it again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from resolver.finding import Severity
from resolver.inspection.description import ModelDescription
from resolver.inspection.evidence import FileRecord
from resolver.inspection.safetensors import HeaderFault
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Moot
from resolver.rules.words import quoted

if TYPE_CHECKING:
    from resolver.inspection.lock import LockedSource

FEW: Final = 8
TORCH: Final = frozenset({"pickle", "zip", "tar"})  # what torch.save writes
NOTHING: Final = "nothing is on record of these files: they lie in no Hugging Face cache and have no download metadata"
# What people edit on purpose, in place; what such a file says is judged by families C and T.
SETTINGS: Final = frozenset(
    {
        "config.json",
        "generation_config.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "adapter_config.json",
        "chat_template.jinja",
        "preprocessor_config.json",
        "processor_config.json",
        "modules.json",
    }
)


def is_recorded(evidence: Evidence) -> str | None:
    """Why there is nothing to compare with; None where there is."""
    if any(model.on_record is not None and model.on_record.files for model in evidence.described()):
        return None
    return unreadable(evidence) or Moot(NOTHING)  # I905 tells it


def unreadable(evidence: Evidence) -> str | None:
    """Why what is on record cannot be used, in words; None where nothing of the kind is there."""
    found = (model.on_record for model in evidence.described())
    return next((record.unreadable for record in found if record is not None and record.unreadable), None)


def records(model: ModelDescription) -> Mapping[str, FileRecord]:
    """What is on record of a directory's files, by name."""
    return {} if model.on_record is None else model.on_record.files


def told_elsewhere(model: ModelDescription, name: str) -> bool:
    """Whether another family speaks of that file: its content, its header, or JSON that cannot be read."""
    facts = model.files.get(name)
    honest = facts is not None and facts.content in TORCH and name.endswith((".bin", ".pt", ".pth"))
    if not honest and foreign(model.files, name) is not None:
        return True
    if isinstance(model.weights.headers.get(name), HeaderFault):
        return True
    tokenizer = () if model.tokenizer is None else model.tokenizer.faults
    return any(fault.file == name for fault in (*model.config.faults, *tokenizer))


def how_grave(model: ModelDescription, name: str, record: FileRecord) -> Severity | None:
    """An error where a loader opens it and nobody is likely to have changed it on purpose; None for no matter."""
    opened = name in model.opened()
    if record.kind == "lock":  # somebody wrote down what the file has to be, settings too
        return "error" if opened else "warning"
    if record.written_since:
        return "warning" if opened else None
    return "error" if opened and name.rpartition("/")[2] not in SETTINGS else "warning"


def fetch_again(model: ModelDescription, names: list[str]) -> str | None:
    """The command that fetches files as they are on record; None where a lock says that they come from no hub."""
    source = model.on_record.source if model.on_record is not None else None
    if source is not None and source.kind != "hub":
        return _from_kaggle(source) if source.kind == "kaggle" else None
    commit = model.on_record.commit if model.on_record is not None else None
    revision = f" --revision {commit}" if commit else ""
    place = "" if model.cache is not None else f" --local-dir {quoted(model.root)}"
    listed = " ".join(map(quoted, names)) if len(names) <= FEW else "--include '*.safetensors' '*.json'"
    return f"hf download {repository_of(model)} {listed}{revision}{place} --force-download"


def repository_of(model: ModelDescription) -> str:
    """The hub id that a cache entry's folder spells; "REPO_ID" where there is none, to be filled in by who knows it."""
    source = model.on_record.source if model.on_record is not None else None
    if model.cache is None and source is not None and source.kind == "hub" and source.id is not None:
        return quoted(source.id)
    name = "" if model.cache is None else model.cache.repository.name
    return quoted(name.removeprefix("models--").replace("--", "/", 1)) if name.startswith("models--") else "REPO_ID"


def _from_kaggle(source: "LockedSource") -> str:
    version = "" if source.revision is None else f"/{source.revision}"
    return f"kaggle models instances versions download {quoted(f'{source.id}{version}')}"


def hash_of(record: FileRecord | None) -> str | None:
    """The hash on record, of whichever kind."""
    return None if record is None else record.sha256 or record.git_sha1


def advice(severity: Severity, names: list[str]) -> str:
    """What to do about files that are not what is on record."""
    one = "that file" if len(names) == 1 else "those files"
    return f"fetch {one} again" if severity == "error" else f"fetch {one} again, unless you changed it yourself"
