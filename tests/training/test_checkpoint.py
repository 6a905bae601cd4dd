"""Checkpoints: whole or not there, the two newest, no pickle, and never one of another run."""

import errno
import shutil
from pathlib import Path

import pytest

from pipeline.errors import OutputError
from pipeline.training.checkpoint import Keeper
from pipeline.training.state import Progress


def tensors(value: float) -> "dict[str, object]":
    import torch

    return {"model/w": torch.full((3, 5), value), "optimiser/w/step": torch.tensor(value)}


def kept(directory: Path, *steps: int, run: str = "run") -> Keeper:
    keeper = Keeper(directory, run)
    for step in steps:
        keeper.keep(Progress(step=step, losses=(0.5,) * step), tensors(step))  # type: ignore[arg-type]
    return keeper


def step_of(keeper: Keeper) -> int | None:
    found = keeper.latest()
    return None if found is None else found.progress.step


def test_what_was_kept_is_read_back_and_the_two_newest_stay(tmp_path: Path) -> None:
    import torch

    keeper = kept(tmp_path / "c", 1, 5, 12)
    found = keeper.latest()
    assert found is not None
    assert found.progress == Progress(step=12, losses=(0.5,) * 12)
    assert torch.equal(found.tensors["model/w"], torch.full((3, 5), 12.0))
    assert [each.name for each in sorted((tmp_path / "c").iterdir())] == ["step-00000005", "step-00000012"]
    assert {each.name for each in (tmp_path / "c" / "step-00000012").iterdir()} == {"tensors.safetensors", "state.json"}
    keeper.forget()
    assert list(tmp_path.iterdir()) == []
    assert keeper.latest() is None


@pytest.mark.parametrize("file", ["tensors.safetensors", "state.json"])
@pytest.mark.parametrize("damage", ["cut", "empty", "flipped", "gone"])
def test_a_damaged_checkpoint_is_passed_over_and_the_older_one_taken(tmp_path: Path, file: str, damage: str) -> None:
    kept(tmp_path, 3, 7)
    path = tmp_path / "step-00000007" / file
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        path.write_bytes({"cut": data[:-9], "empty": b"", "flipped": flipped}[damage])
    said: list[str] = []
    assert step_of(Keeper(tmp_path, "run", said.append)) in (
        {3, 7} if (file, damage) == ("state.json", "flipped") else {3}
    )
    assert len(said) <= 1


def test_every_flipped_bit_of_the_state_is_seen_or_harmless(tmp_path: Path) -> None:
    """A flipped digit of a loss can be another digit: then the losses differ, and that is all that could."""
    kept(tmp_path, 3)
    path = tmp_path / "step-00000003" / "state.json"
    data = path.read_bytes()
    for place in range(0, len(data), 7):
        path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
        found = Keeper(tmp_path, "run").latest()
        assert found is None or found.tensors.keys() == tensors(3).keys()


def test_a_checkpoint_of_another_run_is_passed_over(tmp_path: Path) -> None:
    kept(tmp_path, 3)
    said: list[str] = []
    assert Keeper(tmp_path, "another", said.append).latest() is None
    assert "it is of another run" in said[0]


@pytest.mark.parametrize("fails", ["tensors", "state", "rename"])
def test_a_full_disk_leaves_the_older_ones_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    keeper = kept(tmp_path, 3, 7)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    import safetensors.torch

    place = {"tensors": (safetensors.torch, "save_file"), "state": (Path, "write_text"), "rename": (Path, "rename")}
    monkeypatch.setattr(*place[fails], full)
    with pytest.raises(OutputError, match="No space left on device"):
        keeper.keep(Progress(step=9), tensors(9))  # type: ignore[arg-type]
    monkeypatch.undo()
    assert [each.name for each in sorted(tmp_path.iterdir())] == ["step-00000003", "step-00000007"]
    assert step_of(keeper) == 7


def test_a_really_full_disk_leaves_the_older_ones_as_they_were(tmp_path: Path) -> None:
    """On a file system of 256 KiB, where the machine lets one be mounted."""
    import subprocess

    import torch

    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        mount is None
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("nothing can be mounted here")
    try:
        keeper = kept(disk, 3)
        with pytest.raises(OutputError, match=r"cannot be written"):
            keeper.keep(Progress(step=9), {"model/w": torch.zeros(300, 300)})
        assert [each.name for each in disk.iterdir()] == ["step-00000003"]
        assert step_of(keeper) == 3
    finally:
        subprocess.run(["umount", disk], check=True)


def test_nothing_in_a_checkpoint_is_a_pickle(tmp_path: Path) -> None:
    kept(tmp_path, 3)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            head = path.read_bytes()[:2]
            assert head[:1] != b"\x80"
            assert head != b"PK"
