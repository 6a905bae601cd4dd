"""The two notebooks that everybody forked: what is said of them, and that --fix makes them run offline."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_factory import HANDLE, LLAMA, inference, reference_cells, training, written

PROJECT = Path(__file__).resolve().parents[2]
FORMATS = ("text", "json", "sarif", "junit", "github", "html")
TOKEN = "hf_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f"


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """One command line of the resolver, on a machine without a mount."""
    nowhere = {"KAGGLE_CACHE_MOUNT_FOLDER": str(cwd / "nowhere"), "HOME": str(cwd / "home")}
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), **nowhere}
    command = [sys.executable, "-m", "resolver", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def codes(folder: Path, *arguments: object) -> list[str]:
    """The codes of errors and warnings of `resolver notebook`."""
    done = run("notebook", *arguments, "--format", "json", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    findings = json.loads(done.stdout)["reports"][0]["findings"]
    return sorted({each["code"] for each in findings if each["severity"] != "info"})


def test_the_inference_notebook_without_its_model_names_the_handle_and_the_licence_page(tmp_path: Path) -> None:
    path = inference(tmp_path)
    assert codes(tmp_path, path) == ["N001"]
    told = run("notebook", path, cwd=tmp_path).stdout
    assert f"error[N001] model-not-attached: {HANDLE} is read and no source of the notebook mounts it" in told
    assert "https://www.kaggle.com/models/metaresearch/llama-3" in told
    assert f'add "{HANDLE}" to model_sources' in told
    assert "cell 4:1" in told, "the literal, not the call"


def test_with_its_model_attached_the_inference_notebook_is_clean(tmp_path: Path) -> None:
    assert codes(tmp_path, inference(tmp_path, model_sources=[HANDLE])) == []


def test_the_training_notebook_run_as_inference_stops_at_the_hub_and_at_its_installs(tmp_path: Path) -> None:
    assert codes(tmp_path, training(tmp_path)) == ["N002", "N003"]


@pytest.mark.parametrize("build", [inference, training])
def test_after_fix_it_is_clean_and_so_is_a_second_fix(tmp_path: Path, build: object) -> None:
    path = build(tmp_path)  # type: ignore[operator]
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    target = path.with_name(f"{path.stem}-fixed")
    assert codes(target, target / path.name) == []
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    again = run("notebook", target / path.name, "--fix", cwd=tmp_path)
    assert again.returncode == 0
    assert "written" not in again.stdout
    assert "accept the licence at https://www.kaggle.com/models/metaresearch/llama-3" in done.stdout


def test_fix_keeps_outputs_ids_and_everything_that_it_does_not_change(tmp_path: Path) -> None:
    path = training(tmp_path)
    run("notebook", path, "--fix", cwd=tmp_path)
    old = json.loads(path.read_text("utf-8"))["cells"]
    new = json.loads((tmp_path / "training-fixed" / path.name).read_text("utf-8"))["cells"]
    assert len(new) == len(old) + 1
    for before, after in zip(old, new[1:], strict=True):
        assert {key: value for key, value in before.items() if key != "source"} == {
            key: value for key, value in after.items() if key != "source"
        }
    changed = [index for index, (a, b) in enumerate(zip(old, new[1:], strict=True)) if a["source"] != b["source"]]
    assert changed == [1, 3]  # the installs and the class with the name
    assert f'MODEL_NAME = str(resolve_model("{HANDLE}"))' in "".join(new[4]["source"])


@pytest.mark.parametrize("form", FORMATS)
def test_a_literal_token_is_masked_in_every_format(tmp_path: Path, form: str) -> None:
    cells = [
        f"from huggingface_hub import login\nlogin(token='{TOKEN}')\nNAME = '{TOKEN}'\n",
        *reference_cells("inference"),
    ]
    installs = (
        f"!pip install git+https://{TOKEN}@example.org/me/x\n%pip install git+https://{{NAME}}@example.org/me/y\n"
    )
    reads = f"AutoModel.from_pretrained('{TOKEN}')\nopen(f'/kaggle/input/absent/{{NAME}}.csv')\n"
    path = written(tmp_path, "n.ipynb", [*cells, installs, reads])
    done = run("notebook", path, "--format", form, cwd=tmp_path)
    assert "N009" in done.stdout
    assert TOKEN[3:] not in done.stdout + done.stderr
    fixed = run("notebook", path, "--fix", "--format", form, cwd=tmp_path)
    assert TOKEN[3:] not in fixed.stdout + fixed.stderr


def test_in_place_keeps_what_was_there_and_changes_both(tmp_path: Path) -> None:
    path = inference(tmp_path)
    metadata = tmp_path / "kernel-metadata.json"
    before = path.read_bytes(), metadata.read_bytes()
    done = run("notebook", path, "--fix", "--in-place", "--format", "json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    fixed = json.loads(done.stdout)["fixed"]
    assert [Path(each).name for each in fixed["backups"]] == ["kernel-metadata.json.bak", "inference.ipynb.bak"]
    assert (tmp_path / "inference.ipynb.bak").read_bytes() == before[0]
    assert (tmp_path / "kernel-metadata.json.bak").read_bytes() == before[1]
    assert HANDLE in json.loads(metadata.read_text())["model_sources"]
    assert codes(tmp_path, path) == []


def test_a_stale_path_becomes_a_name_and_another_version_too(tmp_path: Path) -> None:
    cells = ["from transformers import AutoModel\n",
             "a = AutoModel.from_pretrained('/kaggle/input/metaresearch/llama-3/transformers/8b-chat-hf/1')\n",
             "b = AutoModel.from_pretrained('/kaggle/input/llama-3/transformers/8b-chat-hf/2')\n"]  # fmt: skip
    path = written(tmp_path, "n.ipynb", cells, model_sources=[HANDLE])
    assert codes(tmp_path, path) == ["N004", "N005"]
    assert run("notebook", path, "--fix", cwd=tmp_path).returncode == 0
    assert codes(tmp_path, tmp_path / "n-fixed" / "n.ipynb") == []


def test_several_installs_of_a_line_are_fixed_once_each(tmp_path: Path) -> None:
    path = written(tmp_path, "n.ipynb", ["!pip install -q einops && pip install trl; pip install --no-index x\n"])
    assert run("notebook", path, "--fix", cwd=tmp_path).returncode == 0
    fixed = tmp_path / "n-fixed" / "n.ipynb"
    line = json.loads(fixed.read_text())["cells"][-1]["source"]
    assert "".join(line).count("--no-index") == 3
    assert codes(tmp_path, fixed) == []


def test_a_script_with_a_byte_order_mark_keeps_it_and_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "s.py"
    path.write_text('m = AutoModel.from_pretrained("org/a")\n', encoding="utf-8-sig")
    run("notebook", path, "--fix", cwd=tmp_path)
    fixed = (tmp_path / "s-fixed" / "s.py").read_text(encoding="utf-8")
    assert fixed.startswith("\ufeff# Written")
    assert fixed.endswith('\nm = AutoModel.from_pretrained(str(resolve_model("org/a")))\n')


def test_a_name_that_a_path_is_made_of_is_left_to_a_person(tmp_path: Path) -> None:
    config = "class CFG:\n    model = 'org/deberta'\n"
    loads = "tokenizer = AutoTokenizer.from_pretrained(CFG.model)\n"
    path = written(tmp_path, "n.ipynb", [config, loads, "torch.load(f\"/kaggle/input/w/{CFG.model.split('/')[-1]}.pth\")\n"],
                   dataset_sources=["me/w"])  # fmt: skip
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert "to do: cell 3, line 2: org/deberta is a part of /kaggle/input/w/deberta.pth too; write" in done.stdout
    assert "'org/deberta'" in (tmp_path / "n-fixed" / "n.ipynb").read_text()


def test_a_name_that_a_written_file_is_named_after_is_left_to_a_person(tmp_path: Path) -> None:
    config = "class CFG:\n    model = 'org/deberta'\n"
    loads = "AutoTokenizer.from_pretrained(CFG.model)\nframe.to_csv(f'{CFG.model}.csv')\n"
    path = written(tmp_path, "n.ipynb", [config, loads])
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert "to do: cell 3, line 2: org/deberta is a part of org/deberta.csv too; write" in done.stdout
    assert "'org/deberta'" in (tmp_path / "n-fixed" / "n.ipynb").read_text()


@pytest.mark.parametrize(
    ("script", "cell"),
    [
        ("{}", ""),
        ('"""Doc."""\n{}', ""),
        ("# %%\n{}", "cell 1, "),
        ("# %% [markdown]\n# text\n# %%\n{}", "cell 3, "),
    ],
)
def test_what_was_written_is_told_by_the_places_that_it_has_there(tmp_path: Path, script: str, cell: str) -> None:
    path = tmp_path / "s.py"
    code = "import requests\nrequests.get('https://example.org')\nm = AutoModel.from_pretrained('org/a')\n"
    path.write_text(script.format(code))
    told = run("notebook", path, "--fix", cwd=tmp_path).stdout
    fixed = (tmp_path / "s-fixed" / "s.py").read_text().splitlines()
    line = 1 + fixed.index("requests.get('https://example.org')")
    assert f"to do: {cell}line {line}: requests.get" in told
    assert f"changed: {cell}line {line + 1}: org/a is now" in told


def test_a_notebook_of_format_3_is_read_and_is_said_not_to_be_rewritten(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "input": ["AutoModel.from_pretrained('org/a')\n"], "language": "python", "outputs": []}
    path = tmp_path / "n.ipynb"
    path.write_text(json.dumps({"worksheets": [{"cells": [cell]}], "nbformat": 3, "nbformat_minor": 0}))
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert done.returncode == 1
    assert "it is of format 3 (worksheets), which is read and not rewritten; save it in format 4" in done.stderr
    assert not (tmp_path / "n-fixed").exists()


def test_a_directory_that_files_are_read_from_is_named_all_the_same(tmp_path: Path) -> None:
    loads = "P = 'org/deberta'\nAutoModel.from_pretrained(P)\nAutoTokenizer.from_pretrained(f'{P}')\n"
    run("notebook", written(tmp_path, "n.ipynb", [loads]), "--fix", cwd=tmp_path)
    cells = json.loads((tmp_path / "n-fixed" / "n.ipynb").read_text())["cells"]
    assert "".join(cells[-1]["source"]).startswith('P = str(resolve_model("org/deberta"))')


def test_what_only_a_person_can_do_writes_nothing_and_says_so(tmp_path: Path) -> None:
    path = written(tmp_path, "n.ipynb", ["import requests\nrequests.get('https://example.org')\n"])
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert "nothing written" in done.stdout
    assert not (tmp_path / "n-fixed").exists()


def test_what_cannot_be_fixed_is_listed_and_still_told(tmp_path: Path) -> None:
    cells = ["import requests\nrequests.get('https://example.org')\n",
             "org = 'nobody'\nAutoModel.from_pretrained(org + '/nothing-known')\n"]  # fmt: skip
    path = written(tmp_path, "n.ipynb", cells)
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert done.returncode == 1
    assert "to do: cell 3, line 2: requests.get needs the network" in done.stdout
    assert "to do: cell 4, line 2: write" in done.stdout


def test_fix_refuses_what_is_there_and_what_it_cannot_read(tmp_path: Path) -> None:
    path = inference(tmp_path)
    (tmp_path / "inference-fixed").mkdir()
    done = run("notebook", path, "--fix", cwd=tmp_path)
    assert done.returncode == 2
    assert "exists" in done.stderr
    assert run("notebook", path, "--in-place", cwd=tmp_path).returncode == 2
    damaged = tmp_path / "damaged.ipynb"
    damaged.write_bytes(b"{")
    assert run("notebook", damaged, "--fix", cwd=tmp_path).returncode == 1
    assert not (tmp_path / "damaged-fixed").exists()


def test_the_metadata_line_of_the_founding_path_is_the_one_that_kaggle_takes() -> None:
    assert LLAMA.removeprefix("/kaggle/input/") == HANDLE.removeprefix("metaresearch/")
