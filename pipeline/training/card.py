"""The terms of a base travel with what is made of it: its licence texts, and a card that says what this is."""

import json
import shutil
from pathlib import Path
from typing import Final

from pipeline.preflight import contents

CARD: Final = "README.md"


def carry_terms(base: Path, made: Path, *, base_name: str | None, text: str, adapter: bool) -> tuple[str, ...]:
    """Copy the licence texts, policies and notices of a base, and write a card in which its licence is declared.

    Args:
        base: the model's directory.
        made: the directory of the adapter or of the merged model.
        base_name: what the base is called where it was published, None where that is not known.
        text: what it is, in Markdown, behind the front matter.
        adapter: whether it is an adapter.

    Returns:
        Names of the files that were written, sorted.

    Raises:
        OSError: they cannot be read or written.
    """
    found = contents(base)
    for name in found.terms:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / name, made / name)
    fields: dict[str, str] = {
        **found.licence,
        **({} if base_name is None else {"base_model": base_name}),
        "library_name": "peft" if adapter else "transformers",
    }
    # A JSON string is a YAML string, whatever is in it.
    front = "".join(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in fields.items())
    (made / CARD).write_text(f"---\n{front}---\n\n{text.rstrip()}\n", encoding="utf-8")
    return tuple(sorted({*found.terms, CARD}))
