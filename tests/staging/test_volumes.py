"""--volume-size and --join: what is cut is joined again, by us and by plain tools; what went wrong is named first."""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from model_factory import model_dir
from staging_bundles import contents, stage, untouched, with_texts

from resolver.inspection.lock import tree_digest


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    model = with_texts(model_dir(tmp_path / "a model", shards=3))
    (model / "additional_chat_templates").mkdir()
    (model / "additional_chat_templates" / "rag.jinja").write_text("{{ messages }}")
    assert stage(model, "--to", tmp_path / "new", "--volume-size", "10KB") == 0
    return tmp_path / "new"


def volumes(bundle: Path) -> Path:
    return bundle.with_name("new.volumes")


def join(bundle: Path, target: Path) -> int:
    return stage("--join", volumes(bundle) / "receipt.json", "--to", target)


def test_volumes_are_joined_to_the_same_bundle(bundle, tmp_path) -> None:
    assert join(bundle, tmp_path / "joined") == 0
    assert contents(tmp_path / "joined") == contents(bundle)
    assert not (tmp_path / "joined.incomplete").exists()
    assert join(bundle, tmp_path / "joined") == 0
    (tmp_path / "joined" / "config.json").write_text("{}")
    assert join(bundle, tmp_path / "joined") == 2


def test_plain_tools_join_them_too(bundle, tmp_path) -> None:
    (tmp_path / "plain").mkdir()
    subprocess.run(f"cat '{volumes(bundle)}'/*.vol | tar x", shell=True, check=True, cwd=tmp_path / "plain")  # noqa: S602
    told = {name: sha256 for name, (sha256, _) in contents(tmp_path / "plain").items()}
    assert told == {name: sha256 for name, (sha256, _) in contents(bundle).items()}


def test_the_receipt_says_what_was_sent_and_nothing_of_this_machine(bundle) -> None:
    told = json.loads((volumes(bundle) / "receipt.json").read_text())
    assert len(told["volumes"]) > 3
    for each in told["volumes"]:
        data = (volumes(bundle) / each["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (each["size"], each["sha256"])
        assert len(data) <= 10_000
    files = {name: sha256 for name, (sha256, _) in contents(bundle).items() if (bundle / name).is_file()}
    assert told["tree_sha256"] == tree_digest(files.items())
    assert told["files"] == len(files)
    text = (volumes(bundle) / "receipt.json").read_text()
    assert str(bundle.parent) not in text


def test_two_cuts_are_equal_and_a_second_run_sees_that_they_are_there(bundle, tmp_path, capsys) -> None:
    before = untouched(volumes(bundle))
    assert stage(tmp_path / "a model", "--to", bundle, "--volume-size", "10KB") == 0
    assert untouched(volumes(bundle)) == before
    assert stage(tmp_path / "a model", "--to", bundle, "--volume-size", "20KB") == 2
    assert "holds other volumes" in capsys.readouterr().err
    shutil.rmtree(volumes(bundle))
    assert stage(tmp_path / "a model", "--to", bundle, "--volume-size", "10KB") == 0
    assert contents(volumes(bundle)) == {name: told[:2] for name, told in before.items()}


def _swap(one: Path, two: Path) -> None:
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


DAMAGES = {
    "missing": (lambda one, two: one.unlink(), "volumes are not in"),
    "short": (lambda one, two: one.write_bytes(one.read_bytes()[:-1]), "have another size"),
    "flipped": (lambda one, two: one.write_bytes(one.read_bytes()[:-1] + bytes([one.read_bytes()[-1] ^ 1])), "damaged"),
    "swapped": (_swap, "its content is that of bundle.0000"),
    "renamed": (lambda one, two: one.rename(one.with_name("other.vol")), "volumes are not in"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_volume_that_is_not_what_was_sent_is_named_before_anything_is_written(bundle, tmp_path, capsys, what) -> None:
    damage, said = DAMAGES[what]
    damage(volumes(bundle) / "bundle.00001.vol", volumes(bundle) / "bundle.00002.vol")
    names = {each.name for each in tmp_path.iterdir()}
    assert join(bundle, tmp_path / "joined") == 1
    err = capsys.readouterr().err
    assert said in err
    assert "bundle.00001.vol" in err
    assert {each.name for each in tmp_path.iterdir()} == names


def packed(folder: Path, *members: tarfile.TarInfo) -> Path:
    """One volume of those members with a receipt that fits it, as somebody with bad intentions would send."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for each in members:
            archive.addfile(each, io.BytesIO(b"x" * each.size))
    folder.mkdir()
    (folder / "bundle.00001.vol").write_bytes(made.getvalue())
    digest = hashlib.sha256(made.getvalue()).hexdigest()
    volume = {"name": "bundle.00001.vol", "size": len(made.getvalue()), "sha256": digest}
    files = [each for each in members if each.isfile()]
    told = {"schema_version": 1, "tool": {"name": "t", "version": "1"}, "volumes": [volume], "files": len(files),
            "size": sum(each.size for each in files),
            "tree_sha256": tree_digest((each.name, hashlib.sha256(b"x" * each.size).hexdigest()) for each in files)}  # fmt: skip
    (folder / "receipt.json").write_text(json.dumps(told))
    return folder / "receipt.json"


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 3) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size = kind, size if kind == tarfile.REGTYPE else 0
    made.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    return made


@pytest.mark.parametrize(
    "bad",
    [member("../x"), member("/tmp/x"), member("a/../../x"), member("link", tarfile.SYMTYPE), member("l", tarfile.LNKTYPE),
     member("pipe", tarfile.FIFOTYPE), member("device", tarfile.CHRTYPE), member("A"), member("con"), member("x" * 300)],
    ids=lambda each: f"{each.name[:12]}-{each.type.decode()}",
)  # fmt: skip
def test_what_a_tar_must_not_hold_is_refused(tmp_path, bad) -> None:
    receipt = packed(tmp_path / "sent", member("a"), bad)
    assert stage("--join", receipt, "--to", tmp_path / "new") == 1
    assert {each.name for each in tmp_path.iterdir()} == {"sent"}


def test_a_tar_that_holds_more_than_was_announced_is_refused(tmp_path) -> None:
    receipt = packed(tmp_path / "sent", member("a"), member("b"))
    told = json.loads(receipt.read_text())
    for change in ({"files": 1}, {"size": 3}, {"tree_sha256": "0" * 64}):
        receipt.write_text(json.dumps({**told, **change}))
        assert stage("--join", receipt, "--to", tmp_path / "new") == 1
        assert {each.name for each in tmp_path.iterdir()} == {"sent"}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"a": NaN}', "not json", "[" * 100_000])
def test_what_is_no_receipt_is_said_to_be_none(tmp_path, text, capsys) -> None:
    (tmp_path / "receipt.json").write_text(text)
    assert stage("--join", tmp_path / "receipt.json", "--to", tmp_path / "new") == 1
    assert "is no receipt" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/passwd", "con", ""])
def test_a_receipt_cannot_name_files_elsewhere(tmp_path, name) -> None:
    receipt = packed(tmp_path / "sent", member("a"))
    told = json.loads(receipt.read_text())
    told["volumes"][0]["name"] = name
    receipt.write_text(json.dumps(told))
    assert stage("--join", receipt, "--to", tmp_path / "new") == 1


def test_a_receipt_that_is_not_there_is_a_wrong_command_line(tmp_path, capsys) -> None:
    for receipt in (tmp_path / "receipt.json", tmp_path):
        assert stage("--join", receipt, "--to", tmp_path / "new") == 2
        assert capsys.readouterr().err == f"error: --join {receipt} is no file\n"
