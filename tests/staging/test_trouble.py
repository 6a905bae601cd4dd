"""Staging in trouble: hostile names, damaged and changing sources, full disks, rights. Clear words, nothing lost."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hub_factory import HUB_ID, blob_of, cached, downloaded, flip
from model_factory import edit_json, model_dir
from staging_bundles import PROJECT, contents, stage, untouched, with_texts

from resolver.inspection.describe import describe
from resolver.staging import copying
from resolver.staging.plan import SourceFault, refuse_collisions

SHARD = "model-00002-of-00003.safetensors"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return with_texts(model_dir(tmp_path / "a model", shards=3))


def names_in(root: Path) -> set[str]:
    return {each.name for each in root.iterdir()}


@pytest.mark.parametrize("kind", ["licence", "shard", "config"])
def test_a_link_that_leads_out_is_refused_before_a_byte_is_written(model, tmp_path, capsys, kind) -> None:
    name = {"licence": "LICENSE", "shard": SHARD, "config": "tokenizer_config.json"}[kind]
    (tmp_path / "secret").write_bytes((model / name).read_bytes())
    (model / name).unlink()
    (model / name).symlink_to(tmp_path / "secret")
    assert stage(model, "--to", tmp_path / "new") in (1, 3)
    assert name in capsys.readouterr().err
    assert names_in(tmp_path) == {"a model", "secret"}


@pytest.mark.parametrize("name", ["a\\b.py", "aux.py", "x:y.py", "con/x.py", "line\nbreak.py", "trailing .py /x.py"])
def test_names_that_another_system_would_take_for_something_else_are_refused(model, tmp_path, capsys, name) -> None:
    parts = [{"idx": 0, "name": "0", "path": "2_Part", "type": "sentence_transformers.models.Dense"}]
    (model / "modules.json").write_text(json.dumps(parts))
    (model / "2_Part" / name).parent.mkdir(parents=True)
    (model / "2_Part" / name).write_text("x")
    if "/" in name:  # deeper than a part's own files: it is not staged at all
        assert stage(model, "--to", tmp_path / "new") == 0
        assert not [each for each in contents(tmp_path / "new") if "con" in each.split("/") or " /" in each]
        return
    assert stage(model, "--to", tmp_path / "new") == 1
    assert "holds the name" in capsys.readouterr().err
    assert names_in(tmp_path) == {"a model"}


def test_names_that_a_disk_without_case_takes_for_one_are_refused(model, tmp_path, capsys) -> None:
    (model / "License").write_text("another text")
    assert stage(model, "--to", tmp_path / "new") == 1
    assert "LICENSE and License are one file on a disk that does not tell case apart" in capsys.readouterr().err
    assert names_in(tmp_path) == {"a model"}


@pytest.mark.parametrize("names", [("a/x", "A/y"), ("ä", "a\u0308"), ("STRASSE", "straße")])
def test_folders_accents_and_sharp_letters_collide_too(names) -> None:
    with pytest.raises(SourceFault):
        refuse_collisions(names)


def test_a_damaged_source_is_refused_before_the_bundle_is_finished(model, tmp_path, monkeypatch, capsys) -> None:
    snapshot = cached(tmp_path / "hub", model)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    flip(blob_of(snapshot, SHARD))
    before = untouched(tmp_path / "hub")
    assert stage(HUB_ID, "--to", tmp_path / "new") == 1
    err = capsys.readouterr().err
    assert "it is damaged" in err
    assert SHARD in err
    assert not (tmp_path / "new").exists()
    assert SHARD not in contents(tmp_path)
    assert untouched(tmp_path / "hub") == before


@pytest.mark.parametrize("name", ["config.json", "README.md", SHARD])
@pytest.mark.parametrize("flags", [(), ("--shard-size", "8KB"), ("--link",)], ids=["copy", "reshard", "link"])
def test_damage_of_any_file_is_found_on_every_way(model, tmp_path, monkeypatch, name, flags) -> None:
    snapshot = cached(tmp_path / "hub", model)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    blob = blob_of(snapshot, name)
    if name.endswith(".json"):
        blob.write_bytes(blob.read_bytes().replace(b'"silu"', b'"gelu"'))
    else:
        flip(blob)
    assert stage(HUB_ID, "--to", tmp_path / "new", *flags) == 1
    assert not (tmp_path / "new").exists()


def test_a_staged_bundle_that_rotted_is_not_staged_again(model, tmp_path, capsys) -> None:
    stage(model, "--to", tmp_path / "one")
    flip(tmp_path / "one" / SHARD)
    assert stage(tmp_path / "one", "--to", tmp_path / "two") == 1
    assert "resolver.lock has" in capsys.readouterr().err


def test_a_downloaded_file_that_was_edited_since_is_no_damage(model, tmp_path) -> None:
    root = downloaded(tmp_path / "local", model)
    edit_json(root / "config.json", lambda config: config | {"pad_token_id": 4})
    os.utime(root / "config.json", (4e9, 4e9))
    assert stage(root, "--to", tmp_path / "new") == 0


def test_a_source_that_changes_while_it_is_read_is_refused(model, tmp_path, monkeypatch, capsys) -> None:
    changed = copying._changed

    def late(file):
        if file.name == SHARD:
            (model / SHARD).write_bytes((model / SHARD).read_bytes()[:-1] + b"\x01")
        return changed(file)

    monkeypatch.setattr(copying, "_changed", late)
    assert stage(model, "--to", tmp_path / "new") == 1
    assert "changed while it was read" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
    monkeypatch.undo()
    assert stage(model, "--to", tmp_path / "new") == 0
    assert (tmp_path / "new" / SHARD).read_bytes() == (model / SHARD).read_bytes()


def test_two_at_once_do_not_disturb_each_other(model, tmp_path) -> None:
    command = [sys.executable, "-m", "resolver", "stage", str(model), "--to", str(tmp_path / "new")]
    for _ in range(3):
        running = [
            subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in "abcd"
        ]
        told = [(each.communicate(timeout=60)[1], each.returncode) for each in running]
        codes = [code for _, code in told]
        assert min(codes) == 0, told
        assert set(codes) <= {0, 2}, told
        assert names_in(tmp_path) == {"a model", "new"}
        shutil.rmtree(tmp_path / "new")
    assert stage(model, "--to", tmp_path / "new") == 0


def test_what_is_not_ours_beside_the_target_is_left_alone(model, tmp_path, capsys) -> None:
    (tmp_path / "new.incomplete").mkdir()
    (tmp_path / "new.incomplete" / "mine").write_text("mine")
    assert stage(model, "--to", tmp_path / "new") == 2
    assert "is in the way" in capsys.readouterr().err
    assert (tmp_path / "new.incomplete" / "mine").read_text() == "mine"


def test_a_target_inside_the_source_is_refused(model, capsys) -> None:
    before = untouched(model)
    for target in (model / "new", model / "onnx" / "new"):
        assert stage(model, "--to", target) == 2
        assert "which is only read" in capsys.readouterr().err
    assert stage(model, "--to", model) == 2
    assert untouched(model) == before


def test_a_mere_file_size_limit_is_told_and_the_next_run_goes_on(model, tmp_path) -> None:
    """EFBIG, as some file systems say it."""
    code = (
        "import resource, signal, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (11000, 11000)); "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "from resolver.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "stage", str(model), "--to", str(tmp_path / "new")],
        capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert done.returncode == 4
    assert "make room and run the same command again" in done.stderr
    assert not (tmp_path / "new").exists()
    # Two files are copied at once: a small one may be finished before the large one fails, and is kept, marked as such.
    assert names_in(tmp_path) <= {"a model", "new.incomplete"}
    kept = tmp_path / "new.incomplete"
    assert not kept.exists() or "This directory is incomplete" in (kept / "INCOMPLETE.txt").read_text()
    assert stage(model, "--to", tmp_path / "new") == 0
    assert not (tmp_path / "new.incomplete").exists()


def in_namespace(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a shell script as root of a user and mount namespace of its own."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rm", "true"], check=False).returncode:
        pytest.skip("no user namespaces here")
    variables = {**os.environ, "PYTHONPATH": str(PROJECT), "PY": sys.executable}
    return subprocess.run(
        [unshare, "-rm", "sh", "-c", script, "sh", *map(str, arguments)],
        capture_output=True, text=True, check=False, env=variables, timeout=120,
    )  # fmt: skip


FULL = """
mount -t tmpfs -o size=36k none "$2" || exit 99
"$PY" -m resolver stage "$1" --to "$2/new"; code=$?
ls "$2" "$2/new.incomplete"
mount -o remount,size=1m "$2"
"$PY" -m resolver stage "$1" --to "$2/new" || exit 98
ls "$2"
exit $code
"""


def test_a_disk_that_fills_up_is_told_and_the_next_run_goes_on(model, tmp_path, monkeypatch) -> None:
    """A real one. What is free is not believed here, so that the write itself fails."""
    (tmp_path / "disk").mkdir()
    fill = FULL.replace('"$PY" -m resolver stage "$1" --to "$2/new"; code', f"{UNCHECKED}; code")
    done = in_namespace(fill, model, tmp_path / "disk")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "No space left on device" in done.stderr
    assert "make room and run the same command again" in done.stderr
    first, _, second = done.stdout.partition("made: ")
    assert "new.incomplete" in first
    assert second.split()[-1] == "new"


UNCHECKED = (
    '"$PY" -c \'import shutil, sys; from collections import namedtuple as n; '
    'shutil.disk_usage = lambda _: n("Usage", "total used free")(9**9, 0, 9**9); '
    'from resolver.cli import main; sys.exit(main(sys.argv[1:]))\' stage "$1" --to "$2/new"'
)


def test_a_disk_that_is_too_small_is_seen_before_anything_is_copied(model, tmp_path) -> None:
    (tmp_path / "disk").mkdir()
    small = 'mount -t tmpfs -o size=24k none "$2" || exit 99; "$PY" -m resolver stage "$1" --to "$2/new"; c=$?; ls "$2"; exit $c'
    done = in_namespace(small, model, tmp_path / "disk")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "are needed beside" in done.stderr
    assert done.stdout == ""


def test_a_target_that_cannot_be_written_is_usage(model, tmp_path) -> None:
    (tmp_path / "disk").mkdir()
    script = 'mount -t tmpfs -o ro none "$2" || exit 99; "$PY" -m resolver stage "$1" --to "$2/new"'
    done = in_namespace(script, model, tmp_path / "disk")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Read-only file system" in done.stderr


def test_a_source_that_cannot_be_written_is_staged_all_the_same(model, tmp_path) -> None:
    script = (
        'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" || exit 99; "$PY" -m resolver stage "$1" --to "$2"'
    )
    done = in_namespace(script, model, tmp_path / "new")
    assert done.returncode == 0, done.stdout + done.stderr
    assert describe(tmp_path / "new").config.present
