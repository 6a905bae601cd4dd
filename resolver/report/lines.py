"""A line of text as parts with a style each: the same text with colour and without."""

from typing import Final, Literal

from resolver.record import Record

Style = Literal["", "error", "warning", "info", "good", "label", "quiet", "command"]

COLOURS: Final[dict[Style, str]] = {
    "": "",
    "error": "bold red",
    "warning": "bold yellow",
    "info": "bold cyan",
    "good": "bold green",
    "label": "bold",
    "quiet": "dim",
    "command": "cyan",
}


class Part(Record):
    """Some text and how it looks."""

    text: str
    style: Style = ""


Line = tuple[Part, ...]


def line(*parts: Part | str) -> Line:
    """A line of parts; a bare text has no style."""
    return tuple(Part(part) if isinstance(part, str) else part for part in parts)


def plain(lines: list[Line]) -> str:
    """The text alone, each line ended by a new line."""
    return "".join(f"{_harmless(''.join(part.text for part in each))}\n" for each in lines)


def coloured(lines: list[Line]) -> str:
    """The same text with the terminal's colours; plain where rich is not installed."""
    try:
        from rich.console import Console  # noqa: PLC0415 - only a terminal has colours
        from rich.text import Text  # noqa: PLC0415
    except ImportError:
        return plain(lines)
    console = Console(force_terminal=True, color_system="standard", soft_wrap=True, no_color=False)
    with console.capture() as captured:
        for each in lines:
            text = Text.assemble(*((part.text, COLOURS[part.style]) for part in each), end="\n")
            console.print(text, soft_wrap=True)
    return captured.get()


def _harmless(text: str) -> str:
    """A line that begins with "::" is an order to the log of a CI runner, spaces before it or not."""
    if not text.lstrip().startswith("::"):
        return text
    return text.replace("::", r"\x3a:", 1)
