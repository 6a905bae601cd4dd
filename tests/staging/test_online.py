"""Staging from the hub and from Kaggle: the real clients, local servers in place of the sites."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hub_factory import COMMIT
from hub_server import HubServer
from kaggle_server import KaggleServer
from local_server import Fault
from model_factory import model_dir
from staging_bundles import PROJECT, contents, with_texts

TOKEN, KAGGLE_TOKEN = "hf_" + "a1B2" * 8, "KGAT_" + "c3D4" * 8
HANDLE = "org/tiny/transformers/8b"
NEXT = "f" * 40


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_texts(model_dir(tmp_path_factory.mktemp("model") / "tiny", shards=2))


@pytest.fixture
def hub(model: Path):
    with HubServer() as server:
        server.add_user(TOKEN, "me")
        server.add_repo("org/tiny", model)
        yield server


def stage(home: Path, server, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a home of its own."""
    home.mkdir(exist_ok=True)
    plain = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "resolver", "stage", *map(str, arguments)]
    environment = {**plain, **server.variables(), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=home, timeout=120)


def test_a_model_of_the_hub_is_staged_at_the_commit_that_its_branch_had(hub, model, tmp_path) -> None:
    done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
    assert (done.returncode, done.stderr) == (0, "")
    lock = json.loads((tmp_path / "new" / "resolver.lock").read_text())["models"][0]
    assert (lock["reference"], lock["path"]) == ("org/tiny", ".")
    assert lock["source"] == {"kind": "hub", "id": "org/tiny", "revision": COMMIT}
    kept = {name for name in contents(model) if (model / name).is_file()}
    assert set(lock["files"]) < kept
    assert "onnx/model.onnx" not in lock["files"]
    for name in set(lock["files"]) - {"README.md"}:
        assert (tmp_path / "new" / name).read_bytes() == (model / name).read_bytes()
    assert not (tmp_path / "new.incomplete").exists()
    assert not [asked for asked in hub.asked("/resolve/") if "onnx" in asked or "pytorch_model" in asked]


def test_a_gated_model_is_refused_with_what_to_do_and_without_the_token(hub, tmp_path) -> None:
    hub.repos["org/tiny"].gated = "manual"
    done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new", HF_TOKEN=TOKEN)
    assert done.returncode == 1
    assert "403" in done.stderr
    assert "resolver access org/tiny" in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    assert not (tmp_path / "new").exists()
    hub.repos["org/tiny"].grants["me"] = "accepted"
    done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new", HF_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    assert not [each for each in tmp_path.rglob("*") if each.is_file() and TOKEN.encode() in each.read_bytes()]


def test_a_run_that_the_network_ended_goes_on_with_the_same_commit(hub, model, tmp_path) -> None:
    """The branch moves meanwhile; what was begun at one commit is not mixed with another."""
    shard = "model-00002-of-00002.safetensors"
    hub.repos["org/tiny"].commits[NEXT] = {**hub.repos["org/tiny"].commits[COMMIT], "config.json": b"{}"}
    broken = hub.repos["org/tiny"].commits[COMMIT].pop(shard)
    first = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
    assert first.returncode == 1
    assert "INCOMPLETE.txt" in {each.name for each in (tmp_path / "new.incomplete").iterdir()}
    hub.repos["org/tiny"].commits[COMMIT][shard] = broken
    hub.repos["org/tiny"].refs["main"] = NEXT
    hub.requests.clear()
    second = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
    assert second.returncode == 0, second.stderr
    lock = json.loads((tmp_path / "new" / "resolver.lock").read_text())["models"][0]
    assert lock["source"]["revision"] == COMMIT
    assert (tmp_path / "new" / "config.json").read_bytes() == (model / "config.json").read_bytes()


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a\0b", "x" * 4096, "CON.json", "a/../b", "Config.json"], ids=lambda name: repr(name[:9])
)
def test_a_listing_with_a_hostile_name_is_refused_before_anything_is_fetched(hub, tmp_path, name) -> None:
    hub.repos["org/tiny"].commits[COMMIT][name] = b"{}"
    done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
    assert done.returncode == 1
    assert hub.asked("/resolve/") == []
    assert [each.name for each in tmp_path.iterdir()] == ["home"]
    assert [each.name for each in tmp_path.rglob("x*") if "home" not in each.parts] == []


