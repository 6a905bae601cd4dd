"""Bundles for the tests of staging: models to stage, and what a directory holds to the last bit."""

import hashlib
from pathlib import Path

from resolver.cli import main

PROJECT = Path(__file__).resolve().parent.parent
CARD = "---\nlicense: apache-2.0\n---\n# Tiny\n"


def contents(root: Path) -> dict[str, tuple[str, int]]:
    """Name -> hash and mode of each file and folder; names in the order of the bytes."""
    found = {}
    for path in sorted(root.rglob("*")):
        data = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[path.relative_to(root).as_posix()] = (hashlib.sha256(data).hexdigest(), path.lstat().st_mode)
    return found


def untouched(root: Path) -> dict[str, tuple[str, int, int]]:
    """As `contents`, with times: what must be the same of a source after all."""
    return {name: (*told, (root / name).lstat().st_mtime_ns) for name, told in contents(root).items()}


def stage(*arguments: object) -> int:
    return main(["stage", *map(str, arguments)])


def with_texts(root: Path) -> Path:
    """A model with a card, a licence, and much that no loader opens."""
    (root / "README.md").write_text(CARD)
    (root / "LICENSE").write_text("Apache License\nVersion 2.0\n")
    for name in ("onnx/model.onnx", "original/consolidated.00.pth", "tf_model.h5", "pytorch_model.bin",
                 "flax_model.msgpack", "training_args.bin", "model-q4.gguf", "modeling_stray.py", ".gitattributes"):  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"not wanted")
    return root
