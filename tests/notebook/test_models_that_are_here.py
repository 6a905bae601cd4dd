"""Models that this machine has are checked with the notebook: for its accelerator, and as its call reads them."""

import json
from pathlib import Path

import pytest
from command_runs import LLAMA_3_MOUNT, llama_3_8b
from notebook_factory import HANDLE, written

from resolver.environment import Environment
from resolver.finding import Report
from resolver.host import Host
from resolver.notebook_preflight import NotebookReport, check_notebook

MOUNT = f"/kaggle/input/{LLAMA_3_MOUNT}"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mount folder with the model, and a dataset that holds its tokenizer alone."""
    root = tmp_path_factory.mktemp("inputs")
    model = root / LLAMA_3_MOUNT
    model.parent.mkdir(parents=True)
    llama_3_8b(model)
    (root / "my-tokenizer").mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        if (model / name).exists():
            (root / "my-tokenizer" / name).write_bytes((model / name).read_bytes())
    return root


def told(folder: Path, inputs: Path, *cells: str, metadata: bool = True) -> NotebookReport:
    sources = {"model_sources": [HANDLE], "dataset_sources": ["me/my-tokenizer"], "competition_sources": []}
    path = written(folder, "n.ipynb", cells, **sources)
    if not metadata:
        (folder / "kernel-metadata.json").unlink()
    here = Environment(home=folder, cwd=folder, variables={"KAGGLE_CACHE_MOUNT_FOLDER": str(inputs)})
    return check_notebook(path, here, Host())


def codes(report: Report) -> set[str]:
    return {each.code for each in report.errors()}


def test_one_full_copy_does_not_fit_and_is_told_for_the_machine_of_the_metadata(tmp_path: Path, inputs: Path) -> None:
    found = told(tmp_path, inputs, f"AutoModel.from_pretrained('{MOUNT}').to('cuda')\n")
    (report,) = found.models.values()
    assert report.accelerator == "kaggle-t4x2"
    assert codes(report) == {"H701"}


@pytest.mark.parametrize("how", ["device_map='auto'", "load_in_8bit=True", "quantization_config=bnb"])
def test_a_model_that_is_spread_or_quantised_is_not_judged_as_one_full_copy(
    tmp_path: Path, inputs: Path, how: str
) -> None:
    found = told(tmp_path, inputs, f"AutoModel.from_pretrained('{MOUNT}', {how})\n")
    (report,) = found.models.values()
    assert codes(report) == set()
    assert "H701" in {each.code for each in report.skipped}


def test_a_directory_that_only_a_tokenizer_is_read_from_is_judged_as_a_tokenizer(tmp_path: Path, inputs: Path) -> None:
    found = told(tmp_path, inputs, "AutoTokenizer.from_pretrained('/kaggle/input/my-tokenizer')\n")
    assert [codes(report) for report in found.models.values()] in ([], [set()])
    assert found.report.verdict == "usable"


def test_a_hub_id_finds_the_attached_copy(tmp_path: Path, inputs: Path) -> None:
    name = "meta-llama/Meta-Llama-3-8B-Instruct"
    found = told(
        tmp_path, inputs, f"import resolver\nresolver.install()\nAutoModel.from_pretrained('{name}', device_map=0)\n"
    )
    assert [str(report.model.path) for report in found.models.values()] == [str(inputs / LLAMA_3_MOUNT)]


def test_without_metadata_the_mount_of_this_machine_says_what_is_there(tmp_path: Path, inputs: Path) -> None:
    cells = [f"AutoModel.from_pretrained('{MOUNT}')\n", "AutoModel.from_pretrained('/kaggle/input/absent')\n"]
    found = told(tmp_path, inputs, *cells, metadata=False)
    (finding,) = [each for each in found.report.findings if each.code == "N001"]
    assert "/kaggle/input/absent" in finding.message


def test_the_references_of_the_json_name_the_model_that_is_here(tmp_path: Path, inputs: Path) -> None:
    from resolver.report.blocks import Told
    from resolver.report.json_v1 import render

    found = told(tmp_path, inputs, f"AutoModel.from_pretrained('{MOUNT}', device_map='auto')\n")
    reports = (found.report, *found.models.values())
    (reference,) = json.loads(render(Told(reports=reports, notebook=found)))["references"]
    assert reference["meets"] == "attached"
    assert reference["model"] == {"path": str(inputs / LLAMA_3_MOUNT), "verdict": "usable"}
    assert reference["mounts"][1] == f"/kaggle/input/models/{HANDLE.lower()}"
