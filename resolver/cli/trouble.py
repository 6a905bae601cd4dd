"""The ways in which a run ends without an answer, each told in one line."""

from resolver.cli.exit_codes import INTERRUPTED, TERMINATED


class UsageError(Exception):
    """The command line, the settings or a reference cannot be used: exit 2.

    Attributes:
        hint: what to type to learn more; None where the message says it all.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class ToolFailure(Exception):  # noqa: N818 - it is the tool that failed, not the model
    """We could not do our work: exit 4."""


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where Ctrl-C would be: what cleans up after the one does so after the other. Exit 143."""


def stopped(by: KeyboardInterrupt) -> tuple[int, str]:
    """The exit code and the word of a run that somebody stopped."""
    return (TERMINATED, "terminated") if isinstance(by, Terminated) else (INTERRUPTED, "interrupted")
