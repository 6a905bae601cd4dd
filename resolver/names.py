"""How model names compare: sizes, variants and versions as words, whatever the punctuation.

A name is never proof. This file says only whether two names say the same thing, or contradict each other.
"""

import re
from functools import lru_cache

_WORD = re.compile(
    r"\d+x\d+(?:\.\d+)?b(?![a-z])"  # 8x7b
    r"|(?<![a-z])[ea]\d+(?:\.\d+)?b(?![a-z])"  # e2b, a3b
    r"|\d+(?:\.\d+)?[bm](?![a-z])"  # 8b, 0.5b, 270m
    r"|\d+bit|int\d+|fp\d+|bf16|nf4|w\d+a\d+"  # widths
    r"|\d+(?:\.\d+)*"  # versions
    r"|[a-z]+?(?=v\d)|[a-z]+"  # deberta-v3 and debertav3
)
_SIZE = re.compile(r"(?:\d+x|[ea])?\d+(?:\.\d+)?[bm]")
_INSTRUCT = frozenset({"instruct", "it", "chat"})
_SILENT = frozenset({"meta", "hf", "transformers", "pytorch", "default", "model", "models", "v", "huggingface"})
# Folders that people put a model into and that say nothing of it.
_NEUTRAL = frozenset({"weights", "files", "safetensors", "snapshot", "snapshots", "main", "master", "offline", "local"})
_QUANTISED = frozenset(
    {"awq", "gptq", "bnb", "gguf", "mlx", "exl", "4bit", "8bit", "int4", "int8", "fp8", "nf4", "quantized", "marlin"}
)
_MIN_FAMILY = 3  # letters; shorter words are in too many names to speak of a family


@lru_cache(maxsize=4096)
def words(text: str) -> frozenset[str]:
    """The words of one name: variants folded, versions joined, words that say nothing dropped.

    >>> sorted(words("Meta-Llama-3.1-8B-Instruct")) == sorted(words("llama31_8b_it"))
    True
    >>> words("Qwen3-8B-AWQ") == words("Qwen3-8B")
    False
    """
    found: list[str] = []
    joins = False
    for word in _WORD.findall(text.lower()):
        number = word.replace(".", "")
        if number.isdigit():
            if joins:
                found[-1] += number
            else:
                found.append(number)
            joins = True
            continue
        joins = False
        if word not in _SILENT:
            found.append("instruct" if word in _INSTRUCT else word)
    return frozenset(found)


def same_name(hub_id: str, folders: tuple[str, ...]) -> bool:
    """Whether the folders that lead to a directory name the model.

    Args:
        hub_id: `org/name`.
        folders: names below the mount or root, outermost first, e.g. ("llama-3", "transformers", "8b-chat-hf", "1").

    Returns:
        True where the innermost folder that speaks of the model's family says exactly its name, and none below it
        says anything else ("dpo", "checkpoint-100", "base"): a fine-tune shares every number with its parent. A
        folder of a Kaggle variation is read together with its model.
    """
    organisation, _, name = hub_id.rpartition("/")
    want = words(name)
    for unit in _units(folders):
        have = words(unit)
        if have in (want, want | words(organisation)):
            return True
        if have & _family(want) or not _adds_nothing(have, hub_id):
            return False
    return False


def stray(hub_id: str, below: tuple[str, ...]) -> str | None:
    """The first folder below a place known to be the model that says something else; None where all fit.

    >>> stray("meta-llama/Meta-Llama-3-8B-Instruct", ("base",))
    'base'
    >>> stray("meta-llama/Meta-Llama-3-8B-Instruct", ("llama3-8b-chat-hf", "weights"))
    """
    return next((each for each in below if not _adds_nothing(words(each.replace("--", " ")), hub_id)), None)


def _adds_nothing(have: frozenset[str], hub_id: str) -> bool:
    organisation, _, name = hub_id.rpartition("/")
    return have <= words(name) | words(organisation) | _NEUTRAL


def contradiction(hub_id: str, folders: tuple[str, ...]) -> str | None:
    """Why these folders cannot be that model although the catalog lists them together; None where they can.

    >>> contradiction("google/gemma-2-27b-it", ("gemma-finetuning-all", "gemma-2-27b"))
    'no folder says instruct, chat or it'
    """
    want = words(hub_id.rpartition("/")[2])
    have = frozenset[str]().union(*(words(folder) for folder in folders)) if folders else frozenset[str]()
    if "instruct" in want and "instruct" not in have:
        return "no folder says instruct, chat or it"
    if "instruct" in have and "instruct" not in want:
        return "a folder says instruct, chat or it"
    sizes = {word for word in have if _SIZE.fullmatch(word)}
    wanted = {word for word in want if _SIZE.fullmatch(word)}
    if sizes and wanted and not sizes & wanted:
        return f"the folders say {', '.join(sorted(sizes))}"
    return None


def speaks_of(hub_id: str, folders: tuple[str, ...]) -> bool:
    """Whether a folder shares the family's word, so that it is worth showing as near."""
    family = _family(words(hub_id.rpartition("/")[2]))
    return any(words(folder) & family for folder in folders)


def says_quantised(name: str) -> bool:
    """Whether a name says that its weights are quantised."""
    return bool(words(name) & _QUANTISED)


def _family(want: frozenset[str]) -> frozenset[str]:
    return frozenset(
        word for word in want if word.isalpha() and len(word) >= _MIN_FAMILY and word not in _QUANTISED | {"instruct"}
    )


def _units(folders: tuple[str, ...]) -> list[str]:
    """What is read as one name, innermost first; a version's number speaks of nothing."""
    parts = [folder for folder in folders if not folder.isdigit()]
    units = list(reversed(parts))
    for index, folder in enumerate(parts):
        if folder.lower() in {"transformers", "pytorch", "keras", "gguf", "jax", "flax"} and 0 < index < len(parts) - 1:
            pair = f"{parts[index - 1]} {parts[index + 1]}"
            below = len(parts) - index - 2
            units = [*units[:below], pair, *units[below:]]
    return [unit.replace("--", " ") for unit in units]
