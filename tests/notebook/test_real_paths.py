"""Paths that people really write: each is attached where its source is, and missing where it is not.

The list lies beside the project and is not part of it; without it these tests are skipped, and the snippets remain.
"""

import csv
from pathlib import Path

import pytest

from resolver.notebook.facts import AttachedSource, Code, Metadata, Spot, Use
from resolver.notebook.standing import below_mount, standings
from resolver.reference import KaggleDataset, KaggleHandle, mounted_name

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "kaggle" / "paths.csv"
HERE = Spot(1)
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the real paths are not beside the project")


def rows() -> list[str]:
    if not DATA.exists():
        return []
    with DATA.open(encoding="utf-8", newline="") as stream:
        return [row["path"] for row in csv.DictReader(stream) if row["path"].startswith("/kaggle/input/")]


def source_of(path: str) -> AttachedSource | None:
    named = mounted_name(below_mount(path) or ())
    if named is None:
        return None
    place = named[0]
    if isinstance(place, KaggleHandle):
        handle = place.replaced(owner=place.owner or "somebody")
        return AttachedSource("model", str(handle), "/model_sources/0", handle=handle, version=handle.version)
    dataset = KaggleDataset(place.owner or "somebody", place.slug)
    return AttachedSource("dataset", f"{dataset.owner}/{dataset.slug}", "/dataset_sources/0", dataset=dataset)


def state(path: str, *sources: AttachedSource) -> str:
    use = Use(path, "weights" if "." in path.rpartition("/")[2][-12:] else "model", "load", HERE, HERE)
    code = Code(Path("n.py"), "script", uses=(use,))
    return standings(code, Metadata(Path("m"), sources))[0].state


@pytest.mark.parametrize("path", rows())
def test_a_real_path_is_attached_by_its_source_and_by_nothing_else(path: str) -> None:
    source = source_of(path)
    assert source is not None
    other = AttachedSource("dataset", "a/another", "/dataset_sources/1", dataset=KaggleDataset("a", "another"))
    assert state(path, other, source) in ("attached", "layout"), "layout where the version is left out"
    assert state(path, other) == "missing"


def test_most_real_paths_are_whole() -> None:
    found = [state(path, source) for path in rows() if (source := source_of(path)) is not None]
    assert found.count("attached") / len(found) > 0.9
