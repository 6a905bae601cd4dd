"""A made-up machine on which tests of the frame run whole commands: its mounts, its home, its variables and its PATH.

Nothing of the machine that runs the tests shows through, so what a command prints is the same everywhere.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_factory import llama_tensors, model_dir

PROJECT = Path(__file__).resolve().parent.parent
LLAMA_3 = "meta-llama/Meta-Llama-3-8B-Instruct"
LLAMA_3_HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf/1"
LLAMA_3_MOUNT = "llama-3/transformers/8b-chat-hf/1"
# The published numbers; the tokenizer is a small one, and so are the ids of its special tokens.
LLAMA_3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "rope_theta": 500000.0,
    "dtype": "bfloat16",
}
LLAMA_3_70B = LLAMA_3_8B | {
    "hidden_size": 8192,
    "intermediate_size": 28672,
    "num_hidden_layers": 80,
    "num_attention_heads": 64,
}


def llama_3(root: Path, *, shards: int, config: Mapping[str, object], without: Sequence[int] = ()) -> Path:
    """A Llama 3 with the published config, tensor names and shapes; its weights are holes and take no disk (F007)."""
    tensors = llama_tensors(config, dtype="BF16")
    return model_dir(root, shards=shards, without=without, config=config, tensors=tensors, sparse=True)


def llama_3_8b(root: Path, *, without: Sequence[int] = ()) -> Path:
    """291 tensors in 4 shards."""
    return llama_3(root, shards=4, config=LLAMA_3_8B, without=without)


def llama_3_70b(root: Path) -> Path:
    """723 tensors in 30 shards."""
    return llama_3(root, shards=30, config=LLAMA_3_70B)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where commands run: their directory, and all of their variables."""

    root: Path
    variables: Mapping[str, str]

    @property
    def inputs(self) -> Path:
        """What stands for /kaggle/input."""
        return Path(self.variables["KAGGLE_CACHE_MOUNT_FOLDER"])

    @property
    def work(self) -> Path:
        """The directory in which commands start."""
        return self.root / "work"

    def run(self, *command: str, wrapper: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, without a shell; whatever its exit code is."""
        return subprocess.run(
            [*wrapper, *command],
            cwd=self.work,
            env=dict(self.variables),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    def python(self, code: str, *arguments: str, wrapper: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run code in a Python that has the project on its path."""
        return self.run(sys.executable, "-c", code, *arguments, wrapper=wrapper)


def make_machine(root: Path) -> Machine:
    """A machine with empty inputs, an empty home, and `python`, `resolver` and `arena` on its PATH."""
    binaries = root / "bin"
    for directory in (root / "input", root / "home", root / "work", binaries):
        directory.mkdir(parents=True)
    for name, arguments in {"python": "", "resolver": "-m resolver", "arena": "-m pipeline"}.items():
        script = binaries / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    variables = {
        "PATH": f"{binaries}{os.pathsep}{os.defpath}",
        "HOME": str(root / "home"),
        "PYTHONPATH": str(PROJECT),
        "KAGGLE_CACHE_MOUNT_FOLDER": str(root / "input"),
        "LC_ALL": "C.UTF-8",
        "COLUMNS": "120",
        "OMP_NUM_THREADS": "2",
    }
    return Machine(root, variables)


def codes_in(report: str) -> set[str]:
    """The codes of the findings in a report that was told as text."""
    return set(re.findall(r"^(?:error|warning|info)\[([A-Z]\d+)\]", report, re.MULTILINE))
