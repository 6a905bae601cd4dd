"""No reader of ours opens what the listing would not: a link out of the directory, a pipe, a link to nothing."""

import json
import os

import pytest
from model_factory import tiny_model
from rule_driver import judge

from resolver.inspection.adapter import read_adapter
from resolver.inspection.config import read_config
from resolver.inspection.files import list_files
from resolver.inspection.licence import read_licence
from resolver.inspection.tokenizer import read_tokenizer
from resolver.rules.rule import Intent

NAMES = (
    "config.json",
    "generation_config.json",
    "quantize_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "adapter_config.json",
    "adapter_model.safetensors",
    "README.md",
    "LICENSE",
)


def describe_all(root):
    files = list_files(root)
    return read_config(files), read_tokenizer(files), read_adapter(files), read_licence(files)


@pytest.mark.parametrize("kind", ["outside", "pipe", "nothing", "directory"])
def test_no_reader_opens_it(tmp_path, kind):
    secret = tmp_path / "secret"
    secret.write_text(json.dumps({"model_type": "secret", "license": "secret", "base_model_name_or_path": "secret"}))
    root = tmp_path / "model"
    root.mkdir()
    for name in NAMES:
        if kind == "pipe":
            os.mkfifo(root / name)
        elif kind == "directory":
            (root / name).mkdir()
        else:
            (root / name).symlink_to(secret if kind == "outside" else tmp_path / "nothing")
    assert "'secret'" not in repr(describe_all(root))


def test_what_cannot_be_read_is_judged_as_unknown(tmp_path):
    (tmp_path / "elsewhere").write_text("{}")
    root = tiny_model(tmp_path / "model")
    for name in ("config.json", "tokenizer.json"):
        (root / name).unlink()
        (root / name).symlink_to(tmp_path / "elsewhere")
    judged = judge(root, intent=Intent(purpose="score"))
    assert judged.codes("error") == []
    assert judged.skipped["C302"].startswith("S604")
    assert {"C303", "C304", "C307", "C308"} <= set(judged.skipped)


def test_a_link_inside_the_directory_is_read(tmp_path):
    root = tiny_model(tmp_path)
    (root / "config.json").rename(root / "real.json")
    (root / "config.json").symlink_to("real.json")
    assert describe_all(root)[0].model_type == "llama"
