"""resolver verify: one word a file, no word more than was done, and the exit code that belongs to it."""

import json
import os
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import hub_factory as hub
import pytest
from model_factory import model_dir

from resolver.inspection.lock import Lock, read_lock
from resolver.integrity.lock import canonical

SHARD = "model-00002-of-00002.safetensors"


@pytest.fixture
def locked(resolver, machine: Path) -> Path:
    """A model of two shards with its lock in it."""
    root = model_dir(machine / "m", shards=2)
    (root / "README.md").write_text("# card\n")
    assert resolver("lock", root, "--output", root / "resolver.lock").code == 0
    return root


def words(ran) -> dict[str, str]:
    (told,) = ran.json["verifications"]
    return {each["name"]: each["verdict"] for each in told["files"]}


def told(ran) -> set[tuple[str, str]]:
    return {(each["code"], each["severity"]) for report in ran.json["reports"] for each in report["findings"]}


@pytest.mark.parametrize("subject", ["m/resolver.lock", "m"])
def test_a_sound_model_is_verified_by_its_lock(resolver, machine: Path, locked: Path, subject: str) -> None:
    ran = resolver("verify", machine / subject)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("verified: ")
    assert "7 verified; " in ran.out
    assert set(words(resolver("verify", machine / subject, "--format", "json")).values()) == {"verified"}


