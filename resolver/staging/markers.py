"""What a wheelhouse lacks on another machine: requirements whose conditions hold there and not where pip runs.

pip judges `python_version >= "3.12"` for the Python that runs it, whatever it is told. So the wheels' own requirements
are judged again for the machine that is asked for, by pip's own reader of them, in a process of its own.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from resolver.writing import CannotMake

SYSTEMS: Final = {
    "manylinux": ("posix", "linux", "Linux"),
    "musllinux": ("posix", "linux", "Linux"),
    "linux": ("posix", "linux", "Linux"),
    "macosx": ("posix", "darwin", "Darwin"),
    "win": ("nt", "win32", "Windows"),
}
MACHINE: Final = re.compile(r"(x86_64|aarch64|arm64|amd64|i686|ppc64le|s390x|armv7l|riscv64|universal2)$")
# Every wheel is looked at with no extra, and those that an extra is asked of with that; until nothing new is needed.
LOOK: Final = """\
import email, json, pathlib, sys, zipfile
from pip._vendor.packaging.markers import default_environment
from pip._vendor.packaging.requirements import InvalidRequirement, Requirement
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename

folder, changes, asked = json.loads(sys.stdin.read())
there = {}
for path in pathlib.Path(folder).glob("*.whl"):
    name, version, _, _ = parse_wheel_filename(path.name)
    with zipfile.ZipFile(path) as archive:
        (info,) = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA") and each.count("/") == 1]
        metadata = email.message_from_bytes(archive.read(info))
    there[name] = (version, [Requirement(each) for each in metadata.get_all("Requires-Dist") or ()])

def holds(requirement, extra):
    environment = {**default_environment(), **changes, "extra": extra}
    return requirement.marker is None or requirement.marker.evaluate(environment)

def read(line):
    try:
        return [Requirement(line)]
    except InvalidRequirement:
        return []

needed = [each for line in asked for each in read(line) if holds(each, "")]
todo = [(name, "") for name in there] + [(canonicalize_name(r.name), e) for r in needed for e in r.extras]
seen = set()
while todo:
    name, extra = todo.pop()
    if (name, extra) in seen or name not in there:
        continue
    seen.add((name, extra))
    for requirement in there[name][1]:
        if holds(requirement, extra):
            needed.append(requirement)
            todo += [(canonicalize_name(requirement.name), each) for each in requirement.extras]

def lacks(requirement):
    found = there.get(canonicalize_name(requirement.name))
    return found is None or not requirement.specifier.contains(found[0], prereleases=True)

print(json.dumps(sorted({f"{r.name}{r.specifier}" for r in needed if r.url is None and lacks(r)})))
"""


def missing_there(folder: Path, python: str | None, platform: str | None, asked: Sequence[str]) -> list[str]:
    """The requirements that hold on that machine and that no wheel of the folder meets, as pip takes them.

    Args:
        folder: the wheels.
        python: of that machine; None for this one's.
        platform: as `python`.
        asked: the lines of the requirements file.

    Raises:
        CannotMake: a wheel's own requirements cannot be read.
    """
    request = json.dumps([str(folder), environment_of(python, platform), list(asked)])
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOOK], input=request, capture_output=True, text=True, check=False
    )
    try:
        found: list[str] = json.loads(done.stdout)
    except ValueError as error:
        said = done.stderr.strip().rpartition("\n")[2]
        raise CannotMake(f"the requirements of the wheels cannot be read: {said}") from error
    return found


def environment_of(python: str | None, platform: str | None) -> dict[str, Any]:
    """What conditions are judged by on another machine, as far as it differs from this one.

    >>> environment_of("3.12", "win_amd64")["sys_platform"], environment_of("3.12", None)["python_version"]
    ('win32', '3.12')
    """
    found: dict[str, Any] = {}
    if python is not None:
        short = ".".join(python.split(".")[:2])
        full = python if python.count(".") > 1 else f"{python}.0"
        found = {"python_version": short, "python_full_version": full, "implementation_version": full}
    system = next((told for name, told in SYSTEMS.items() if platform is not None and platform.startswith(name)), None)
    if system is not None and platform is not None:
        found |= dict(zip(("os_name", "sys_platform", "platform_system"), system, strict=True))
        machine = MACHINE.search(platform)
        if machine is not None:
            found["platform_machine"] = "AMD64" if machine[1] == "amd64" else machine[1]
    return found
