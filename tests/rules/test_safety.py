"""S601, S602, S604, S605. torch refuses what we call unsafe and loads what we call clean; nothing is ever executed."""

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import shutil
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hostile import FORBIDDEN, call, zipped
from model_factory import edit_json, llama_tensors, model_dir, tiny_model, write_safetensors
from oracle import SHARED, codes, judge, load, logits, one, refusal

HARMLESS = {
    "bad_pytorch.pt": "eight bytes of a PNG; the first opcode that is one is a persistent id, which plain unpicklers refuse",
    "benign0_v0.pkl": "a list of three strings",
    "benign0_v3.pkl": "a list of three strings",
    "benign0_v4.pkl": "a list of three strings",
    "new_pytorch_model.bin": "a tensor, nothing outside the allowlist; torch loads it with weights_only",
    "pytorch_model.bin": "an old torch file of tensors; torch loads it with weights_only",
    "not_a_pickle.bin": "its only name is no UTF-8, where every unpickler stops before it imports",
}
LOADED = {"new_pytorch_model.bin", "pytorch_model.bin"}


def test_recorded_pickles_are_judged_and_only_harmless_ones_are_quiet(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("the shared data is absent")
    for source in sorted((SHARED / "broken" / "pickles").iterdir()):
        root = model_dir(tmp_path / source.name)
        shutil.copy(source, root / source.name)
        if source.name in LOADED:
            torch.load(source, weights_only=True)
        found = [code for code in codes(root) if code in {"S601", "S602"}]
        assert bool(found) != (source.name in HARMLESS), (source.name, found)
        if "malicious" in source.name or source.name in {"pytorch_magic_bypass.pt", "sys_module_override_sploit.pkl"}:
            assert found in (["S601"], ["S602"]), (source.name, found)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize("name", FORBIDDEN)
def test_s601_forbidden_name_in_opened_weights_is_an_error(tmp_path: Path, name: str, protocol: int) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").unlink()
    (root / "pytorch_model.bin").write_bytes(call(name, protocol=protocol))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(root / "pytorch_model.bin", weights_only=True)
    found = one(root, "S601")
    assert (found.severity, found.evidence["names"]) == ("error", [name])


def test_s601_transformers_refuses_it(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", weights="bin")
    state = torch.load(root / "pytorch_model.bin", weights_only=True)
    torch.save({**state, "extra": pickle.PickleBuffer}, root / "pytorch_model.bin")
    assert "UnpicklingError" in str(refusal(root))
    assert codes(root, "error") == ["S601"]


def test_s601_in_an_adapter_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "x"}')
    (tmp_path / "adapter_model.bin").write_bytes(call("os.system"))
    assert codes(tmp_path, "error") == ["S601"]


@pytest.mark.parametrize("weights", ["safetensors", "bin"])
def test_s601_beside_the_weights_it_is_a_warning(tmp_path: Path, weights: str) -> None:
    root = tiny_model(tmp_path / "m", weights=weights)
    (root / "training_args.bin").write_bytes(zipped({"archive/data.pkl": call("transformers.TrainingArguments")}))
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["S601"], [])


HIDDEN = {
    "notes.txt": call("os.system", protocol=0),
    "tokenizer.model": call("os.system", protocol=4),
    "nothing": call("os.system", protocol=3),
    "data.gguf.bin": b"GGUF\0\0\0\0\x000" + call("os.system", protocol=0),
    "two.pkl": pickle.dumps([1]) + call("os.system"),
    "broken.pkl": call("os.system")[:-1] + b"\xff\xff",
    "renamed.zip": zipped({"model/data.config": call("os.system")}),
    "packed.npz": zipped({"a.npy": b"\x93NUMPY\x01\0\x0e\0{'descr':'|O'}" + call("os.system")}, 8),
    "model.pkl.gz": gzip.compress(call("os.system")),
    "model.pkl.bz2": bz2.compress(call("os.system")),
    "model.pkl.xz": lzma.compress(call("os.system")),
    "memo.pkl": b"Vos\np+1_0\n0Vsystem\np2\n0g10\ng2\n\x93(Vx\ntR.",
    "extension.pkl": b"\x80\x02\x82\x01)R.",
    "unresolved.pkl": b"\x80\x04C\x02os\x8c\x06system\x93)R.",
}


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_s601_is_found_whatever_the_file_is_called(tmp_path: Path, name: str) -> None:
    root = model_dir(tmp_path / "m")
    (root / name).write_bytes(HIDDEN[name])
    assert [code for code in codes(root) if code != "F003"] == ["S601"], name


