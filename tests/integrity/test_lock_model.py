"""A description and its hashes in, one model of a lock out: roles, headers, source, packages."""

import hashlib
import json
import struct
from pathlib import Path

import pytest
from hub_factory import COMMIT, cached, downloaded
from model_factory import model_dir

from resolver.environment import Environment
from resolver.host import Host
from resolver.inspection.describe import complete, describe
from resolver.inspection.description import ModelDescription
from resolver.inspection.lock import Lock, LockedModel, LockedSource, parse_lock
from resolver.inspection.roles import role_of
from resolver.integrity.lock import canonical, lock_model, source_of
from resolver.resolve import choose

LOCAL = LockedSource()


def digests(model: ModelDescription) -> dict[str, str]:
    return {name: hashlib.sha256(model.files.path(name).read_bytes()).hexdigest() for name in model.files.files}


def locked(root: Path) -> LockedModel:
    model = describe(root)
    return lock_model("./m", model, LOCAL, "m", digests(model))


def source(text: str, environment: Environment) -> LockedSource:
    chosen = choose(text, environment, Host(packages={}))
    return source_of(chosen.identity, complete(chosen.description))


def test_every_file_is_there_with_size_hash_and_role(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2, tokenizer=True)
    (root / "LICENSE").write_text("Licence of somebody\n")
    (root / "README.md").write_text("---\nlicense: mit\n---\n")
    (root / "modeling_own.py").write_text("")
    (root / "picture.png").write_bytes(b"\x89PNG")
    model = locked(root)
    roles = {name: each.role for name, each in model.files.items()}
    assert roles["config.json"] == "config"
    assert roles["model.safetensors.index.json"] == "index"
    assert roles["model-00001-of-00002.safetensors"] == "weights"
    assert roles["tokenizer.json"] == "tokenizer"
    assert (roles["LICENSE"], roles["README.md"], roles["modeling_own.py"]) == ("licence", "card", "code")
    assert roles["picture.png"] == "other"
    assert model.licence == ("mit",)
    assert model.config_sha256 == hashlib.sha256((root / "config.json").read_bytes()).hexdigest()
    assert all(each.size_bytes == (root / name).stat().st_size for name, each in model.files.items())


def test_the_header_digest_is_over_the_length_and_the_header(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    data = (root / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__")
    file = locked(root).files["model.safetensors"]
    assert file.header_sha256 == hashlib.sha256(data[: 8 + length]).hexdigest()
    assert file.tensors == len(header)
    assert file.dtypes == {"F32": len(header)}


def test_parameters_are_counted_of_what_a_loader_opens(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    model = locked(root)
    data = (root / "model.safetensors").stat().st_size
    assert model.parameters is not None
    assert 0 < data - 4 * model.parameters < 10_000  # the rest is the header


def test_only_the_files_that_were_hashed_are_locked(tmp_path: Path) -> None:
    model = describe(model_dir(tmp_path / "m"))
    made = lock_model("./m", model, LOCAL, "m", {"config.json": "ab" * 32})
    assert list(made.files) == ["config.json"]
    with pytest.raises(KeyError):
        lock_model("./m", model, LOCAL, "m", {"nothing.json": "ab" * 32})


def test_what_is_made_can_be_written_and_read_back(tmp_path: Path) -> None:
    lock = Lock((locked(model_dir(tmp_path / "m", shards=3)),), "1.0")
    assert parse_lock(canonical(lock)) == lock


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, {"safetensors": "", "torch": "", "transformers": ""}),
        ({"model_type": "gemma2"}, {"safetensors": "", "torch": "", "transformers": "4.42.4"}),
        (
            {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
            {"accelerate": "1.1.0", "bitsandbytes": "0.46.1", "safetensors": "", "torch": "", "transformers": ""},
        ),
    ],
)
def test_the_packages_are_those_that_the_files_ask_for(tmp_path: Path, changes: dict, wanted: dict) -> None:
    root = model_dir(tmp_path / "m")
    config = json.loads((root / "config.json").read_text())
    (root / "config.json").write_text(json.dumps({**config, **changes}))
    assert locked(root).requires == wanted


def test_a_snapshot_of_a_cache_names_its_repository_and_commit(tmp_path: Path) -> None:
    snapshot = cached(tmp_path / "hub", model_dir(tmp_path / "m"))
    environment = Environment(tmp_path, tmp_path)
    assert source(str(snapshot), environment) == LockedSource("hub", "someone/tiny", COMMIT)


def test_a_download_to_a_directory_knows_its_commit_and_no_more(tmp_path: Path) -> None:
    root = downloaded(tmp_path / "d", model_dir(tmp_path / "m"))
    assert source(str(root), Environment(tmp_path, tmp_path)) == LockedSource("local", None, COMMIT)


def test_a_mounted_handle_names_handle_and_version(tmp_path: Path) -> None:
    mount = tmp_path / "input"
    model_dir(mount / "gemma" / "transformers" / "2b" / "3")
    environment = Environment(tmp_path, tmp_path, {"KAGGLE_CACHE_MOUNT_FOLDER": str(mount)})
    found = source("google/gemma/transformers/2b/3", environment)
    assert found == LockedSource("kaggle", "google/gemma/transformers/2b", "3")


def test_a_mount_without_its_owner_gets_it_from_what_was_asked(tmp_path: Path) -> None:
    """The old mounts do not show the owner."""
    mount = tmp_path / "input"
    model_dir(mount / "gemma-2" / "transformers" / "gemma-2-9b-it" / "2", config={"model_type": "gemma2"})
    environment = Environment(tmp_path, tmp_path, {"KAGGLE_CACHE_MOUNT_FOLDER": str(mount)})
    found = source("google/gemma-2/transformers/gemma-2-9b-it", environment)
    assert found == LockedSource("kaggle", "google/gemma-2/transformers/gemma-2-9b-it", "2")


def test_a_package_names_itself_and_its_version(tmp_path: Path) -> None:
    site = tmp_path / "site"
    model_dir(site / "tiny_model" / "weights")
    (site / "tiny_model-0.3.dist-info").mkdir()
    (site / "tiny_model-0.3.dist-info" / "RECORD").write_text("tiny_model/weights/config.json,,\n")
    environment = Environment(tmp_path, tmp_path, search_path=(site,))
    assert source("package:tiny-model", environment) == LockedSource("package", "tiny-model", "0.3")


def test_a_folder_of_unknown_origin_is_local(tmp_path: Path) -> None:
    assert source(str(model_dir(tmp_path / "m")), Environment(tmp_path, tmp_path)) == LOCAL


def test_an_adapters_files_have_its_role(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")
    model = describe(tmp_path)
    assert {role_of(name, model) for name in model.files.files} == {"adapter"}
