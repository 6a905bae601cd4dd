"""What a program runs in: its variables, its directory, and the shell that it starts commands in."""

from resolver.notebook.reading import Reading
from resolver.notebook.shell_lines import run_shell
from resolver.notebook.site import Site
from resolver.notebook.values import (
    NONE,
    Arguments,
    Items,
    Text,
    Thing,
    Unknown,
    Values,
    joined,
    texts_of,
    united,
    unknown,
)


def get_variable(reading: Reading, arguments: Arguments, _: Site) -> Values:
    """`os.environ.get(…)`."""
    names = texts_of(arguments.take(0, "key") or ())
    default = arguments.take(1, "default") or NONE
    if len(names) != 1:
        return unknown("a variable of the environment")
    return environment(reading, names[0], default)


def environment(reading: Reading, name: str, default: Values | None) -> Values:
    """What a variable of the environment may be where the notebook runs; its default where nothing sets it."""
    if name in reading.environ:
        return reading.environ[name]
    if name.startswith("KAGGLE_"):  # one of Kaggle's own: set in some sessions
        return united((Unknown(f"the variable {name}"),), default or ())
    if default is None or (default == NONE and not name.startswith("COLAB")):
        return unknown(f"the variable {name}")
    return default


def set_variable(reading: Reading, arguments: Arguments, _: Site) -> Values:
    """`os.environ.setdefault(…)`."""
    for name in texts_of(arguments.take(0) or ()):
        reading.environ.setdefault(name, arguments.take(1) or unknown("a variable"))
    return NONE


def update_variables(reading: Reading, arguments: Arguments, _: Site) -> Values:
    """`os.environ.update(…)`."""
    for value in arguments.take(0) or ():
        if isinstance(value, Thing):
            reading.environ.update(value.members)
    reading.environ.update(arguments.named)
    return NONE


def change_directory(reading: Reading, arguments: Arguments, _: Site) -> Values:
    """`os.chdir(…)`."""
    for path in texts_of(arguments.take(0, "path") or ()):
        reading.directory = reading.absolute(path)
    return NONE


def run_command(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`os.system(…)`, `subprocess.run(…)` and their kind."""
    line = arguments.take(0, "args", "cmd") or ()
    for value in line:
        if isinstance(value, Items):
            words = joined(value.items, " ")
            lines = texts_of(words)
        else:
            lines = texts_of((value,))
        for text in lines:
            run_shell(reading, text, reading.spot(site.node), magic=False)
    return unknown(f"what {site.name}() gives")


def run_magic(reading: Reading, arguments: Arguments, site: Site) -> Values:
    """`get_ipython().run_line_magic(…)`."""
    names, lines = texts_of(arguments.take(0) or ()), texts_of(arguments.take(1) or (Text(""),))
    for name in names:
        for line in lines:
            run_shell(reading, f"{name} {line}", reading.spot(site.node), magic=True)
    return NONE