def test_s601_in_a_tar_is_found(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    for name, mode in (("a.tar", "w"), ("b.tar.gz", "w:gz")):
        with tarfile.open(root / name, mode) as archive:
            entry = tarfile.TarInfo("deep/x")
            entry.size = len(call("os.system"))
            archive.addfile(entry, io.BytesIO(call("os.system")))
    found = [each for each in judge(root) if each.code == "S601"]
    assert [Path(str(each.path)).name for each in found] == ["a.tar", "b.tar.gz"]
    assert all(each.evidence["members"] == ["deep/x"] for each in found)


def test_s601_old_and_new_torch_files_are_quiet_whatever_their_storages_hold(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    hostile = torch.frombuffer(bytearray(call("os.system", protocol=4).ljust(64, b".")), dtype=torch.uint8)
    state = {
        "a": hostile,
        "b": torch.nn.Parameter(torch.ones(3, dtype=torch.bfloat16)),
        "c": torch.zeros(2).to_sparse(),
    }
    for name, new in (("new.pt", True), ("old.pt", False)):
        torch.save(state, root / name, _use_new_zipfile_serialization=new)
        torch.load(root / name, weights_only=True)
    # A storage that is a whole hostile pickle is still no pickle to torch; in an archive that another reader might
    # open member by member it is worth a word, in an old file nobody can reach it.
    named = [Path(str(each.path)).name for each in judge(root) if each.code == "S601"]
    assert named == ["new.pt"]
    torch.save({"a": torch.ones(1000)}, root / "new.pt")
    assert codes(root) == []


def test_s601_training_state_of_torch_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(layer.parameters())
    layer(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    torch.save(optimizer.state_dict(), root / "optimizer.pt")
    np.save(root / "numbers.npy", np.arange(4))
    assert codes(root) == []


def test_s601_text_that_only_speaks_of_it_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "requirements.txt").write_text("certifi==2026.1\ncharset-normalizer\nclick\n(tR.\n")
    (root / "README.md").write_text("Vocabulary\nand `os.system`\n\ncos\nsystem\n(Vx\n")
    (root / "note.pkl").write_bytes(pickle.dumps("cos\nsystem\n(S'echo'\ntR."))
    assert codes(root) == []


def damaged() -> dict[str, bytes]:
    good = zipped({"archive/data.pkl": pickle.dumps({"a": 1}, 2), "archive/version": b"3\n"})
    encrypted = bytearray(good)
    encrypted[6] |= 1
    at = good.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    checksum = bytearray(good)
    checksum[at + 16] ^= 0xFF
    renamed = bytearray(good)
    renamed[at + 46] = ord("X")
    return {
        "encrypted": bytes(encrypted),
        "checksum": bytes(checksum),
        "renamed": bytes(renamed),
        "cut": good[:-30],
        "nested": zipped({"archive/data.pkl": zipped({"data.pkl": pickle.dumps(1)})}),
        "packed": zipped({"archive/data.pkl": pickle.dumps({"a": list(range(500))}, 2)}, 8),
        "7z": b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40),
        "short pickle": pickle.dumps({"a": "b" * 50}, 2)[:-20],
        "gzip": gzip.compress(pickle.dumps(list(range(1000))))[:-40],
    }


@pytest.mark.parametrize("kind", sorted(damaged()))
def test_s602_what_cannot_be_read_to_its_end_is_no_pass(tmp_path: Path, kind: str) -> None:
    root = model_dir(tmp_path / "m")
    (root / "extra.pt").write_bytes(damaged()[kind])
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["S602"], [])
    assert one(root, "S602").evidence["fault"]