@pytest.mark.parametrize("name", [SHARD, "README.md", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("subject", ["m/resolver.lock", "m"])
def test_a_flipped_bit_is_an_error_whoever_opens_the_file(resolver, machine, locked, name, subject) -> None:
    hub.flip(locked / name)
    ran = resolver("verify", machine / subject, "--format", "json")
    assert ran.code == 1
    assert [each for each, word in words(ran).items() if word != "verified"] == [name]
    assert told(ran) == {("I901", "error")}


def test_every_kind_of_difference_has_its_word_and_its_finding(resolver, locked: Path) -> None:
    hub.flip(locked / SHARD)
    hub.cut(locked / "tokenizer.json", 2)
    (locked / "README.md").unlink()
    (locked / "notes.txt").write_text("x")
    (locked / "chat_template.jinja").write_text("x")
    (locked / "config.json").unlink()
    (locked / "config.json").symlink_to("/etc/hostname")
    ran = resolver("verify", locked / "resolver.lock", "--format", "json")
    assert ran.code == 1
    assert words(ran) == {
        "README.md": "missing",
        "chat_template.jinja": "extra",
        "config.json": "not-checked",
        "model-00001-of-00002.safetensors": "verified",
        SHARD: "corrupt",
        "model.safetensors.index.json": "verified",
        "notes.txt": "extra",
        "tokenizer.json": "corrupt",
        "tokenizer_config.json": "verified",
    }
    assert told(ran) == {
        ("I901", "error"), ("I902", "error"), ("I903", "error"), ("I905", "error"), ("I904", "warning"), ("I904", "info"),
    }  # fmt: skip
    (one,) = ran.json["verifications"]
    assert one["verdict"] == "corrupt"


def test_a_file_more_is_told_and_is_no_failure(resolver, locked: Path) -> None:
    (locked / "notes.txt").write_text("x")
    ran = resolver("verify", locked)
    assert ran.code == 0
    assert "info[I904] file-unknown: the lock does not know notes.txt" in ran.out
    assert "verified: " in ran.out
    (locked / "added_tokens.json").write_text("{}")
    assert resolver("verify", locked).code == 0
    assert resolver("verify", locked, "--fail-on", "warning").code == 1


def test_it_reads_the_bytes_each_time(resolver, locked: Path) -> None:
    """Bit rot keeps the times: what an earlier run found is not believed."""
    assert resolver("verify", locked).code == 0
    status = (locked / SHARD).stat()
    hub.flip(locked / SHARD)
    assert (locked / SHARD).stat().st_mtime_ns == status.st_mtime_ns
    assert resolver("verify", locked).code == 1


def test_only_size_says_consistent_and_never_verified(resolver, locked: Path) -> None:
    hub.flip(locked / SHARD)
    ran = resolver("verify", locked, "--only-size")
    assert ran.code == 0
    assert ran.out.startswith("consistent: ")
    assert "no file was read" in ran.out
    assert "verified" not in ran.out
    report = resolver("verify", locked, "--only-size", "--format", "json").json
    assert report["reports"][0]["checks"]["skipped"][0]["code"] == "I901"
    assert report["verifications"][0]["read_bytes"] == 0


def test_only_size_sees_sizes_and_headers(resolver, locked: Path) -> None:
    hub.cut(locked / "README.md", 1)
    data = bytearray((locked / SHARD).read_bytes())
    at = data.index(b"F32")
    data[at : at + 3] = b"I32"
    (locked / SHARD).write_bytes(data)
    ran = resolver("verify", locked, "--only-size", "--format", "json")
    assert ran.code == 1
    assert {name: word for name, word in words(ran).items() if word != "consistent"} == {
        "README.md": "corrupt",
        SHARD: "corrupt",
    }


def test_only_size_of_30_shards_takes_milliseconds(resolver, machine: Path) -> None:
    root = model_dir(machine / "m", shards=21)
    resolver("lock", root, "--output", machine / "x.lock")
    begun = time.perf_counter()
    assert resolver("verify", machine / "x.lock", "--only-size").code == 0
    assert time.perf_counter() - begun < 1.0  # it is 10 ms; a loaded machine gets its time


def test_a_name_maps_to_a_directory(resolver, machine: Path, locked: Path) -> None:
    model_dir(machine / "input" / "gemma" / "transformers" / "2b" / "3", shards=2)
    resolver("lock", "google/gemma/transformers/2b/3", "--output", machine / "x.lock")
    for name in ("google/gemma/transformers/2b/3", "3"):
        ran = resolver("verify", machine / "x.lock", f"{name}={locked}", "--format", "json")
        assert ran.code == 0
        assert ran.json["verifications"][0]["path"] == str(locked)
    assert resolver("verify", machine / "x.lock", f"3={machine / 'absent'}").code == 3
    assert resolver("verify", machine / "x.lock", f"4={locked}").code == 2
    assert resolver("verify", machine / "x.lock", "nothing").code == 2
    assert resolver("verify", locked, f"3={locked}").code == 2


def test_a_reference_is_resolved_where_neither_says_where(resolver, machine: Path) -> None:
    model_dir(machine / "input" / "gemma" / "transformers" / "2b" / "3")
    resolver("lock", "google/gemma/transformers/2b/3", "--output", machine / "x.lock")
    assert resolver("verify", machine / "x.lock").code == 0
    (machine / "input" / "gemma").rename(machine / "gone")
    ran = resolver("verify", machine / "x.lock", "--format", "json")
    assert ran.code == 3
    assert ran.json["verifications"] == []


def test_the_worst_of_several_models_is_the_exit_code(resolver, machine: Path, locked: Path) -> None:
    other = model_dir(machine / "other")
    resolver("lock", locked, other, "--output", machine / "x.lock")
    assert resolver("verify", machine / "x.lock").code == 0
    hub.flip(other / "model.safetensors")
    ran = resolver("verify", machine / "x.lock")
    assert ran.code == 1
    assert "verified: ./m" in ran.out
    assert "corrupt: ./other" in ran.out
    locked.rename(machine / "moved")
    ran = resolver("verify", machine / "x.lock")
    assert ran.code == 3
    assert f"verify {machine / 'x.lock'} ./m=DIR" in ran.out


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no lock"), ("{}", "is no lock that can be used"), ("notes", "is no lock that can be used"),
     ('{"schema_version":2,"tool":{},"models":[]}', "schema_version 2 is not known")],
)  # fmt: skip
def test_what_is_no_lock_is_2(resolver, machine: Path, content: str | None, said: str) -> None:
    if content is not None:
        (machine / "x.lock").write_text(content)
    ran = resolver("verify", machine / "x.lock")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "x\u0000"])
