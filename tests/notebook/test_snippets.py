"""Notebooks as people write them: what is found in each is exactly what stands beside it.

Each snippet in `snippets/` names the sources that are attached (default: the competition), the references that reach
a reader, and the codes of its findings (`infos:` where those of severity info are compared too). A reference that is
marked `missed` cannot be known from the file: it counts against recall, and the day it is found the mark has to go.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from resolver.environment import Environment
from resolver.host import Host
from resolver.notebook_preflight import NotebookReport, check_notebook

SNIPPETS = Path(__file__).parent / "snippets"
KEYS = {"model": "model_sources", "dataset": "dataset_sources", "kernel": "kernel_sources",
        "competition": "competition_sources"}  # fmt: skip
Reference = tuple[str, str, str]


class Snippet:
    """One snippet: its name, what is attached, its cells, and what is expected of it."""

    def __init__(self, file: str, text: str) -> None:
        head, *cells = re.split(r"^---\n", text, flags=re.MULTILINE)
        self.name, *lines = head.strip().splitlines()
        self.id = f"{file}: {self.name}"
        self.cells = [cell.rstrip("\n") for cell in cells]
        self.sources = "competition lmsys-chatbot-arena"
        self.flags: set[str] = set()
        self.uses: set[Reference] = set()
        self.missed: set[Reference] = set()
        self.codes: set[str] = set()
        self.infos: set[str] | None = None
        for line in lines:
            self._read(*line.split(": ", 1))

    def _read(self, key: str, value: str) -> None:
        if key == "use":
            role, text, *mark = value.split()
            reach = mark[0] if mark else "runs"
            (self.missed if reach == "missed" else self.uses).add((role, text, "runs" if reach == "missed" else reach))
        elif key == "infos":
            self.infos = set(value.split())
        elif key in ("codes", "flags"):
            setattr(self, key, set(value.split()))
        else:
            assert key == "sources", f"{self.id}: {key} is no key of a snippet"
            self.sources = value

    def judged(self, folder: Path) -> NotebookReport:
        """Write the notebook and its metadata, and judge it on a machine without anything."""
        cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": cell} for cell in self.cells]
        path = folder / "n.ipynb"
        path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
        if self.sources != "none":
            document: dict[str, object] = {key: [] for key in KEYS.values()}
            document |= {"code_file": "n.ipynb", "enable_internet": "internet" in self.flags}
            document |= {"enable_gpu": "cpu" not in self.flags}
            if "cpu" not in self.flags:
                document["machine_shape"] = "NvidiaTeslaT4"
            for source in self.sources.split(", "):
                kind, text = source.split()
                listed = document[KEYS[kind]]
                assert isinstance(listed, list)
                listed.append(text)
            (folder / "kernel-metadata.json").write_text(json.dumps(document))
        nowhere = Environment(home=folder / "home", cwd=folder, variables={"KAGGLE_CACHE_MOUNT_FOLDER": "/nowhere"})
        return check_notebook(path, nowhere, Host())


def snippets() -> list[Snippet]:
    return [
        Snippet(path.stem, text)
        for path in sorted(SNIPPETS.glob("*.txt"))
        for text in re.split(r"^=== ", path.read_text(), flags=re.MULTILINE)[1:]
    ]


def found_in(told: NotebookReport) -> tuple[set[Reference], set[str], set[str]]:
    """References, codes of errors and warnings, codes of infos."""
    references = {(each.use.role, each.use.text, each.use.reach) for each in told.references}
    grave = {each.code for each in told.report.findings if each.severity != "info"}
    return references, grave, {each.code for each in told.report.findings if each.severity == "info"}


@pytest.mark.parametrize("snippet", snippets(), ids=lambda snippet: snippet.id)
def test_a_snippet_says_what_stands_beside_it(snippet: Snippet, tmp_path: Path) -> None:
    references, codes, infos = found_in(snippet.judged(tmp_path))
    assert references == snippet.uses
    assert codes == snippet.codes
    assert snippet.infos is None or infos == snippet.infos


def test_precision_and_recall_over_all_snippets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    everything = snippets()
    counts = {"references": [0, 0, 0], "codes": [0, 0, 0]}  # right, found, wanted
    for number, snippet in enumerate(everything):
        folder = tmp_path / str(number)
        folder.mkdir()
        references, codes, _ = found_in(snippet.judged(folder))
        _count(counts["references"], references, snippet.uses | snippet.missed)
        _count(counts["codes"], codes, snippet.codes)
    assert len(everything) >= 60
    with capsys.disabled():
        for name, (right, found, wanted) in counts.items():
            print(f"\n{name}: precision {right / found:.3f}, recall {right / wanted:.3f}, {len(everything)} snippets")
    right, found, wanted = counts["references"]
    assert right == found
    assert right / wanted > 0.95


def _count(counts: list[int], found: set[Any], wanted: set[Any]) -> None:
    counts[0] += len(found & wanted)
    counts[1] += len(found)
    counts[2] += len(wanted)
