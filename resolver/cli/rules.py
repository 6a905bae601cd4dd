"""`resolver rules`: all rules."""

import argparse
from typing import Final

from resolver.cli.exit_codes import USABLE
from resolver.cli.output import deliver
from resolver.cli.session import Session
from resolver.report.blocks import Told
from resolver.rules.rulebook import RULES

DESCRIPTION: Final = "List all rules: code, name, the gravest severity, level, and what is wrong in one line."
EXAMPLES: Final = """\
  resolver rules
  resolver rules --select W,S6
  resolver rules --format json"""


def define(_: argparse.ArgumentParser) -> None:
    """No flags of its own."""


def execute(session: Session) -> int:
    """Print those that are selected and not ignored; all where nothing is said."""
    chosen = tuple(
        rule
        for rule in RULES
        if rule.code not in session.ignored and (not session.selected or rule.code in session.selected)
    )
    from resolver.report.pages import render_rules

    deliver(session, lambda colour: render_rules(chosen, colour=colour), Told(rules=chosen))
    return session.exit_code(USABLE)
