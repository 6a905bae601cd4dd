"""A machine that `doctor` recorded is judged for as if one were on it; a file that is none is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest
from model_factory import model_dir

from resolver import check_model
from resolver.cli import main
from resolver.errors import ConfigurationError
from resolver.host import Accelerator, Host
from resolver.recorded import MAX_BYTES, read_machine
from resolver.report.blocks import Machine, Told
from resolver.report.json_v1 import render
from resolver.report.terminal import render as as_text

TARGET = Host(
    packages={"torch": "2.10.0+cu128", "transformers": "4.41.2", "safetensors": "0.7.0", "huggingface-hub": "0.23.0"},
    offline_set=True,
    has_network=False,
    unwritable={"HF_HOME": "/kaggle/input/hub"},
    accelerators=(Accelerator("Tesla T4", 15_835_660_288, (7, 5)), Accelerator("Some GPU", None, None)),
    memory_bytes=31_000_000_000,
    model_types=frozenset({"bert", "llama"}),
    python="3.12.13",
    platform="Linux-6.6",
)


def recorded(host: Host = TARGET) -> str:
    return render(Told(machine=Machine("3.12.13", "Linux-6.6", host, host.packages)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "machine.json"
    path.write_text(recorded(), "utf-8")
    return path


def changed(file: Path, **changes: Any) -> Path:
    document = json.loads(file.read_text())
    for key, value in changes.items():
        holder, _, name = key.rpartition("__")
        (document[holder] if holder else document)[name] = value
    file.write_text(json.dumps(document))
    return file


def test_what_doctor_writes_is_read_back_whole(file: Path) -> None:
    assert read_machine(file) == TARGET.replaced(source=str(file))


def test_the_doctor_of_this_machine_can_be_judged_against(tmp_path: Path, capsys) -> None:
    assert main(["doctor", "--format", "json", "--report", str(tmp_path / "here.json")]) == 0
    host = read_machine(tmp_path / "here.json")
    from resolver.environment import Environment
    from resolver.host import this_host

    here = this_host(Environment.this())
    assert dict(host.packages) == dict(here.packages)
    assert host.python == here.python
    assert "bert" in host.model_types
    assert len(host.packages) > 40  # every distribution, not only those that rules know of today


def test_a_variable_that_rules_judge_is_taken_from_the_record(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")
    assert main(["doctor", "--format", "json", "--report", str(tmp_path / "here.json")]) == 0
    assert read_machine(tmp_path / "here.json").autoload_off
    changed(tmp_path / "here.json", machine__variables={})
    assert not read_machine(tmp_path / "here.json").autoload_off


def test_a_byte_order_mark_is_an_editors_habit(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_machine(file).packages["torch"] == "2.10.0+cu128"


def test_the_name_of_a_device_gives_its_memory_and_capability_where_an_older_record_has_none(file: Path) -> None:
    changed(file, machine__accelerators=[{"name": "NVIDIA H100 80GB HBM3", "memory_bytes": None}])
    assert read_machine(file).accelerators == (Accelerator("NVIDIA H100 80GB HBM3", int(79.1 * 2**30), (9, 0)),)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine": None}, "no recorded machine; resolver doctor --format json writes one"),
        ({"schema_version": 2}, "schema_version is 2, and 1 is known here"),
        ({"machine__packages": []}, "machine/packages is an array, not an object of texts"),
        ({"machine__packages": {"torch": 2}}, "machine/packages is an object, not an object of texts"),
        ({"machine__memory_bytes": "8 GB"}, "machine/memory_bytes is a string, not a number of bytes"),
        ({"machine__memory_bytes": -1}, "machine/memory_bytes is a whole number, not a number of bytes"),
        ({"machine__offline_set": 1}, "machine/offline_set is a whole number, not true or false"),
        ({"machine__offline_set": None}, "machine/offline_set is null, not true or false"),
        ({"machine__has_network": "no"}, "machine/has_network is a string, not true or false"),
        ({"machine__model_types": [1]}, "machine/model_types is an array, not a list of texts"),
        ({"machine__variables": {"HF_HOME": 1}}, "machine/variables is an object, not an object of texts"),
        ({"machine__accelerators": None}, "machine/accelerators is null, not a list"),
        ({"machine__accelerators": ["T4"]}, "machine/accelerators/0 is a string, not an object"),
        ({"machine__accelerators": [{"memory_bytes": 1}]}, "machine/accelerators/0/name is null, not a text"),
        (
            {"machine__accelerators": [{"name": "T4", "capability": [7]}]},
            "machine/accelerators/0/capability is an array, not two whole numbers such as [7, 5]",
        ),
        ({"machine__accelerators": [{"name": "T4", "vram": 1}]}, "machine/accelerators/0/vram: this version knows"),
        ({"machine__package": {}}, "machine/package: this version knows no such key"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(file: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_machine(changed(file, **changes))
    assert str(error.value).startswith(f"{file}: {said}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["packages", "accelerators"])
def test_a_record_without_what_is_judged_is_refused(file: Path, key: str) -> None:
    document = json.loads(file.read_text())
    del document["machine"][key]
    file.write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=f"machine/{key} is missing"):
        read_machine(file)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON: Expecting value at line 1, column 1"),
        (b"machine: {}", "not JSON: Expecting value"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"[" * 100_000, "not JSON: nested too deeply"),
        (b'{"schema_version": 1, "machine": {"packages": {}, "packages": {}}}', "no strict JSON: duplicate key"),
        (b'{"schema_version": 1, "machine": {"memory_bytes": NaN}}', "no strict JSON: NaN"),
        (b"[1]", "no recorded machine"),
        (b'{"reports": []}', "no recorded machine"),
        (b" " * (MAX_BYTES + 1), "too large"),
    ],
)
def test_a_file_that_is_no_record_is_refused(tmp_path: Path, data: bytes, said: str) -> None:
    path = tmp_path / "machine.json"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError) as error:
        read_machine(path)
    assert str(error.value).startswith(f"{path}: {said}")


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path, "no regular file"),
        (tmp_path / "pipe", "no regular file"),
        (tmp_path / "x", "absent"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            read_machine(path)


def test_a_model_is_judged_with_the_recorded_versions(file: Path, tmp_path: Path) -> None:
    """Gemma 2 came with transformers 4.42; the machine that this runs on knows it well."""
    model = model_dir(tmp_path / "m", config={"model_type": "gemma2", "architectures": ["Gemma2ForCausalLM"]})
    report = check_model(model, environment=file)
    assert report.judged_with["transformers"] == "4.41.2"
    assert report.versions_from == str(file)
    assert "C304" in {each.code for each in report.errors()}
    assert "C304" not in {each.code for each in check_model(model).findings}
    assert f"torch 2.10.0+cu128, safetensors 0.7.0 of {file}; " in as_text((report,))


def test_the_command_line_judges_as_the_library_does(file: Path, tmp_path: Path, capsys) -> None:
    model = model_dir(tmp_path / "m")
    code = main(["check", str(model), "--environment", str(file), "--format", "json"])
    (told,) = json.loads(capsys.readouterr().out)["reports"]
    report = check_model(model, environment=file)
    assert code == (1 if report.errors() else 0)
    assert told["judged_with"] == dict(report.judged_with)
    assert told["versions_from"] == str(file)
    assert [each["code"] for each in told["findings"]] == [each.code for each in report.findings]


def test_a_bad_record_is_wrong_usage_in_one_line(file: Path, tmp_path: Path, capsys) -> None:
    changed(file, machine__packages=3)
    assert main(["check", str(tmp_path), "--environment", str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: {file}: machine/packages is a whole number, not an object of texts\n"


def test_a_type_that_this_machine_knows_is_not_asked_of_it(file: Path, tmp_path: Path) -> None:
    """What is installed here says nothing of what is installed there."""
    model = model_dir(tmp_path / "m", config={"model_type": "brandnew"})
    changed(
        file, machine__model_types=["brandnew", "bert"], machine__packages={**TARGET.packages, "transformers": "9.0"}
    )
    assert "C304" not in {each.code for each in check_model(model, environment=file).findings}
    changed(file, machine__model_types=["bert"])
    assert "C304" in {each.code for each in check_model(model, environment=file).findings}
