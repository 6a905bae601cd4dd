from pathlib import Path

import pytest
from mounts import environment

from resolver.environment import Environment
from resolver.errors import ConfigurationError
from resolver.settings import load_settings

ROOT = Path("/r")


def at(**variables):
    return Environment(home=ROOT / "home", cwd=ROOT / "cwd", variables=variables)


@pytest.mark.parametrize(
    ("variables", "first"),
    [
        ({}, "/r/home/.cache/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"HF_HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/h/hub"),
        ({"HUGGINGFACE_HUB_CACHE": "/legacy", "HF_HOME": "/h"}, "/legacy"),
        ({"HF_HUB_CACHE": "/hub", "HUGGINGFACE_HUB_CACHE": "/legacy"}, "/hub"),
        ({"HF_HOME": "~/hf"}, "/r/home/hf/hub"),
        ({"HF_HUB_CACHE": "$HOME/c"}, "/r/home/c"),
    ],
)
def test_hub_cache_follows_the_precedence_of_the_library(variables, first):
    assert str(at(**variables).hub_caches[0]) == first


@pytest.mark.parametrize("variables", [{}, {"HF_HOME": "/h"}, {"XDG_CACHE_HOME": "/x"}, {"HF_HUB_CACHE": "/c"}])
def test_hub_cache_agrees_with_huggingface_hub(variables, tmp_path):
    """The library is the judge of where it looks."""
    import subprocess
    import sys

    pytest.importorskip("huggingface_hub")
    code = "from huggingface_hub import constants; print(constants.HF_HUB_CACHE)"
    home = {"HOME": str(tmp_path), "PATH": ""}
    said = subprocess.run(
        [sys.executable, "-c", code], env={**home, **variables}, capture_output=True, text=True, check=True
    )
    ours = Environment(home=tmp_path, cwd=tmp_path, variables=variables).hub_caches[0]
    assert said.stdout.strip() == str(ours)


@pytest.mark.parametrize(
    ("variables", "offline"),
    [
        ({}, False),
        ({"HF_HUB_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "yes"}, True),
        ({"TRANSFORMERS_OFFLINE": "on"}, True),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, False),
        ({"HF_HUB_OFFLINE": "2"}, False),
    ],
)
def test_offline_is_read_as_the_library_reads_it(variables, offline):
    assert at(**variables).is_offline_set is offline


@pytest.mark.parametrize("value", [None, "1", "0", "true", "2"])
def test_autoload_is_read_as_torch_reads_it(monkeypatch, value):
    torch = pytest.importorskip("torch")
    monkeypatch.delenv("TORCH_DEVICE_BACKEND_AUTOLOAD", raising=False)
    if value is not None:
        monkeypatch.setenv("TORCH_DEVICE_BACKEND_AUTOLOAD", value)
    assert Environment.this().is_autoload_off is not torch._is_device_backend_autoload_enabled()


def test_mount_is_kagglehubs_variable_or_the_default():
    assert at().kaggle_mount == Path("/kaggle/input")
    assert at(KAGGLE_CACHE_MOUNT_FOLDER="/m").kaggle_mount == Path("/m")


def test_this_keeps_no_secret(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    here = Environment.this()
    assert "hf_verysecret" not in repr(here)
    assert here.secrets == ("HF_TOKEN",)


def test_roots_and_aliases_come_from_arguments_first():
    here = at(RESOLVER_ROOTS="/a:/b", RESOLVER_ALIASES="x=org/y; z = /p ").extended((Path("/first"),), {"q": "gpt2"})
    assert here.roots == (Path("/first"), Path("/a"), Path("/b"))
    assert here.aliases == {"q": "gpt2", "x": "org/y", "z": "/p"}


def test_settings_are_read_from_resolver_toml(tmp_path):
    here = environment(tmp_path)
    here.cwd.mkdir()
    (here.cwd / "resolver.toml").write_text(
        'roots = ["models"]\n[policy]\nminimum_confidence = "exact"\n[aliases]\nmine = "./m"\n[ignore]\nL502 = "signed"\n'
    )
    settings = load_settings(here)
    assert settings.roots == (here.cwd / "models",)
    assert settings.policy.minimum_confidence == "exact"
    assert settings.ignores == {"L502": "signed"}
    assert settings.aliases == {"mine": str(here.cwd / "m")}


def test_settings_are_read_from_pyproject(tmp_path):
    here = environment(tmp_path)
    here.cwd.mkdir()
    (here.cwd / "pyproject.toml").write_text('[tool.resolver]\nroots = ["/x"]\n')
    assert load_settings(here).roots == (Path("/x"),)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("rots = []", "rots"),
        ("roots = 1", "roots"),
        ('[policy]\nminimum_confidence = "guess"', "policy.minimum_confidence"),
        ('minimum_confidence = "exact"', r"stands in the table \[policy\]"),
        ("[ignore]\nL502 = 1", "ignore"),
        ("accelerator = 1", "accelerator"),
        ("not toml", "not TOML"),
    ],
)
def test_settings_that_cannot_be_used_name_file_and_key(tmp_path, text, named):
    path = tmp_path / "resolver.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=named) as caught:
        load_settings(environment(tmp_path), path)
    assert str(path) in str(caught.value)


def test_broken_pyproject_with_our_table_is_not_passed_over(tmp_path):
    """A policy that is lost would be lost without a word."""
    here = environment(tmp_path)
    here.cwd.mkdir()
    (here.cwd / "pyproject.toml").write_text('[tool.resolver.policy\nminimum_confidence = "exact"\n')
    with pytest.raises(ConfigurationError, match="not TOML"):
        load_settings(here)


def test_broken_pyproject_of_somebody_else_is_not_ours(tmp_path):
    here = environment(tmp_path)
    here.cwd.mkdir()
    (here.cwd / "pyproject.toml").write_text("[tool.other\n")
    assert load_settings(here).path is None


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_settings_are_never_read_from_a_pipe_or_a_device(tmp_path, name):
    import os

    if name == "pipe":
        os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigurationError, match="no regular file"):
        load_settings(environment(tmp_path), tmp_path / name)


def test_settings_that_were_named_have_to_exist(tmp_path):
    with pytest.raises(ConfigurationError, match="No such file"):
        load_settings(environment(tmp_path), tmp_path / "absent.toml")
