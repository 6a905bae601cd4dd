"""Shell lines of a notebook: what needs the network, what installs from a directory, which script is started.

What it does not know: Python, and whether the notebook has a network.
"""

import shlex
from typing import Final

from resolver.record import Record

_NETWORK: Final = ("wget", "curl", "aria2c", "apt-get", "apt", "conda", "mamba")
_COPIES: Final = ("cp", "mv", "ln", "rsync")
_LISTS: Final = ("ls", "cat", "head", "tail", "du", "md5sum", "sha256sum")
# What unpacks -> the options that say where to; into the working directory without one.
_UNPACKS: Final = {"unzip": ("-d",), "tar": ("-C", "--directory")}
_SERVERS: Final = ("vllm.entrypoints.", "sglang.launch_server", "lmdeploy.")
_MODEL_OPTIONS: Final = ("--model", "--model-path")
_HUB: Final = ("hf", "huggingface-cli")
_PIP_VALUES: Final = frozenset(
    [
        "-f",
        "--find-links",
        "-r",
        "--requirement",
        "-c",
        "--constraint",
        "-t",
        "--target",
        "-i",
        "--index-url",
        "--extra-index-url",
        "--prefix",
        "--root",
        "--timeout",
        "--progress-bar",
        "--no-binary",
        "--only-binary",
    ]
)
_SEPARATORS: Final = ("&&", "||", ";", "|", "&")


class Command(Record):
    """What one command of a shell line does.

    Attributes:
        network: what needs the network ("pip install of transformers"); "" for nothing.
        offline_form: what does the same without one.
        wheels: directories and files that pip installs from.
        reads: paths that a copy, unpacking or listing reads.
        script: the Python file that is started; arguments: what it is given.
        directory: of `cd`.
        hub: the repository that `hf download` is given.
        writes: paths that a copy, a redirection, `tee` or `touch` writes.
        unpacks: the directory that an archive is unpacked into; None where none is.
        model: what a server is started with (`vllm serve`).
    """

    network: str = ""
    offline_form: str = ""
    wheels: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    script: str | None = None
    arguments: tuple[str, ...] = ()
    directory: str | None = None
    hub: str | None = None
    writes: tuple[str, ...] = ()
    unpacks: str | None = None
    model: str | None = None


def commands(line: str) -> tuple[Command, ...]:
    """The commands of a shell line, in order; one that the shell could not take apart is split at its blanks."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError:
        words = line.split()
    found: list[Command] = []
    current: list[str] = []
    for word in (*words, ";"):
        if word in _SEPARATORS or word.startswith("#"):
            if current:
                found += _with_redirections(current)
            current = []
            if word.startswith("#"):
                break
        else:
            current.append(word)
    return tuple(found)


def _with_redirections(words: list[str]) -> list[Command]:
    """A command and what it writes by `>`; the redirection is no word of the command's own."""
    plain: list[str] = []
    writes: list[str] = []
    rest = iter(words)
    for word in rest:
        if word.lstrip("012&") in (">", ">>"):
            writes.append(next(rest, ""))
        elif word.lstrip("012&").startswith(">"):
            writes.append(word.lstrip("012&>"))
        else:
            plain.append(word)
    command = _command(plain) if plain else None
    kept = tuple(each for each in writes if each and not each.startswith("/dev/"))
    if command is None:
        return [Command(writes=kept)] if kept else []
    return [command.replaced(writes=(*command.writes, *kept))]


def _command(words: list[str]) -> Command | None:
    while words and "=" in words[0] and not words[0].startswith("-") and "/" not in words[0].split("=")[0]:
        words = words[1:]  # variables that are set for this command alone
    words = words[1:] if words[:1] == ["sudo"] else words
    if not words:
        return None
    name, rest = words[0].rpartition("/")[2], words[1:]
    if name == "uv" and rest[:1] == ["pip"]:
        name, rest = "pip", rest[1:]
    if name.startswith("python") or name in ("accelerate", "torchrun", "{sys.executable}", "run"):
        return _python(name, rest)
    if name in ("pip", "pip3"):
        return _pip(rest)
    return _hub(rest) if name in _HUB else _tool(name, rest)


def _tool(name: str, rest: list[str]) -> Command | None:
    """What a command that is neither Python, pip nor the hub's does."""
    found: Command | None = None
    if name == "kaggle":
        what = " ".join(["kaggle", *rest[:2]])
        found = Command(network=what, offline_form="attach it in kernel-metadata.json instead of downloading it")
    elif name == "git" and rest[:1] in (["clone"], ["pull"], ["lfs"]):
        found = Command(network=f"git {rest[0]}", offline_form="attach the repository as a dataset")
    elif name in _NETWORK and not _is_offline(rest):
        found = Command(network=name, offline_form="attach the file as a dataset")
    elif name in _UNPACKS and not _only_looks(name, rest):
        found = _packs(rest) if name == "tar" and "x" not in _tar_mode(rest) else _unpack(rest, _UNPACKS[name])
    elif name in _COPIES or name in _LISTS:
        paths = [word for word in rest if word.startswith(("/", "../", "./"))]
        plain = [word for word in rest if not word.startswith("-")]
        writes = tuple(plain[-1:]) if name in _COPIES and len(plain) > 1 else ()
        found = Command(reads=tuple(each for each in paths if each not in writes), writes=writes)
    elif name in ("tee", "touch", "mkdir"):
        found = Command(writes=tuple(word for word in rest if not word.startswith("-")))
    elif name == "vllm" and rest[:1] == ["serve"]:
        found = _server(rest[1:])
    elif name in ("ollama", "wandb") and rest[:1] in (["pull"], ["run"], ["login"]):
        found = Command(network=f"{name} {rest[0]}", offline_form="take it out, or attach what it fetches")
    elif name == "cd" and rest:
        found = Command(directory=rest[0])
    return found


