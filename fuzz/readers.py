"""What is fuzzed: each reader of untrusted bytes, the files that it reads, and seeds by the tests' own builders.

A case is one byte that picks a file and that file's content; the reader's other files are whole. Whatever the bytes
are, a reader returns: no exception, no second of processor time, no more than 300 MB.
"""

import hashlib
import json
import pickle
import struct
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from hostile import call, zipped  # noqa: E402 - the tests' builders are no package
from model_factory import header_bytes, lfs_pointer, model_dir, write_safetensors  # noqa: E402 - as above
from tokenizer_factory import added_token, numbered, write_tokenizer_files  # noqa: E402 - as above

from resolver.inspection.adapter import read_adapter  # noqa: E402 - as above
from resolver.inspection.chat_templates import read_chat_templates  # noqa: E402 - as above
from resolver.inspection.config import read_config  # noqa: E402 - as above
from resolver.inspection.describe import describe  # noqa: E402 - as above
from resolver.inspection.evidence import read_record  # noqa: E402 - as above
from resolver.inspection.files import list_files  # noqa: E402 - as above
from resolver.inspection.licence import read_licence  # noqa: E402 - as above
from resolver.inspection.lock import Lock, LockedSource, read_lock  # noqa: E402 - as above
from resolver.inspection.locked import under_lock  # noqa: E402 - as above
from resolver.inspection.pickles import scan_pickles  # noqa: E402 - as above
from resolver.inspection.remote_code import read_code  # noqa: E402 - as above
from resolver.inspection.safetensors import parse_header, read_header  # noqa: E402 - as above
from resolver.inspection.strict_json import parse_json  # noqa: E402 - as above
from resolver.inspection.submission import read_submission  # noqa: E402 - as above
from resolver.inspection.tokenizer import read_tokenizer  # noqa: E402 - as above
from resolver.inspection.weights import read_weights  # noqa: E402 - as above
from resolver.integrity.journal import FileKey, Journal, Midstate, statements  # noqa: E402 - as above
from resolver.integrity.lock import canonical, lock_model  # noqa: E402 - as above
from resolver.recorded import read_machine  # noqa: E402 - as above

METADATA = ".cache/huggingface/download/model.safetensors.metadata"
SUBJECT = "ab" * 32
JOURNAL = f"runs/{SUBJECT[:32]}.journal"
AUTO_MAP = {"AutoConfig": "configuration_x.XConfig", "AutoModelForCausalLM": "modeling_x.XModel"}


class Reader(NamedTuple):
    """A reader.

    Attributes:
        prepare: writes the whole files that the reader reads, below a directory; the first bytes of the corpus.
        files: those that a case replaces, by the first byte.
        read: the call; it gets the directory.
        refusals: what it may raise, by contract.
    """

    prepare: Callable[[Path], None]
    files: tuple[str, ...]
    read: Callable[[Path], object]
    more: tuple[bytes, ...] = ()
    refusals: tuple[type[Exception], ...] = ()


def _model(root: Path) -> None:
    model_dir(root, shards=2)
    (root / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 3], "temperature": 0.6}))
    (root / "README.md").write_text(
        "---\nlicense: llama3\ntags:\n- a\n- b\nextra_gated_prompt: |\n  yes\n---\n# card\n"
    )
    (root / "LICENSE").write_text("META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n")


def _single(root: Path) -> None:
    model_dir(root)


def _tokenizer(root: Path) -> None:
    settings = {"eos_token": "a", "chat_template": "{{ a }}", "added_tokens_decoder": {"0": added_token(0, "<unk>")}}
    write_tokenizer_files(root, kind="BPE", vocab=numbered(("<unk>", "a", "b", "ab")), settings=settings)
    value = json.loads((root / "tokenizer.json").read_text())
    value["model"]["merges"] = [["a", "b"]]
    value["added_tokens"] = [added_token(0, "<unk>")]
    (root / "tokenizer.json").write_text(json.dumps(value))
    (root / "special_tokens_map.json").write_text(json.dumps({"pad_token": {"content": "<unk>"}}))
    (root / "added_tokens.json").write_text(json.dumps({"<x>": 4}))
    (root / "chat_template.jinja").write_text("{% for m in messages %}{{ m }}{% endfor %}")


def _locked(root: Path) -> None:
    _model(root)
    model = describe(root)
    digests = {name: hashlib.sha256((root / name).read_bytes()).hexdigest() for name in model.files.files}
    lock = Lock((lock_model("./", model, LockedSource("hub", "o/m", "f" * 40), ".", digests),), "1.0")
    (root / "resolver.lock").write_bytes(canonical(lock))


def _journal(root: Path) -> None:
    journal = Journal(root / "runs", SUBJECT)
    key = FileKey("/m/a", 10, 1, 2, 3, 4)
    journal.note_midstate(key, "sha256", Midstate(1, b"\x01" * 112, "x"))
    journal.note_finished(key, "sha256", "cd" * 32)


def _read_journal(root: Path) -> None:
    list(statements((root / JOURNAL).read_bytes(), SUBJECT))
    with Journal(root / "other", SUBJECT, keep=False) as journal:
        journal.finished(FileKey("/m/a", 10, 1, 2, 3, 4), "sha256")


