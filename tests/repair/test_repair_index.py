"""`repair index`: a copy that transformers loads, whole or not at all; the source stays as it was."""

import contextlib
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_factory import model_dir, write_index

from resolver.cli import main

INDEX = "model.safetensors.index.json"
PROJECT = Path(__file__).resolve().parents[2]


def digest(place: Path) -> dict[str, str]:
    return {
        str(each.relative_to(place)): hashlib.sha256(each.read_bytes()).hexdigest() + str(each.stat().st_mtime_ns)
        for each in sorted(place.rglob("*"))
        if each.is_file()
    }


def repair(root, target, *more):
    return main(["repair", "index", str(root), "--to", str(target), *more])


def state(root):
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(root).state_dict()


@pytest.fixture
def whole(tmp_path):
    return model_dir(tmp_path / "model", shards=3)


DAMAGES = {
    "W106": lambda index: index.write_text("{}"),
    "W108": lambda index: write_index(index, dict(list(json.loads(index.read_text())["weight_map"].items())[:-1])),
    "W110": lambda index: index.write_text(index.read_text().replace('"total_size": ', '"total_size": 9')),
    "W112": lambda index: index.unlink(),
}


@pytest.mark.parametrize("code", DAMAGES)
@pytest.mark.parametrize("link", [[], ["--link"]])
def test_the_fix_that_the_finding_names_makes_a_copy_that_passes_and_loads(whole, tmp_path, capsys, code, link):
    DAMAGES[code](whole / INDEX)
    before = digest(whole)
    main(["check", str(whole), "--format", "json"])
    findings = json.loads(capsys.readouterr().out)["reports"][0]["findings"]
    command = next(each["fix"]["command"] for each in findings if each["code"] == code)
    assert command == f"resolver repair index {whole} --to {whole}-mended"
    assert main([*command.split()[1:], *link]) == 0
    mended = Path(f"{whole}-mended")
    main(["check", str(mended), "--format", "json"])
    told = json.loads(capsys.readouterr().out.partition("{")[2].join(["{", ""]))["reports"][0]
    assert not [each["code"] for each in told["findings"] if each["code"].startswith(("W", "F"))]
    assert digest(whole) == before
    shard = "model-00001-of-00003.safetensors"
    assert (whole / shard).samefile(mended / shard) == bool(link)


def test_what_was_made_is_the_model_that_was_damaged(whole, tmp_path):
    import torch

    wanted = state(whole)
    (whole / INDEX).unlink()
    assert repair(whole, tmp_path / "new") == 0
    got = state(tmp_path / "new")
    assert got.keys() == wanted.keys()
    assert all(torch.equal(got[name], wanted[name]) for name in wanted)


def test_an_absent_shard_a_doubled_tensor_a_torn_header_and_pickles_are_refused(tmp_path, capsys):
    cases = {
        "absent": model_dir(tmp_path / "a", shards=3, without={2}),
        "and in": model_dir(tmp_path / "b", shards=2),
        "header": model_dir(tmp_path / "c", shards=2),
        "no shards": model_dir(tmp_path / "d"),
    }
    second = tmp_path / "b" / "model-00002-of-00002.safetensors"
    second.write_bytes((tmp_path / "b" / "model-00001-of-00002.safetensors").read_bytes())
    (tmp_path / "c" / "model-00001-of-00002.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{oops   ")
    for word, root in cases.items():
        assert repair(root, tmp_path / "new") == 1
        assert word in capsys.readouterr().err
        assert not (tmp_path / "new").exists()


def test_an_existing_target_is_never_touched_and_a_missing_model_is_not_found(whole, tmp_path):
    (tmp_path / "new").mkdir()
    assert repair(whole, tmp_path / "new") == 2
    assert list((tmp_path / "new").iterdir()) == []
    assert repair(tmp_path / "nothing-there", tmp_path / "other") == 3
    assert repair(whole, tmp_path / "no" / "parent") == 2


def test_a_disk_that_is_too_small_is_seen_before_anything_is_written(tmp_path, capsys):
    root = model_dir(
        tmp_path / "model", shards=2, sparse=True, tensors={f"t{n}": ("F32", (1 << 20, 1 << 18), None) for n in (1, 2)}
    )
    assert repair(root, tmp_path / "new") == 1
    assert "are free" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def large(tmp_path):
    """Some hundred megabytes of holes: long enough to be interrupted."""
    tensors = {f"t{n}": ("F32", (1 << 11, 1 << 13), None) for n in (1, 2)}
    return model_dir(tmp_path / "model", shards=2, sparse=True, tensors=tensors)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("after", [0.02, 0.1])
def test_killed_at_any_moment_there_is_no_half_target_and_the_source_is_untouched(tmp_path, how, after):
    root = large(tmp_path)
    before = digest(root)
    command = [sys.executable, "-m", "resolver", "repair", "index", str(root), "--to", str(tmp_path / "new")]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while process.poll() is None and not list(tmp_path.glob(".new.*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(after)
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(how)
    process.wait(30)
    assert digest(root) == before
    if (tmp_path / "new").exists():  # it was done before the signal came: then it is whole
        assert (tmp_path / "new" / INDEX).is_file()
    else:
        assert how == signal.SIGKILL or process.returncode in (130, 143, -signal.SIGINT, -signal.SIGTERM)
    if process.returncode in (130, 143):
        assert list(tmp_path.glob(".new.*.tmp")) == []
