"""verify beside the libraries that made the bytes: what they wrote is verified, wherever it is carried; a bit is found.

The caches are made by a real `snapshot_download` from a hub of our own on this machine, in both layouts of blobs: in the
repository itself, and in the store that all repositories share, whose names are no sha256.
"""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import hub_factory
import pytest
from command_runs import PROJECT
from hub_server import HubServer
from huggingface_hub import snapshot_download
from model_factory import model_dir

from resolver.cli import main
from resolver.environment import Environment
from resolver.host import Host
from resolver.verification import Asked, Verified, verify
from resolver.verification_subjects import Search

REPO = "someone/tiny"
FLIPS = int(os.environ.get("FLIPS", "120"))
LAYOUTS = ("own blobs", "shared store", "download", "lock")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as it is published: shards, a folder, a card, a vocabulary in LFS."""
    root = model_dir(tmp_path_factory.mktemp("published") / "tiny", shards=3)
    (root / "README.md").write_text("---\nlicense: mit\n---\n# card\n")
    (root / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (root / "onnx").mkdir()
    (root / "onnx" / "model.bin").write_bytes(random.Random(1).randbytes(5000))  # noqa: S311 - data
    (root / "empty.txt").write_bytes(b"")
    return root


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, published: Path) -> Iterator[Path]:
    """Each layout in a folder of its name, with the directory of the model at `model`."""
    place = tmp_path_factory.mktemp("made")
    with HubServer() as hub:
        hub.add_repo(REPO, published)
        for layout in LAYOUTS:
            (place / layout).mkdir()
            _download(hub, place / layout, layout, published)
        yield place


def _download(hub: HubServer, folder: Path, layout: str, published: Path) -> None:
    if layout == "own blobs":
        found = snapshot_download(REPO, endpoint=hub.url, cache_dir=folder / "hub")
    elif layout == "shared store":  # what the client does with Xet, by its own functions: hf_xet has no local server
        found = hub_factory.cached(folder / "hub", published, shared=True)
    else:
        found = snapshot_download(REPO, endpoint=hub.url, local_dir=folder / "hub")
    (folder / "model").symlink_to(os.path.relpath(found, folder))
    if layout == "lock":
        shutil.rmtree(folder / "hub" / ".cache")
        assert main(["lock", str(folder / "model"), "--output", str(folder / "hub" / "resolver.lock")]) == 0


def outcome(root: Path, home: Path) -> Verified:
    environment = Environment(home=home, cwd=home)
    (found,) = verify(str(root), Search(environment, Host(packages={})), Asked())
    return found


def differing(found: Verified) -> dict[str, str]:
    assert found.told is not None
    return {each.name: each.verdict for each in found.told.files if each.verdict != "verified"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_the_client_wrote_is_verified(made: Path, tmp_path: Path, published: Path, layout: str) -> None:
    found = outcome(made / layout / "model", tmp_path)
    assert found.told is not None
    assert (found.told.verdict, differing(found)) == ("verified", {})
    assert found.told.read_bytes == sum(each.stat().st_size for each in published.rglob("*") if each.is_file())


@pytest.mark.parametrize("layout", ["own blobs", "shared store"])
def test_the_layouts_are_what_they_are_called(made: Path, layout: str) -> None:
    hops = [made / layout / "model" / "model-00001-of-00003.safetensors"]
    while hops[-1].is_symlink():
        hops.append(hops[-1].parent / hops[-1].readlink())
    assert len(hops) == {"own blobs": 2, "shared store": 3}[layout]
    assert (hops[1].name == hops[-1].name) is (layout == "own blobs")


CARRIED = {
    "cp -a": ("cp", "-a", "{0}/.", "{1}"),
    "cp -rL": ("cp", "-rL", "{0}/.", "{1}"),
    "tar": ("sh", "-c", 'tar -C "$0" -cf - . | tar -C "$1" -xf -', "{0}", "{1}"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("way", CARRIED)
def test_it_is_verified_wherever_the_whole_of_it_is_carried(made: Path, tmp_path: Path, layout: str, way: str) -> None:
    target = tmp_path / "carried"
    target.mkdir()
    subprocess.run([word.format(made / layout, target) for word in CARRIED[way]], check=True)
    inside = os.path.relpath(os.path.realpath(made / layout / "model"), os.path.realpath(made / layout))
    found = outcome(target / inside, tmp_path)
    assert found.told is not None
    assert (found.told.verdict, differing(found)) == ("verified", {})


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_verified_on_a_read_only_mount(made: Path, tmp_path: Path, layout: str) -> None:
    """In a namespace of one's own, with the folder bound read-only: a write into it would fail."""
    wrapper = ("unshare", "--map-root-user", "--mount")
    if shutil.which("unshare") is None or subprocess.run([*wrapper, "true"], check=False).returncode:
        pytest.skip("this machine does not allow a mount namespace of one's own (unshare --map-root-user --mount)")
    script = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 77;'
        ' touch "$1/x" 2>/dev/null && exit 78; exec "$2" -m resolver verify "$1/model"'
    )
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
    words = [*wrapper, "sh", "-c", script, "sh", str(made / layout), sys.executable]
    done = subprocess.run(words, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this machine does not allow a bind mount that is read-only")
    assert (done.returncode, done.stdout.split(":")[0]) == (0, "verified"), done.stderr


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_bit_of_any_file_is_found(made: Path, tmp_path: Path, layout: str) -> None:
    """A bit is turned behind the name, where the bytes lie; size and time stay. Then it is turned back."""
    root = made / layout / "model"
    seed = random.Random(f"flips of {layout}")  # noqa: S311 - repeatable
    assert differing(outcome(root, tmp_path)) == {}
    names = [name for name, size in _files(root) if size]
    sizes = dict(_files(root))
    for trial in range(FLIPS):
        name = names[trial % len(names)]
        blob, at, bit = Path(os.path.realpath(root / name)), seed.randrange(sizes[name]), 1 << seed.randrange(8)
        _turn(blob, at, bit)
        found = outcome(root, tmp_path)
        _turn(blob, at, bit)
        assert differing(found) == {name: "corrupt"}, f"byte {at}, bit {bit}"
        assert [each.code for each in found.report.errors()] == ["I901"]
    assert differing(outcome(root, tmp_path)) == {}


def _files(root: Path) -> list[tuple[str, int]]:
    found = [each for each in sorted(root.rglob("*")) if each.is_file() and ".cache" not in each.parts]
    pairs = [(each.relative_to(root).as_posix(), each.stat().st_size) for each in found]
    return [pair for pair in pairs if pair[0] != "resolver.lock"]


def _turn(path: Path, at: int, bit: int) -> None:
    status = path.stat()
    mode = status.st_mode
    path.chmod(0o600)  # the client writes blobs read-only
    with path.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ bit]))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.chmod(mode & 0o777)


def test_an_empty_file_that_grew_is_found(made: Path, tmp_path: Path) -> None:
    """A flip needs a byte; an empty file is damaged by getting one."""
    target = tmp_path / "carried"
    shutil.copytree(made / "own blobs", target, symlinks=True)
    blob = Path(os.path.realpath(target / "model" / "empty.txt"))
    blob.chmod(0o600)
    blob.write_bytes(b"\0")
    assert differing(outcome(target / "model", tmp_path)) == {"empty.txt": "corrupt"}
