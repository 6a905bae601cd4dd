import os
import subprocess
import sys
import textwrap

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import TRIED, judge

from resolver.environment import Environment
from resolver.host import Host, this_host
from resolver.rules import runtime

RULES = runtime.RULES


def test_r801_near_miss_tokenizer_json_needs_neither(tmp_path):
    assert judge(tiny_model(tmp_path), rules=RULES).codes() == []


@pytest.mark.parametrize("package", ["torch", "transformers", "safetensors"])
def test_r801_each_package_that_loading_takes_is_named(tmp_path, package):
    packages = {name: version for name, version in TRIED.items() if name != package}
    (finding,) = judge(tiny_model(tmp_path), rules=RULES, packages=packages).findings
    assert (finding.code, finding.severity, finding.evidence["package"]) == ("R801", "error", package)
    assert finding.fix.command == f"pip install --no-index --find-links WHEELS {package}"


@pytest.mark.slow
def test_r801_without_torch_transformers_builds_no_model(tmp_path):
    root = tiny_model(tmp_path)
    code = f"""
        import sys
        sys.modules["torch"] = None
        from transformers import AutoModel
        try:
            AutoModel.from_pretrained({str(root)!r}, local_files_only=True)
        except ImportError:
            print("no model")
    """
    run = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    assert subprocess.run(run, capture_output=True, text=True, check=False).stdout.strip() == "no model"


def test_r801_near_miss_pickled_weights_need_no_safetensors(tmp_path):
    packages = {name: version for name, version in TRIED.items() if name != "safetensors"}
    assert judge(tiny_model(tmp_path, weights="bin"), rules=RULES, packages=packages).codes() == []


@pytest.mark.parametrize(
    ("has_network", "offline_set", "codes"),
    [(False, False, ["R803"]), (False, True, []), (True, False, []), (True, True, [])],
)
def test_r803_speaks_only_without_a_network_and_without_the_variable(tmp_path, has_network, offline_set, codes):
    host = Host(packages=TRIED, has_network=has_network, offline_set=offline_set)
    assert judge(tiny_model(tmp_path), rules=RULES, host=host).codes() == codes


def test_r803_unknown_network_is_not_a_pass(tmp_path):
    judged = judge(tiny_model(tmp_path), rules=RULES)
    assert "cannot be known" in judged.skipped["R803"]


def test_r803_the_variable_makes_a_missing_file_fail_at_once():
    """Measured, not timed: with the variable set the hub client never opens a socket."""
    code = """
        import socket
        def refuse(*_, **__): raise SystemExit("a socket was opened")
        socket.socket.connect = socket.create_connection = refuse
        from huggingface_hub import hf_hub_download
        try:
            hf_hub_download("nobody/nothing", "config.json")
        except OSError as error:
            print(type(error).__name__)
    """
    run = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(
        run, capture_output=True, text=True, check=False, env={"HF_HUB_OFFLINE": "1", "HOME": "/nowhere"}
    )
    assert done.stdout.strip() == "LocalEntryNotFoundError", done.stderr


def test_every_rule_explains_itself():
    for each in RULES:
        assert each.title
        assert "To mend it" in each.explanation, each.code
        assert each.judge.__name__ == each.name.replace("-", "_")


OWN_CODE = {"model_type": "homemade", "auto_map": {"AutoConfig": "configuration_homemade.HomeConfig"}}


@pytest.mark.parametrize(
    ("unwritable", "config", "found"),
    [
        ({}, {}, []),
        ({"HF_HOME": "/kaggle/input/c", "HF_MODULES_CACHE": "/kaggle/input/c/modules"}, {}, [("HF_HOME", "warning")]),
        ({"HF_MODULES_CACHE": "/kaggle/input/m"}, {}, [("HF_MODULES_CACHE", "warning")]),
        ({"HF_MODULES_CACHE": "/kaggle/input/m"}, OWN_CODE, [("HF_MODULES_CACHE", "error")]),
        (
            {"HF_HOME": "/kaggle/input/c", "HF_MODULES_CACHE": "/kaggle/input/c/modules"},
            OWN_CODE,
            [("HF_HOME", "warning"), ("HF_MODULES_CACHE", "error")],
        ),
    ],
)
def test_r804_is_an_error_only_where_this_model_writes_there(tmp_path, unwritable, config, found):
    root = model_dir(tmp_path / "m", config=config)
    host = Host(packages=TRIED, unwritable=unwritable, offline_set=True, has_network=False)
    judged = judge(root, rules=RULES, host=host)
    assert [(each.evidence["variable"], each.severity) for each in judged.of("R804")] == found


@pytest.mark.slow
@pytest.mark.parametrize(("own_code", "loads"), [(False, True), (True, False)])
def test_r804_transformers_loads_without_the_cache_and_stops_where_code_is_copied_to_it(tmp_path, own_code, loads):
    root = tiny_model(tmp_path / "m", family="bert")
    if own_code:
        edit_json(root / "config.json", lambda config: {**config, **OWN_CODE})
        (root / "configuration_homemade.py").write_text(
            "from transformers import BertConfig\nclass HomeConfig(BertConfig):\n    model_type = 'homemade'\n"
        )
    code = f"from transformers import AutoConfig; AutoConfig.from_pretrained({str(root)!r}, trust_remote_code=True)"
    place = {**os.environ, "HF_HOME": "/proc/nothing", "HF_HUB_OFFLINE": "1"}
    run = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=place)
    assert (done.returncode == 0) is loads, done.stderr
    assert loads or "/proc/nothing" in done.stderr


@pytest.mark.parametrize(
    ("variables", "masked"),
    [
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"}, True),
        ({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}, False),
        ({"TRANSFORMERS_OFFLINE": "1"}, False),
        ({"HF_HUB_OFFLINE": "0"}, False),
        ({"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "0"}, False),
    ],
)
def test_r805_what_the_variables_say_is_what_huggingface_hub_makes_of_them(tmp_path, variables, masked):
    here = Environment(home=tmp_path, cwd=tmp_path, variables=variables)
    assert here.is_offline_masked is masked
    run = [sys.executable, "-W", "ignore", "-c", "import huggingface_hub.constants as c; print(c.HF_HUB_OFFLINE)"]
    done = subprocess.run(run, capture_output=True, text=True, check=True, env={"HOME": "/tmp", **variables})
    assert done.stdout.strip() == str(here.is_offline_set)
    host = Host(packages=TRIED, offline_masked=masked, has_network=True)
    assert judge(model_dir(tmp_path / "m"), rules=RULES, host=host).codes() == (["R805"] if masked else [])


def test_this_host_knows_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("in the way")
    here = Environment(home=tmp_path, cwd=tmp_path, variables={"HF_HOME": str(tmp_path / "file/cache")})
    assert set(this_host(here).unwritable) == {"HF_HOME", "HF_MODULES_CACHE"}
    there = Environment(home=tmp_path, cwd=tmp_path, variables={"HF_MODULES_CACHE": str(tmp_path / "file")})
    assert this_host(there).unwritable == {"HF_MODULES_CACHE": str(tmp_path / "file")}
    assert this_host(Environment(home=tmp_path, cwd=tmp_path)).unwritable == {}
