"""Names of files that come from elsewhere: a lock, a hub's listing, an index.

A name that could lead out of its directory is refused. It is judged as text, before any byte is written or opened
under it. The rules are the narrowest of the systems that a directory may be carried to: what Windows or macOS would
take for another file is refused everywhere.
"""

from typing import Final

MAX_BYTES: Final = 4_095  # PATH_MAX of Linux, less its zero byte
MAX_PART_BYTES: Final = 255  # NAME_MAX of ext4, NTFS and APFS
DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{each}{n}" for each in ("com", "lpt") for n in range(1, 10))}
)
FORBIDDEN: Final = frozenset('\\:*?"<>|')  # a drive, a stream or a pattern elsewhere


def why_unsafe(name: str) -> str | None:
    """Why a relative name with "/" between its parts must not be used; None where it may.

    >>> why_unsafe("onnx/model.onnx")
    >>> why_unsafe("../x"), why_unsafe("/etc/passwd"), why_unsafe("a/./b")
    ('it leaves the directory', 'it is absolute', 'it has an empty part or a dot')
    """
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "it is no valid UTF-8"
    if not name:
        return "it is empty"
    if len(encoded) > MAX_BYTES:
        return f"it has {len(encoded):,} bytes"
    if any(ord(each) < 0x20 or ord(each) == 0x7F for each in name):  # noqa: PLR2004 - control characters of ASCII
        return "it has a control character"
    if name.startswith("/"):
        return "it is absolute"
    return next((reason for part in name.split("/") if (reason := _why_part(part)) is not None), None)


def _why_part(part: str) -> str | None:
    strange = FORBIDDEN.intersection(part)
    reasons = {
        "it leaves the directory": part == "..",
        "it has an empty part or a dot": part in {"", "."},
        f"a part of it has {len(part.encode())} bytes": len(part.encode()) > MAX_PART_BYTES,
        f"it has {min(strange, default='')!r}": bool(strange),
        "a part of it ends in a dot or a blank": part != part.rstrip(" ."),
        "it is the name of a device on Windows": part.partition(".")[0].lower() in DEVICES,
    }
    return next((reason for reason, is_so in reasons.items() if is_so), None)
