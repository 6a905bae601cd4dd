"""A fault of our own, told in one line."""

from resolver.cli.exit_codes import FAILED
from resolver.cli.output import write_stderr
from resolver.report.escape import escape


def failed(error: Exception, what: str = "") -> int:
    """Say that the tool failed, and how; with RESOLVER_DEBUG set, where.

    Args:
        error: what was raised.
        what: which of several models it was; empty where that makes no sense.
    """
    about = f"{escape(what)}: " if what else ""
    message = _message(error)
    write_stderr(f"error: {about}{type(error).__name__}{': ' if message else ''}{message}; no check was performed\n")
    if _is_debugging():
        import traceback

        write_stderr("".join(traceback.format_exception(error)))
    return FAILED


def _message(error: Exception) -> str:
    try:
        return escape(error)
    except Exception:  # noqa: BLE001 - an exception that cannot be written is told by its class
        return ""


def _is_debugging() -> bool:
    from resolver.environment import Environment

    try:
        return Environment.this().get("RESOLVER_DEBUG") is not None
    except OSError:
        return False