def test_s602_torch_reads_what_scanners_refuse(tmp_path: Path) -> None:
    """Why a wrong checksum or an encrypted flag is no reason to look away: torch does not look at either."""
    path = tmp_path / "x.pt"
    torch.save({"a": 1}, path)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 16] ^= 0xFF
    path.write_bytes(data)
    assert torch.load(path, weights_only=True) == {"a": 1}


def test_s602_opened_weights_that_are_cut_are_an_error(tmp_path: Path) -> None:
    root = tiny_model(tmp_path / "m", weights="bin")
    path = root / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-1000])
    assert refusal(root) is not None
    assert codes(root, "error") == ["S602"]


def test_s602_whole_archives_are_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    np.savez_compressed(root / "a.npz", x=np.zeros(50))
    (root / "texts.zip").write_bytes(zipped({"a.txt": b"words " * 900, "b.json": b"{}"}, 8))
    with (root / "vocab.txt.gz").open("wb") as stream:
        stream.write(gzip.compress(b"one\ntwo\n"))
    assert codes(root) == []


@pytest.mark.parametrize("absolute", [True, False])
def test_s604_shard_outside_is_loaded_by_the_library_and_an_error(tmp_path: Path, absolute: bool) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    shard = "model-00002-of-00002.safetensors"
    before = logits(root)
    (root / shard).rename(tmp_path / "outside.safetensors")
    name = str(tmp_path / "outside.safetensors") if absolute else "../outside.safetensors"
    edit_json(
        root / "model.safetensors.index.json",
        lambda index: index.update(
            weight_map={tensor: name if file == shard else file for tensor, file in index["weight_map"].items()}
        ),
    )
    assert logits(root).equal(before)
    assert "S604" in codes(root, "error")


def test_s604_weights_that_config_names_outside_are_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    edit_json(root / "config.json", lambda config: config.update(transformers_weights="../x.safetensors"))
    write_safetensors(tmp_path / "x.safetensors", llama_tensors())
    assert "must reference a file inside the model directory" in str(refusal(root))
    assert "S604" in codes(root, "error")


