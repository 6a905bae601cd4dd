"""A shell line as part of the notebook: what it needs, reads, writes, sets and starts.

What it does not know: how a command line is taken apart (`shell`).
"""

from typing import Final

from resolver.notebook.facts import Spot
from resolver.notebook.reading import Reading
from resolver.notebook.shell import Command, commands
from resolver.notebook.values import Text, unknown

_EXTENSION: Final = "load_ext"


def run_shell(reading: Reading, line: str, at: Spot, *, magic: bool) -> None:
    """Read one line of a shell, or of a magic that works as one."""
    words = line.split()
    if magic and words[:1] in (["env"], ["set_env"]):
        _set_variable(reading, line.partition(words[0])[2].strip())
        return
    if magic and words[:1] == [_EXTENSION]:
        reading.guarded = reading.guarded or words[1:2] == ["resolver"]
        return
    for command in commands(line):
        _run(reading, command, at, magic=magic)


def _set_variable(reading: Reading, text: str) -> None:
    name, equals, value = text.partition("=")
    if not equals:
        name, _, value = text.partition(" ")
    if name:
        reading.environ[name.strip()] = (Text(value.strip().strip("\"'")),)


def _read(reading: Reading, command: Command, at: Spot) -> None:
    if command.model is not None:
        reading.use(Text(command.model), "model", "server", at)
    for path in command.wheels:
        reading.use(Text(path), "wheels", "pip install", at)
    for path in command.reads:
        reading.use(Text(path), "data", "shell", at)


def _run(reading: Reading, command: Command, at: Spot, *, magic: bool) -> None:
    if command.network:
        reading.needs_network(command.network, at, command.offline_form)
    _read(reading, command, at)
    for path in command.writes:
        reading.writes((Text(path),))
    if command.unpacks is not None:
        reading.unpacks((Text(command.unpacks),))
    if command.directory is not None and magic:  # `!cd` ends with its own shell
        reading.directory = reading.absolute(command.directory)
    if command.script is not None and not reading.script(command.script, command.arguments):
        reading.writes(unknown("what a script of another source writes"))
        if reading.absolute(command.script).startswith("/kaggle/input/"):
            reading.use(Text(command.script), "code", "python", at)
        for argument in command.arguments:
            value = argument.partition("=")[2] if argument.startswith("-") else argument
            if reading.absolute(value).startswith("/kaggle/input/"):
                reading.use(Text(value), "data", f"python {command.script}", at)
