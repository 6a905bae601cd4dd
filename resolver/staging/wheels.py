"""A wheelhouse: packages that `pip install --no-index` really satisfies, for another Python and another machine too.

pip finds and fetches them, from the index that it is configured for; then it is asked, without any index, whether what
lies there is enough. This product's own wheel is made here and lies with them.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from resolver.record import Record
from resolver.rules.words import some
from resolver.secrets import mask
from resolver.staging.markers import missing_there
from resolver.staging.own_wheel import own_wheel
from resolver.staging.platforms import expanded
from resolver.staging.workplace import FILE_MODE, write_text
from resolver.writing import CannotMake

LIST: Final = "requirements.txt"
WHEEL: Final = re.compile(r"(?P<name>[^-]+)-(?P<version>[^-]+)(-[^-]+)?-[^-]+-[^-]+-[^-]+\.whl")
LISTED: Final = re.compile(r"(?P<name>[^=\s]+)==(?P<version>\S+) --hash=sha256:(?P<sha256>[0-9a-f]{64})")
CONFLICT: Final = "The conflict is caused by:"
PIP: Final = ("-P", "-m", "pip", "--disable-pip-version-check", "--no-input")  # -P: not the directory one stands in
ROUNDS: Final = 10
MAX_SAID: Final = 2_000
MAX_LIST: Final = 1 << 20


class CannotSatisfy(CannotMake):
    """No set of wheels meets the requirements; pip's reason is told."""


class WheelRequest(Record):
    """Which packages, for which machine.

    Attributes:
        requirements: a file as `pip install -r` takes it.
        python: "3.12"; None for the Python that runs.
        platform: "manylinux_2_28_x86_64"; None for this machine.
    """

    requirements: Path
    python: str | None = None
    platform: str | None = None

    def flags(self) -> list[str]:
        """What pip is told of a machine that is not its own."""
        flags = ["--only-binary", ":all:"]
        if self.python is not None:
            flags += ["--python-version", self.python]
        for each in () if self.platform is None else expanded(self.platform):
            flags += ["--platform", each]
        return flags

    @property
    def machine(self) -> str:
        """In words."""
        python = self.python or f"{sys.version_info.major}.{sys.version_info.minor}"
        return f"Python {python} on {self.platform or 'the machine that staged it'}"


def add_wheels(request: WheelRequest, folder: Path) -> tuple[str, ...]:
    """Fill a folder with wheels and the list of them; returns the names of its files.

    Raises:
        CannotSatisfy: the requirements contradict each other, or a package has no wheel for that machine.
        CannotMake: there is no pip, or this product's own wheel cannot be made from what runs.
    """
    shutil.rmtree(folder)
    folder.mkdir()
    with tempfile.TemporaryDirectory() as aside:
        own = own_wheel(Path(aside))
        wanted = ["--requirement", str(request.requirements), str(own)]
        _pip(request, "download", "--dest", str(folder), *request.flags(), *wanted)
        for more in _rounds(request, folder):
            _pip(request, "download", "--dest", str(folder), *request.flags(), *wanted, *more)
    for each in folder.iterdir():
        each.chmod(FILE_MODE)
    write_text(folder / LIST, _head(request) + "".join(_listed(folder)))
    with tempfile.TemporaryDirectory() as nowhere:
        dry = ["--dry-run", "--ignore-installed", "--target", nowhere, "--no-index", "--find-links", str(folder)]
        # `pip install` asks a wheel whether it takes the Python that runs, whatever it is told; `download` asked right.
        dry += [] if request.python is None else ["--ignore-requires-python"]
        _pip(request, "install", *dry, *request.flags(), "--require-hashes", "--requirement", str(folder / LIST))
    return wheels_in(folder)


