"""A made-up machine for commands that run in this process: its home, its mount, and none of our own variables."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from model_factory import model_dir

from resolver.cli import main
from resolver.environment import SECRETS, VARIABLES


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Resolver = Callable[..., Ran]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine; `input` stands for /kaggle/input, `work` is where commands start."""
    for name in (*VARIABLES, *SECRETS):
        monkeypatch.delenv(name, raising=False)
    for name in ("home", "input", "work"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


@pytest.fixture
def resolver(machine: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Resolver:
    """Run one command line on that machine."""

    def ran(*argv: object) -> Ran:
        code = main([str(each) for each in argv])
        out, err = capfdbinary.readouterr()
        return Ran(code, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape"))

    return ran


@pytest.fixture
def good(machine: Path) -> Path:
    """A model that loads."""
    return model_dir(machine / "good")


@pytest.fixture
def bad(machine: Path) -> Path:
    """A model without its third shard."""
    return model_dir(machine / "bad", shards=4, without=[3])
