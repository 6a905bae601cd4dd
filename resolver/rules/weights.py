"""W: are there weights that transformers can open, are they all there, and is each header whole?"""

import re
from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json
from resolver.inspection.description import ModelDescription
from resolver.inspection.formats import Format
from resolver.inspection.safetensors import FaultKind, Header, HeaderFault
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import by_role, few, quoted, size, some

TRUNCATED: Final[frozenset[FaultKind]] = frozenset({"coverage", "cut"})
ELSEWHERE: Final[frozenset[FaultKind]] = frozenset({"unreadable", "bomb"})  # F001, S605
FEW: Final = 8
LAYER = re.compile(r"\.(?:layers?|h|blocks?)\.(\d+)\.")

FOREIGN: Final[dict[Format, tuple[str, str]]] = {
    "gguf": (
        "GGUF",
        "take the variation with safetensors, or name the file: from_pretrained(…, gguf_file=…) with gguf",
    ),
    "onnx": ("ONNX", "take the transformers variation; optimum runs ONNX itself"),
    "openvino": ("OpenVINO", "take the transformers variation; optimum-intel runs OpenVINO itself"),
    "tensorflow": ("TensorFlow", "take the PyTorch variation; transformers 4 converts with from_tf=True"),
    "flax": ("Flax", "take the PyTorch variation; transformers 4 converts with from_flax=True"),
    "keras": ("Keras", "take the transformers variation of the same model; keras_hub reads Keras weights"),
    "meta-original": (
        "Meta's original format",
        "take the variation whose name ends in -hf, or convert_llama_weights_to_hf",
    ),
    "mistral-original": ("Mistral's original format", "take the variation with model.safetensors and config.json"),
    "mlx": ("MLX", "take the original weights: MLX packs quantised weights in a way that only MLX reads"),
}


def is_model(evidence: Evidence) -> str | None:
    """Why there are no weights to judge: an adapter alone brings none of its own."""
    model = evidence.model
    if model.files.fault is not None:
        return f"the directory could not be listed: {model.files.fault}"
    if model.adapter is not None and not model.config.present:
        return Moot("the directory is an adapter; its base brings the weights")
    return None


@rule(
    "W101",
    "no-weights",
    severity="error",
    requires=("F005", "F010"),
    applies=is_model,
    consequence="transformers raises: Error no file named model.safetensors, or pytorch_model.bin, found in directory",
)
def no_weights(evidence: Evidence) -> Iterator[Finding]:
    """There are no weights that transformers opens.

    In a directory it looks for `model.safetensors`, `model.safetensors.index.json`, `pytorch_model.bin` and
    `pytorch_model.bin.index.json`, in this order, and for nothing else:

        OSError: Error no file named model.safetensors, or pytorch_model.bin, found in directory /models/x.

    Either the weights were never downloaded, or they stand here under another name; the finding says which. A single
    file under another name is renamed to `model.safetensors`.
    """
    weights = evidence.model.weights
    if weights.chosen is not None or "shards-without-index" in weights.formats or _foreign_formats(evidence.model):
        return
    other = weights.formats.get("safetensors-other-name", ()) + weights.formats.get("torch-other-name", ())
    top = [name for name in other if "/" not in name and name.endswith(".safetensors")]
    root = evidence.model.root
    yield no_weights.finding(
        f"no weights are here under a name that is looked for, only {some(other)}" if other else "no weights are here",
        path=root,
        evidence={"looked_for": ["model.safetensors", "pytorch_model.bin", "their index"], "found": few(other)},
        fix="rename it, if these are all weights of the model" if len(top) == 1 else "download the weights",
        command=f"mv {quoted(root / top[0])} {quoted(root / 'model.safetensors')}" if len(top) == 1
        else f"hf download REPO_ID --include '*.safetensors' --local-dir {quoted(root)}",
    )  # fmt: skip


def _foreign_formats(model: ModelDescription) -> list[Format]:
    return [kind for kind in FOREIGN if kind in model.weights.formats]