def _adapter(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    told = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"], "task_type": "SEQ_CLS"}
    told |= {"base_model_name_or_path": "o/m", "modules_to_save": ["score"], "rank_pattern": {"q_proj": 8}}
    (root / "adapter_config.json").write_text(json.dumps(told))
    at = "base_model.model.model.layers.0.self_attn.q_proj"
    tensors = {f"{at}.lora_A.weight": ("F32", (4, 16), None), f"{at}.lora_B.weight": ("F32", (16, 4), None)}
    write_safetensors(root / "adapter_model.safetensors", tensors)


def _pickles(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "pytorch_model.bin").write_bytes(zipped({"archive/data.pkl": pickle.dumps({"a": [1, 2.5, "x"]}, 2)}))
    (root / "training_args.bin").write_bytes(call("os.system"))


def _code(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "configuration_x.py").write_text(
        "from transformers import PretrainedConfig\nclass XConfig(PretrainedConfig):\n    pass\n"
    )
    (root / "modeling_x.py").write_text(
        "import torch\nfrom .configuration_x import XConfig\n"
        "try:\n    import flash_attn\nexcept ImportError:\n    pass\nif True:\n    import os.path as p\n"
    )


def _record(root: Path) -> None:
    model_dir(root)
    (root / METADATA).parent.mkdir(parents=True)
    (root / METADATA).write_text(f"{'a' * 40}\n{'b' * 64}\n1700000000.0\n")


def _machine(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    machine = {
        "packages": {"torch": "2.13.0"},
        "accelerators": [{"name": "Tesla T4", "memory_bytes": 1}],
        "memory_bytes": 1,
    }
    (root / "machine.json").write_text(json.dumps({"schema_version": 1, "machine": machine}))


def _submission(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "submission.csv").write_text('id,winner_model_a,winner_model_b,winner_tie\n1,.3,.3,.4\n"2",1e-3,.5,.499\n')


def _nothing(root: Path) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "bytes").write_bytes(b"{}")


def _npz() -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "a.npy",
            b"\x93NUMPY\x01\x00"
            + struct.pack("<H", 54)
            + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n",
        )
    return buffer.getvalue()


def _of(name: str) -> Callable[[Path], bytes]:
    return lambda root: (root / name).read_bytes()


def _errors() -> tuple[type[Exception], ...]:
    from resolver.errors import ConfigurationError

    return (ConfigurationError,)


def _headers(data: bytes) -> Any:
    return parse_header(data[4:], int.from_bytes(data[:4], "little"))


HEADER = header_bytes({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"format": "pt"}})
READERS: dict[str, Reader] = {
    "header": Reader(
        _single, ("model.safetensors",), lambda root: read_header(root / "model.safetensors"),
        (HEADER + bytes(8), HEADER, lfs_pointer().encode(), b"<html>"),
    ),
    "header-text": Reader(_nothing, ("bytes",), lambda root: _headers(_of("bytes")(root)), (bytes(4) + HEADER[8:],)),
    "json": Reader(_nothing, ("bytes",), lambda root: parse_json(_of("bytes")(root)), (b'{"a": [1, 1e999, NaN]}',)),
    "index": Reader(
        _model, ("model.safetensors.index.json", "model-00001-of-00002.safetensors"),
        lambda root: read_weights(list_files(root), None),
    ),
    "config": Reader(_model, ("config.json", "generation_config.json"), lambda root: read_config(list_files(root))),
    "tokenizer": Reader(
        _tokenizer,
        ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
        lambda root: read_tokenizer(list_files(root)),
    ),
    "templates": Reader(
        _tokenizer, ("chat_template.jinja", "tokenizer_config.json"),
        lambda root: read_chat_templates(list_files(root), {"chat_template": [{"name": "default", "template": "x"}]}),
    ),
    "adapter": Reader(
        _adapter, ("adapter_config.json", "adapter_model.safetensors"), lambda root: read_adapter(list_files(root))
    ),
    "card": Reader(_model, ("README.md", "LICENSE"), lambda root: read_licence(list_files(root))),
    "pickle": Reader(
        _pickles, ("training_args.bin", "pytorch_model.bin"), lambda root: scan_pickles(list_files(root)),
        (call("builtins.eval", protocol=4), call("a.b", protocol=0), _npz(), pickle.dumps([{1: (2, 3)}] * 3, 4)),
    ),
    "code": Reader(
        _code, ("modeling_x.py", "configuration_x.py"), lambda root: read_code(list_files(root), AUTO_MAP)
    ),
    "evidence": Reader(_record, (METADATA,), lambda root: read_record(root, root, list_files(root), None)),
    "lock": Reader(
        _locked, ("resolver.lock",), lambda root: (read_lock(root / "resolver.lock"), under_lock(None, root, root)),
        (b'{"schema_version":1,"tool":{"name":"","version":""},"models":[]}', b"{}"),
    ),
    "journal": Reader(_journal, (JOURNAL,), _read_journal, (b"0" * 16 + b" {}\n",)),
    "machine": Reader(
        _machine, ("machine.json",), lambda root: read_machine(root / "machine.json"), refusals=_errors()
    ),
    "submission": Reader(
        _submission, ("submission.csv",), lambda root: read_submission(root / "submission.csv")
    ),
}  # fmt: skip
