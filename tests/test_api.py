"""The face: what `import resolver` offers, over this process's own environment."""

import ast
import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor

import pytest
from model_factory import model_dir

import resolver


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A machine with nothing on it."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "RESOLVER_ROOTS", "RESOLVER_ALIASES", "RESOLVER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_resolve_model_gives_a_path_like(alone):
    where = model_dir(alone / "m")
    found = resolver.resolve_model(where)
    assert isinstance(found, resolver.Resolution)
    assert os.fspath(found) == str(found) == str(where)
    assert os.listdir(found) == os.listdir(where)  # noqa: PTH208 - what takes a path takes a resolution
    assert found.report is None


def test_resolve_model_with_a_purpose_brings_its_report(alone):
    where = model_dir(alone / "m")
    assert resolver.resolve_model(where, purpose="load").report.verdict == "usable"
    with pytest.raises(resolver.ModelRejected) as caught:
        resolver.resolve_model(where, purpose="score")
    assert [each.code for each in caught.value.report.errors()] == ["C307"]
    assert "C307" in str(caught.value)


def test_resolve_model_whose_adapter_is_absent_is_not_found(alone):
    with pytest.raises(resolver.ModelNotFound, match="no-adapter"):
        resolver.resolve_model(model_dir(alone / "m"), purpose="load", adapter=alone / "no-adapter")


def test_errors_are_caught_as_what_the_libraries_raise(alone):
    with pytest.raises(OSError):
        resolver.resolve_model("org/absent")
    with pytest.raises(FileNotFoundError):
        resolver.resolve_model("org/absent")
    with pytest.raises(ValueError):
        resolver.resolve_model("")


def failed(question) -> resolver.ResolverError:
    """The error that a call ends with."""
    with pytest.raises(resolver.ResolverError) as caught:
        question()
    return caught.value


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_errors_come_back_whole_from_another_process(alone, protocol):
    """A pool hands an error back pickled; OSError's own way would make it anew of its message alone, and fail."""
    where = model_dir(alone / "m")
    absent = failed(lambda: resolver.resolve_model("org/absent"))
    rejected = failed(lambda: resolver.resolve_model(where, purpose="score"))
    for error, kept in ((absent, ("reference", "trail", "diagnosis")), (rejected, ("report",))):
        again = pickle.loads(pickle.dumps(error, protocol))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert [getattr(again, name) for name in kept] == [getattr(error, name) for name in kept]


def test_an_error_that_is_copied_is_the_same(alone):
    absent = failed(lambda: resolver.resolve_model("org/absent"))
    assert str(copy.deepcopy(absent)) == str(copy.copy(absent)) == str(absent)


def test_an_ambiguous_name_stays_one_when_it_is_pickled(alone):
    absent = failed(lambda: resolver.resolve_model("org/absent"))
    error = resolver.AmbiguousModel(absent.reference, absent.trail, absent.diagnosis)
    assert type(pickle.loads(pickle.dumps(error))) is resolver.AmbiguousModel


def test_a_pool_of_processes_hands_the_error_of_a_model_back(alone):
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        error = pool.submit(resolver.resolve_model, "org/absent").exception(60)
    assert isinstance(error, resolver.ModelNotFound)
    assert error.reference == "org/absent"
    assert error.trail


def test_check_model_never_raises_for_a_bad_model(alone):
    (alone / "bad").mkdir()
    assert resolver.check_model(alone / "bad").verdict == "unusable"
    assert resolver.check_model("org/absent").verdict == "not-found"


@pytest.mark.parametrize("wrong", [{"level": "thorough"}, {"accelerator": "abacus"}])
def test_check_model_refuses_what_it_cannot_judge(alone, wrong):
    """Unknown is never a pass: a level that does not exist here is an error and not the quick one."""
    with pytest.raises(ValueError, match="is not known"):
        resolver.check_model(model_dir(alone / "m"), **wrong)


def test_roots_and_config_reach_the_search(alone):
    where = model_dir(alone / "roots/private")
    (alone / "resolver.toml").write_text('[aliases]\n"my/own" = "./roots/private"\n')
    assert resolver.resolve_model("my/own").path == where
    (alone / "other.toml").write_text('roots = ["roots"]\n')
    found = resolver.resolve_model("./private/", roots=[alone / "roots"])
    assert found.path == where


def test_describe_model_describes_what_is_there(alone):
    where = model_dir(alone / "m", shards=2)
    described = resolver.describe_model(where)
    assert described.config.model_type == "llama"
    assert len(described.weights.opened) == 3
    assert described.tokenizer is not None


def test_every_public_name_is_there_and_nothing_is_loaded_before_it_is_used():
    for name in resolver.__all__:
        assert getattr(resolver, name) is not None
    code = "import resolver, sys; print([m for m in sys.modules if m.startswith('resolver.')])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(said) == ["resolver.version"]


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = resolver.nonsense
