"""What is said of the weights of real directories agrees with what a listing of them shows: nothing more, nothing less."""

import json

import pytest
from mounts import HOST, SHARED, environment

from resolver.preflight import check

MODELS = SHARED / "models"
POINTERS = SHARED / "broken" / "lfs_pointers"
LOADABLE = ("model.safetensors", "pytorch_model.bin", "adapter_model.safetensors", "adapter_model.bin")


def directories(*roots):
    found = [
        path
        for root in roots
        if root.is_dir()
        for path in sorted(root.glob("*/*" if root == MODELS else "*"))
        if path.is_dir()
    ]
    found = [path for path in found if "_licenses" not in path.parts]
    return found or [pytest.param(None, marks=pytest.mark.skip(reason="shared data is not here"))]


def weights_said(report):
    return {each.code: each for each in report.findings if each.code[0] == "W"}


@pytest.mark.parametrize("path", directories(MODELS), ids=lambda path: path and path.name)
def test_absent_weights_are_said_to_be_absent_and_present_ones_are_not(path, tmp_path):
    report = check(str(path), environment(tmp_path), HOST)
    said = weights_said(report)
    index = path / "model.safetensors.index.json"
    has_adapter = (path / "adapter_config.json").exists()
    if index.exists():
        promised = set(json.loads(index.read_text())["weight_map"].values())
        absent = sorted(name for name in promised if not (path / name).exists())
        assert "W102" in said
        assert said["W102"].evidence["count"] == len(absent)
        assert absent[0] in said["W102"].message
    elif any((path / name).exists() for name in LOADABLE) or has_adapter:
        assert {"W101", "W102"}.isdisjoint(said)
    else:
        assert "W101" in said
    assert report.verdict == "unusable"


@pytest.mark.parametrize("path", directories(POINTERS), ids=lambda path: path and path.name)
def test_every_pointer_is_said_once_with_its_oid_and_size(path, tmp_path):
    report = check(str(path), environment(tmp_path), HOST)
    pointers = {}
    for file in sorted(path.iterdir()):
        head = file.read_bytes()[:300]
        if head.startswith(b"version https://git-lfs"):
            lines = dict(line.split(" ", 1) for line in head.decode().splitlines())
            pointers[file.name] = (lines["oid"].removeprefix("sha256:"), int(lines["size"]))
    assert pointers
    said = json.dumps([dict(each.evidence) for each in report.findings if each.code == "F002"])
    for oid, size in pointers.values():
        assert oid in said
        assert str(size) in said
    assert {each.code for each in report.findings if each.severity == "error"} & {"W103", "W104", "F003"} == set()
