"""Which files of a directory are staged: those that a loader opens, and the texts that have to travel with them.

One format of weights, the one that transformers takes first. A tokenizer's files are all kept: they are small, and
which of them is opened depends on the version. A model's own code is kept where `auto_map` names it, and spoken of.
"""

from collections.abc import Iterator
from typing import Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.files import Listing
from resolver.inspection.formats import BIN, BIN_INDEX, SAFETENSORS, SAFETENSORS_INDEX, format_of
from resolver.inspection.licence import CARD_FILE
from resolver.inspection.listed import MODULES_FILE, transformer_folder
from resolver.inspection.remote_code import CodeFacts, read_code
from resolver.inspection.roles import TOKENIZER
from resolver.record import Record
from resolver.rules.words import some

PROCESSORS: Final = frozenset({"processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json"})
SETTINGS: Final = frozenset({"quantize_config.json", "quant_config.json", "hf_quant_config.json"})
SENTENCES: Final = frozenset({MODULES_FILE, "config_sentence_transformers.json", "sentence_bert_config.json"})
TEMPLATES: Final = "additional_chat_templates/"
# How it was trained and how its forecasts are calibrated: `arena score` reads them beside the weights.
TRAINING: Final = frozenset({"training.json", "calibration.json"})
BESIDE: Final = TOKENIZER | PROCESSORS | SETTINGS | SENTENCES | TRAINING
WEIGHTS: Final = (SAFETENSORS, SAFETENSORS_INDEX, BIN, BIN_INDEX)  # in the order in which they are looked for


class Selection(Record):
    """What is staged of one directory.

    Attributes:
        files: names relative to it, sorted; each is in its listing.
        absent: names that a loader opens and that are not there.
        notes: what somebody should know who uses it.
    """

    files: tuple[str, ...]
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def select(model: ModelDescription) -> Selection:
    """The files of a directory that are staged; reads the code that `auto_map` names and nothing else.

    Args:
        model: as read, tokenizer and licence too.
    """
    files = model.files
    opened = model.opened()
    licence = () if model.licence is None else tuple(each.name for each in model.licence.files)
    codes = tuple(_codes(model))
    names = {
        *(name for name in opened if files.get(name) is not None),
        *_beside(files, "", BESIDE),
        *_beside(files, transformer_folder(files), BESIDE),
        *(name for name in files.files if name.startswith(TEMPLATES)),
        *(name for part in _part_folders(model) for name in _of_part(files, part)),
        *licence,
        *((CARD_FILE,) if files.get(CARD_FILE) is not None else ()),
        *(name for code in codes for name in code.files),
    }
    absent = sorted(name for name in opened if files.get(name) is None)
    return Selection(tuple(sorted(names)), tuple(absent), tuple(_notes(codes)))


def _beside(files: Listing, folder: str, names: frozenset[str]) -> Iterator[str]:
    return (folder + name for name in names if files.get(folder + name) is not None)


def _codes(model: ModelDescription) -> Iterator[CodeFacts]:
    if model.config.code is not None:
        yield model.config.code
    if model.tokenizer is not None and model.tokenizer.auto_map:
        yield read_code(model.files, {"AutoTokenizer": ",".join(model.tokenizer.auto_map)})


def _part_folders(model: ModelDescription) -> Iterator[str]:
    """The folders of a sentence-transformers model, each with its slash; its own directory is no such folder."""
    parts = () if model.config.modules is None else model.config.modules.parts
    return (f"{part.path}/" for part in parts if part.path and ".." not in part.path.split("/"))


def _of_part(files: Listing, folder: str) -> Iterator[str]:
    """What lies directly in a part's folder, of its weights the format that is looked for first."""
    inside = [name for name in files.files if name.startswith(folder) and "/" not in name[len(folder) :]]
    chosen = next((folder + name for name in WEIGHTS if folder + name in inside), None)
    for name in inside:
        kind = format_of(name)
        if kind is None or name == chosen or (kind == "shards-without-index" and _suffix(name) == _suffix(chosen)):
            yield name


def _suffix(name: str | None) -> str:
    """The suffix of weights, also of those that an index stands for."""
    return (name or "").removesuffix(".index.json").rpartition(".")[2]


def _notes(codes: tuple[CodeFacts, ...]) -> Iterator[str]:
    files = sorted({name for code in codes for name in code.files})
    if files:
        yield (
            f"it brings code of its own ({some(files)}), which a loader runs only with trust_remote_code=True: "
            "read it before you allow that"
        )
    absent = sorted({name for code in codes for name in code.absent})
    if absent:
        yield f"its auto_map needs {some(absent)}, which is not there: it loads only where transformers has the class"
    elsewhere = sorted({each.repository for code in codes for each in code.entries if each.repository})
    if elsewhere:
        yield f"its auto_map names code of another repository ({some(elsewhere)}), which cannot be had offline"
