"""resolver.pyz: one file that enters a machine where nothing can be installed."""

import importlib.util
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_runs import LLAMA_3, LLAMA_3_MOUNT, PROJECT, Machine, codes_in, llama_3_8b, make_machine

BUILD = PROJECT / "scripts" / "build_zipapp.py"


def build(target: Path) -> Path:
    subprocess.run([sys.executable, str(BUILD), str(target)], check=True, capture_output=True)
    return target


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Nothing installed and no project on the path: a mounted dataset holds the archive, another input the model."""
    made = make_machine(tmp_path_factory.mktemp("machine"))
    (made.inputs / "resolver").mkdir()
    build(made.inputs / "resolver" / "resolver.pyz")
    llama_3_8b(made.inputs / LLAMA_3_MOUNT)
    return made


def run(
    machine: Machine, *arguments: str, archive: Path | None = None, bare: bool = True
) -> subprocess.CompletedProcess[str]:
    """`-I -S`: no site-packages, no variable of Python's, no current directory; not bare: what is installed is there."""
    pyz = machine.inputs / "resolver" / "resolver.pyz" if archive is None else archive
    return machine.run(sys.executable, *(["-I", "-S"] if bare else ["-I"]), str(pyz), *arguments)


def test_path_prints_the_directory_alone(machine: Machine) -> None:
    done = run(machine, "path", LLAMA_3)
    assert (done.returncode, done.stdout) == (0, f"{machine.inputs / LLAMA_3_MOUNT}\n")


def test_check_on_the_standard_library_alone_finds_the_same_and_that_nothing_is_installed(machine: Machine) -> None:
    bare, installed = run(machine, "check", LLAMA_3), machine.run("resolver", "check", LLAMA_3)
    assert codes_in(bare.stdout) == codes_in(installed.stdout) | {"R801"}
    assert bare.returncode == 1


@pytest.mark.parametrize("bare", [True, False], ids=["standard library alone", "with what is installed"])
@pytest.mark.parametrize(
    "arguments",
    [
        ("path", "org/absent"),
        ("check", "org/absent"),
        ("explain", "W102"),
        ("rules",),
        ("--help",),
        ("check", "--help"),
        ("--version",),
    ],
    ids=" ".join,
)
def test_says_what_the_installed_command_says(machine: Machine, arguments: tuple[str, ...], bare: bool) -> None:
    here, installed = run(machine, *arguments, bare=bare), machine.run("resolver", *arguments)
    assert here.returncode == installed.returncode
    assert steady(here.stdout + here.stderr) == steady(installed.stdout + installed.stderr)


def test_check_judges_with_what_is_installed_around_it(machine: Machine) -> None:
    here, installed = run(machine, "check", LLAMA_3, bare=False), machine.run("resolver", "check", LLAMA_3)
    assert (here.returncode, steady(here.stdout)) == (installed.returncode, steady(installed.stdout))


def steady(text: str) -> str:
    """The output without the time that it took."""
    return re.sub(r"\b\d+ ms\b", "", text)


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = build(tmp_path / "first.pyz"), build(tmp_path / "second.pyz")
    assert first.read_bytes() == second.read_bytes()


def test_another_python_takes_the_sources(machine: Machine, tmp_path: Path) -> None:
    """The bytecode is a shortcut for one version of Python; with the number of another in it, nothing changes."""
    foreign = tmp_path / "foreign.pyz"
    whole = machine.inputs / "resolver" / "resolver.pyz"
    with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(foreign, "w") as changed:
        for member in archive.infolist():
            content = archive.read(member)
            if member.filename.endswith(".pyc"):
                assert content.startswith(importlib.util.MAGIC_NUMBER)
                content = b"\x00\x00\r\n" + content[4:]
            changed.writestr(member, content)
    assert run(machine, "--version", archive=foreign).stdout == run(machine, "--version").stdout
    assert run(machine, "path", LLAMA_3, archive=foreign).returncode == 0


def test_holds_the_resolver_and_nothing_else(machine: Machine) -> None:
    names = zipfile.ZipFile(machine.inputs / "resolver" / "resolver.pyz").namelist()
    assert {name.partition("/")[0] for name in names} == {"__main__.py", "__main__.pyc", "resolver"}
    assert names == sorted(names)
