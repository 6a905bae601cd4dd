"""What the resolver is asked and says, with its errors as the pipeline's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import ModelMissingError, ModelUnusableError, SettingsError


def locate(reference: str, *, roots: Sequence[Path] = (), config: Path | None = None) -> Path:
    """The directory that a reference stands for, judged only by what makes its bytes unusable anywhere.

    Raises:
        SettingsError: it is no reference, or the settings file cannot be used.
        ModelMissingError: no directory answers to it, or several do.
        ModelUnusableError: its bytes cannot be used.
    """
    from resolver import resolve_model
    from resolver.errors import ConfigurationError, MalformedReference, ModelNotFound, ModelRejected

    try:
        return Path(resolve_model(reference, roots=tuple(roots), config=config))
    except (ConfigurationError, MalformedReference) as error:
        raise SettingsError(str(error)) from None
    except ModelNotFound as error:
        raise ModelMissingError(f"{reference} was not found", report=str(error)) from None
    except ModelRejected as error:
        raise ModelUnusableError(f"{reference} cannot be used", report=str(error)) from None


def report_of(reference: str, **question: Any) -> Any:
    """What the resolver says, with its errors as ours."""
    from resolver import check_model
    from resolver.errors import ConfigurationError, MalformedReference, ModelNotFound

    try:
        return check_model(reference, **question)
    except (ConfigurationError, MalformedReference) as error:
        raise SettingsError(str(error)) from None
    except ModelNotFound as error:
        raise ModelMissingError(f"{reference} was not found", report=str(error)) from None


def document(report: Any) -> Any:
    """A report in the shape of JSON version 1, ready to be part of another object."""
    from resolver.report.blocks import Told
    from resolver.report.document import envelope

    return envelope(Told(reports=(report,)))
