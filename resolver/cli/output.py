"""The only place that writes: stdout, stderr, and the file of --report, written beside its target and renamed."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from resolver.cli.trouble import ToolFailure, UsageError

RENDERERS: Final = {"json": "json_v1", "sarif": "sarif", "junit": "junit", "github": "github", "html": "html"}

if TYPE_CHECKING:
    from resolver.cli.session import Session
    from resolver.report.blocks import Told


def write_stdout(text: str) -> None:
    """Write and flush; a reader that went away is no fault, a full disk is."""
    _write(sys.stdout, text)


def write_stderr(text: str) -> None:
    """As `write_stdout`; where stderr itself fails, there is nobody left to tell."""
    try:
        _write(sys.stderr, text)
    except ToolFailure:
        return


def write_path(path: Path) -> None:
    """A directory alone on stdout: its very bytes where a program reads it, harmless text where a person does."""
    stream = sys.stdout
    buffer = getattr(stream, "buffer", None)
    if stream is None or buffer is None or stream.isatty():
        from resolver.report.escape import escape

        write_stdout(f"{escape(path)}\n")
        return
    stream.flush()
    try:
        buffer.write(os.fsencode(path) + b"\n")
        buffer.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        raise ToolFailure(f"stdout cannot be written: {error.strerror}") from error


def deliver(session: "Session", text: Callable[[bool], str], told: "Told", summary: str = "") -> None:
    """Send a report where it was asked for.

    Args:
        session: format, file and environment.
        text: writes it for people, with colour or without.
        told: the same as values, for JSON.
        summary: said on stderr where the report goes to a file; ends in a new line.
    """
    target = session.options.report
    if session.options.format == "text":
        rendered = text(target is None and wants_colour(session, sys.stdout))
    else:
        rendered = _rendered(told, session.options.format)
    if target is None:
        write_stdout(rendered)
        return
    write_file(target, rendered)
    from resolver.report.escape import escape

    write_stderr(f"{summary}report written to {escape(target)}\n")


def wants_colour(session: "Session", stream: TextIO | None) -> bool:
    """Whether that stream is a terminal whose user has not asked for quiet."""
    get = session.environment.get
    return stream is not None and stream.isatty() and get("NO_COLOR") is None and get("TERM") != "dumb"


def expect_writable(target: Path, flag: str = "--report") -> None:
    """Refuse a target that cannot be written, before any work is done.

    Args:
        target: the file.
        flag: by which it was named, for the message.

    Raises:
        UsageError: its directory is absent or may not be written, or it is a directory itself.
    """
    parent = target.parent
    if target.is_dir():
        raise UsageError(f"{flag} {target}: is a directory")
    if not parent.is_dir():
        raise UsageError(f"{flag} {target}: there is no directory {parent}")
    if not os.access(target if target.exists() and not target.is_file() else parent, os.W_OK):
        raise UsageError(f"{flag} {target}: no right to write there")
    if not target.exists():
        probe = _beside(target)
        try:  # os.access says yes to root, also for /proc and the like
            os.close(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            probe.unlink()
        except OSError as error:
            raise UsageError(f"{flag} {target}: nothing can be written there: {error.strerror}") from error


def expect_apart(report: Path | None, other: Path, what: str) -> None:
    """Refuse a report that would be written over something that the run itself reads or writes.

    Args:
        report: the target of --report; None where there is none.
        other: that file.
        what: what it is, for the message.

    Raises:
        UsageError: they are one file.
    """
    if report is not None and os.path.realpath(report) == os.path.realpath(other):
        raise UsageError(f"--report {report}: is {what}")


def _beside(real: Path) -> Path:
    """The temporary name next to a target."""
    return real.with_name(f".{real.name[:100]}.{os.getpid()}.tmp")


def write_file(target: Path, text: str | bytes, flag: str = "--report") -> None:
    """Write beside the target and rename, so that a reader sees the old text or the new, never half of it.

    Args:
        target: the file.
        text: its whole content.
        flag: by which it was named, for the message.

    Raises:
        ToolFailure: it could not be written; nothing is left behind.
    """
    real = Path(os.path.realpath(target))
    data = text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")
    try:
        if target.exists() and not target.is_file():  # a pipe or a device cannot be renamed over
            with open(target, "wb", buffering=0) as stream:  # noqa: PTH123 - unbuffered, as a pipe wants it
                stream.write(data)
            return
        _replace(real, data)
    except BrokenPipeError:
        return
    except OSError as error:
        raise ToolFailure(f"{flag} {target} could not be written: {error.strerror}") from error


def _replace(real: Path, data: bytes) -> None:
    beside = _beside(real)
    mode = real.stat().st_mode & 0o777 if real.exists() else 0o666
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        beside.replace(real)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _rendered(told: "Told", name: str) -> str:
    """The report in a format for programs, by the module that writes it."""
    try:
        module = __import__(f"resolver.report.{RENDERERS[name]}", fromlist=["render"])
    except ImportError as error:
        raise ToolFailure(f"--format {name} needs pydantic, which cannot be imported here ({error})") from error
    text: str = module.render(told)
    return text


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # closed by the caller: nobody wants to read it
        return
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        _silence(stream)
    except OSError as error:
        raise ToolFailure(f"the output cannot be written: {error.strerror}") from error


def _silence(stream: TextIO) -> None:
    """Let what is still to come, Python's own flush at the end included, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
