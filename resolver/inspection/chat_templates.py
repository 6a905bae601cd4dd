"""Chat templates as text: which there are, in which file, and which of them transformers would take.

Reads them and never renders them. Does not know what a template has to say.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from resolver.inspection.files import Listing
from resolver.inspection.listed import is_readable, read_listed
from resolver.record import Record

TEMPLATE_FILE: Final = "chat_template.jinja"
LEGACY_FILE: Final = "chat_template.json"
SETTINGS_FILE: Final = "tokenizer_config.json"
FOLDER: Final = "additional_chat_templates/"
DEFAULT: Final = "default"
MAX_TEMPLATE_BYTES: Final = 1 << 20  # the largest honest one known has 20 kB
MAX_TEMPLATES: Final = 32


class ChatTemplate(Record):
    """One stored template.

    Attributes:
        name: "default", or the name under which it is asked for ("tool_use", "rag" …).
        text: as written; None where it could not be read, or is longer than any honest one.
        file: the file that holds it.
        pointer: where in a JSON file; None where the file is the template.
        taken: whether a tokenizer of transformers 5 has it under its name; one that another hides is not taken.
        fault: where the bytes of the file are no UTF-8, and so no tokenizer can be loaded beside it: what was met.
    """

    name: str
    text: str | None
    file: str
    pointer: str | None = None
    taken: bool = True
    fault: str | None = None


def read_chat_templates(files: Listing, settings: Mapping[str, Any]) -> tuple[ChatTemplate, ...]:
    """Every stored template; raises nothing.

    Args:
        files: the listing of the model's directory.
        settings: tokenizer_config.json as read.
    """
    in_files = [*_of_files(files)][:MAX_TEMPLATES]
    # One file of its own is enough: transformers then looks into tokenizer_config.json for none.
    written = [each.replaced(taken=not in_files) for each in _of_settings(settings.get("chat_template"))]
    legacy = _of_legacy(files)
    return (*in_files, *written[:MAX_TEMPLATES], *legacy)


def _of_files(files: Listing) -> Iterator[ChatTemplate]:
    if files.get(TEMPLATE_FILE):
        yield _of_file(files, DEFAULT, TEMPLATE_FILE)
    for name in files.files:
        if name.startswith(FOLDER) and name.endswith(".jinja") and "/" not in name[len(FOLDER) :]:
            yield _of_file(files, name[len(FOLDER) : -len(".jinja")], name)


def _of_settings(value: Any) -> Iterator[ChatTemplate]:
    if isinstance(value, str) and value:
        yield ChatTemplate(DEFAULT, _bounded(value), SETTINGS_FILE, "/chat_template")
    for at, each in enumerate(value if isinstance(value, list) else ()):
        if isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("template"), str):
            pointer = f"/chat_template/{at}/template"
            yield ChatTemplate(each["name"], _bounded(each["template"]), SETTINGS_FILE, pointer)


def _of_legacy(files: Listing) -> list[ChatTemplate]:
    """The template of a processor, in the way of 2024: a tokenizer does not read it."""
    if files.get(LEGACY_FILE) is None:
        return []
    value = read_listed(files, LEGACY_FILE, max_bytes=MAX_TEMPLATE_BYTES).value
    text = value.get("chat_template") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return []
    return [ChatTemplate(DEFAULT, text, LEGACY_FILE, "/chat_template", taken=False)]


def _of_file(files: Listing, name: str, file: str) -> ChatTemplate:
    if not is_readable(files, file):
        return ChatTemplate(name, None, file)
    try:
        with files.path(file).open("rb") as stream:
            data = stream.read(MAX_TEMPLATE_BYTES + 1)
        text = None if len(data) > MAX_TEMPLATE_BYTES else data.decode("utf-8")
    except OSError:
        return ChatTemplate(name, None, file)
    except UnicodeDecodeError as error:
        return ChatTemplate(name, None, file, fault=f"is no UTF-8: byte {data[error.start]:#04x} at {error.start:,}")
    return ChatTemplate(name, text, file)


def _bounded(text: str) -> str | None:
    return text if len(text) <= MAX_TEMPLATE_BYTES else None