@rule(
    "W102",
    "shard-missing",
    severity="error",
    requires=("F005",),
    applies=is_model,
    consequence="the loader stops at the first absent shard, after reading those before it; the model cannot be loaded",
)
def shard_missing(evidence: Evidence) -> Iterator[Finding]:
    """A shard that the index names, or that the N-of-M names imply, is absent.

    transformers opens the shards one after the other and stops at the first that is not there, minutes later on a slow
    mount, and names only that one:

        FileNotFoundError: No such file or directory: …/model-00003-of-00004.safetensors

    Some engines serve the model all the same, with random layers. Here all absent shards are listed, and what they
    hold. Fetch those files; the others need not be fetched again.
    """
    model, weights = evidence.model, evidence.model.weights
    if not weights.missing:
        return
    absent = set(weights.missing)
    promised = weights.index.weight_map if weights.index is not None else {}
    lost = [tensor for tensor, shard in promised.items() if shard in absent]
    layers = sorted({int(found[1]) for tensor in lost if (found := LAYER.search(tensor))})
    told: dict[str, Json] = {"missing": few(weights.missing), "count": len(weights.missing)}
    if promised:
        told |= {"tensors_missing": len(lost), "tensors": len(promised), "layers": [str(layer) for layer in layers]}
    total = weights.index.total_size if weights.index is not None else None
    if total and not any(isinstance(each, HeaderFault) for each in weights.headers.values()):
        told |= {"missing_bytes": max(0, int(total) - weights.total_bytes), "total_bytes": int(total)}
    verb = "is" if len(weights.missing) == 1 else "are"
    at = f"layers {layers[0]}-{layers[-1]} have no weights or only some; " if layers else ""
    yield shard_missing.finding(
        f"{some(weights.missing)} {verb} not in the directory",
        path=model.files.path(weights.index.file) if weights.index is not None else model.root,
        evidence=told,
        consequence=f"{at}{shard_missing.consequence}",
        fix=f"fetch {'that one file' if verb == 'is' else 'those files'} where there is a network, then check again",
        command=f"hf download REPO_ID {_arguments(weights.missing)} --local-dir {quoted(model.root)}",
    )


def _arguments(names: tuple[str, ...]) -> str:
    """Names for a command line: they come from a file that nobody vouches for."""
    return " ".join(map(quoted, names)) if len(names) <= FEW else "--include '*.safetensors'"


def _faulty(model: ModelDescription) -> Iterator[tuple[str, HeaderFault]]:
    for name, header in model.weights.headers.items():
        if isinstance(header, HeaderFault) and foreign(model.files, name) is None:
            yield name, header


@rule(
    "W103",
    "weights-truncated",
    severity="error",
    requires=("F005",),
    consequence="the loader refuses the file and does not name it: incomplete metadata, file not fully covered",
)
def weights_truncated(evidence: Evidence) -> Iterator[Finding]:
    """A safetensors file is shorter or longer than its header says.

    The header names the first and last byte of every tensor, so a download or copy that broke off is seen without
    reading the data. safetensors sees it too, and says

        SafetensorError: Error while deserializing header: incomplete metadata, file not fully covered

    for whichever shard it is. Trailing bytes are the same fault: two downloads written into one file. Download the
    file again. In a file that no loader opens it is a warning.
    """
    model = evidence.model
    role = by_role(model)
    for name, fault in _faulty(model):
        if fault.kind in TRUNCATED and fault.expected_bytes is not None:
            actual = model.files.files[name].size_bytes
            short = fault.expected_bytes - actual
            yield weights_truncated.finding(
                f"{name} is {size(abs(short))} {'short' if short > 0 else 'too long'}",
                path=model.files.path(name),
                evidence={"size_bytes": actual, "expected_bytes": fault.expected_bytes, "missing_bytes": short},
                fix="download that file again",
                command=f"hf download REPO_ID {quoted(name)} --local-dir {quoted(model.root)} --force-download",
                severity=role(name),
            )