def _rounds(request: WheelRequest, folder: Path) -> Iterator[list[str]]:
    """What the other machine needs besides, round by round: what is added may need more."""
    if request.python is None and request.platform is None:
        return
    asked = list(_asked(request.requirements))
    more: list[str] = []
    for _ in range(ROUNDS):
        missing = [each for each in missing_there(folder, request.python, request.platform, asked) if each not in more]
        if not missing:
            break
        more += missing
        yield more
    lacking = missing_there(folder, request.python, request.platform, asked)
    if lacking:
        raise CannotSatisfy(f"{request.machine} needs {some(lacking)} besides, which no wheel here meets")


def wheels_in(folder: Path) -> tuple[str, ...]:
    """Names of the files of a wheelhouse; none where there is no such folder."""
    return tuple(sorted(each.name for each in folder.iterdir())) if folder.is_dir() else ()


def wheels_fault(request: WheelRequest, folder: Path) -> str | None:
    """The first file of a wheelhouse that is not what its list says, or the list where it answers another request."""
    try:
        with (folder / LIST).open("rb") as stream:
            text = stream.read(MAX_LIST).decode("utf-8", "replace")
    except OSError:
        return f"{folder.name}/{LIST}"
    if not text.startswith(_head(request)) or text != _head(request) + "".join(_listed(folder)):
        return f"{folder.name}/{LIST}"
    return None


def _head(request: WheelRequest) -> str:
    asked = "".join(f"#   {each}\n" for each in _asked(request.requirements))
    return (
        f"# The packages of this bundle, for {request.machine}. Asked for:\n{asked}"
        f"# pip install --no-index --find-links wheels --require-hashes -r wheels/{LIST}\n"
    )


def _asked(path: Path) -> Iterator[str]:
    """The requirements that were asked for, without options, which may hold the address of an index."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise CannotSatisfy(f"{path} cannot be read: {error.strerror}") from error
    for line in lines:
        text = re.split(r"(?:^|\s)#|\s--", line, maxsplit=1)[0].strip()
        if text and not text.startswith("-"):
            yield mask("".join(each if each.isprintable() else "?" for each in text))


def _listed(folder: Path) -> Iterator[str]:
    """A line a wheel, as pip's mode of hashes takes it."""
    for path in sorted(folder.glob("*.whl")):
        found = WHEEL.fullmatch(path.name)
        if found is None:
            raise CannotSatisfy(f"{path.name} is no name of a wheel")
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        name = re.sub(r"[-_.]+", "-", found["name"]).lower()
        yield f"{name}=={found['version']} --hash=sha256:{sha256}\n"


def _pip(request: WheelRequest, command: str, *arguments: str) -> None:
    try:
        done = subprocess.run(
            [sys.executable, *PIP, command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        raise CannotMake(f"{sys.executable} cannot be started: {error.strerror}") from error
    said = done.stdout.decode("utf-8", "replace")
    if "No module named pip" in said:
        raise CannotMake(f"--wheels needs pip, which {sys.executable} has not: python -m ensurepip")
    if done.returncode != 0:
        raise CannotSatisfy(f"pip cannot satisfy {request.requirements} for {request.machine}: {_reason(said)}")


def _reason(said: str) -> str:
    r"""Why pip gave up, in one line: its errors, and what contradicts what.

    >>> _reason("Collecting a\nThe conflict is caused by:\\n    a 1 depends on b<2\n    c 3 depends on b>2\n\n"
    ...         "ERROR: Cannot install a==1 and c==3\nERROR: ResolutionImpossible: see …\n")
    'Cannot install a==1 and c==3 (a 1 depends on b<2; c 3 depends on b>2)'
    """
    lines = [line.rstrip() for line in said.splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    errors = [each for each in errors if not each.startswith("ResolutionImpossible")]
    causes: list[str] = []
    if CONFLICT in lines:
        for line in lines[lines.index(CONFLICT) + 1 :]:
            if not line.strip():
                break
            causes.append(line.strip())
    told = "; ".join(errors) or (lines[-1] if lines else "it said nothing")
    return mask(f"{told} ({'; '.join(causes)})" if causes else told)[:MAX_SAID]