def test_a_hostile_name_in_a_lock_is_2_and_nothing_is_opened(resolver, machine, locked, name) -> None:
    document = json.loads((locked / "resolver.lock").read_text())
    files = document["models"][0]["files"]
    files[name] = files.pop("config.json")
    (machine / "x.lock").write_text(json.dumps(document))
    ran = resolver("verify", machine / "x.lock")
    assert ran.code == 2
    assert "the name" in ran.err


def test_a_lock_that_is_edited_by_hand_is_2(resolver, locked: Path) -> None:
    text = (locked / "resolver.lock").read_text()
    (locked / "resolver.lock").write_text(text.replace(text[text.index('"sha256": "') + 11 :][:8], "00000000", 1))
    assert resolver("verify", locked / "resolver.lock").code == 2


def test_a_directory_without_any_record_is_no_pass(resolver, good: Path) -> None:
    ran = resolver("verify", good)
    assert ran.code == 1
    assert "unverifiable: " in ran.out
    assert "error[I905]" in ran.out
    assert resolver("verify", good, "--exit-zero").code == 0
    weights = words(resolver("verify", good, "--format", "json"))
    assert weights == {
        "config.json": "unverifiable",
        "model.safetensors": "consistent",  # it is as long as its header says; that is all
        "tokenizer.json": "unverifiable",
        "tokenizer_config.json": "unverifiable",
    }


def test_a_damaged_lock_in_a_directory_is_the_reason_why_nothing_is_proven(resolver, locked: Path) -> None:
    (locked / "resolver.lock").write_text("{}")
    ran = resolver("verify", locked)
    assert ran.code == 1
    assert "resolver.lock is no lock that can be used" in ran.out


def test_what_is_nowhere_is_3(resolver) -> None:
    ran = resolver("verify", "org/nowhere")
    assert ran.code == 3
    assert "org/nowhere is not" in ran.out


def test_one_file_that_nothing_is_on_record_of_keeps_the_whole_from_being_verified(resolver, machine: Path) -> None:
    snapshot = hub.cached(machine / "cache", model_dir(machine / "m", shards=2), tree=False)
    data = (snapshot / SHARD).read_bytes()
    (snapshot / SHARD).unlink()
    (snapshot / SHARD).write_bytes(data)
    ran = resolver("verify", snapshot, "--format", "json")
    assert ran.code == 1
    assert words(ran)[SHARD] == "consistent"
    assert told(ran) == {("I905", "error")}


def test_what_a_download_left_out_on_purpose_is_no_loss(resolver, machine: Path) -> None:
    source = model_dir(machine / "m")
    (source / "onnx").mkdir()
    (source / "onnx" / "model.onnx").write_bytes(b"\x08")
    snapshot = hub.cached(machine / "cache", source, without={"onnx/model.onnx"})
    ran = resolver("verify", snapshot)
    assert ran.code == 0
    assert "1 on the list and left out" in ran.out
    (snapshot / "tokenizer.json").unlink()
    ran = resolver("verify", snapshot, "--format", "json")
    assert ran.code == 1
    assert told(ran) == {("I903", "error")}


def test_an_edit_after_the_download_is_a_difference_like_any_other(resolver, machine: Path) -> None:
    root = hub.downloaded(machine / "d", model_dir(machine / "m"))
    assert resolver("verify", root).code == 0
    (root / "config.json").write_text((root / "config.json").read_text() + "\n")
    assert resolver("verify", root).code == 1


def test_the_lock_comes_before_what_else_is_on_record(resolver, machine: Path) -> None:
    """A config that was edited on purpose, and then locked."""
    root = hub.downloaded(machine / "d", model_dir(machine / "m"))
    (root / "config.json").write_text((root / "config.json").read_text() + "\n")
    assert resolver("lock", root, "--output", root / "resolver.lock").code == 0
    assert resolver("verify", root).code == 0