def test_s604_code_outside_is_run_by_the_library_and_an_error(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (tmp_path / "evil.py").write_text("print('it ran')\nfrom transformers import LlamaForCausalLM as Model\n")
    auto_map = {"AutoModelForCausalLM": f"{tmp_path}/evil.Model"}
    edit_json(root / "config.json", lambda config: config.update(auto_map=auto_map))
    code = (
        "import sys; from transformers import AutoModelForCausalLM as auto\n"
        "try: auto.from_pretrained(sys.argv[1], trust_remote_code=True)\nexcept Exception: pass\n"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_MODULES_CACHE": str(tmp_path / "modules")}
    done = subprocess.run([sys.executable, "-c", code, root], check=False, capture_output=True, text=True, env=env)
    assert "it ran" in done.stdout, done.stderr
    assert "S604" in codes(root, "error")
    edit_json(root / "config.json", lambda config: config.update(auto_map={"AutoModelForCausalLM": "../evil.Model"}))
    assert "S604" in codes(root, "error")
    edit_json(root / "config.json", lambda config: config.update(auto_map={"AutoModelForCausalLM": "own.Model"}))
    assert "S604" not in codes(root)


def test_s604_link_out_of_the_directory_is_a_warning_and_not_followed(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "model.safetensors").rename(tmp_path / "elsewhere.safetensors")
    (root / "model.safetensors").symlink_to(tmp_path / "elsewhere.safetensors")
    assert refusal(root) is None
    assert (codes(root), codes(root, "error")) == (["S604"], [])


def test_s604_link_and_shard_inside_are_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    (root / "parts").mkdir()
    shard = "model-00002-of-00002.safetensors"
    (root / shard).rename(root / "parts" / shard)
    (root / shard).symlink_to(f"parts/{shard}")
    assert refusal(root) is None
    assert codes(root) == []


PEAK = """
import sys
sys.path[:0] = sys.argv[2:]
{work}
# Not ru_maxrss: that is inherited from the process that started this one.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
LIBRARY = "import safetensors\nwith safetensors.safe_open(sys.argv[1], 'np') as f: f.keys()"
OURS = "from resolver.inspection.safetensors import read_header\nassert read_header(sys.argv[1]).kind == 'bomb'"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux to tell a peak")
def test_s605_header_bomb_is_an_error_and_is_not_parsed(tmp_path: Path) -> None:
    """640,000 tensors of nothing: the library takes hundreds of megabytes for them, we take none."""
    root = model_dir(tmp_path / "m")
    entry = ',"%07d":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    text = ("{" + "".join(entry % number for number in range(640_000))[1:] + "}").encode()
    (root / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text)
    peaks = [
        int(
            subprocess.run(
                [sys.executable, "-c", PEAK.format(work=work), root / "model.safetensors", Path(__file__).parents[2]],
                check=True, capture_output=True, text=True,
            ).stdout
        )
        for work in (LIBRARY, OURS)
    ]  # fmt: skip
    assert peaks[0] > 200_000
    assert peaks[1] < 60_000
    assert codes(root, "error") == ["S605"]


def test_s605_large_honest_header_is_quiet(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    tensors = {**llama_tensors(), **{f"experts.{n}.weight": ("F32", (0,), b"") for n in range(5_000)}}
    write_safetensors(root / "model.safetensors", tensors)
    _, info = load(root)
    assert not info["missing_keys"]
    assert codes(root) == []


def test_s605_deep_json_is_an_error_where_it_is_opened(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m", shards=2)
    (root / "model.safetensors.index.json").write_text("[" * 200_000)
    assert "RecursionError" in str(refusal(root))
    assert codes(root, "error") == ["S605"]


WATCH = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from pathlib import Path
from oracle import judge  # loads what judging needs before the watch begins
import bz2, lzma, zlib, gzip, tarfile, io, json, inspect
judge(Path({clean!r}))
b"x".decode("raw-unicode-escape")
import os
seen = set()
def watch(event, arguments):
    writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in {forbidden!r} or writes:
        seen.add((event, str(arguments)[:200]))
sys.addaudithook(watch)
for place in {places!r}:
    assert [each for each in judge(Path(place)) if each.code == "S601"]
found = sorted(seen)
print(json.dumps(found))
"""
FORBIDDEN_EVENTS = (
    "exec", "import", "compile", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "os.fork", "pickle.find_class",
    "socket.connect", "ctypes.dlopen", "marshal.loads", "code.__new__", "shutil.rmtree", "os.remove", "os.rename", "os.mkdir",
)  # fmt: skip


def test_nothing_is_executed_imported_or_written_while_hostile_files_are_judged(tmp_path: Path) -> None:
    """An audit hook in a child process sees every import, exec, child process and unpickled name."""
    clean = model_dir(tmp_path / "clean", shards=2)
    hostile = model_dir(tmp_path / "hostile")
    for name, data in {**HIDDEN, **{f"{kind}.pt": data for kind, data in damaged().items()}}.items():
        (hostile / name).write_bytes(data)
    torch.save({"a": 1}, clean / "x.pt")
    places = [str(hostile)]
    if SHARED.exists():
        places.append(str((SHARED / "broken" / "pickles").resolve()))
    code = WATCH.format(
        root=str(Path(__file__).resolve().parents[2]),
        tests=str(Path(__file__).resolve().parents[1]),
        clean=str(clean), places=places, forbidden=FORBIDDEN_EVENTS,
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [], done.stderr
