"""The whole way of a gated model, as one person goes it: asked for, granted, staged, carried over, found, proven, scored.

The sites are local servers, the clients are the real ones; the other side has no network and mounts the directory
read-only where Kaggle mounts a dataset.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from command_runs import PROJECT, Machine, make_machine
from hub_server import HubServer
from tiny_classifier import save_classifier

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

REPO = "someone/gated-llama"
TOKEN = "hf_" + "t" * 34
CARD = f"---\nlicense: apache-2.0\nextra_gated_prompt: You agree\n---\n# {REPO}\n"
BATTLES = PROJECT / "examples" / "battles" / "test.csv"
# Bind the bundle where a dataset is mounted, make that read-only, then run the command that follows.
MOUNT = 'mount --bind "$1" "$2" && mount -o remount,ro,bind "$2" && shift 2 && exec "$@"'


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubServer]:
    repository = save_classifier(tmp_path / "upstream", family="llama")
    (repository / "README.md").write_text(CARD)
    (repository / "LICENSE").write_text("Apache License, Version 2.0\n")
    (repository / "pytorch_model.bin").write_bytes(b"another copy of the weights, which no loader opens")
    with HubServer() as server:
        server.add_user(TOKEN, "me")
        server.add_repo(REPO, repository, gated="manual")
        yield server


def other_side(machine: Machine) -> tuple[str, ...]:
    """The words before a command that take the network away and mount the bundle read-only."""
    place = machine.inputs / "my-models"
    place.mkdir(exist_ok=True)
    wrapper = ("unshare", "--map-root-user", "--net", "--mount", "sh", "-c", MOUNT, "sh")
    wrapper = (*wrapper, str(machine.work / "bundle"), str(place))
    if shutil.which("unshare") is None or machine.run("true", wrapper=wrapper).returncode != 0:
        pytest.skip("this machine does not allow namespaces of one's own (unshare --map-root-user --net --mount)")
    return wrapper


def said(done: subprocess.CompletedProcess[str], code: int) -> str:
    """All that a command said, after its exit code was as expected and no token was shown."""
    told = done.stdout + done.stderr
    assert done.returncode == code, told
    assert TOKEN not in told
    return told


def test_a_gated_model_is_asked_for_granted_staged_mounted_proven_and_scored(hub: HubServer, tmp_path: Path) -> None:
    here = make_machine(tmp_path / "here")
    online = Machine(here.root, {**here.variables, **hub.variables(), "HF_TOKEN": TOKEN})

    refused = said(online.run("resolver", "access", REPO, "--site", "huggingface"), 1)
    assert f"/{REPO}" in refused  # the page on which access is asked for
    said(online.run("resolver", "stage", REPO, "--online", "--to", "bundle"), 1)
    assert not (here.work / "bundle").exists()

    hub.repos[REPO].grants["me"] = "accepted"
    said(online.run("resolver", "access", REPO, "--site", "huggingface"), 0)
    said(online.run("resolver", "stage", REPO, "--online", "--to", "bundle"), 0)
    staged = sorted(each.name for each in (here.work / "bundle").iterdir())
    assert {
        "LICENSE",
        "README.md",
        "config.json",
        "dataset-metadata.json",
        "model.safetensors",
        "resolver.lock",
    } <= set(staged)
    assert "pytorch_model.bin" not in staged
    assert not any(TOKEN.encode() in each.read_bytes() for each in (here.work / "bundle").rglob("*") if each.is_file())

    away, there = other_side(here), Machine(here.root, {**here.variables, "HF_HUB_OFFLINE": "1"})
    found = there.run("resolver", "path", REPO, "--format", "json", wrapper=away)
    (resolution,) = json.loads(found.stdout)["resolutions"]
    assert (resolution["confidence"], resolution["path"]) == ("declared", str(here.inputs / "my-models"))
    said(there.run("resolver", "verify", str(here.inputs / "my-models" / "resolver.lock"), wrapper=away), 0)
    report = there.run("resolver", "check", REPO, "--level", "deep", "--for", "score", "--format", "json", wrapper=away)
    (judged,) = json.loads(report.stdout)["reports"]
    assert (judged["verdict"], [each for each in judged["findings"] if each["severity"] != "info"]) == ("usable", [])
    assert "I901" in judged["checks"]["run"]

    score = ("arena", "score", "--model", REPO, "--test", str(BATTLES), "--output", "submission.csv")
    said(there.run(*score, wrapper=away), 0)
    said(there.run("arena", "validate", "submission.csv", "--test", str(BATTLES), wrapper=away), 0)
