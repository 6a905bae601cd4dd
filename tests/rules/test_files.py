"""F001-F004: every fault is made in a model that transformers loads, and shown to stop it; each has its near miss."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from model_factory import lfs_pointer, model_dir, tiny_model
from oracle import SHARED, codes, judge, one, refusal

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from oracle import codes, one, refusal
place = Path({place!r})
assert "F001" in codes(place, "error"), codes(place)
assert "Permission denied" in one(place, "F001").message
print(refusal(place))
"""


@pytest.mark.parametrize("shards", [1, 2])
def test_whole_model_has_no_finding(tmp_path: Path, shards: int) -> None:
    root = model_dir(tmp_path / "m", shards=shards)
    assert refusal(root) is None
    assert judge(root) == []


def test_models_that_transformers_saved_have_no_finding(tmp_path: Path) -> None:
    assert judge(tiny_model(tmp_path / "a", shards=3)) == []
    assert judge(tiny_model(tmp_path / "b", family="bert", classifier=True)) == []
    assert judge(tiny_model(tmp_path / "c", weights="bin", shards=2)) == []


def test_f001_unreadable_weights_are_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").chmod(0)
    code = CHILD.format(root=str(ROOT), tests=str(ROOT / "tests"), place=str(root))
    as_others = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all"]
    if os.geteuid() != 0:
        as_others = []
    elif shutil.which("setpriv") is None:
        pytest.skip("runs as root, who reads everything, and setpriv is not here to take that right away")
    command = [*as_others, sys.executable, "-c", code]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "No such file or directory" in done.stdout  # safetensors' words for a file that is there


def test_f001_socket_under_a_model_name_is_an_error_and_does_not_hang(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").unlink()
    os.mkfifo(root / "model.safetensors")
    assert refusal(root) is not None
    assert "F001" in codes(root, "error")


def test_f001_unreadable_directory_is_an_error(tmp_path: Path) -> None:
    assert codes(tmp_path / "absent", "error") == ["F001"]


def test_f001_socket_that_no_loader_opens_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = model_dir(tmp_path / "m")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(root)  # a socket's path may have 108 bytes at most
        listener.bind("stray.sock")
    assert refusal(root) is None
    assert codes(root) == ["F001"]
    assert codes(root, "error") == []


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_f002_pointer_that_is_opened_is_the_only_error_of_its_file(tmp_path: Path, name: str) -> None:
    root = model_dir(tmp_path / "m")
    (root / name).write_text(lfs_pointer(4_976_698_672))
    assert refusal(root) is not None
    assert codes(root, "error") == ["F002"]
    (told,) = one(root, "F002").evidence["files"]
    assert told["size_bytes"] == 4_976_698_672
    assert len(told["oid"]) == 64


def test_f002_pointer_in_a_file_that_is_not_opened_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "onnx").mkdir()
    (root / "onnx" / "model.onnx").write_text(lfs_pointer())
    (root / "pytorch_model.bin").write_text(lfs_pointer())
    assert refusal(root) is None
    assert codes(root) == ["F002"]
    assert codes(root, "error") == []


def test_f002_all_shards_are_one_finding(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=3)
    for shard in root.glob("*.safetensors"):
        shard.write_text(lfs_pointer(1000))
    assert [each.code for each in judge(root)] == ["F002"]
    assert one(root, "F002").evidence["missing_bytes"] == 3000


def test_f002_every_recorded_pointer_is_told_with_oid_and_size() -> None:
    if not SHARED.exists():
        pytest.skip("the shared data is absent")
    for root in sorted((SHARED / "broken" / "lfs_pointers").iterdir()):
        told = {
            each["name"]: each
            for finding in judge(root)
            if finding.code == "F002"
            for each in finding.evidence["files"]
        }
        pointers = {
            path.relative_to(root).as_posix(): path.read_text()
            for path in root.rglob("*")
            if path.is_file() and path.read_bytes().startswith(b"version https://git-lfs")
        }
        assert set(told) == set(pointers), root.name
        for name, text in pointers.items():
            assert f"sha256:{told[name]['oid']}\nsize {told[name]['size_bytes']}" in text


WRONG = {
    "page": (b"<!DOCTYPE html><html><head><title>Sign in - Hub</title>" + b" " * 400, "html", "Sign in - Hub"),
    "zip": (b"PK\x03\x04" + bytes(400), "zip", None),
    "gguf": (b"GGUF\x03\0\0\0" + bytes(400), "gguf", None),
    "pickle": (b"\x80\x02}q\0." + bytes(400), "pickle", None),
    "answer": (b'{"error": "Access to model x is restricted"}', "json", "Access to model x is restricted"),
}


@pytest.mark.parametrize("kind", sorted(WRONG))
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_f003_other_content_is_the_only_error_of_its_file(tmp_path: Path, kind: str, name: str) -> None:
    root = model_dir(tmp_path / "m")
    data, content, headline = WRONG[kind]
    (root / name).write_bytes(data)
    assert refusal(root) is not None
    found = one(root, "F003")
    assert (found.severity, found.evidence["content"], found.evidence["headline"]) == ("error", content, headline)
    assert not {"W103", "W104", "W101"} & set(codes(root))


def test_f003_text_as_opened_torch_weights_is_an_error(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", weights="bin")
    (root / "pytorch_model.bin").write_text("not weights at all")
    assert refusal(root) is not None
    assert codes(root, "error") == ["F003"]


def test_f003_words_like_error_in_an_honest_file_are_none(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    path = root / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "errors": "replace"}))
    (root / "README.md").write_text("<html>cards may hold HTML</html>")
    assert refusal(root) is None
    assert codes(root) == []


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_f004_empty_file_is_the_only_error_of_its_file(tmp_path: Path, name: str) -> None:
    root = model_dir(tmp_path / "m")
    (root / name).write_bytes(b"")
    assert refusal(root) is not None
    assert codes(root, "error") == ["F004"]


def test_f004_files_that_are_meant_to_be_empty_are_none(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "__init__.py").touch()
    (root / ".gitkeep").touch()
    assert refusal(root) is None
    assert codes(root) == []
