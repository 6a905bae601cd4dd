"""--wheels: what lies there satisfies pip in an empty environment, for another machine too, and this product is in it.

The index is a folder of wheels made here, given to pip by its own variables: no registry is asked.
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from model_factory import model_dir
from staging_bundles import PROJECT, contents

from resolver.staging.own_wheel import own_wheel
from resolver.staging.platforms import expanded
from resolver.version import VERSION

OWN = f"offline_resolver-{VERSION}-py3-none-any.whl"


def wheel(
    folder: Path, name: str, version: str = "2.99", requires: tuple[str, ...] = (), tag: str = "py3-none-any"
) -> None:
    """A real wheel of one empty module."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    metadata += "Requires-Python: >=3.12\n" if "cp312" in tag else ""
    metadata += "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {f"{name}/__init__.py": "", f"{info}/METADATA": metadata,
             f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n"}  # fmt: skip
    record = ""
    for each, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{each},sha256={digest},{len(text)}\n"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as archive:
        for each, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            archive.writestr(each, text)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pydantic and rich by name, which this product needs; a pure package with a dependency; one for a machine alone."""
    folder = tmp_path_factory.mktemp("index")
    wheel(folder, "pydantic", "2.99")
    wheel(folder, "rich", "14.99")
    wheel(folder, "lib_one", "1.0", ("lib-two>=2",))
    wheel(folder, "lib_two", "2.5")
    wheel(folder, "lib_two", "1.5")
    wheel(folder, "native", "3.0", tag="cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64")
    later, windows = 'python_version >= "3.13"', 'sys_platform == "win32"'
    extra = f'only-extra; extra == "more" and {windows}'
    wheel(
        folder,
        "fickle",
        "1.0",
        (f"only-new>=1; {later}", f"only-win; {windows}", extra, "absent-old; python_version < '3.11'"),
    )
    wheel(folder, "broken", "1.0", (f"nowhere; {later}",))
    wheel(folder, "only_new", "1.0", ("lib-two",))
    wheel(folder, "only_win", "1.0")
    wheel(folder, "only_extra", "1.0")
    wheel(folder, "tooold", "1.0", ("lib-two<2",))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return model_dir(tmp_path / "model")


def stage(index: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "resolver", "stage", *map(str, arguments)]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=180)


def requirements(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "requirements.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def pip(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Without any index and without what the environment says of one."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    return subprocess.run(
        command, env={**variables, "PIP_CONFIG_FILE": os.devnull}, capture_output=True, text=True, check=False
    )


def test_an_empty_environment_is_filled_from_the_bundle_alone(model, index, tmp_path) -> None:
    asked = requirements(tmp_path, "lib-one  # the one we need")
    done = stage(index, model, "--to", tmp_path / "new", "--wheels", asked)
    assert done.returncode == 0, done.stderr
    wheels = tmp_path / "new" / "wheels"
    assert {each.name for each in wheels.iterdir()} == {
        OWN, "lib_one-1.0-py3-none-any.whl", "lib_two-2.5-py3-none-any.whl", "pydantic-2.99-py3-none-any.whl",
        "rich-14.99-py3-none-any.whl", "requirements.txt",
    }  # fmt: skip
    venv.create(tmp_path / "empty", with_pip=False)
    python = tmp_path / "empty" / "bin" / "python"
    command = re.search(r"pip (install .*requirements\.txt)", (tmp_path / "new" / "README.md").read_text())
    arguments = command[1].replace("wheels", str(wheels)).split()
    done = pip("--python", python, *arguments)
    assert done.returncode == 0, done.stderr
    said = subprocess.run([python, "-I", "-m", "resolver", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout == f"resolver {VERSION}\n"
    found = subprocess.run(
        [tmp_path / "empty" / "bin" / "resolver", "path", tmp_path / "new"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"{tmp_path / 'new'}\n"


def test_another_machine_is_resolved_for_by_its_tags_expanded_downwards(model, index, tmp_path) -> None:
    """pip matches tags letter by letter: a wheel for glibc 2.17 is not found by one that asks for 2.28 alone."""
    flags = ("--python", "3.12", "--platform", "manylinux_2_28_x86_64")
    asked = requirements(tmp_path, "native", "lib-one")
    done = stage(index, model, "--to", tmp_path / "new", "--wheels", asked, *flags)
    assert done.returncode == 0, done.stderr
    wheels = tmp_path / "new" / "wheels"
    assert [each.name for each in wheels.glob("native-*")] == [
        "native-3.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    ]
    refused = pip("download", "--dest", tmp_path / "x", "--no-index", "--find-links", wheels, "--only-binary", ":all:",
                  "--python-version", "3.12", "--platform", "manylinux_2_28_x86_64", "native")  # fmt: skip
    assert refused.returncode == 1
    platforms = [word for tag in expanded("manylinux_2_28_x86_64") for word in ("--platform", tag)]
    done = pip("install", "--dry-run", "--ignore-installed", "--target", tmp_path / "x", "--no-index", "--find-links",
               wheels, "--only-binary", ":all:", "--python-version", "3.12", *platforms, "--ignore-requires-python",
               "--require-hashes", "-r",
               wheels / "requirements.txt")  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_what_only_the_other_machine_needs_is_there_too(model, index, tmp_path) -> None:
    """pip judges conditions for the Python that runs it; torch needs setuptools from 3.12 on, for one."""
    flags = ("--python", "3.13", "--platform", "win_amd64")
    done = stage(index, model, "--to", tmp_path / "new", "--wheels", requirements(tmp_path, "fickle[more]"), *flags)
    assert done.returncode == 0, done.stderr
    names = {each.name.partition("-")[0] for each in (tmp_path / "new" / "wheels").glob("*.whl")}
    assert {"only_new", "lib_two", "only_win", "only_extra"} < names
    assert "absent_old" not in names
    asked = requirements(tmp_path, "broken")
    done = stage(index, model, "--to", tmp_path / "other", "--wheels", asked, *flags)
    assert done.returncode == 1
    assert "No matching distribution found for nowhere" in done.stderr


def test_the_list_carries_hashes_and_two_stages_are_equal(model, index, tmp_path) -> None:
    asked = requirements(tmp_path, "--index-url https://me:secret@example.invalid/simple", "lib-one==1.0")
    for name in ("one", "two"):
        assert stage(index, model, "--to", tmp_path / name, "--wheels", asked).returncode == 0
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    text = (tmp_path / "one" / "wheels" / "requirements.txt").read_text()
    assert "secret" not in text
    assert "#   lib-one==1.0\n" in text
    for line in text.splitlines():
        if not line.startswith("#"):
            name, version, sha256 = re.fullmatch(r"(\S+)==(\S+) --hash=sha256:(\w+)", line).groups()
            (path,) = (tmp_path / "one" / "wheels").glob(f"{name.replace('-', '_')}-{version}-*.whl")
            assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def test_a_bundle_with_other_wheels_is_another_bundle(model, index, tmp_path) -> None:
    asked = requirements(tmp_path, "lib-one")
    assert stage(index, model, "--to", tmp_path / "new", "--wheels", asked).returncode == 0
    same = stage(index, model, "--to", tmp_path / "new", "--wheels", asked)
    assert (same.returncode, same.stdout.startswith("already there")) == (0, True)
    assert stage(index, model, "--to", tmp_path / "new").returncode == 2
    assert stage(index, model, "--to", tmp_path / "new", "--wheels", requirements(tmp_path, "native")).returncode == 2
    asked = requirements(tmp_path, "lib-one")
    (tmp_path / "new" / "wheels" / OWN).write_bytes(b"PK")
    assert stage(index, model, "--to", tmp_path / "new", "--wheels", asked).returncode == 2


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("lib-one", "tooold"), "lib-one 1.0 depends on lib-two>=2"),
        (("no-such-thing",), "No matching distribution found for no-such-thing"),
        (("native",), "No matching distribution found for native"),
        (("rich<13",), "rich"),
    ],
)
def test_what_cannot_be_satisfied_is_told_with_pips_reason_in_one_line(model, index, tmp_path, lines, said) -> None:
    done = stage(index, model, "--to", tmp_path / "new", "--wheels", requirements(tmp_path, *lines))
    assert done.returncode == 1, done.stdout
    (line,) = done.stderr.splitlines()
    assert "pip cannot satisfy" in line
    assert said in line
    assert not (tmp_path / "new").exists()


def test_our_wheel_is_made_of_a_source_tree_of_an_installation_and_of_nothing_else(tmp_path) -> None:
    from resolver.writing import CannotMake

    (tmp_path / "one").mkdir()
    first = own_wheel(tmp_path / "one", PROJECT)
    venv.create(tmp_path / "empty", with_pip=False)
    done = pip("--python", tmp_path / "empty" / "bin" / "python", "install", "--no-deps", "--no-index", first)
    assert done.returncode == 0, done.stderr
    (site,) = (tmp_path / "empty" / "lib").glob("python*/site-packages")
    (tmp_path / "two").mkdir()
    second = own_wheel(tmp_path / "two", site)
    assert second.name == first.name
    names = [{each.filename: each.CRC for each in zipfile.ZipFile(path).infolist()} for path in (first, second)]
    record = f"offline_resolver-{VERSION}.dist-info/RECORD"
    assert {name: crc for name, crc in names[0].items() if name != record} == {
        name: crc for name, crc in names[1].items() if name != record
    }
    (tmp_path / "bare").mkdir()
    with pytest.raises(CannotMake, match=r"neither a clone of its sources nor an installation"):
        own_wheel(tmp_path / "bare", tmp_path / "bare")


def test_our_wheel_says_what_the_project_says(tmp_path) -> None:
    from importlib import metadata

    path = own_wheel(tmp_path, PROJECT)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "site")
    (found,) = metadata.distributions(path=[str(tmp_path / "site")])
    assert found.metadata["Requires-Python"] == ">=3.11"
    assert {"pydantic>=2.9", "rich>=13.8"} < set(found.requires)
    assert [each for each in found.requires if "extra" not in each] == ["pydantic>=2.9", "rich>=13.8"]
    assert {each.name for each in found.entry_points} == {"resolver", "arena"}


def test_tags_are_expanded_for_every_kind_of_machine() -> None:
    assert expanded("manylinux2014_aarch64") == expanded("manylinux_2_17_aarch64")
    assert expanded("manylinux_2_28_x86_64")[-2:] == ("manylinux1_x86_64", "linux_x86_64")
    assert expanded("macosx_12_0_arm64")[:3] == ("macosx_12_0_arm64", "macosx_12_0_universal2", "macosx_11_0_arm64")
    assert expanded("musllinux_1_1_x86_64") == ("musllinux_1_1_x86_64", "musllinux_1_0_x86_64")
    assert expanded("any") == ("any",)
