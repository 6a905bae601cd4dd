"""W101-W105 and W113: absent, short and impossible weights, each shown to stop the real loader."""

from pathlib import Path

import pytest
from model_factory import edit_json, header_bytes, llama_tensors, model_dir, tiny_model, write_safetensors
from oracle import SHARED, codes, judge, load, logits, one, refusal

ABSENT = "Error no file named model.safetensors, or pytorch_model.bin"


def test_w101_no_weights_is_the_only_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").unlink()
    assert ABSENT in str(refusal(root))
    assert codes(root, "error") == ["W101"]


def test_w101_weights_under_another_name_are_an_error_that_names_them(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").rename(root / "weights.safetensors")
    assert ABSENT in str(refusal(root))
    found = one(root, "W101")
    assert "weights.safetensors" in found.message
    assert str(found.fix.command).startswith("mv ")


@pytest.mark.parametrize("weights", ["safetensors", "bin"])
@pytest.mark.parametrize("shards", [1, 2])
def test_w101_every_form_that_the_loader_opens_is_quiet(tmp_path: Path, weights: str, shards: int) -> None:
    root = tiny_model(tmp_path / "m", weights=weights, shards=shards)
    _, info = load(root)
    assert not info["missing_keys"]
    assert judge(root) == []


def test_w101_weights_that_config_names_are_opened(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").rename(root / "other.safetensors")
    edit_json(root / "config.json", lambda config: config.update(transformers_weights="other.safetensors"))
    assert refusal(root) is None
    assert codes(root) == []


def test_w101_adapter_alone_needs_none(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "x"}')
    write_safetensors(tmp_path / "adapter_model.safetensors", {"a.lora_A.weight": ("F32", (2, 2), None)})
    assert codes(tmp_path) == []


def test_w102_absent_shards_are_one_error_that_lists_all(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=4, without={2, 4})
    said = str(refusal(root))
    assert "model-00002-of-00004.safetensors" in said
    assert "model-00004-of-00004.safetensors" not in said
    assert codes(root, "error") == ["W102"]
    told = one(root, "W102").evidence
    assert told["missing"] == ["model-00002-of-00004.safetensors", "model-00004-of-00004.safetensors"]
    whole = sum(path.stat().st_size for path in model_dir(tmp_path / "whole", shards=4).glob("*.safetensors"))
    assert told["tensors_missing"] == 11
    assert 0 < told["missing_bytes"] < told["total_bytes"] < whole


def test_w102_number_that_the_index_does_not_name_is_missed_all_the_same(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=3, without={3})
    lost = "model-00003-of-00003.safetensors"

    def forget(index: dict) -> None:
        index["weight_map"] = {name: file for name, file in index["weight_map"].items() if file != lost}

    edit_json(root / "model.safetensors.index.json", forget)
    _, info = load(root)
    assert "lm_head.weight" in info["missing_keys"]
    assert codes(root, "error") == ["W102"]


def test_w102_shards_without_numbers_are_no_set(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    names = {f"model-0000{n}-of-00002.safetensors": f"part{n}.safetensors" for n in (1, 2)}
    for old, new in names.items():
        (root / old).rename(root / new)
    edit_json(
        root / "model.safetensors.index.json",
        lambda index: index.update(weight_map={name: names[file] for name, file in index["weight_map"].items()}),
    )
    assert refusal(root) is None
    assert codes(root) == []


@pytest.mark.parametrize("shards", [1, 3])
def test_w103_short_file_is_an_error_with_the_bytes_that_lack(tmp_path: Path, shards: int) -> None:
    root = model_dir(tmp_path / "m", shards=shards)
    path = max(root.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-100])
    assert "not fully covered" in str(refusal(root))
    assert codes(root, "error") == ["W103"]
    assert one(root, "W103").evidence["missing_bytes"] == 100


def test_w103_trailing_bytes_are_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    with (root / "model.safetensors").open("ab") as stream:
        stream.write(b"x")
    assert "not fully covered" in str(refusal(root))
    assert codes(root, "error") == ["W103"]


def test_w103_file_that_ends_in_its_header_is_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    path = root / "model.safetensors"
    path.write_bytes(path.read_bytes()[:200])
    assert "invalid header length" in str(refusal(root))
    assert codes(root, "error") == ["W103"]


def test_w103_short_file_that_is_not_opened_is_a_warning(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    data = (root / "model.safetensors").read_bytes()
    (root / "copy.safetensors").write_bytes(data[:-10])
    (root / "other.safetensors").write_bytes(b"\x10" + bytes(7) + b"{no header here}")
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["W103", "W104"], [])


def test_w104_names_file_tensor_and_condition(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    header = {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
              "b": {"dtype": "F32", "shape": [3], "data_offsets": [8, 16]}}  # fmt: skip
    (root / "model.safetensors").write_bytes(header_bytes(header) + bytes(16))
    assert "invalid shape" in str(refusal(root))
    assert codes(root, "error") == ["W104"]
    assert one(root, "W104").evidence == {
        "condition": "size", "tensor": "b", "met": "F32 [3] takes 12 bytes, its offsets span 8"
    }  # fmt: skip


def test_w104_scalars_and_empty_tensors_are_valid(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    tensors = {**llama_tensors(), "scalar": ("F32", (), bytes(4)), "nothing": ("F16", (0, 7), b"")}
    write_safetensors(root / "model.safetensors", tensors)
    assert refusal(root) is None
    assert codes(root) == []


def test_w105_of_two_tensors_with_one_name_the_last_wins_silently(tmp_path: Path) -> None:
    """The first entry gives the head the embeddings' data; a reader that stops there sees another model."""
    root = model_dir(tmp_path / "m")
    before = logits(root)
    path = root / "model.safetensors"
    data = path.read_bytes()
    count = int.from_bytes(data[:8], "little")
    text = data[8 : 8 + count].rstrip()
    first = b'{"lm_head.weight":{"dtype":"F32","shape":[64,16],"data_offsets":[0,4096]},'
    text = first + text[1:]
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + count :])
    assert refusal(root) is None
    assert logits(root).equal(before)
    assert (codes(root), codes(root, "error")) == (["W105"], [])
    assert "occurs twice" in one(root, "W105").message


@pytest.mark.parametrize("name", ["model.gguf", "model.onnx", "tf_model.h5", "flax_model.msgpack", "m.keras",
                                  "consolidated.00.pth", "consolidated.safetensors"])  # fmt: skip
def test_w113_weights_of_other_programs_are_an_error_that_names_them(tmp_path: Path, name: str) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").rename(root / name)
    assert ABSENT in str(refusal(root))
    assert "W113" in codes(root, "error")
    assert "W101" not in codes(root)


def test_w113_quantised_mlx_under_the_right_name_is_an_error(tmp_path: Path) -> None:
    plain = llama_tensors()
    packed = {}
    for name, (dtype, shape, data) in plain.items():
        if len(shape) == 2 and "embed" not in name:
            stem = name.removesuffix(".weight")
            packed |= {name: ("I32", (shape[0], shape[1] // 8), None),
                       f"{stem}.scales": ("F16", (shape[0], 1), None),
                       f"{stem}.biases": ("F16", (shape[0], 1), None)}  # fmt: skip
        else:
            packed[name] = (dtype, shape, data)
    root = model_dir(tmp_path / "m", tensors=packed)
    path = root / "model.safetensors"
    path.write_bytes(path.read_bytes().replace(b'"I32"', b'"U32"'))
    assert refusal(root) is not None
    assert codes(root, "error") == ["W113"]


def test_w113_other_formats_beside_weights_that_load_are_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.gguf").write_bytes(b"GGUF" + bytes(40))
    (root / "onnx").mkdir()
    (root / "onnx" / "model.onnx").write_bytes(b"\x08\x07" + bytes(40))
    assert refusal(root) is None
    assert codes(root) == []


def expected() -> list[tuple[str, str]]:
    path = SHARED / "broken" / "safetensors_header_cases" / "EXPECTED.csv"
    rows = path.read_text().splitlines()[1:] if path.exists() else []
    return [(row.split(",")[0], row.split(",")[2]) for row in rows]


@pytest.mark.parametrize(("name", "verdict"), expected() or [pytest.param("", "", marks=pytest.mark.skip("no data"))])
def test_recorded_header_cases_agree(tmp_path: Path, name: str, verdict: str) -> None:
    from safetensors import SafetensorError, safe_open

    root = model_dir(tmp_path / "m")
    data = (SHARED / "broken" / "safetensors_header_cases" / name).read_bytes()
    (root / "model.safetensors").write_bytes(data)
    found = codes(root, "error")
    if verdict == "VALID":
        assert found == []
        assert set(codes(root)) <= {"W105"}
        safe_open(root / "model.safetensors", "pt")
    else:
        assert len(found) == 1
        assert found[0] in {"W103", "W104", "F004"}
        with pytest.raises(SafetensorError):
            safe_open(root / "model.safetensors", "pt")