def _unpack(rest: list[str], options: tuple[str, ...]) -> Command:
    target, words = ".", []
    given = iter(rest)
    for word in given:
        name, equals, value = word.partition("=")
        if name in options:
            target = value if equals else next(given, ".")
        else:
            words.append(word)
    reads = tuple(word for word in words if word.startswith(("/", "../", "./")))
    return Command(reads=reads, writes=(target,), unpacks=target)


def _only_looks(name: str, rest: list[str]) -> bool:
    """Whether an archive is listed or tested, and nothing of it is written."""
    if name == "tar":
        return "t" in _tar_mode(rest)
    return any(word.startswith("-") and set(word) & set("lptvzZ") for word in rest[:1])


def _tar_mode(rest: list[str]) -> str:
    """The letters that tell tar what to do: "xzf", with or without a hyphen, or a long option's."""
    long = {"--extract": "x", "--get": "x", "--list": "t", "--create": "c"}
    named = "".join(long.get(word, "") for word in rest)
    short = "".join(word.lstrip("-") for word in rest if word.startswith("-") and not word.startswith("--"))
    return named + (rest[0] if rest and not rest[0].startswith("-") else "") + short


def _packs(rest: list[str]) -> Command:
    """An archive that is made: its name follows the letter f."""
    letters = (number for number, word in enumerate(rest) if number == 0 or word.startswith("-"))
    at = next((number for number in letters if rest[number].endswith("f") and not rest[number].startswith("--")), None)
    return Command(writes=() if at is None else tuple(rest[at + 1 : at + 2]))


def _server(rest: list[str]) -> Command | None:
    """A server of models: its model is its first word, or behind an option."""
    for number, word in enumerate(rest):
        name, equals, value = word.partition("=")
        if name in _MODEL_OPTIONS:
            return Command(model=value if equals else "".join(rest[number + 1 : number + 2]))
    return Command(model=rest[0]) if rest and not rest[0].startswith("-") else None


def _is_offline(rest: list[str]) -> bool:
    return any("localhost" in word or "127.0.0.1" in word or word in ("--version", "--help") for word in rest)


def _python(name: str, rest: list[str]) -> Command | None:
    if rest[:2] in (["-m", "pip"], ["-m", "uv"]):
        return _pip(rest[2:] if rest[1] == "pip" else rest[3:])
    if rest[:1] == ["-m"] and "".join(rest[1:2]).startswith(_SERVERS):
        return _server(rest[2:])
    if name == "accelerate":
        rest = rest[1:]
    for number, word in enumerate(rest):
        if word.endswith(".py"):
            return Command(script=word, arguments=tuple(rest[number + 1 :]))
        if word == "-c":
            return None
    return None


def _pip(rest: list[str]) -> Command | None:
    verb = next((word for word in rest if not word.startswith("-")), "")
    if verb not in ("install", "download", "wheel"):
        return None
    words = rest[rest.index(verb) + 1 :]
    packages, links, flags, requirements = _pip_words(words)
    local = [each for each in packages if each.endswith((".whl", ".tar.gz", ".zip")) or each.startswith(("/", "."))]
    remote = any("://" in each for each in links)
    links = [each for each in links if "://" not in each]
    wheels = (*links, *(each for each in local if not each.startswith(("http", "git+"))))
    indexed = [each for each in packages if each not in local or each.startswith(("http", "git+"))]
    offline = ("--no-index" in flags and not remote) or (not indexed and "--no-deps" in flags)
    if offline or (not indexed and not requirements):
        return Command(wheels=wheels)
    named = ", ".join(indexed[:3]) or "a requirements file"
    where = links[0] if links else "/kaggle/input/YOUR-WHEELS"
    wanted = [*(_project(each) for each in indexed), *(word for each in requirements for word in ("-r", each))]
    form = f"pip install --no-index --find-links {where} {shlex.join(wanted)}"
    return Command(network=f"pip install of {named}", offline_form=form, wheels=wheels)


def _project(package: str) -> str:
    """What a wheel of a package is asked for by: of an address, its last name."""
    if "://" not in package:
        return package
    last = package.partition("#")[0].rstrip("/").rpartition("/")[2]
    return last.partition("@")[0].removesuffix(".git")


def _pip_words(words: list[str]) -> tuple[list[str], list[str], set[str], list[str]]:
    """Packages, directories of --find-links, the flags, and files of requirements."""
    packages: list[str] = []
    links: list[str] = []
    flags: set[str] = set()
    requirements: list[str] = []
    number = 0
    while number < len(words):
        word = words[number]
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            packages.append(word)
        elif name in _PIP_VALUES:
            flags.add(name)
            if not equals:
                number += 1
                value = words[number] if number < len(words) else ""
            if name in ("-f", "--find-links"):
                links.append(value.removeprefix("file://"))
            elif name in ("-r", "--requirement"):
                requirements.append(value)
        else:
            flags.add(name)
        number += 1
    return packages, links, flags, requirements


def _hub(rest: list[str]) -> Command | None:
    words = [word for word in rest if not word.startswith("-")]
    if words[:1] == ["download"] and len(words) > 1:
        return Command(network=f"hf download of {words[1]}", offline_form="attach the model", hub=words[1])
    if words[:1] in (["login"], ["auth"], ["upload"]):
        return Command(network=f"hf {words[0]}", offline_form="take it out: nothing offline needs a login")
    return None