@rule(
    "W104",
    "header-invalid",
    severity="error",
    consequence="the safetensors library refuses the file, with a message that names neither file nor tensor",
)
def header_invalid(evidence: Evidence) -> Iterator[Finding]:
    """The header of a safetensors file breaks the format.

    Its length, its JSON, or what it says of a tensor cannot be: data that begins where none ends, a length that is not
    shape times dtype, a product beyond 64 bits. The library refuses the file:

        SafetensorError: Error while deserializing header: invalid shape, data type, or offset for tensor

    and names no file, and often no tensor. Such a file was damaged or made by a faulty writer: download it again, or
    save the model again with `save_pretrained`. In a file that no loader opens it is a warning.
    """
    model = evidence.model
    role = by_role(model)
    for name, fault in _faulty(model):
        if fault.kind not in TRUNCATED | ELSEWHERE:
            where = f" at tensor {fault.tensor!r}" if fault.tensor is not None else ""
            yield header_invalid.finding(
                f"the header of {name} is invalid{where}: {fault.message}",
                path=model.files.path(name),
                evidence={"condition": fault.kind, "tensor": fault.tensor, "met": fault.message},
                fix="download that file again",
                command=f"hf download REPO_ID {quoted(name)} --local-dir {quoted(model.root)} --force-download",
                severity=role(name),
            )


@rule(
    "W105",
    "header-irregular",
    severity="warning",
    consequence="this version of the library takes it; of two tensors with one name the last one wins, silently",
)
def header_irregular(evidence: Evidence) -> Iterator[Finding]:
    """A safetensors header that the library takes although the format forbids it.

    Two tensors with the same name (the last one wins and nobody is told), white space before the header, data that is
    not aligned, fields or names that cannot be. Other readers refuse such a file or read another tensor. Load it once
    and save it again with `safetensors.torch.save_file`.
    """
    for name, header in evidence.model.weights.headers.items():
        if isinstance(header, Header) and header.irregular:
            yield header_irregular.finding(
                f"the header of {name} is irregular: {header.irregular[0]}",
                path=evidence.model.files.path(name),
                evidence={"irregular": few(header.irregular), "count": len(header.irregular)},
                fix="load and save the file again",
            )


@rule(
    "W113",
    "format-not-loadable",
    severity="error",
    requires=("F005", "F010"),
    applies=is_model,
    consequence="transformers raises: Error no file named model.safetensors, or pytorch_model.bin, found in directory",
)
def format_not_loadable(evidence: Evidence) -> Iterator[Finding]:
    """The weights are in a format that transformers does not load.

    GGUF, ONNX, OpenVINO, TensorFlow, Flax, Keras, Meta's consolidated.*.pth, Mistral's consolidated.safetensors and
    MLX are weights of the same models for other programs. transformers says

        OSError: Error no file named model.safetensors, or pytorch_model.bin, found in directory /models/x.

    or, for quantised MLX weights under the right name, that the shapes do not fit. On Kaggle the same model mostly has
    a variation in the transformers framework: attach that one.
    """
    model = evidence.model
    kinds = _foreign_formats(model)
    if not kinds or (model.weights.chosen is not None and "mlx" not in kinds):
        return
    if "shards-without-index" in model.weights.formats:
        return
    kind = "mlx" if "mlx" in kinds else kinds[0]
    name, fix = FOREIGN[kind]
    files = model.weights.formats[kind]
    yield format_not_loadable.finding(
        f"the weights are {name}, which transformers does not load: {some(files)}",
        path=model.files.path(files[0]),
        evidence={"formats": [FOREIGN[each][0] for each in kinds], "files": few(files)},
        fix=fix,
    )


RULES: tuple[Rule, ...] = (
    no_weights,
    shard_missing,
    weights_truncated,
    header_invalid,
    header_irregular,
    format_not_loadable,
)