def test_every_format_tells_it(resolver, machine: Path, locked: Path) -> None:
    hub.flip(locked / SHARD)
    other = model_dir(machine / "other")
    resolver("lock", locked, other, "--output", machine / "x.lock")
    hub.flip(locked / SHARD, -9)
    formats = {name: resolver("verify", machine / "x.lock", "--format", name) for name in ("text", "json", "sarif", "junit", "github", "html")}  # fmt: skip
    assert {ran.code for ran in formats.values()} == {1}
    assert [each["ruleId"] for each in json.loads(formats["sarif"].out)["runs"][0]["results"]] == ["I901"]
    suites = ET.fromstring(formats["junit"].out)  # noqa: S314 - our own output
    assert (suites.get("name"), suites.get("failures")) == ("resolver verify", "1")
    assert f"title=I901 hash-differs::{SHARD}" in formats["github"].out
    assert formats["github"].out.splitlines()[-1].startswith("verified: ./other")
    assert "<strong>corrupt</strong>" in formats["html"].out
    assert "<strong>verified</strong>" in formats["html"].out


def test_report_goes_to_its_file_and_the_word_to_stderr(resolver, machine: Path, locked: Path) -> None:
    ran = resolver("verify", locked, "--report", machine / "r.html", "--format", "html")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"verified: {locked} (7 verified)\n")


@pytest.mark.parametrize("flags", [("--select", "I903"), ("--ignore", "I901"), ("--ignore", "I")])
def test_no_flag_makes_a_pass_of_other_bytes(resolver, locked: Path, flags: tuple[str, str]) -> None:
    hub.flip(locked / SHARD)
    ran = resolver("verify", locked, *flags, "--format", "json")
    assert (ran.code, found(ran)) == (1, {("I901", "error")})


def test_the_settings_ignore_no_other_bytes_either(resolver, machine: Path, locked: Path) -> None:
    (machine / "resolver.toml").write_text('[ignore]\nI901 = "slow disk"\n')
    hub.flip(locked / SHARD)
    assert resolver("verify", locked).code == 1


def test_no_flag_makes_a_pass_of_what_nothing_is_on_record_of(resolver, good: Path) -> None:
    assert resolver("verify", good, "--ignore", "I905").code == 1


@pytest.mark.parametrize("flags", [("--select", "I903"), ("--ignore", "I904")])
def test_select_and_ignore_narrow_the_warnings(resolver, locked: Path, flags: tuple[str, str]) -> None:
    (locked / "generation_config.json").write_text("{}")
    assert found(resolver("verify", locked, "--format", "json")) == {("I904", "warning")}
    ran = resolver("verify", locked, *flags, "--format", "json", "--fail-on", "warning")
    assert (ran.code, found(ran)) == (0, set())


def test_a_home_where_nothing_can_be_kept_is_no_trouble(resolver, machine: Path, locked: Path, monkeypatch) -> None:
    (machine / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(machine / "file"))
    assert resolver("verify", locked).code == 0


def test_nothing_is_left_in_the_state_folder(resolver, machine: Path, locked: Path) -> None:
    resolver("verify", locked)
    assert list((machine / "home" / ".local" / "state" / "offline-resolver" / "runs").iterdir()) == []


def test_text_of_a_lock_is_harmless_on_a_terminal(resolver, machine: Path, locked: Path) -> None:
    lock = read_lock(locked / "resolver.lock")
    assert isinstance(lock, Lock)
    evil = lock.models[0].replaced(reference="\x1b[31m::error::x", path="m")
    (machine / "x.lock").write_bytes(canonical(Lock((evil,))))
    for name in ("text", "github", "html"):
        assert "\x1b" not in resolver("verify", machine / "x.lock", "--format", name).out


