"""Profiles: what they carry, whose versions they are judged with, and what is said of an unknown one."""

import csv
from pathlib import Path

import pytest
from command_runs import PROJECT
from hypothesis import given
from hypothesis import strategies as st
from model_factory import model_dir
from mounts import HOST, environment

from resolver import ModelRejected, check_model, resolve_model
from resolver.accelerators import GIB, PROFILES, Profile, Throughput, host_for, names, profile_of
from resolver.cli import main
from resolver.errors import ConfigurationError
from resolver.host import Accelerator, Host, capability_of, memory_of, peak_flops_of
from resolver.images import image_of, known_dates
from resolver.preflight import check
from resolver.settings import load_settings

FACTS = PROJECT.parent / "shared" / "facts" / "kaggle-images.csv"
USAGE = (PROJECT / "docs" / "usage.md").read_text("utf-8")


def test_the_profiles_of_the_contract_are_there() -> None:
    assert names({}) == (
        "host", "kaggle-t4x2", "kaggle-p100", "kaggle-l4x4", "kaggle-rtx-pro-6000", "kaggle-h100", "kaggle-tpu-v5e-8",
        "kaggle-tpu-v3-8", "cpu",
    )  # fmt: skip
    assert [name for name in names({}) if f"`{name}`" not in USAGE] == []


@pytest.mark.parametrize("profile", [each for each in PROFILES if each.devices], ids=lambda each: each.name)
def test_the_documentation_shows_each_profile_as_it_is(profile: Profile) -> None:
    (row,) = [line for line in USAGE.splitlines() if line.startswith("|") and f"`{profile.name}`" in line]
    device = profile.devices[0]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[2].startswith(f"{len(profile.devices)} ")
    assert int(float(cells[3].removesuffix(" GiB")) * GIB) == device.memory_bytes
    assert cells[4] == ("" if device.capability is None else "{}.{}".format(*device.capability))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda each: each.name)
def test_a_device_of_a_profile_is_known_by_its_name_too(profile: Profile) -> None:
    for device in profile.devices:
        assert capability_of(device.name) == device.capability
        assert device.name.startswith("TPU") or memory_of(device.name) == device.memory_bytes


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("Tesla V100-SXM2-16GB", (7, 0)), ("NVIDIA A100-SXM4-80GB", (8, 0)), ("NVIDIA A10G", (8, 6)), ("NVIDIA L40S", (8, 9)),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", (8, 9)), ("NVIDIA H200", (9, 0)), ("NVIDIA RTX 6000 Ada Generation", (8, 9)),
        ("NVIDIA B200", (10, 0)), ("TPU", None), ("Some GPU 4090", None), ("", None),
    ],
)  # fmt: skip
def test_capability_of_a_name(name: str, capability: tuple[int, int] | None) -> None:
    assert capability_of(name) == capability


def test_a_peak_rate_is_of_a_device_and_a_dtype() -> None:
    assert peak_flops_of("Tesla T4", "float16") == 65e12
    assert peak_flops_of("Tesla T4", "float32") == 8.1e12
    assert peak_flops_of("TPU v5e core", "bfloat16") == 197e12
    assert peak_flops_of("TPU v5e core", "float32") is None
    assert peak_flops_of("NVIDIA L40S", "float16") is None  # an L4 is not an L40S


@pytest.mark.skipif(not FACTS.is_file(), reason="the facts lie beside the repository, not in it")
def test_the_table_of_images_is_the_collected_one() -> None:
    rows = list(csv.DictReader(FACTS.read_text("utf-8").splitlines()))
    assert [row["kaggle_since"] for row in rows] == list(known_dates("GPU"))
    for row in rows:
        image = image_of("GPU", row["kaggle_since"])
        columns = [
            name for name in row if name not in ("kaggle_since", "colab_base", "freeze_of", "python", "cuda_build")
        ]
        told = {name: image.packages.get(name, "").partition("+")[0] for name in columns}
        assert told == {name: row[name] for name in columns}
        assert image.python == row["python"]
        assert image.packages["torch"].endswith(f"+{row['cuda_build']}")


def test_an_image_is_the_newest_that_is_not_after_the_day() -> None:
    assert image_of("GPU", "2026-03-16").date == "2026-02-02"
    assert image_of("GPU", "2026-03-17").date == "2026-03-17"
    assert image_of("GPU", "2099-01-01").date == image_of("GPU").date == known_dates("GPU")[-1]


