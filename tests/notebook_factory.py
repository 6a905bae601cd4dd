"""Notebooks as files, with the metadata that `kaggle` writes.

The two below `notebook/reference/` are built from what is known of two that many have forked: training on a TPU with
`meta-llama/Meta-Llama-3-8B-Instruct`, and inference on two T4 from a mount.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LLAMA = "/kaggle/input/llama-3/transformers/8b-chat-hf/1"
HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf/1"

REFERENCE = Path(__file__).parent / "notebook" / "reference"


def reference_cells(name: str) -> list[str]:
    """The cells of a reference notebook, which a line of dashes parts."""
    return (REFERENCE / f"{name}.txt").read_text("utf-8").split("---\n")


def notebook_text(cells: Sequence[str], *, ids: bool = True, markdown: bool = True) -> str:
    """A notebook of format 4 as Jupyter writes it: an output and an id a cell, a cell of text first."""
    made: list[dict[str, Any]] = []
    if markdown:
        made.append({"cell_type": "markdown", "id": "title", "metadata": {}, "source": ["# A notebook"]})
    for number, source in enumerate(cells):
        output = {"name": "stdout", "output_type": "stream", "text": [f"cell {number}\n", "\\u00e9 é\n"]}
        made.append({"cell_type": "code", "execution_count": number + 1, "id": f"cell-{number}", "metadata": {},
                     "outputs": [output], "source": source.splitlines(keepends=True)})  # fmt: skip
    if not ids:
        for cell in made:
            del cell["id"]
    document = {"cells": made, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4,
                "nbformat_minor": 5 if ids else 4}  # fmt: skip
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def metadata_text(code_file: str, **changes: Any) -> str:
    """A kernel-metadata.json as `kaggle kernels pull` writes it."""
    document: dict[str, Any] = {
        "id": "me/a-notebook",
        "title": "a notebook",
        "code_file": code_file,
        "language": "python",
        "kernel_type": "notebook",
        "is_private": True,
        "enable_gpu": True,
        "enable_tpu": False,
        "enable_internet": False,
        "machine_shape": "NvidiaTeslaT4",
        "keywords": [],
        "dataset_sources": [],
        "kernel_sources": [],
        "competition_sources": ["lmsys-chatbot-arena"],
        "model_sources": [],
    }
    return json.dumps({**document, **changes}, indent=2)


def inference(folder: Path, **changes: Any) -> Path:
    """The inference notebook: its wheels and adapter attached, its model not."""
    changes = {"dataset_sources": ["kishanvavdara/lmsys-model", "someone/llm-detect-pip"], **changes}
    return written(folder, "inference.ipynb", reference_cells("inference"), **changes)


def training(folder: Path, **changes: Any) -> Path:
    """The training notebook, with internet off."""
    changes = {"enable_gpu": False, "enable_tpu": True, "machine_shape": "TpuV38", **changes}
    return written(folder, "training.ipynb", reference_cells("training"), **changes)


def written(folder: Path, name: str, cells: Sequence[str], **changes: Any) -> Path:
    """A notebook and its metadata in a folder; the notebook's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(notebook_text(cells), encoding="utf-8")
    (folder / "kernel-metadata.json").write_text(metadata_text(name, **changes), encoding="utf-8")
    return folder / name
