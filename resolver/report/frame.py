"""The frame of every page: no script, nothing from a network, one style that its policy knows by its hash."""

import base64
import hashlib
from collections.abc import Iterable
from typing import Final

from resolver.report.html_parts import text_of
from resolver.report.page_style import STYLE
from resolver.version import VERSION

HEAD: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; \
form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
"""


def framed(title: str, heading: str, body: Iterable[str], style: str = "") -> str:
    """A whole page; ASCII, so that no reader has to guess its encoding.

    Args:
        title: of the window, text of anybody's.
        heading: above all else.
        body: mark-up, in which the text of others is escaped.
        style: more rules than those that every page has.
    """
    rules = STYLE + style
    digest = base64.b64encode(hashlib.sha256(rules.encode()).digest()).decode()
    parts = [
        HEAD.format(digest=digest, title=text_of(title), style=rules),
        f"<header><h1>{text_of(heading)}</h1><p>offline-resolver {text_of(VERSION)}</p></header>\n<main>\n",
        *body,
        "</main>\n</body>\n</html>\n",
    ]
    return "".join(parts).encode("ascii", "xmlcharrefreplace").decode("ascii")