@given(st.dates())
def test_every_day_has_an_image_or_a_complaint_that_lists_them(day) -> None:
    if day.isoformat() >= known_dates("GPU")[0]:
        assert image_of("GPU", day.isoformat()).date <= day.isoformat()
        return
    with pytest.raises(ConfigurationError) as error:
        image_of("GPU", day.isoformat())
    assert all(date in str(error.value) for date in known_dates("GPU"))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "22.6.2026"])
def test_what_is_no_day_is_wrong_usage_that_lists_the_images(text: str, tmp_path: Path, capsys) -> None:
    assert main(["check", str(tmp_path), "--accelerator", "kaggle-t4x2", "--image", text]) == 2
    assert "2026-06-22" in capsys.readouterr().err


def test_an_unknown_profile_is_wrong_usage_that_lists_all(tmp_path: Path, capsys) -> None:
    assert main(["check", str(tmp_path), "--accelerator", "kaggle-t4"]) == 2
    err = capsys.readouterr().err
    assert err == f"error: accelerator 'kaggle-t4' is not known; known are {', '.join(names({}))}\n"
    with pytest.raises(ValueError, match="kaggle-l4x4"):
        check_model(tmp_path, accelerator="abacus")


def test_a_kaggle_profile_is_judged_with_its_image_and_nothing_of_this_machine() -> None:
    here = Host(
        packages={"torch": "9.9"}, offline_set=True, unwritable={"HF_HOME": "/x"}, memory_bytes=7, has_network=False
    )
    there = host_for(here, "kaggle-p100", {}, "2026-06-22")
    assert there.packages["torch"] == "2.10.0+cu128"
    assert "bitsandbytes" not in there.packages
    assert there.accelerators == (Accelerator("Tesla P100-PCIE-16GB", int(15.89 * GIB), (6, 0)),)
    assert (there.offline_set, there.unwritable, there.has_network) == (False, {}, None)
    assert there.memory_bytes == 30_000_000_000
    assert (there.disk_bytes, there.time_limit_s) == (20_000_000_000, 32_400)
    assert there.source == "Kaggle's GPU image of 2026-06-22"


def test_a_tpu_is_judged_with_the_image_of_the_tpu() -> None:
    there = host_for(Host(), "kaggle-tpu-v5e-8", {})
    assert there.packages["torch"] == "2.8.0+cpu"
    assert there.packages["torch-xla"] == "2.8.0"
    assert there.packages["transformers"] == "4.57.6"
    assert [each.capability for each in there.accelerators] == [None] * 8


def test_a_recorded_environment_comes_before_the_image_and_the_profile_before_its_devices() -> None:
    recorded = Host(source="machine.json", packages={"torch": "2.6.0+cu124"}, accelerators=(Accelerator("NVIDIA L4"),))
    there = host_for(recorded, "kaggle-t4x2", {})
    assert there.packages == {"torch": "2.6.0+cu124"}
    assert there.source == "machine.json"
    assert [each.name for each in there.accelerators] == ["Tesla T4", "Tesla T4"]


def test_the_cpu_of_this_machine_keeps_its_memory_and_versions() -> None:
    here = Host(packages={"torch": "2.13.0"}, memory_bytes=8 * 10**9, accelerators=(Accelerator("NVIDIA L4"),))
    assert host_for(here, "cpu", {}) == here.replaced(accelerator="cpu", accelerators=())


def test_host_is_this_machine_and_costs_nothing() -> None:
    assert host_for(HOST, "host", {}) is HOST


@pytest.mark.parametrize("date", known_dates("GPU"))
@pytest.mark.parametrize("name", ["kaggle-t4x2", "kaggle-l4x4"])
def test_no_image_is_said_to_be_broken_in_itself(tmp_path: Path, name: str, date: str) -> None:
    """Each row was installed together; a finding about versions alone would be untrue."""
    there = host_for(HOST, name, {}, date)
    report = check(str(model_dir(tmp_path / "m")), environment(tmp_path), there)
    assert [each for each in report.findings if each.code.startswith("R")] == []
    assert report.verdict == "usable"


SETTINGS = """
accelerator = "ours"
[accelerators.ours]
device = "NVIDIA A100-SXM4-40GB"
devices = 4
memory_gb = 42.3
host_memory_gb = 256
disk_gb = 100
time_limit_h = 12
[accelerators.ours.throughput]
tokens_per_second = 21000
rows = 25000
tokens_per_row = 900
"""