def test_bytes_that_are_not_those_of_the_listing_are_refused(hub, tmp_path) -> None:
    """The client looks at sizes alone."""
    listing = hub.repos["org/tiny"].commits[COMMIT]
    shard = "model-00001-of-00002.safetensors"
    data = bytearray(listing[shard].read_bytes())
    data[-3] ^= 0x10
    right = listing[shard].read_bytes()
    hub.storage.respond = _wrong(hub.storage.respond, right, bytes(data))
    done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert not (tmp_path / "new").exists()


def _wrong(respond, right: bytes, wrong: bytes):
    from dataclasses import replace

    def answer(request):
        told = respond(request)
        return replace(told, body=wrong) if told.body == right else told

    return answer


def test_a_model_of_kaggle_is_staged_at_the_version_that_was_the_newest(model, tmp_path) -> None:
    with KaggleServer() as kaggle:
        kaggle.add_user(KAGGLE_TOKEN, "me")
        kaggle.add_model(HANDLE, {1: {"config.json": b"{}"}, 3: model}, consent=True)
        refused = stage(
            tmp_path / "home", kaggle, HANDLE, "--online", "--to", tmp_path / "new", KAGGLE_API_TOKEN=KAGGLE_TOKEN
        )
        assert refused.returncode == 1
        assert "resolver access" in refused.stderr
        assert KAGGLE_TOKEN not in refused.stderr + refused.stdout
        kaggle.variations[HANDLE].consented.add("me")
        done = stage(
            tmp_path / "home", kaggle, HANDLE, "--online", "--to", tmp_path / "new", KAGGLE_API_TOKEN=KAGGLE_TOKEN
        )
        assert done.returncode == 0, done.stderr
        assert not [each for each in kaggle.asked("/storage/") if "onnx" in each or "pytorch_model" in each]
    lock = json.loads((tmp_path / "new" / "resolver.lock").read_text())["models"][0]
    assert lock["source"] == {"kind": "kaggle", "id": HANDLE, "revision": "3"}
    assert (tmp_path / "new" / "config.json").read_bytes() == (model / "config.json").read_bytes()


def test_weights_are_divided_on_the_way_and_what_was_fetched_is_gone_afterwards(hub, tmp_path) -> None:
    flags = ("--online", "--shard-size", "8KB", "--volume-size", "20KB")
    done = stage(tmp_path / "home", hub, "org/tiny", *flags, "--to", tmp_path / "new")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "new").glob("*.safetensors"))) == 5
    assert {each.name for each in tmp_path.iterdir()} == {"home", "new", "new.volumes"}


def test_the_child_that_fetches_does_not_outlive_its_parent(hub, tmp_path) -> None:
    hub.faults.append(Fault("/resolve/", delay_s=30))
    (tmp_path / "home").mkdir()
    variables = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(PROJECT), **hub.variables()}
    command = [sys.executable, "-m", "resolver", "stage", "org/tiny", "--online", "--to", str(tmp_path / "new")]
    with subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while not hub.asked("/resolve/") and time.monotonic() < deadline:
            time.sleep(0.05)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
    assert len(children) == 1
    while Path(f"/proc/{children[0]}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{children[0]}/stat").read_text().split()[2] == "Z":
            break
        time.sleep(0.05)
    assert time.monotonic() < deadline


def test_without_the_extra_it_says_what_to_install(hub, tmp_path) -> None:
    (tmp_path / "home").mkdir()
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from resolver.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["stage", "org/tiny", "--online", "--to", str(tmp_path / "new")]
    command = [sys.executable, "-S", "-E", "-c", code, str(PROJECT), *arguments]
    done = subprocess.run(command, env=hub.variables(), capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert "pip install 'offline-resolver[online]'" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["home"]


def test_without_online_nothing_is_asked_of_anybody(hub, tmp_path) -> None:
    done = stage(tmp_path / "home", hub, "org/tiny", "--to", tmp_path / "new")
    assert done.returncode == 3
    assert hub.requests == []


def test_a_bundle_that_is_there_already_is_known_and_nothing_is_left_beside_it(hub, tmp_path) -> None:
    for state in ("made", "already there"):
        done = stage(tmp_path / "home", hub, "org/tiny", "--online", "--to", tmp_path / "new")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(state)
        assert not (tmp_path / "new.incomplete").exists()
