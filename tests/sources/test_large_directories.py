"""The walk below a mount pays for directories that may hold a model, not for pictures."""

import sys
from pathlib import Path

import pytest
from command_runs import Machine, make_machine

from resolver.sources.tree import LARGE_BYTES, LEAF_LINKS, model_directories

OPENED = """
import sys
from pathlib import Path
sys.addaudithook(lambda event, arguments: print(arguments[0]) if event == "os.scandir" else None)
from resolver.sources.tree import model_directories
list(model_directories(Path(sys.argv[1])))
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A dataset of a thousand pictures, and beside it one that also holds a model in a folder."""
    made = make_machine(tmp_path)
    for dataset in ("pictures", "mixed"):
        folder = made.inputs / dataset / "train"
        folder.mkdir(parents=True)
        for number in range(1000):
            (folder / f"{number:06d}.png").touch()
    (made.inputs / "mixed" / "model").mkdir()
    (made.inputs / "mixed" / "model" / "config.json").write_text("{}")
    return made


def found(machine: Machine) -> list[str]:
    return sorted("/".join(each.folders) for each in model_directories(machine.inputs))


def test_a_model_beside_a_thousand_pictures_is_found(machine: Machine) -> None:
    assert found(machine) == ["mixed/model"]


def test_a_model_among_a_thousand_pictures_is_found(machine: Machine) -> None:
    (machine.inputs / "pictures" / "train" / "config.json").write_text("{}")
    assert found(machine) == ["mixed/model", "pictures/train"]


def test_a_thousand_pictures_are_never_listed(machine: Machine) -> None:
    pictures = machine.inputs / "pictures" / "train"
    status = pictures.stat()
    if status.st_nlink != LEAF_LINKS or status.st_size <= LARGE_BYTES:
        pytest.skip(f"this file system tells neither links nor size of a directory: {status}")
    opened = machine.run(sys.executable, "-c", OPENED, str(machine.inputs)).stdout.splitlines()
    assert str(machine.inputs / "pictures") in opened
    assert str(pictures) not in opened