def test_a_file_that_changes_while_it_is_read_is_not_checked(resolver, locked: Path, monkeypatch) -> None:
    from resolver.integrity import resumable

    take = resumable._Task.take

    def taken(self, buffer, count) -> None:
        take(self, buffer, count)
        if self.wanted.path.endswith(SHARD):
            os.utime(self.wanted.path, (1, 1))

    monkeypatch.setattr(resumable._Task, "take", taken)
    ran = resolver("verify", locked, "--format", "json")
    assert ran.code == 1
    assert words(ran)[SHARD] == "not-checked"
    assert told(ran) == {("I905", "error")}


# --- check judges a lock that lies in the directory ----------------------------------------------------------------


def found(ran) -> set[tuple[str, str]]:
    return {each for each in told(ran) if each[0].startswith("I")}


def test_check_quick_is_content_with_a_sound_lock(resolver, locked: Path) -> None:
    assert found(resolver("check", locked, "--select", "I", "--format", "json")) == set()


def test_check_quick_sees_sizes_absence_and_what_is_more(resolver, locked: Path) -> None:
    (locked / "config.json").write_text((locked / "config.json").read_text() + "\n")
    (locked / "README.md").unlink()
    (locked / "notes.txt").write_text("x")
    (locked / "added_tokens.json").write_text("{}")
    ran = resolver("check", locked, "--select", "I", "--format", "json")
    assert found(ran) == {("I902", "error"), ("I903", "info"), ("I904", "warning"), ("I904", "info")}


def test_check_deep_takes_the_hash_from_the_lock(resolver, locked: Path) -> None:
    hub.flip(locked / SHARD)
    assert found(resolver("check", locked, "--select", "I", "--format", "json")) == set()
    assert found(resolver("check", locked, "--select", "I901", "--level", "deep", "--format", "json")) == {
        ("I901", "error")
    }


def test_check_reads_a_lock_above_a_nested_model(resolver, machine: Path) -> None:
    root = model_dir(machine / "d" / "inner" / "8b")
    resolver("lock", root, "--output", machine / "d" / "resolver.lock")
    (root / "tokenizer_config.json").write_text((root / "tokenizer_config.json").read_text() + "\n")
    assert ("I902", "error") in found(resolver("check", machine / "d", "--select", "I902", "--format", "json"))
    assert resolver("verify", machine / "d").code == 1


def test_a_lock_of_other_directories_says_nothing_of_this_one(resolver, machine: Path, good: Path) -> None:
    other = model_dir(machine / "other")
    resolver("lock", other, "--output", good / "resolver.lock")
    assert resolver("check", good, "--select", "I", "--format", "json").json["reports"][0]["findings"] == []
    assert resolver("verify", good).code == 1


def test_a_lock_that_was_published_with_its_model_is_read_from_a_snapshot(
    resolver, machine: Path, locked: Path
) -> None:
    """In a cache every file is a link into the blobs, the lock too; a link that leads elsewhere is none of ours."""
    snapshot = hub.cached(machine / "cache", locked, shared=True)
    assert (snapshot / "resolver.lock").is_symlink()
    ran = resolver("verify", snapshot)
    assert ran.code == 0
    assert "by the lock" in ran.out
    (snapshot / "resolver.lock").unlink()
    (snapshot / "resolver.lock").symlink_to(locked / "resolver.lock")
    ran = resolver("verify", snapshot)
    assert ran.code == 0
    assert "by what is on record beside it" in ran.out


def test_a_link_that_was_named_is_the_lock_that_it_leads_to(resolver, machine: Path, locked: Path) -> None:
    (machine / "work" / "current.lock").symlink_to(locked / "resolver.lock")
    assert resolver("verify", "current.lock").code == 0


