"""resolver lock: the same bytes for the same model, and nothing at all where one of its files is in doubt."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import hub_factory as hub
import pytest
from model_factory import model_dir

from resolver import locking
from resolver.inspection.lock import Lock, read_lock


def lock_of(path: Path) -> Lock:
    lock = read_lock(path)
    assert isinstance(lock, Lock), lock
    return lock


def left_over(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir() if each.name.startswith("."))


def test_it_writes_every_file_and_says_what(resolver, machine: Path, good: Path) -> None:
    ran = resolver("lock", good, "--output", good / "resolver.lock")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"locked: {good / 'resolver.lock'}\n  1 model, 4 files, ")
    (model,) = lock_of(good / "resolver.lock").models
    assert (model.reference, model.path) == ("./", ".")
    assert set(model.files) == {each.name for each in good.iterdir()} - {"resolver.lock"}
    assert str(machine) not in (good / "resolver.lock").read_text()


def test_equal_models_give_equal_bytes_wherever_and_whenever(resolver, machine: Path) -> None:
    written = []
    for place in ("a", "b/c"):
        root = model_dir(machine / place / "m")
        assert resolver("lock", root, "--output", machine / place / "x.lock").code == 0
        written.append((machine / place / "x.lock").read_bytes())
    os.utime(machine / "a" / "m" / "config.json", (0, 0))
    assert resolver("lock", machine / "a" / "m", "--output", machine / "a" / "x.lock").code == 0
    assert len({*written, (machine / "a" / "x.lock").read_bytes()}) == 1


@pytest.mark.parametrize(
    ("target", "place"),
    [("x.lock", ("./good", "good")), ("good/resolver.lock", ("./", ".")), ("work/x.lock", ("../good", "../good")),
     ("good/deep/x.lock", ("../", ".."))],
)  # fmt: skip
def test_a_directory_stands_in_it_relative_to_it(resolver, machine, good, target, place) -> None:
    (machine / target).parent.mkdir(exist_ok=True)
    assert resolver("lock", good, "--output", machine / target).code == 0
    (model,) = lock_of(machine / target).models
    assert (model.reference, model.path) == place
    assert resolver("verify", machine / target).code == 0


def test_a_link_to_a_snapshot_keeps_the_name_by_which_it_was_named(resolver, machine: Path) -> None:
    (machine / "link").symlink_to(hub.cached(machine / "cache", model_dir(machine / "m"), shared=True))
    assert resolver("lock", machine / "link", "--output", machine / "x.lock").code == 0
    (model,) = lock_of(machine / "x.lock").models
    assert (model.reference, model.source.kind, model.source.id) == ("./link", "hub", hub.HUB_ID)


def test_a_mounted_model_is_named_by_its_reference_and_has_no_path(resolver, machine: Path) -> None:
    model_dir(machine / "input" / "gemma" / "transformers" / "2b" / "3")
    handle = "google/gemma/transformers/2b/3"
    assert resolver("lock", handle, "--output", "x.lock").code == 0
    (model,) = lock_of(machine / "work" / "x.lock").models
    assert (model.reference, model.path, model.source.kind) == (handle, None, "kaggle")
    assert resolver("verify", "x.lock").code == 0


def test_several_models_are_locked_together_or_not_at_all(resolver, machine: Path, good: Path) -> None:
    other = model_dir(machine / "other")
    assert resolver("lock", other, good, "--output", machine / "x.lock").code == 0
    assert [each.reference for each in lock_of(machine / "x.lock").models] == ["./good", "./other"]
    (other / "out").symlink_to("/etc/passwd")
    before = (machine / "x.lock").read_bytes()
    ran = resolver("lock", other, good, "--output", machine / "x.lock")
    assert ran.code == 1
    assert "out cannot be read: a link that leaves the directory is not followed" in ran.err
    assert "nothing was written" in ran.err
    assert (machine / "x.lock").read_bytes() == before


def test_deep_folders_belong_to_it(resolver, machine: Path, good: Path) -> None:
    (good / "a/b/c/d").mkdir(parents=True)
    (good / "a/b/c/d/x.bin").write_bytes(b"x")
    assert resolver("lock", good, "--output", machine / "x.lock").code == 0
    assert "a/b/c/d/x.bin" in lock_of(machine / "x.lock").models[0].files
    hub.flip(good / "a/b/c/d/x.bin", 0)
    assert resolver("verify", machine / "x.lock").code == 1


def test_what_is_no_part_of_a_model_is_left_out(resolver, good: Path) -> None:
    for name in (".git", ".cache", "__pycache__"):
        (good / name).mkdir()
        (good / name / "x").write_text("x")
    (good / "resolver.lock").write_text("{}")
    ran = resolver("lock", good, "--output", good / "mine.lock", "--statement", good / "mine.json")
    assert ran.code == 0
    names = set(lock_of(good / "mine.lock").models[0].files)
    assert names == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert resolver("lock", good, "--output", good / "mine.lock", "--statement", good / "mine.json").code == 0
    assert set(lock_of(good / "mine.lock").models[0].files) == names


@pytest.mark.parametrize("name", ["a\\b", "nul", "a:b", "x.", "a\nb", b"\xff\xfe".decode("utf-8", "surrogateescape")])
def test_a_name_that_could_be_another_file_is_refused(resolver, machine: Path, good: Path, name: str) -> None:
    (good / name).write_text("x")
    ran = resolver("lock", good, "--output", machine / "x.lock")
    assert ran.code == 1
    assert "cannot be locked" in ran.err
    assert not (machine / "x.lock").exists()


@pytest.mark.parametrize("kind", ["broken link", "pipe", "link to a directory", "no right"])
def test_a_file_that_cannot_be_read_is_refused(resolver, machine: Path, good: Path, kind: str) -> None:
    place = good / "odd"
    if kind == "broken link":
        place.symlink_to("nowhere")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "link to a directory":
        (good / "folder").mkdir()
        place.symlink_to("folder")
    else:
        place.write_text("x")
        place.chmod(0)
        if os.access(place, os.R_OK):
            pytest.skip("this user may read everything")
    ran = resolver("lock", good, "--output", machine / "x.lock")
    assert ran.code == 1
    assert "odd cannot be read" in ran.err
    assert ("it is a pipe, a socket or a device" in ran.err) == (kind == "pipe")
    assert not (machine / "x.lock").exists()


def test_a_directory_with_more_than_is_listed_is_refused(resolver, machine, good, monkeypatch) -> None:
    monkeypatch.setattr("resolver.inspection.files.MAX_FILES", 3)
    ran = resolver("lock", good, "--output", machine / "x.lock")
    assert ran.code == 1
    assert "more files than are listed" in ran.err


@pytest.mark.parametrize("change", ["bytes", "another file", "one less"])
def test_a_model_that_changes_while_it_is_read_is_refused(resolver, machine, good, monkeypatch, change) -> None:
    """The change comes after the file was hashed, and puts the time back."""
    hashing = locking.hash_resumably

    def changed(*arguments):
        done = hashing(*arguments)
        if change == "bytes":
            hub.flip(good / "tokenizer_config.json")
        elif change == "another file":
            (good / "added_tokens.json").write_text("{}")
        else:
            (good / "tokenizer_config.json").unlink()
        return done

    monkeypatch.setattr(locking, "hash_resumably", changed)
    ran = resolver("lock", good, "--output", machine / "x.lock")
    assert ran.code == 1
    assert "changed while it was read" in ran.err
    assert not (machine / "x.lock").exists()


def test_a_lock_is_replaced_and_nothing_else_is(resolver, machine: Path, good: Path) -> None:
    target = machine / "x.lock"
    assert resolver("lock", good, "--output", target).code == 0
    (good / "README.md").write_text("# new\n")
    assert resolver("lock", good, "--output", target).code == 0
    assert "README.md" in lock_of(target).models[0].files
    target.write_text("my notes\n")
    ran = resolver("lock", good, "--output", target)
    assert ran.code == 2
    assert "exists and is no lock; --force replaces it" in ran.err
    assert target.read_text() == "my notes\n"
    assert resolver("lock", good, "--output", target, "--force").code == 0
    assert left_over(machine) == []


def test_an_output_that_cannot_be_written_is_2_before_a_byte_is_read(resolver, machine, good, monkeypatch) -> None:
    monkeypatch.setattr(locking, "hash_resumably", lambda *_: pytest.fail("it was read"))
    ran = resolver("lock", good, "--output", machine / "absent" / "x.lock")
    assert ran.code == 2
    assert "--output" in ran.err


def test_a_full_disk_leaves_the_old_lock_and_no_half_of_a_new_one(resolver, machine, good, monkeypatch) -> None:
    target = machine / "x.lock"
    assert resolver("lock", good, "--output", target).code == 0
    before = target.read_bytes()
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    (good / "README.md").write_text("# new\n")
    ran = resolver("lock", good, "--output", target)
    assert ran.code == 4
    assert "--output" in ran.err
    assert target.read_bytes() == before
    assert left_over(machine) == []


def test_an_unusable_model_is_locked_as_it_is_with_a_note(resolver, machine: Path, bad: Path) -> None:
    ran = resolver("lock", bad, "--output", machine / "x.lock")
    assert ran.code == 0
    assert "W102" in ran.err
    assert "it is locked as it is" in ran.err


def test_what_is_nowhere_is_3_and_what_is_no_reference_2(resolver, machine: Path, good: Path) -> None:
    assert resolver("lock", good, "org/nowhere", "--output", machine / "x.lock").code == 3
    assert resolver("lock", "a//b//c", "--output", machine / "x.lock").code in {2, 3}
    assert resolver("lock", good, good, "--output", machine / "x.lock").code == 2
    (good / "odd").symlink_to("nowhere")
    assert resolver("lock", good, "--output", machine / "x.lock", "--exit-zero").code == 1
    assert not (machine / "x.lock").exists()


def test_a_statement_has_one_subject(resolver, machine: Path, good: Path, bad: Path) -> None:
    ran = resolver("lock", good, bad, "--output", machine / "x.lock", "--statement", machine / "s.json")
    assert ran.code == 2
    (machine / "s.json").write_text("mine")
    ran = resolver("lock", good, "--output", machine / "x.lock", "--statement", machine / "s.json")
    assert ran.code == 2
    assert "is no statement" in ran.err


def test_json_tells_what_was_written(resolver, machine: Path, good: Path) -> None:
    told = resolver("lock", good, "--output", machine / "x.lock", "--format", "json").json["lock"]
    (model,) = told["models"]
    assert (told["path"], told["statement"]) == (str(machine / "x.lock"), None)
    assert model["tree_sha256"] == lock_of(machine / "x.lock").models[0].tree_sha256
    assert (model["reference"], model["files"]) == ("./good", 4)


def test_a_directory_may_be_moved_with_its_lock(resolver, machine: Path, good: Path) -> None:
    assert resolver("lock", good, "--output", good / "resolver.lock").code == 0
    shutil.move(good, machine / "elsewhere")
    assert resolver("verify", machine / "elsewhere" / "resolver.lock").code == 0
    assert resolver("verify", machine / "elsewhere").code == 0


def test_the_lock_is_canonical_json(resolver, machine: Path, good: Path) -> None:
    resolver("lock", good, "--output", machine / "x.lock")
    text = (machine / "x.lock").read_text()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def test_a_directory_that_was_named_by_a_link_is_known_as_the_locks_own(resolver, machine: Path, good: Path) -> None:
    (machine / "link").symlink_to("good")
    assert resolver("lock", machine / "link", "--output", good / "resolver.lock").code == 0
    assert lock_of(good / "resolver.lock").models[0].path == "."
    assert resolver("verify", machine / "link").code == 0


@pytest.mark.parametrize("text", ["https://me:hf_abcdefghijklmnopqrstuvwxyz012345@huggingface.co/someone/tiny", "https://huggingface.co/someone/tiny", "tiny-of-mine"])  # fmt: skip
def test_a_reference_stands_in_it_without_credentials_and_without_aliases(resolver, machine, monkeypatch, text) -> None:
    hub.cached(machine / "home" / ".cache" / "huggingface" / "hub", model_dir(machine / "m"))
    monkeypatch.setenv("RESOLVER_ALIASES", "tiny-of-mine=someone/tiny")
    assert resolver("lock", text, "--output", machine / "x.lock").code == 0
    assert lock_of(machine / "x.lock").models[0].reference == "someone/tiny"
    assert "hf_abc" not in (machine / "x.lock").read_text()


def test_a_mount_path_that_is_found_elsewhere_is_named_by_its_handle(resolver, machine: Path) -> None:
    model_dir(machine / "input" / "gemma" / "transformers" / "2b" / "3")
    text = "/kaggle/input/models/google/gemma/Transformers/2b/3"
    assert resolver("lock", text, "--output", machine / "x.lock").code == 0
    (model,) = lock_of(machine / "x.lock").models
    assert (model.reference, model.path) == ("google/gemma/transformers/2b/3", None)


@pytest.mark.parametrize("flag", ["--output", "--statement"])
def test_the_report_is_not_written_over_what_was_locked(resolver, machine: Path, good: Path, flag: str) -> None:
    targets = {"--output": machine / "x.lock", "--statement": machine / "x.json"}
    words = [each for pair in targets.items() for each in pair]
    ran = resolver("lock", good, *words, "--report", targets[flag])
    assert (ran.code, ran.err) == (2, f"error: --report {targets[flag]}: is the file of {flag}\n")
    assert not any(each.exists() for each in targets.values())


def test_a_lock_goes_down_a_pipe_that_only_a_descriptor_names(machine: Path, good: Path) -> None:
    """`--output /dev/stdout` is a link to a pipe that has no name of its own."""
    code = "import sys; from resolver.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "lock", str(good), "--output", "/dev/stdout", "--report", str(machine / "r")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith('{\n  "models": [')
    assert (machine / "r").read_text().startswith("locked: ")


def test_an_interrupted_lock_says_that_it_can_go_on(resolver, machine: Path, good: Path, monkeypatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(locking, "hash_resumably", interrupted)
    ran = resolver("lock", good, "--output", machine / "x.lock")
    assert ran.code == 130
    assert ran.err.startswith("the same command goes on from here\n")
    assert not (machine / "x.lock").exists()


# Sent while the bytes are read, and handled as the console's entry point does it.
TERMINATED_WHILE_READING = """
import os, signal, sys, time
from resolver import locking
from resolver.cli import run
def hash_resumably(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(60)
locking.hash_resumably = hash_resumably
run()
"""


def test_sigterm_ends_a_lock_like_ctrl_c_and_leaves_nothing(machine: Path, good: Path) -> None:
    command = [sys.executable, "-c", TERMINATED_WHILE_READING, "lock", str(good), "--output", str(machine / "x.lock")]
    before = set(machine.rglob("*"))
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    told = "the same command goes on from here\nerror: terminated; no check was completed\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (143, "", told)
    assert {each for each in machine.rglob("*") if each.suffix in {".lock", ".tmp"}} <= before
