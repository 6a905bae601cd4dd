"""Write resolver.pyz: the resolver alone, in one file that any Python 3.11 or newer runs without installing it.

The same sources and the same Python give the same bytes: names sorted, dates fixed, nothing compressed. Beside
each source lies its bytecode for the Python that builds, since a zip can cache nothing: with sources alone every run
would compile every module. Another Python passes over the bytecode and takes the source.
"""

import argparse
import importlib.util
import marshal
import os
import struct
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SHEBANG = b"#!/usr/bin/env python3\n"
MAIN = b'"""resolver.pyz"""\n\nfrom resolver.cli import run\n\nrun()\n'
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
UNCHECKED = 1  # PEP 552: found by hash, and never compared with its source again
WITHOUT_REFERENCES = 2  # marshal's newest format whose bytes do not depend on what else the process holds


def members(project: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of the archive, by name: the package's sources, their bytecode, and the entry."""
    sources = {path.relative_to(project).as_posix(): path.read_bytes() for path in project.glob("resolver/**/*.py")}
    files = {"__main__.py": MAIN, **sources}
    bytecode = {f"{name}c": code for name, text in files.items() if (code := compiled(name, text)) is not None}
    yield from sorted({**files, **bytecode}.items())


def compiled(name: str, source: bytes) -> bytes | None:
    """A .pyc of this Python; None where its code cannot be written in the repeatable format."""
    try:
        code = marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=0), WITHOUT_REFERENCES)
    except ValueError:  # Python 3.14 keeps slices as constants, which that format does not know
        return None
    flags = struct.pack("<I", UNCHECKED)
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + code


def build(target: Path, project: Path = PROJECT) -> Path:
    """Write the archive at `target`, through a temporary file beside it; returns `target`."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(SHEBANG)
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
                for member, content in members(project):
                    archive.writestr(zipfile.ZipInfo(member, DATE), content)
        Path(name).chmod(0o755)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink()
        raise
    return target


def main() -> None:
    """Build, and say what was built."""
    parser = argparse.ArgumentParser(description="Write the resolver as one file.")
    parser.add_argument("target", type=Path, nargs="?", default=Path("resolver.pyz"))
    target = build(parser.parse_args().target.absolute())
    sys.stdout.write(f"{target.name}: {target.stat().st_size:,} bytes; try: python {target.name} --help\n")


if __name__ == "__main__":
    main()
