"""What can go wrong, as exceptions: code that catches OSError or ValueError goes on working."""

from typing import Any

from resolver.finding import NotFound, Report, TrailStep


class ResolverError(Exception):
    """The root of the family; nobody raises it itself."""


class MalformedReference(ResolverError, ValueError):  # noqa: N818 - the contract's name
    """A string that is no reference; the message says which forms exist."""


class ConfigurationError(ResolverError, ValueError):
    """resolver.toml, an environment variable or a recorded environment that cannot be used; names the key."""


class ModelNotFound(ResolverError, FileNotFoundError):  # noqa: N818 - the contract's name
    """No directory answers to the reference.

    Attributes:
        reference: what was asked, as written.
        trail: every place that was looked at and why it failed, in order.
        diagnosis: message, evidence, consequence and fix, as a renderer takes them.
    """

    def __init__(self, reference: str, trail: tuple[TrailStep, ...], diagnosis: NotFound) -> None:
        super().__init__(diagnosis.message)
        self.reference = reference
        self.trail = trail
        self.diagnosis = diagnosis

    def __str__(self) -> str:
        """The five parts of the message, so that a bare traceback says what to do."""
        from resolver.report.terminal import render_not_found  # noqa: PLC0415 - only when the message is read

        return render_not_found(self.diagnosis, self.trail)

    def __reduce__(self) -> tuple[Any, ...]:
        """What a process that resolves names hands back."""
        return type(self), (self.reference, self.trail, self.diagnosis)


class AmbiguousModel(ModelNotFound):
    """Several directories answer equally well, or only by name; the message lists them and how to choose."""


class ModelRejected(ResolverError, OSError):  # noqa: N818 - the contract's name
    """A directory was found and its bytes are unusable anywhere; `report` says why."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"{report.model.path} cannot be used")
        self.report = report

    def __str__(self) -> str:
        """The whole report, as the terminal would show it without colour."""
        from resolver.report.terminal import render  # noqa: PLC0415 - only when the message is read

        return render((self.report,))

    def __reduce__(self) -> tuple[Any, ...]:
        """As above."""
        return type(self), (self.report,)


class ModelLoadError(ResolverError, OSError):
    """A library could not load a model; the message is the diagnosis, and its own error stays as `__cause__`.

    Attributes:
        reference: what the call asked for.
        diagnosis: what is really wrong, as text; empty where it could not be found out.
    """

    def __init__(self, reference: str, diagnosis: str) -> None:
        super().__init__(diagnosis)
        self.reference = reference
        self.diagnosis = diagnosis

    def __str__(self) -> str:
        """The diagnosis."""
        return self.diagnosis

    def __reduce__(self) -> tuple[Any, ...]:
        """What a process that loads models hands back; of the library's own class only the diagnosis is kept."""
        return ModelLoadError, (self.reference, self.diagnosis)
