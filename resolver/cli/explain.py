"""`resolver explain CODE`: the page of a rule."""

import argparse
from typing import Final

from resolver.cli.exit_codes import USABLE
from resolver.cli.output import deliver
from resolver.cli.session import Session
from resolver.cli.trouble import UsageError
from resolver.report.blocks import Told
from resolver.rules.rulebook import RULES, find_rule

DESCRIPTION: Final = "Print the page of a rule: what is wrong, why it hurts, how to put it right."
EXAMPLES: Final = """\
  resolver explain W102
  resolver explain shard-missing"""


def define(parser: argparse.ArgumentParser) -> None:
    """The flags of this command alone."""
    parser.add_argument("code", metavar="CODE", help="a rule's code or name")


def execute(session: Session) -> int:
    """Print one page."""
    text: str = session.options.code
    rule = find_rule(text)
    if rule is None:
        raise UsageError(f"{text!r} is no rule{_nearest(text)}", "resolver rules")
    from resolver.report.pages import render_rule

    deliver(session, lambda colour: render_rule(rule, colour=colour), Told(rules=(rule,)))
    return session.exit_code(USABLE)


def _nearest(text: str) -> str:
    import difflib

    known = {name.lower(): rule.code for rule in RULES for name in (rule.code, rule.name)}
    close = difflib.get_close_matches(text[:100].lower(), list(known), n=3)
    return f"; near: {', '.join(dict.fromkeys(known[each] for each in close))}" if close else ""
