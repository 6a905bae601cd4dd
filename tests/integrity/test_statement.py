"""The in-toto statement of a lock, signed with a key by the real model-signing, verifies the directory; damage does not."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import hub_factory as hub
import pytest
from command_runs import PROJECT
from model_factory import model_dir

from resolver.integrity.statement import is_statement


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """With what model-signing leaves out by itself, and with names whose order depends on how one sorts."""
    root = model_dir(tmp_path / "tiny", shards=2)
    for name in (".gitattributes", "README.md", "a-b/x.txt", "a/x.txt", "a.txt", "Über.txt"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    return root


def lock(model: Path, place: Path) -> tuple[Path, Path]:
    """A lock and a statement, both beside the model's files."""
    written = (model / "resolver.lock", model / "model.intoto.json")
    words = ["lock", model, "--output", written[0], "--statement", written[1]]
    variables = {"HOME": str(place), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-m", "resolver", *map(str, words)], env=variables, cwd=place, check=True)
    return written


def test_the_statement_has_the_form_of_its_kind(model: Path, tmp_path: Path) -> None:
    _, path = lock(model, tmp_path)
    told = json.loads(path.read_text())
    assert is_statement(path.read_bytes())
    assert (told["_type"], told["predicateType"]) == (
        "https://in-toto.io/Statement/v1",
        "https://model_signing/signature/v1.0",
    )
    assert told["subject"][0]["name"] == "tiny"
    names = [each["name"] for each in told["predicate"]["resources"]]
    assert ".gitattributes" not in names
    assert "resolver.lock" not in names
    assert "model.intoto.json" in told["predicate"]["serialization"]["ignore_paths"]
    before = path.read_bytes()
    lock(model, tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"_type": "https://in-toto.io/Statement/v1"}'])
def test_other_bytes_are_no_statement(data: bytes) -> None:
    assert not is_statement(data)


class Signed:
    """The real package: signs the payload that we wrote, and verifies a directory with what came of it."""

    def __init__(self, place: Path) -> None:
        pytest.importorskip("model_signing", reason="model-signing is not installed; make setup installs it")
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        self.private, self.public, self.signature = place / "key.pem", place / "key.pub", place / "model.sig"
        plain = serialization.NoEncryption()
        pem = serialization.Encoding.PEM
        self.private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public.write_bytes(key.public_key().public_bytes(pem, form))

    def sign(self, statement: Path) -> None:
        from google.protobuf import json_format
        from in_toto_attestation.v1 import statement_pb2
        from model_signing._signing.sign_ec_key import Signer

        message = json_format.Parse(statement.read_text(), statement_pb2.Statement())
        payload = SimpleNamespace(statement=SimpleNamespace(pb=message))
        Signer(self.private).sign(payload).write(self.signature)

    def verify(self, model: Path, *, links: bool = False) -> None:
        from model_signing import hashing, verifying

        config = verifying.Config().use_elliptic_key_verifier(public_key=self.public)
        if links:
            config = config.set_hashing_config(hashing.Config().set_allow_symlinks(True))
        config.verify(model, self.signature)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    (tmp_path / "keys").mkdir()
    return Signed(tmp_path / "keys")


def test_the_real_package_verifies_the_directory(model: Path, tmp_path: Path, signed: Signed) -> None:
    _, statement = lock(model, tmp_path)
    signed.sign(statement)
    signed.verify(model)


@pytest.mark.parametrize("damage", ["bit", "one less", "one more"])
def test_the_real_package_refuses_a_changed_directory(model, tmp_path, signed, damage) -> None:
    _, statement = lock(model, tmp_path)
    signed.sign(statement)
    if damage == "bit":
        hub.flip(model / "model-00002-of-00002.safetensors")
    elif damage == "one less":
        (model / "README.md").unlink()
    else:
        (model / "extra.txt").write_text("x")
    with pytest.raises(ValueError, match="Signature mismatch"):
        signed.verify(model)


def test_the_root_digest_is_the_one_that_the_package_makes(model: Path, tmp_path: Path, signed: Signed) -> None:
    """Of the same files by the package's own hashing: equal resources, in its own order."""
    from model_signing import hashing
    from model_signing._signing.signing import Payload

    _, statement = lock(model, tmp_path)
    told = json.loads(statement.read_text())
    ignored = [Path(each) for each in told["predicate"]["serialization"]["ignore_paths"]]
    theirs = hashing.Config().set_ignored_paths(paths=ignored).hash(model)
    payload = Payload(theirs).statement.pb
    assert {(each["name"], each["digest"]) for each in told["predicate"]["resources"]} == {
        (each.identifier, each.digest.digest_hex) for each in theirs.resource_descriptors()
    }
    assert payload.subject[0].digest["sha256"] == told["subject"][0]["digest"]["sha256"]


def test_a_snapshot_of_links_verifies_where_links_are_allowed(model: Path, tmp_path: Path, signed: Signed) -> None:
    snapshot = hub.cached(tmp_path / "hub", model)
    target = tmp_path / "s.json"
    variables = {"HOME": str(tmp_path), "PYTHONPATH": str(PROJECT), "PYTHONDONTWRITEBYTECODE": "1"}
    words = ["lock", str(snapshot), "--output", str(tmp_path / "x.lock"), "--statement", str(target)]
    subprocess.run([sys.executable, "-m", "resolver", *words], env=variables, cwd=tmp_path, check=True)
    signed.sign(target)
    signed.verify(snapshot, links=True)
