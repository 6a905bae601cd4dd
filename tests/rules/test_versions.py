"""R802, R806, R807, R808: the real transformers stops where we speak; a made-up metadata file is all it looks at."""

import os
import subprocess
import sys

import pytest
from model_factory import model_dir
from rule_driver import TRIED, judge

from resolver.host import Host
from resolver.rules import versions
from resolver.rules.ranges import PACKAGES, ROWS, asked_by

RULES = versions.RULES
BESIDE = {"tokenizers": "0.23.3", "huggingface-hub": "2.4.0", "accelerate": "1.15.0"}
LOAD = "from transformers import AutoModel, BertConfig; print(type(AutoModel.from_config(BertConfig(num_hidden_layers=1))))"


def judged(root, **packages):
    return judge(root, rules=RULES, packages={**TRIED, **BESIDE, **packages})


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return model_dir(tmp_path_factory.mktemp("m"))


def pretend(place, name, version, module=""):
    """A distribution that says that it is installed, in that version, and a module that does what is written."""
    meta = place / f"{name}-{version}.dist-info"
    meta.mkdir(parents=True)
    (meta / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if module:
        (place / name).mkdir()
        (place / name / "__init__.py").write_text(module)
    return place


def said_by_transformers(place):
    """The end of what the real library says when those pretences come first on the path."""
    environment = {**os.environ, "PYTHONPATH": str(place), "HF_HUB_OFFLINE": "1"}
    run = [sys.executable, "-W", "ignore", "-c", LOAD]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=environment)
    return (done.stdout + done.stderr).strip()[-600:]


def test_installed_set_is_quiet(model):
    assert judged(model).codes() == []
    assert judge(model, rules=RULES, host=Host()).codes() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "version", "code", "said"),
    [
        ("tokenizers", "0.22.2", "R802", "is required for a normal functioning of this module"),
        ("tokenizers", "0.30.0", "R808", "is required for a normal functioning of this module"),
        ("torch", "2.4.1", "R802", "PyTorch"),
    ],
)
def test_version_outside_the_range_is_an_error_as_in_transformers(tmp_path, package, version, code, said):
    model = model_dir(tmp_path / "m")
    assert said in said_by_transformers(pretend(tmp_path, package, version))
    (finding,) = judged(model, **{package: version}).findings
    assert (finding.code, finding.severity, finding.evidence["installed"]) == (code, "error", version)
    assert f"{package}>=" in finding.fix.command


@pytest.mark.parametrize(
    ("packages", "codes"),
    [
        ({"transformers": "4.57.1", "tokenizers": "0.22.1", "huggingface-hub": "0.36.0"}, []),
        ({"transformers": "4.57.1", "tokenizers": "0.22.1", "huggingface-hub": "2.4.0"}, ["R808"]),
        ({"transformers": "5.0.0", "tokenizers": "0.22.2", "huggingface-hub": "1.3"}, []),
        ({"transformers": "5.0.0", "tokenizers": "0.23.3", "huggingface-hub": "1.4.1"}, ["R808"]),
        ({"transformers": "5.12.0", "tokenizers": "0.23.3", "safetensors": "0.7.0", "huggingface-hub": "1.9.0"}, []),
        ({"transformers": "5.99.0", "tokenizers": "0.40.0"}, []),
        ({"transformers": "4.30.0", "tokenizers": "0.13.3"}, []),
    ],
)
def test_a_version_between_two_known_ones_is_held_to_what_both_refuse(model, packages, codes):
    assert judged(model, **{**BESIDE, **packages}).codes() == codes


def test_the_table_s_own_rows_hold_the_installed_libraries():
    import importlib.metadata as installed

    wanted = asked_by(tuple(map(int, installed.version("transformers").split(".")[:3])))
    for package in PACKAGES:
        version = tuple(int(part) for part in installed.version(package).partition("+")[0].split(".")[:3])
        assert version in wanted[package], package
    assert list(ROWS) == sorted(ROWS)


@pytest.mark.slow
def test_r806_torchvision_of_another_torch_stops_text_models_too(model, tmp_path):
    """What torchvision says when its operators are not there was met with the real wheels of 0.26, 0.27 and 0.28."""
    place = pretend(tmp_path, "torchvision", "0.27.0", 'raise RuntimeError("operator torchvision::nms does not exist")')
    assert "Could not import module" in said_by_transformers(place)
    (finding,) = judged(model, torchvision="0.27.0").findings
    assert (finding.code, finding.severity) == ("R806", "error")
    assert "torch 2.12" in finding.message


@pytest.mark.parametrize(
    ("packages", "severities"),
    [
        ({"torchvision": "0.28.0+cpu"}, []),
        ({"torchvision": "0.28.0"}, ["warning"]),
        ({"torch": "2.13.0", "torchvision": "0.28.0"}, []),
        ({"torch": "2.9.1+cu128", "torchvision": "0.24.1+cu128", "nvidia-cublas-cu12": "12.8"}, []),
        ({"torch": "2.9.1+cu128"}, ["warning"]),
        ({"torch-xla": "2.9.0"}, ["warning"]),
        ({"torch-xla": "2.13.0"}, []),
        ({"torch-tpu": "0.2.0"}, ["error"]),
        ({"torch-tpu": "0.2.0", "libtpu": "0.0.52"}, []),
        ({"torch": "2.9.0", "torch-tpu": "0.2.0", "libtpu": "0.0.52"}, ["error"]),
    ],
)
def test_r806_pairs_of_one_release_are_quiet(model, packages, severities):
    assert [each.severity for each in judged(model, **packages).of("R806")] == severities


def test_r806_torch_tpu_without_libtpu_is_quiet_where_torch_is_told_not_to_load_it(model):
    packages = {**TRIED, **BESIDE, "torch-tpu": "0.2.0"}
    told = Host(packages=packages, autoload_off=True)
    assert judge(model, rules=RULES, host=told).of("R806") == []
    assert len(judge(model, rules=RULES, host=told.replaced(autoload_off=False)).of("R806")) == 1
    too_old = told.replaced(packages={**packages, "torch": "2.9.0", "libtpu": "0.0.52"})
    assert len(judge(model, rules=RULES, host=too_old).of("R806")) == 1, "whoever imports it himself still meets this"


@pytest.mark.slow
def test_r806_broken_torch_xla_off_a_tpu_is_a_warning_as_transformers_goes_on(tmp_path, model):
    place = pretend(tmp_path, "torch_xla", "2.9.0", 'raise ImportError("undefined symbol: _ZN5torch8autograd")')
    assert "BertModel" in said_by_transformers(place)
    tpu = Host(accelerator="kaggle-tpu-v5e-8", packages={**TRIED, **BESIDE, "torch-xla": "2.9.0"})
    assert [each.severity for each in judge(model, rules=RULES, host=tpu).of("R806")] == ["error"]


@pytest.mark.parametrize(
    ("version", "offline", "found"), [("4.57.3", False, 1), ("4.57.3", True, 0), ("4.57.6", False, 0)]
)
def test_r807_names_the_version_that_asks_the_hub_unless_it_is_told_not_to(model, version, offline, found):
    packages = {**TRIED, **BESIDE, "transformers": version, "tokenizers": "0.22.1", "huggingface-hub": "0.36.0"}
    host = Host(packages=packages, offline_set=offline)
    assert len(judge(model, rules=RULES, host=host).of("R807")) == found


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")
