"""What a directory says of its own origin: download metadata that names a repository. Anyone can write that."""

from pathlib import Path
from typing import Final

from resolver.record import Record

METADATA_FILE: Final = "huggingface-metadata.txt"  # written by text-generation-webui's downloader
MAX_BYTES: Final = 64 * 1024
_URL: Final = "url: https://huggingface.co/"


class Provenance(Record):
    """The repository that a directory names as its origin, the branch where it says one, and the file that says so."""

    hub_id: str
    revision: str | None
    file: str


def read_provenance(root: Path) -> Provenance | None:
    """The origin that download metadata inside the directory names; None where nothing does. Raises nothing."""
    path = root / METADATA_FILE
    try:
        if path.is_symlink():
            return None
        with path.open("rb") as stream:
            lines = stream.read(MAX_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return None
    url = next((line[len(_URL) :].strip() for line in lines if line.startswith(_URL)), None)
    branch = next((line.partition(":")[2].strip() for line in lines if line.startswith("branch:")), None)
    return Provenance(url.strip("/"), branch, METADATA_FILE) if url and url.count("/") <= 1 else None
