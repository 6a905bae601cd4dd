"""How text, pages and this tool's version are shown, as the resolver shows them."""

from collections.abc import Sequence


def tool_version() -> str:
    """The version of this distribution."""
    from resolver.version import VERSION

    return VERSION


def harmless(text: object) -> str:
    """Text of anybody's as one line that can be shown anywhere."""
    from resolver.report.escape import escape

    return escape(text)


def marked_up(text: object) -> str:
    """The same for a page: without mark-up."""
    from resolver.report.html_parts import text_of

    return text_of(text)


def framed(title: str, heading: str, body: Sequence[str], style: str) -> str:
    """A page in the resolver's frame and style, with more style of one's own; see `resolver.report.frame`."""
    from resolver.report.frame import framed as frame

    return frame(title, heading, body, style)