def settings(root: Path, text: str):
    (root / "cwd").mkdir(exist_ok=True)
    (root / "cwd" / "resolver.toml").write_text(text)
    return load_settings(environment(root))


def test_a_profile_of_the_settings_is_read_key_by_key(tmp_path: Path) -> None:
    own = settings(tmp_path, SETTINGS).accelerators
    assert own["ours"] == Profile(
        "ours",
        (Accelerator("NVIDIA A100-SXM4-40GB", 42_300_000_000, (8, 0)),) * 4,
        256 * 10**9,
        100 * 10**9,
        43_200,
        None,
        Throughput(21000.0, 25000, 900.0),
    )
    assert profile_of("ours", own) is own["ours"]
    assert names(own)[-1] == "ours"
    there = host_for(HOST, "ours", own)
    assert there.packages == HOST.packages
    assert there.source == "this machine"


def test_a_profile_of_the_settings_may_take_the_place_of_ours(tmp_path: Path) -> None:
    own = settings(tmp_path, '[accelerators.kaggle-h100]\nmemory_gb = 80\ncapability = "9.0"\n').accelerators
    assert profile_of("kaggle-h100", own).devices == (Accelerator("kaggle-h100", 80 * 10**9, (9, 0)),)
    assert names(own).count("kaggle-h100") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("accelerators = 3", "accelerators has to be a table of tables"),
        ("[accelerators]\nours = 3", "accelerators.ours has to be a table"),
        ("[accelerators.host]", "accelerators.host cannot be: host is this machine"),
        ("[accelerators.ours]\nvram = 3", "accelerators.ours.vram is not known; known are device, devices, memory_gb"),
        ("[accelerators.ours]\nmemory_gb = -1", "accelerators.ours.memory_gb has to be a number above 0"),
        ("[accelerators.ours]\nmemory_gb = nan", "accelerators.ours.memory_gb has to be a number above 0"),
        ("[accelerators.ours]\nmemory_gb = true", "accelerators.ours.memory_gb has to be a number above 0"),
        ("[accelerators.ours]\ndevices = 1.5", "accelerators.ours.devices has to be a whole number"),
        ("[accelerators.ours]\ncapability = 8.0", 'accelerators.ours.capability has to be a text such as "8.0"'),
        ('[accelerators.ours]\ncapability = "sm_80"', 'accelerators.ours.capability has to be a text such as "8.0"'),
        ('[accelerators.ours]\nimage = "latest"', 'accelerators.ours.image is "GPU" or "TPU"'),
        (
            "[accelerators.ours.throughput]\nrows = 3",
            "accelerators.ours.throughput needs all of tokens_per_second, rows",
        ),
        ("[accelerators.ours]\nthroughput = 3", "accelerators.ours.throughput has to be a table"),
    ],
)
def test_a_wrong_profile_is_refused_by_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(tmp_path, text)
    assert str(error.value).startswith(f"{tmp_path / 'cwd' / 'resolver.toml'}: {said}")


def test_a_run_of_the_pipeline_is_judged_for_where_it_runs(tmp_path: Path) -> None:
    from pipeline.preflight import preflight

    (tmp_path / "resolver.toml").write_text('accelerator = "kaggle-p100"\n')
    checked = preflight(str(model_dir(tmp_path / "m")), purpose="train", config=tmp_path / "resolver.toml")
    (report,) = checked.json["reports"]
    assert (report["accelerator"], report["versions_from"]) == ("host", "this machine")


def test_a_file_and_a_day_both_say_the_versions(tmp_path: Path, capsys) -> None:
    arguments = ["check", str(tmp_path), "--environment", "x.json", "--image", "2026-06-22"]
    assert main(arguments) == 2
    assert "give one" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [{"dtype": "int8"}, {"max_length": 0}, {"batch_size": -1}])
def test_a_wrong_request_is_a_value_error(tmp_path: Path, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        check_model(tmp_path, **wrong)


def test_resolve_model_refuses_what_the_named_machine_cannot_run(tmp_path: Path) -> None:
    model = model_dir(tmp_path / "m")
    assert str(resolve_model(model, purpose="load", accelerator="kaggle-p100", image="2026-02-02")) == str(model)
    with pytest.raises(ModelRejected, match="no kernels for Tesla P100"):
        resolve_model(model, purpose="load", accelerator="kaggle-p100", image="2026-06-22")
