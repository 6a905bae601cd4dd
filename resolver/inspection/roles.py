"""What a file is there for, by its name and by who was seen to open it. Judges nothing and opens nothing."""

from typing import Final

from resolver.inspection.description import ModelDescription
from resolver.inspection.files import WEIGHTS
from resolver.inspection.licence import CARD_FILE
from resolver.inspection.lock import Role
from resolver.inspection.tokenizer import VOCABULARY_FILES

TOKENIZER: Final = frozenset(
    {
        *VOCABULARY_FILES,
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "merges.txt",
        "chat_template.jinja",
        "chat_template.json",
    }
)
CONFIG: Final = frozenset({"modules.json", "params.json", "quantize_config.json"})


def role_of(name: str, model: ModelDescription) -> Role:
    """The role of one file of a directory.

    Args:
        name: relative to the directory, with "/".
        model: the directory as read; its licence and tokenizer too where they were read.
    """
    base = name.rpartition("/")[2]
    licence, tokenizer = model.licence, model.tokenizer
    in_use = () if tokenizer is None else (*tokenizer.files, *tokenizer.opened)
    of_adapter = () if model.adapter is None else model.adapter.opened
    roles: tuple[tuple[Role, bool], ...] = (
        ("adapter", base.startswith(("adapter_model.", "adapter_config.")) or name in of_adapter),
        ("index", base.endswith(".index.json")),
        ("tokenizer", base in TOKENIZER or name in in_use or name.startswith("additional_chat_templates/")),
        ("weights", base.endswith(WEIGHTS)),
        ("config", base in CONFIG or base.endswith("config.json") or name in model.config.opened),
        ("licence", licence is not None and any(each.name == name for each in licence.files)),
        ("card", base == CARD_FILE),
        ("code", base.endswith(".py")),
    )
    return next((role for role, is_so in roles if is_so), "other")
