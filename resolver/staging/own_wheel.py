"""This product as a wheel, out of what runs: a source tree or an installed package. Needs no build tool, no network.

The same sources give the same bytes: names sorted, dates fixed, nothing compressed.
"""

import base64
import hashlib
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.version import VERSION
from resolver.writing import CannotMake

NAME: Final = "offline-resolver"
PACKAGES: Final = ("resolver", "pipeline")
DATE: Final = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can say
MODE: Final = 0o100644 << 16
WHEEL: Final = "Wheel-Version: 1.0\nGenerator: offline-resolver\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
HERE: Final = Path(__file__).parent.parent.parent  # of the package that runs


def own_wheel(folder: Path, root: Path = HERE) -> Path:
    """Write the wheel into a folder.

    Args:
        folder: where to.
        root: the directory that holds the package `resolver`.

    Raises:
        CannotMake: neither a source tree nor an installation lies there.
    """
    version, files = _contents(root)
    info = f"offline_resolver-{version}.dist-info"
    record = "".join(f"{name},{_hash(data)},{len(data)}\n" for name, data in sorted(files.items()))
    record += f"{info}/RECORD,,\n"
    path = folder / f"offline_resolver-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (*sorted(files.items()), (f"{info}/RECORD", record.encode())):
            member = zipfile.ZipInfo(name, DATE)
            member.external_attr = MODE
            archive.writestr(member, data)
    return path


def _contents(root: Path) -> tuple[str, dict[str, bytes]]:
    project = _project(root)
    if project is not None:
        return VERSION, dict(_of_sources(root, project))
    installed = _installed(root)
    if installed is not None:
        return installed
    raise CannotMake(
        f"this program's own wheel cannot be made from {root}: that is neither a clone of its sources nor an "
        "installation (of resolver.pyz, only the resolver is there); run the command from one of these"
    )


def _project(root: Path) -> Mapping[str, Any] | None:
    """The project's table of the pyproject.toml in a source tree of ours."""
    import tomllib  # noqa: PLC0415 - few commands make a wheel

    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8")).get("project")
    except (OSError, ValueError):
        return None
    return project if isinstance(project, dict) and project.get("name") == NAME else None


def _of_sources(root: Path, project: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    info = f"offline_resolver-{VERSION}.dist-info"
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix == ".py" or path.name == "py.typed":
                yield path.relative_to(root).as_posix(), path.read_bytes()
    scripts = "".join(f"{name} = {target}\n" for name, target in sorted(project.get("scripts", {}).items()))
    yield f"{info}/METADATA", _metadata(project).encode()
    yield f"{info}/WHEEL", WHEEL.encode()
    yield f"{info}/entry_points.txt", f"[console_scripts]\n{scripts}".encode()
    for name in project.get("license-files", ()):
        yield f"{info}/licenses/{name}", (root / name).read_bytes()


def _metadata(project: Mapping[str, Any]) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {VERSION}", f"Summary: {project['description']}"]
    lines += [f"License: {project['license']}", f"Requires-Python: {project['requires-python']}"]
    lines += [f"Classifier: {each}" for each in project.get("classifiers", ())]
    lines += [f"Requires-Dist: {each}" for each in project.get("dependencies", ())]
    for extra, requirements in sorted(project.get("optional-dependencies", {}).items()):
        lines.append(f"Provides-Extra: {extra}")
        lines += [f"Requires-Dist: {_of_extra(each, extra)}" for each in requirements]
    return "\n".join(lines) + "\n"


def _of_extra(requirement: str, extra: str) -> str:
    r"""A requirement of an extra, its own condition kept.

    >>> _of_extra("tool>=3; python_version < '3.14'", "dev")
    'tool>=3; (python_version < \'3.14\') and extra == "dev"'
    """
    name, _, marker = requirement.partition(";")
    return f'{name.strip()}; ({marker.strip()}) and extra == "{extra}"' if marker else f'{name}; extra == "{extra}"'


def _installed(root: Path) -> tuple[str, dict[str, bytes]] | None:
    """Version and files of the installation in that directory, without what an installer has added."""
    from importlib import metadata  # noqa: PLC0415 - as above

    for found in metadata.distributions(name=NAME, path=[str(root)]):
        info = f"offline_resolver-{found.version}.dist-info"
        files: dict[str, bytes] = {f"{info}/WHEEL": WHEEL.encode()}
        for each in found.files or ():
            top, _, rest = each.as_posix().partition("/")
            kept = top in PACKAGES and not rest.endswith(".pyc")
            told = top == info and (rest in {"METADATA", "entry_points.txt"} or rest.startswith("licenses/"))
            if (kept or told) and Path(str(found.locate_file(each))).is_file():
                files[each.as_posix()] = Path(str(found.locate_file(each))).read_bytes()
        if "resolver/__init__.py" in files:
            return found.version, files
    return None


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
