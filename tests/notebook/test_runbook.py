"""The runbook says all that one needs before pressing Submit, and loads nothing from anywhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from notebook_factory import HANDLE, inference, training, written

from resolver.environment import Environment
from resolver.host import Host
from resolver.notebook_fix import Made
from resolver.notebook_preflight import check_notebook
from resolver.report.blocks import Told
from resolver.report.html import render

PROJECT = Path(__file__).resolve().parents[2]
VOID = {"meta", "br", "link", "img"}


class Tags(HTMLParser):
    """Which tags a page has, and whether each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(path: Path, made: Made | None = None) -> str:
    nowhere = Environment(home=path.parent, cwd=path.parent, variables={"KAGGLE_CACHE_MOUNT_FOLDER": "/nowhere"})
    told = check_notebook(path, nowhere, Host())
    return render(Told(reports=(told.report, *told.models.values()), notebook=told, fix=made))


@pytest.mark.parametrize(
    ("build", "parts"),
    [
        (inference, ("not ready", "internet off, kaggle-t4x2", "2 x Tesla T4", "9 hours", "submission.csv is written",
                     "datasets/kishanvavdara/lmsys-model", "<td>4:1</td>", "not attached", HANDLE, "20.00 GB")),
        (training, ("not ready", "8 x TPU v3 core", "no network", "hub id", "N002", "N003")),
    ],
)  # fmt: skip
def test_it_says_what_is_mounted_what_each_cell_needs_and_what_is_missing(tmp_path, build, parts) -> None:
    told = page(build(tmp_path))
    assert [part for part in parts if part not in told] == []


def test_a_notebook_that_is_ready_says_so_and_asks_for_nothing(tmp_path: Path) -> None:
    told = page(inference(tmp_path, model_sources=[HANDLE]))
    assert "<strong>ready</strong>" in told
    assert "What is wrong" not in told
    assert f'href="https://www.kaggle.com/models/metaresearch/llama-3" rel="noreferrer">{HANDLE}' in told


def test_without_metadata_it_says_what_is_not_known(tmp_path: Path) -> None:
    path = inference(tmp_path)
    (tmp_path / "kernel-metadata.json").unlink()
    told = page(path)
    assert "no kernel-metadata.json" in told
    assert "rules could not be judged" in told


def test_it_is_whole_loads_nothing_and_links_to_kaggle_alone(tmp_path: Path) -> None:
    cells = ["AutoModel.from_pretrained('/kaggle/input/<script>alert(1)</script>/\\x1b[31m')\n",
             "AutoModel.from_pretrained('</code></td><img src=x onerror=alert(1)>')\n"]  # fmt: skip
    told = page(written(tmp_path, "n.ipynb", cells, dataset_sources=["a/b", "<b>/c", 'x"/y']))
    tags = Tags()
    tags.feed(told)
    assert tags.open == []
    assert tags.seen & {"script", "img", "link", "iframe"} == set()
    assert all(link.startswith("https://www.kaggle.com/") for link in tags.links)
    assert re.search(r"url\(|@import", told) is None
    assert told.isascii()


def test_what_fix_wrote_stands_on_it(tmp_path: Path) -> None:
    path = inference(tmp_path)
    made = Made(path, tmp_path / "kernel-metadata.json", (), ("a change",), ("a thing to do",))
    told = page(path, made)
    assert "changed: a change" in told
    assert "to do: a thing to do" in told


def test_a_step_that_stands_in_no_cell_says_what_it_is_about(tmp_path: Path) -> None:
    path = written(tmp_path, "n.ipynb", ["import os\n"], dataset_sources=["no handle"], model_sources=[HANDLE])
    shown = page(path)
    assert "&#x27;no handle&#x27; in dataset_sources is no owner/slug: correct it" in shown
    assert f"<li>{HANDLE} is mounted only where its terms were accepted: accept them at" in shown


def test_after_fix_what_was_written_and_the_steps_name_the_same_cells(tmp_path: Path) -> None:
    cells = ["import requests\nrequests.get('https://example.org')\n", "AutoModel.from_pretrained('org/a')\n"]
    path = written(tmp_path, "n.ipynb", cells)
    page_at = tmp_path / "runbook.html"
    command = [sys.executable, "-m", "resolver", "notebook", path, "--fix", "--format", "html", "--report", page_at]
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), "KAGGLE_CACHE_MOUNT_FOLDER": str(tmp_path / "nowhere")}
    subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, check=False)
    shown = page_at.read_text("utf-8")
    assert "to do: cell 3, line 2: requests.get needs the network" in shown
    assert "<li>cell 3, line 2: attach what it fetches as a dataset" in shown
    assert "counted as they are written, with the new first one" in shown
