"""Whatever lies in a directory, it is described and judged: no exception, every finding whole, no command to be afraid of."""

import json
import os
import shlex
import struct
from pathlib import Path

import pytest
from hostile import call, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_factory import header_bytes, lfs_pointer, model_dir
from oracle import BYTES, judge, one

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "150"))
NAMES = (
    "config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "pytorch_model-00001-of-00002.bin", "modules.json",
    "tokenizer.json", "tokenizer_config.json", "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin", "x.gguf",
    "x.zip", "x.tar.gz", "x.npz", "x.pkl", "x.incomplete", "x.onnx", "README.md", "generation_config.json", "weights.npz",
)  # fmt: skip
WORDS = st.sampled_from([
    "weight_map", "metadata", "total_size", "model_type", "llama", "a", "../x", "/etc/passwd", "model-00001-of-00002.safetensors",
    "auto_map", "transformers_weights", "path", "type", "Transformer", "peft_type", "\0", "a\\b", "error",
])  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())
HEADER = header_bytes({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
CONTENTS = st.one_of(
    JSON, st.binary(max_size=64), JSON.map(lambda text: struct.pack("<Q", len(text)) + text),
    st.sampled_from([b"", lfs_pointer().encode(), b"<html><title>x</title>", HEADER + bytes(8), HEADER, call("os.system"),
                     zipped({"a/data.pkl": call("os.system")}), b"PK\x03\x04", b"\x1f\x8b", b"GGUF"]),
)  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=st.dictionaries(st.sampled_from(NAMES), CONTENTS, max_size=7))
def test_any_directory_is_described_and_judged(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("m")
    for name, data in files.items():
        (root / name).write_bytes(data)
    for finding in judge(root):
        assert finding.message
        assert finding.consequence
        assert finding.fix.text
        json.dumps(dict(finding.evidence))


def test_names_in_commands_are_quoted(tmp_path: Path) -> None:
    """The index is a stranger's: what it calls a shard must not become a command."""
    root = model_dir(tmp_path / "m m", shards=2)
    hostile = "$(touch x); rm -rf ~ #.safetensors"
    index = {"metadata": {}, "weight_map": {"a": hostile}}
    (root / "model.safetensors.index.json").write_text(json.dumps(index))
    command = str(one(root, "W102").fix.command)
    assert hostile in shlex.split(command)
    assert str(root) in shlex.split(command)


@pytest.mark.parametrize("rule", BYTES, ids=lambda rule: rule.code)
def test_every_rule_explains_itself(rule) -> None:
    assert rule.title
    assert not rule.title.endswith(".")
    assert len(rule.explanation) > 200
    assert rule.name == rule.judge.__name__.replace("_", "-")


def test_codes_names_and_levels_are_those_of_the_contract() -> None:
    import csv

    table = Path(__file__).resolve().parents[2] / ".." / "shared" / "rules.csv"
    if not table.exists():
        pytest.skip("the contract's table is absent")
    rows = {row["code"]: row for row in csv.DictReader(table.read_text().splitlines())}
    for rule in BYTES:
        row = rows[rule.code]
        assert (rule.name, rule.level) == (row["name"], row["level"])
        assert rule.severity == row["severity"].split(" or ")[0]
    owned = {code for code in rows if code[0] == "F" or "W101" <= code <= "W113"} | {"S601", "S602", "S604", "S605"}
    assert {rule.code for rule in BYTES} == owned
