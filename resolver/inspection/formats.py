"""Which kinds of weights the names of files stand for. Reads nothing: a name says how a loader would treat a file."""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

Format = Literal[
    "safetensors",
    "safetensors-index",
    "bin",
    "bin-index",
    "shards-without-index",
    "gguf",
    "onnx",
    "openvino",
    "tensorflow",
    "flax",
    "keras",
    "meta-original",
    "mistral-original",
    "mlx",
    "safetensors-other-name",
    "torch-other-name",
]

SAFETENSORS: Final = "model.safetensors"
SAFETENSORS_INDEX: Final = "model.safetensors.index.json"
BIN: Final = "pytorch_model.bin"
BIN_INDEX: Final = "pytorch_model.bin.index.json"

NUMBERED = re.compile(r"^(?P<stem>.+)-(?P<number>\d{5})-of-(?P<total>\d{5})\.(?P<suffix>safetensors|bin)$")
# What a training run leaves beside weights; torch pickles, but nobody's weights.
TRAINING_STATE = re.compile(
    r"^(training_args\.bin|(optimizer|scheduler|scaler|rng_state|random_states).*\.(bin|pt|pth|pkl))$"
)

EXACT: Final[Mapping[str, Format]] = {
    SAFETENSORS: "safetensors",
    SAFETENSORS_INDEX: "safetensors-index",
    BIN: "bin",
    BIN_INDEX: "bin-index",
    "tf_model.h5": "tensorflow",
    "saved_model.pb": "tensorflow",
    "model.ckpt.index": "tensorflow",
    "flax_model.msgpack": "flax",
    "flax_model.msgpack.index.json": "flax",
    "consolidated.safetensors": "mistral-original",
    "weights.npz": "mlx",
}
PATTERNS: Final[tuple[tuple[re.Pattern[str], Format], ...]] = (
    (re.compile(r"^consolidated\.\d+\.pth$"), "meta-original"),
    (re.compile(r"^consolidated-\d+-of-\d+\.safetensors$"), "mistral-original"),
    (re.compile(r"^(.*_)?openvino_.*\.(bin|xml)$"), "openvino"),
    (re.compile(r"\.gguf$"), "gguf"),
    (re.compile(r"\.onnx(_data)?$"), "onnx"),
    (re.compile(r"\.(keras|weights\.h5|h5)$"), "keras"),
    (re.compile(r"\.msgpack$"), "flax"),
    (re.compile(r"\.safetensors$"), "safetensors-other-name"),
    (re.compile(r"\.(bin|pt|pth|ckpt)$"), "torch-other-name"),
)


def format_of(name: str) -> Format | None:
    """What a file's last name stands for; None for what is no base weights (adapters and training state too).

    >>> format_of("consolidated.00.pth"), format_of("adapter_model.safetensors"), format_of("training_args.bin")
    ('meta-original', None, None)
    """
    base = name.rpartition("/")[2]
    if base in EXACT:
        return EXACT[base]
    if base.startswith("adapter_model.") or TRAINING_STATE.match(base):
        return None
    numbered = NUMBERED.match(base)
    if numbered is not None and numbered["stem"] in {"model", "pytorch_model"}:
        return "shards-without-index"
    return next((kind for pattern, kind in PATTERNS if pattern.search(base)), None)


def formats_in(names: Iterable[str]) -> dict[Format, tuple[str, ...]]:
    """The names by format, each in the order given."""
    found: dict[Format, list[str]] = {}
    for name in names:
        kind = format_of(name)
        if kind is not None:
            found.setdefault(kind, []).append(name)
    return {kind: tuple(each) for kind, each in found.items()}


def implied_by(name: str) -> tuple[str, ...]:
    """All names of the set that an N-of-M name belongs to; () for another name or a set too large to be honest.

    >>> implied_by("model-00002-of-00002.safetensors")
    ('model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors')
    """
    folder, slash, base = name.rpartition("/")
    match = NUMBERED.match(base)
    if match is None or not 0 < int(match["total"]) <= 10_000:  # noqa: PLR2004 - the largest real set has 200
        return ()
    stem, total, suffix = match["stem"], match["total"], match["suffix"]
    return tuple(f"{folder}{slash}{stem}-{number:05d}-of-{total}.{suffix}" for number in range(1, int(total) + 1))