def test_a_directory_with_more_than_is_listed_misses_nothing_for_sure(resolver, locked: Path, monkeypatch) -> None:
    """What was not looked at is not said to be absent, and the walk ends: a lock may point at a whole disk."""
    for number in range(9):
        (locked / f"a{number}" / "b").mkdir(parents=True)
        (locked / f"a{number}" / "b" / "x").write_text("x")
    monkeypatch.setattr("resolver.inspection.files.MAX_FILES", 5)
    ran = resolver("verify", locked / "resolver.lock", "--format", "json")
    assert ran.code == 1
    assert "missing" not in words(ran).values()
    assert "not-checked" in words(ran).values()


def test_a_lock_that_lies_elsewhere_is_not_to_be_written_anew_of_one_model_alone(resolver, machine, locked) -> None:
    """It may be of other models too, and they would be gone from it."""
    model_dir(machine / "other")
    assert resolver("lock", locked, machine / "other", "--output", machine / "both.lock").code == 0
    (locked / "notes.txt").write_text("x")
    told = resolver("verify", machine / "both.lock").out
    assert "otherwise write the lock again, with all its models\n" in told
    assert "resolver lock" not in told
    assert f"resolver lock {locked} --output {locked}/resolver.lock" in resolver("verify", locked).out


def test_where_no_file_is_no_command_hashes_one(resolver, machine: Path) -> None:
    (machine / "empty").mkdir()
    ran = resolver("verify", machine / "empty")
    assert ran.code == 1
    assert "fix: bring the model's files: none is here\n" in ran.out
    assert "sha256sum" not in ran.out


def test_the_report_is_not_written_over_the_lock(resolver, machine: Path, locked: Path) -> None:
    before = (locked / "resolver.lock").read_bytes()
    ran = resolver("verify", locked / "resolver.lock", "--report", locked / ".." / "m" / "resolver.lock")
    assert ran.code == 2
    assert ran.err.endswith("/m/resolver.lock: is what is verified\n")
    assert (locked / "resolver.lock").read_bytes() == before


def test_without_a_subject_only_the_subject_is_asked_for(resolver) -> None:
    assert resolver("verify").err.startswith("error: the following arguments are required: LOCK|MODEL\n")


@pytest.fixture
def bundle(resolver, machine: Path) -> Path:
    """Two models in folders, and the lock of both above them."""
    folders = [model_dir(machine / "b" / name) for name in ("one", "two")]
    assert resolver("lock", *folders, "--output", machine / "b" / "resolver.lock").code == 0
    (machine / "b" / "README.md").write_text("# two models\n")
    return machine / "b"


def test_a_model_of_a_bundle_is_verified_by_the_lock_above_it(resolver, bundle: Path) -> None:
    ran = resolver("verify", bundle / "one")
    assert ran.code == 0
    assert f"by the lock {bundle}/resolver.lock\n  4 verified; " in ran.out
    hub.flip(bundle / "one" / "model.safetensors")
    assert resolver("verify", bundle / "one").code == 1
    assert resolver("verify", bundle / "two").code == 0


def test_a_bundle_is_verified_as_its_lock_says(resolver, bundle: Path) -> None:
    ran = resolver("verify", bundle)
    assert ran.code == 0
    assert [line.split()[1] for line in ran.out.splitlines() if line.startswith("verified: ")] == ["./one", "./two"]
    (bundle / "two" / "tokenizer.json").unlink()
    assert resolver("verify", bundle).code == 1


@pytest.mark.parametrize("more", ["config.json", "three/config.json"])
def test_what_the_lock_of_a_bundle_says_nothing_of_keeps_it_from_being_verified(resolver, bundle, more) -> None:
    (bundle / more).parent.mkdir(exist_ok=True)
    (bundle / more).write_text("{}")
    assert resolver("verify", bundle).code == 1


def test_a_lock_above_that_names_another_directory_says_nothing_of_this_one(resolver, bundle: Path) -> None:
    third = model_dir(bundle / "three")
    ran = resolver("verify", third)
    assert ran.code == 1
    assert "by what is on record beside it" in ran.out
