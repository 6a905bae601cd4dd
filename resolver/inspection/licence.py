"""Licence evidence: licence files by name and heading, and the front matter of README.md, without a YAML library.

Reads the first few kilobytes of each. Does not know what a licence demands or who has accepted it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from resolver.inspection.files import Listing
from resolver.inspection.listed import UNREAD, is_readable
from resolver.record import Record

CARD_FILE: Final = "README.md"
MAX_CARD_BYTES: Final = 256 * 1024  # a card with a long gating form and results is under 100 KB
MAX_HEADING_BYTES: Final = 4096
MAX_FILES: Final = 20
MAX_LINE: Final = 200

FileKind = Literal["licence", "use-policy", "notice"]
# By the beginning or the end of the upper-case name without its suffix: LICENSE-MODEL, GEMMA_LICENSE, Notice.
NAMES: Final[tuple[tuple[re.Pattern[str], FileKind], ...]] = (
    (re.compile(r"USE[-_ ]?POLICY|ACCEPTABLE[-_ ]USE|USAGE[-_ ]POLICY"), "use-policy"),
    (re.compile(r"(?:^|[-_. ])(?:UN)?LICEN[CS]E(?:S)?(?:$|[-_. ])|(?:^|[-_. ])COPYING(?:$|[-_. ])"), "licence"),
    (re.compile(r"(?:^|[-_. ])TERMS(?:$|[-_. ])"), "licence"),
    (re.compile(r"(?:^|[-_. ])NOTICE(?:$|[-_. ])"), "notice"),
)
SUFFIXES: Final = ("", ".TXT", ".MD", ".RST", ".HTML", ".PDF")
KEY: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ \t]*:(?:[ \t]+(.*))?$")


class LicenceFile(Record):
    """A file that holds a licence, a use policy or a notice: its name, kind, and first line that says something."""

    name: str
    kind: FileKind
    heading: str | None


class LicenceFacts(Record):
    """What is said about the licence.

    Attributes:
        files: licence texts, use policies and notices at the top of the directory.
        declared: `license` of the card, lower case; several where a list is written.
        declared_name: `license_name` of the card.
        declared_link: `license_link` of the card.
        gated_fields: the keys of the card that begin with "extra_gated_": its page on the hub asks for something.
        gated_prompt: the beginning of `extra_gated_prompt` or `extra_gated_heading`.
        base_models: `base_model` of the card.
        card_present: README.md is there.
        fault: why the card could not be read.
    """

    files: tuple[LicenceFile, ...] = ()
    declared: tuple[str, ...] = ()
    declared_name: str | None = None
    declared_link: str | None = None
    gated_fields: tuple[str, ...] = ()
    gated_prompt: str | None = None
    base_models: tuple[str, ...] = ()
    card_present: bool = False
    fault: str | None = None


def read_licence(files: Listing) -> LicenceFacts:
    """Read the licence evidence of a directory; raises nothing."""
    found = tuple(_licence_files(files))
    if files.get(CARD_FILE) is None:
        return LicenceFacts(files=found)
    if not is_readable(files, CARD_FILE):
        return LicenceFacts(files=found, card_present=True, fault=UNREAD)
    head = _beginning(files.path(CARD_FILE), MAX_CARD_BYTES)
    if isinstance(head, OSError):
        return LicenceFacts(files=found, card_present=True, fault=f"unreadable: {head.strerror or head}")
    fields = parse_front_matter(head)
    prompt = fields.get("extra_gated_prompt") or fields.get("extra_gated_heading") or ()
    return LicenceFacts(
        files=found,
        declared=tuple(each.lower() for each in fields.get("license", ()) if each),
        declared_name=_first(fields.get("license_name", ())),
        declared_link=_first(fields.get("license_link", ())),
        gated_fields=tuple(key for key in fields if key.startswith("extra_gated_")),
        gated_prompt=_first(prompt),
        base_models=tuple(each for each in fields.get("base_model", ()) if each),
        card_present=True,
    )


def names_a_licence(name: str) -> bool:
    """Whether a file's name says that it holds a licence, a use policy or a notice."""
    return _kind(name) is not None


def parse_front_matter(text: str) -> dict[str, tuple[str, ...]]:
    r"""The top-level keys between the two lines of three dashes, each with its scalar or its list of scalars.

    Nested mappings are skipped; a folded or literal block gives its lines. Nothing is resolved: no anchors, no tags.

    >>> parse_front_matter("---\nlicense: mit  # as the base\nbase_model:\n- a/b\n- c/d\n---\nlicense: none")
    {'license': ('mit',), 'base_model': ('a/b', 'c/d')}
    >>> parse_front_matter("# A title\nlicense: mit")
    {}
    """
    lines = text.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return {}
    found: dict[str, tuple[str, ...]] = {}
    key = None
    for line in lines[1:]:
        if line.rstrip() in ("---", "..."):
            break
        match = KEY.match(line)
        if match:
            key = match[1]
            found[key] = _values(match[2] or "")
        elif key is not None and line.strip() and (line[0] in " \t-"):
            found[key] += _item(line)
    return found


def _values(text: str) -> tuple[str, ...]:
    text = _uncommented(text)
    if text in ("|", ">", "|-", ">-", "|+", ">+"):
        return ()
    if text.startswith("[") and text.endswith("]"):
        return tuple(filter(None, (_unquoted(each.strip()) for each in text[1:-1].split(","))))
    return (_unquoted(text),) if text and text not in ("null", "~") else ()


def _item(line: str) -> tuple[str, ...]:
    stripped = line.strip()
    if stripped.startswith("- "):
        return _values(stripped[2:])
    return (stripped[:MAX_LINE],)


def _uncommented(text: str) -> str:
    text = text.strip()
    if text[:1] in "\"'" and text.rfind(text[0]) > 0 if text else False:
        return text[: text.rfind(text[0]) + 1]
    return re.split(r"(?:^|\s)#", text, maxsplit=1)[0].strip()


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return (text[1:-1] if quoted else text)[:MAX_LINE]


def _first(values: tuple[str, ...]) -> str | None:
    return values[0] if values else None


def _licence_files(files: Listing) -> Iterator[LicenceFile]:
    seen = 0
    for each in files.at_top():
        kind = _kind(each.name)
        if kind is None or seen == MAX_FILES:
            continue
        seen += 1
        yield LicenceFile(each.name, kind, _heading(files.path(each.name)) if is_readable(files, each.name) else None)


def _kind(name: str) -> FileKind | None:
    upper = name.upper()
    stem, dot, suffix = upper.rpartition(".")
    if dot and dot + suffix in SUFFIXES:
        upper = stem
    elif dot and not re.fullmatch(r"[A-Z0-9_-]*LICEN[CS]E[A-Z0-9_-]*", suffix) and "LICEN" not in stem[:7]:
        return None
    return next((kind for pattern, kind in NAMES if pattern.search(upper)), None)


def _heading(path: Path) -> str | None:
    """The first line with a letter in it, without marks of Markdown."""
    head = _beginning(path, MAX_HEADING_BYTES)
    if isinstance(head, OSError):
        return None
    lines = (line.strip(" \t#*=_-\ufeff").replace("**", "") for line in head.splitlines())
    return next((line[:MAX_LINE] for line in lines if any(map(str.isalpha, line))), None)


def _beginning(path: Path, size: int) -> str | OSError:
    try:
        with path.open("rb") as stream:
            return stream.read(size).decode("utf-8", "replace")
    except OSError as error:
        return error
