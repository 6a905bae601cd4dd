"""The child processes in which a client runs, with clients made up to behave as badly as one can."""

import os
import time
from pathlib import Path

import pytest
from command_runs import PROJECT

from resolver.environment import Environment
from resolver.online import children
from resolver.online.answers import Answer
from resolver.online.children import NotInstalled, ask_sites

HUB, KAGGLE = (Answer(site, "org/name", None, named=True) for site in ("huggingface", "kaggle"))


def asked_with(client: str, place: Path, *asked: Answer) -> tuple[Answer, ...]:
    """What comes back where `huggingface_hub` and `kagglehub` are this code."""
    for name in ("huggingface_hub", "kagglehub"):
        (place / f"{name}.py").write_text(client)
    environment = Environment(home=place, cwd=place, search_path=(place, PROJECT, *standard_library()))
    return ask_sites(asked, environment, 0.1, lambda: None)


def standard_library() -> tuple[Path, ...]:
    return (Path(os.__file__).parent, Path(os.__file__).parent / "lib-dynload")


def test_a_client_that_hangs_while_it_loads_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "LOADING_S", 0.7)
    began = time.monotonic()
    hub, kaggle = asked_with("import time; time.sleep(60)", tmp_path, HUB, KAGGLE)
    assert time.monotonic() - began < 10
    assert (hub.trouble, kaggle.trouble) == ("huggingface did not answer in time", "kaggle did not answer in time")
    assert (hub.verdict, kaggle.verdict) == ("unknown", "unknown")


def test_a_client_that_dies_or_fails_is_told_by_its_exit_code_alone(tmp_path: Path) -> None:
    """What it printed, or raised, may hold anything."""
    (hub,) = asked_with("import os; print('hf_secret'); os._exit(3)", tmp_path, HUB)
    assert hub.trouble == "the process that asked huggingface ended with 3"
    (hub,) = asked_with("raise RuntimeError('hf_secret')", tmp_path, HUB)
    assert hub.trouble == "the process that asked huggingface ended with 1"


def test_a_client_that_is_missing_is_named_and_the_other_is_asked_all_the_same(tmp_path: Path) -> None:
    missing = "raise ModuleNotFoundError(name='google.protobuf')"
    with pytest.raises(NotInstalled, match="not installed: google"):
        asked_with(missing, tmp_path, HUB, KAGGLE)
    (tmp_path / "huggingface_hub.py").unlink()
    client = (
        "import sys\nif 'kagglehub' in __name__: raise ModuleNotFoundError(name='kagglehub')\nimport os; os._exit(3)"
    )
    hub, kaggle = asked_with(client, tmp_path, HUB, KAGGLE)
    assert (hub.trouble, kaggle.trouble) == (
        "the process that asked huggingface ended with 3",
        "kagglehub is not installed",
    )


def test_a_client_that_is_too_old_is_told_apart_from_one_that_is_missing(tmp_path: Path) -> None:
    (hub,) = asked_with("", tmp_path, HUB)
    assert hub.trouble == "the huggingface_hub that is installed cannot be used"


def test_an_interruption_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    (tmp_path / "huggingface_hub.py").write_text("import time; time.sleep(60)")
    made = []
    usual = children._Child

    def kept(*arguments: object) -> object:
        made.append(usual(*arguments))
        return made[-1]

    monkeypatch.setattr(children, "_Child", kept)
    environment = Environment(home=tmp_path, cwd=tmp_path, search_path=(tmp_path, PROJECT, *standard_library()))
    with pytest.raises(KeyboardInterrupt):
        ask_sites((HUB,), environment, 1, interrupted)
    assert [each._process.poll() for each in made] == [-9]
