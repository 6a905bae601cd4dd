"""What can go wrong in the pipeline, said in one line, with what to do and the exit code that belongs to it.

The exit codes are the design's: 1 findings, 2 usage (an argument, an input or an output that cannot be used),
3 not found, 4 the tool itself failed.
"""

from typing import Final

FINDINGS: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
FAILED: Final = 4


class PipelineError(Exception):
    """The root of the family.

    Attributes:
        fix: what to do, one sentence or command; "" where the message says it.
        exit_code: what the command line returns.
        report: a rendered report that says more, printed instead of the message where there is one.
    """

    exit_code = FAILED

    def __init__(self, message: str, *, fix: str = "", report: str = "") -> None:
        super().__init__(message)
        self.fix = fix
        self.report = report


class TableError(PipelineError, ValueError):
    """A table of battles that cannot be used; names the file, and the row and column where there is one."""

    exit_code = USAGE


class OutputError(PipelineError, OSError):
    """A place that cannot, or must not, be written."""

    exit_code = USAGE


class SettingsError(PipelineError, ValueError):
    """Options that contradict each other, the model or the record of the adapter."""

    exit_code = USAGE


class InvalidSubmissionError(PipelineError, ValueError):
    """A submission with P findings; `report` lists them."""

    exit_code = FINDINGS


class ModelMissingError(PipelineError, FileNotFoundError):
    """No directory answers to the reference, or several do; `report` is the trail."""

    exit_code = NOT_FOUND


class ModelUnusableError(PipelineError, ValueError):
    """The preflight has errors; `report` is the preflight."""

    exit_code = FINDINGS


class MissingPackageError(PipelineError, ImportError):
    """A package of the `pipeline` extra is not installed."""
