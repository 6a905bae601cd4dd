"""Files whose bytes are something else than their name says: family F speaks of those, and no other rule repeats it."""

from typing import Final

from resolver.inspection.files import Listing

WORDS: Final = {
    "empty": ("F004", "is empty"),
    "lfs-pointer": ("F002", "is a Git LFS pointer"),
    "unread": ("F001", "cannot be read"),
    **dict.fromkeys(
        ("html", "xml", "zip", "gzip", "tar", "7z", "pickle", "gguf", "hdf5"), ("F003", "is something else altogether")
    ),
}


def foreign(files: Listing, name: str) -> str | None:
    """Why a rule about what `name` says has nothing to judge, e.g. "F002: tokenizer.json is a Git LFS pointer".

    None where the file's first bytes are what they should be, or where there is no such file.
    """
    facts = files.get(name)
    if facts is None:
        return None
    if facts.link is not None and facts.link.kind == "broken":
        return f"F006: {name} is a link to nothing"
    if facts.link is not None and facts.link.kind == "outside":
        return f"S604: {name} is a link out of the directory, which is not followed"
    if facts.headline is not None:
        return f"F003: {name} is an answer of a server"
    if facts.content == "safetensors" and not name.endswith(".safetensors"):
        return f"F003: {name} {WORDS['zip'][1]}"
    code, words = WORDS.get(facts.content, ("", ""))
    return f"{code}: {name} {words}" if code else None
