"""The ways in which a run ends without an answer, each told in one line."""


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
    """SIGTERM, raised where Ctrl-C would be, so that all that cleans up after the one does after the other: exit 143."""
