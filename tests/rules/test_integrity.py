"""Family I against the record that huggingface_hub writes, and against what the libraries do with the same files."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import hub_factory as hub
import pytest
from huggingface_hub import snapshot_download
from huggingface_hub.errors import IncompleteSnapshotError
from huggingface_hub.utils._verification import collect_local_files, verify_maps
from model_factory import edit_json, model_dir, tiny_model
from oracle import logits, refusal

from resolver.finding import Finding
from resolver.host import Host
from resolver.inspection.describe import describe
from resolver.integrity.contents import Contents, FileContents, read_contents
from resolver.probe.observed import Observed
from resolver.rules import completeness, files, integrity, weights
from resolver.rules.judge import Judged, judge
from resolver.rules.rule import Evidence, Intent

RULES = (*files.RULES, *weights.RULES, *integrity.RULES, *completeness.RULES)
SHARD = "model-00002-of-00003.safetensors"


def judged(root: Path, level: str = "quick", *, purpose: str = "load", adapter: Path | None = None) -> Judged:
    models = (describe(root),) if adapter is None else (describe(root), describe(adapter))
    observed = None if level == "quick" else Observed(contents=read_contents(models))
    overlay = models[1] if adapter is not None else None
    evidence = Evidence(models[0], Intent(purpose=purpose), Host(), adapter=overlay, observed=observed)
    return judge(evidence, RULES, level=level)


def told(root: Path, level: str = "quick", **options) -> list[tuple[str, str]]:
    return [(each.code, each.severity) for each in judged(root, level, **options).findings]


def one(root: Path, code: str, level: str = "quick", **options) -> Finding:
    (found,) = [each for each in judged(root, level, **options).findings if each.code == code]
    return found


def why_not(root: Path, code: str, level: str = "quick") -> str:
    (found,) = [each.reason for each in judged(root, level).skipped if each.code == code]
    return found


def whole_by_the_library(cache: Path) -> bool:
    """Whether huggingface_hub gives the snapshot out when it is asked for all of it, offline."""
    try:
        snapshot_download(hub.HUB_ID, cache_dir=cache, local_files_only=True)
    except IncompleteSnapshotError:
        return False
    return True


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = model_dir(tmp_path_factory.mktemp("published") / "m", shards=3)
    (root / "README.md").write_text("# a card\n")
    (root / "pytorch_model.bin").write_bytes(b"\x80\x02}q\0.")
    return root


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "hub"


@pytest.fixture
def snapshot(cache: Path, published: Path) -> Path:
    return hub.cached(cache, published)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("level", ["quick", "deep"])
def test_a_whole_snapshot_has_no_finding(cache: Path, published: Path, level: str, *, shared: bool) -> None:
    """The shared store's own name of a file has 64 digits too, and is not its sha256."""
    assert told(hub.cached(cache, published, shared=shared), level) == []


@pytest.mark.parametrize("level", ["quick", "deep"])
def test_a_whole_local_download_has_no_finding(tmp_path: Path, published: Path, level: str) -> None:
    assert told(hub.downloaded(tmp_path / "d", published), level) == []


def test_i902_a_pickle_that_was_cut_is_an_error_though_the_library_gives_it_out(tmp_path: Path, cache: Path) -> None:
    root = hub.cached(cache, tiny_model(tmp_path / "m", weights="bin"))
    blob = hub.blob_of(root, "pytorch_model.bin")
    os.truncate(blob, blob.stat().st_size - 1_000)
    assert whole_by_the_library(cache)
    assert refusal(root) is not None
    found = one(root, "I902")
    assert found.severity == "error"
    assert found.message == "pytorch_model.bin is 1.00 kB shorter than on record"
    assert hub.COMMIT in found.fix.command


def test_i902_another_whole_file_in_its_place_is_an_error_and_loads_wrong(
    cache: Path, snapshot: Path, tmp_path: Path
) -> None:
    """Header and names are right; the shapes are those of another model."""
    other = model_dir(tmp_path / "other", shards=3, config={"intermediate_size": 64})
    shutil.copyfile(other / SHARD, hub.blob_of(snapshot, SHARD))
    assert whole_by_the_library(cache)
    assert refusal(snapshot) is not None
    assert told(snapshot) == [("I902", "error")]


def test_i902_leaves_cut_safetensors_to_w103(snapshot: Path) -> None:
    os.truncate(hub.blob_of(snapshot, SHARD), 3_000)
    assert told(snapshot) == [("W103", "error")]


def test_i902_an_edited_config_is_a_warning_because_it_loads(snapshot: Path) -> None:
    edit_json(hub.blob_of(snapshot, "config.json"), lambda value: {**value, "rope_theta": 500_000.0})
    assert refusal(snapshot) is None
    assert told(snapshot) == [("I902", "warning")]
    assert told(snapshot, "deep") == [("I902", "warning")]


def test_i902_a_file_saved_over_a_local_download_is_a_warning(tmp_path: Path, published: Path) -> None:
    """A fine-tune saved into the folder of its base: every file is newer than its metadata."""
    target = hub.downloaded(tmp_path / "d", published)
    other = model_dir(tmp_path / "other", shards=3, config={"intermediate_size": 64})
    for path in other.iterdir():
        shutil.copyfile(path, target / path.name)
        os.utime(target / path.name, (path.stat().st_mtime + 60,) * 2)
    assert refusal(target) is None
    assert {severity for _, severity in told(target, "deep")} == {"warning"}


def test_i902_says_nothing_of_an_edited_readme(tmp_path: Path, published: Path) -> None:
    target = hub.downloaded(tmp_path / "d", published)
    (target / "README.md").write_text("# my notes, much longer than the card\n")
    os.utime(target / "README.md", (target.stat().st_mtime + 60,) * 2)
    assert told(target, "deep") == []


def test_i902_weights_that_no_loader_opens_are_a_warning(snapshot: Path) -> None:
    hub.blob_of(snapshot, "pytorch_model.bin").write_bytes(b"\x80\x02}q\0. and more")
    assert refusal(snapshot) is None
    assert told(snapshot, "deep") == [("I902", "warning")]


def test_i902_and_i903_say_why_they_cannot_judge(cache: Path, published: Path) -> None:
    root = hub.cached(cache, published, tree=False)
    assert "no sizes" in why_not(root, "I902")
    assert "no list" in why_not(root, "I903")
    for code in ("I902", "I903", "I905"):
        assert why_not(published, code).startswith("nothing is on record")


def test_i903_an_absent_shard_is_an_error_where_the_library_says_incomplete(cache: Path, published: Path) -> None:
    root = hub.cached(cache, published, without={SHARD})
    assert not whole_by_the_library(cache)
    assert refusal(root) is not None
    found = one(root, "I903")
    assert (found.severity, found.evidence["missing"]) == ("error", [SHARD])
    assert found.evidence["missing_bytes"] == (published / SHARD).stat().st_size
    assert found.fix.command == f"hf download {hub.HUB_ID} {SHARD} --revision {hub.COMMIT}"


def test_i903_files_that_no_loader_opens_are_not_missed(cache: Path, published: Path) -> None:
    """`hf download --include` leaves them out on purpose; the library calls that incomplete, the loader does not."""
    root = hub.cached(cache, published, without={"README.md", "pytorch_model.bin"})
    assert not whole_by_the_library(cache)
    assert refusal(root) is None
    assert told(root) == []


def test_i903_weights_alone_were_fetched(cache: Path, published: Path) -> None:
    kept = {"config.json", "tokenizer.json", "tokenizer_config.json"}
    root = hub.cached(cache, published, without={each.name for each in published.iterdir()} - kept)
    found = one(root, "I903")
    assert found.severity == "error"
    assert sorted(found.evidence["missing"]) == sorted(
        ["model.safetensors.index.json", *(path.name for path in published.glob("*.safetensors"))]
    )


def pads(root: Path) -> bool:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(root)
    if tokenizer.pad_token is None:
        with pytest.raises(ValueError, match="does not have a padding token"):
            tokenizer(["which answer", "a"], padding=True)
        return False
    return len({len(each) for each in tokenizer(["which answer", "a"], padding=True)["input_ids"]}) == 1


@pytest.mark.parametrize("family", ["llama", "bert"])
def test_i903_tokenizer_config_is_an_error_where_batches_cannot_be_padded_without_it(
    tmp_path: Path, cache: Path, family: str
) -> None:
    """A Llama names its padding token there and nowhere else; a BERT's class brings its own."""
    root = hub.cached(cache, tiny_model(tmp_path / "m", family=family), without={"tokenizer_config.json"})
    assert refusal(root, "AutoModel") is None
    assert told(root) == [("I903", "warning")]
    assert told(root, purpose="score") == [("I903", "warning" if pads(root) else "error")]
    assert pads(root) == (family == "bert")


def test_i903_a_settings_file_that_is_done_without_is_an_info(tmp_path: Path, cache: Path) -> None:
    root = hub.cached(cache, tiny_model(tmp_path / "m"), without={"generation_config.json"})
    assert refusal(root) is None
    assert told(root) == [("I903", "info")]


def test_i905_is_told_at_deep_and_otherwise_listed_as_not_judged(published: Path) -> None:
    assert told(published) == []
    found = one(published, "I905", "deep")
    assert (found.severity, found.message) == ("info", "no hash of any file is on record")
    assert "model-00001-of-00003.safetensors" in found.fix.command


def test_i905_one_file_among_links_that_is_none_is_told_at_quick(cache: Path, published: Path) -> None:
    root = hub.cached(cache, published, tree=False)
    data = (root / SHARD).read_bytes()
    (root / SHARD).unlink()
    (root / SHARD).write_bytes(data)
    found = one(root, "I905")
    assert (found.severity, found.evidence["unproven"]) == ("info", [SHARD])


def test_i905_an_unknown_list_is_the_reason(tmp_path: Path, published: Path) -> None:
    target = hub.downloaded(tmp_path / "d", published)
    shutil.rmtree(target / ".cache/huggingface/download")
    (tree,) = (target / ".cache/huggingface/trees").iterdir()
    tree.write_text('{"format_version": 7, "files": {}}')
    assert "format_version 7" in why_not(target, "I902")
    assert "format_version 7" in one(target, "I905", "deep").evidence["reason"]


def mismatches(root: Path, published: Path) -> set[str]:
    """What huggingface_hub's own verification says, given the list that it would have fetched from the network."""
    remote = {
        name: SimpleNamespace(lfs={"sha256": each.lfs_sha256} if each.lfs_sha256 else None, blob_id=each.blob_id)
        for name, each in hub.listed(published).items()
    }
    done = verify_maps(
        remote_by_path=remote, local_by_path=collect_local_files(root), revision=hub.COMMIT, verified_path=root
    )
    return {each["path"] for each in done.mismatches}


@pytest.mark.parametrize("shared", [False, True])
def test_i901_a_flipped_bit_is_found_at_deep_and_by_nobody_else(cache: Path, published: Path, *, shared: bool) -> None:
    """The founding case of the deep level: it loads, it answers, and the answers are others."""
    root = hub.cached(cache, published, shared=shared)
    hub.flip(hub.blob_of(root, SHARD))
    assert whole_by_the_library(cache)
    assert refusal(root) is None
    assert not logits(root).equal(logits(published))
    assert told(root) == []
    assert told(root, "deep") == [("I901", "error")]
    found = one(root, "I901", "deep")
    assert mismatches(root, published) == {SHARD}
    (each,) = found.evidence["files"]
    assert (each["expected"], each["algorithm"]) == (hub.sha256((published / SHARD).read_bytes()), "sha256")
    assert each["actual"] == hub.sha256((root / SHARD).read_bytes())


def test_i901_every_damaged_file_is_told_as_the_library_would_online(snapshot: Path, published: Path) -> None:
    damaged = {"model-00001-of-00003.safetensors", SHARD, "tokenizer.json"}
    for name in damaged:
        data = hub.blob_of(snapshot, name)
        text = data.read_bytes()
        data.write_bytes(text.replace(b"word7", b"wird7") if name == "tokenizer.json" else text[:-4] + b"\0\0\0\1")
    found = one(snapshot, "I901", "deep")
    assert {each["name"] for each in found.evidence["files"]} == mismatches(snapshot, published) == damaged
    assert found.severity == "error"


def test_i901_small_files_are_compared_as_git_counts_them(snapshot: Path, published: Path) -> None:
    blob = hub.blob_of(snapshot, "tokenizer_config.json")
    blob.write_bytes(blob.read_bytes().replace(b"<pad>", b"<pat>"))
    assert mismatches(snapshot, published) == {"tokenizer_config.json"}
    found = one(snapshot, "I901", "deep")
    assert (found.severity, found.evidence["files"][0]["algorithm"]) == ("warning", "git-sha1")


def test_i901_metadata_of_a_local_download_is_enough(tmp_path: Path, published: Path) -> None:
    target = hub.downloaded(tmp_path / "d", published, tree=False)
    hub.flip(target / SHARD)
    assert told(target, "deep") == [("I901", "error")]


def test_i901_what_was_written_after_its_download_is_a_warning(tmp_path: Path, published: Path) -> None:
    target = hub.downloaded(tmp_path / "d", published)
    hub.flip(target / SHARD)
    os.utime(target / SHARD, (target.stat().st_mtime + 60,) * 2)
    assert told(target, "deep") == [("I901", "warning")]


def test_i901_an_adapter_is_read_too(tmp_path: Path, cache: Path, published: Path) -> None:
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(published)
    peft.get_peft_model(base, peft.LoraConfig(r=4, target_modules=["q_proj"])).save_pretrained(tmp_path / "a")
    adapter = hub.cached(cache, tmp_path / "a", hub_id="someone/adapter")
    base_at = hub.cached(cache, published)
    assert told(base_at, "deep", adapter=adapter) == []
    hub.flip(hub.blob_of(adapter, "adapter_model.safetensors"))
    assert told(base_at, "deep", adapter=adapter) == [("I901", "error")]
    assert "adapter_model.safetensors" in one(base_at, "I901", "deep", adapter=adapter).message


def test_f001_a_file_that_breaks_off_while_it_is_read_is_an_error(published: Path) -> None:
    """A disk that fails in the middle lets stat, header and every check of the quick level pass."""
    model = describe(published)
    fault = FileContents(SHARD, 4_096, fault="Input/output error, at byte 4,096")
    contents = Contents({**read_contents((model,))[0].files, SHARD: fault})
    done = judge(Evidence(model, Intent(), Host(), observed=Observed(contents=(contents,))), RULES, level="deep")
    (found,) = [each for each in done.findings if each.severity == "error"]
    assert (found.code, found.message) == (
        "F001",
        f"{SHARD} cannot be read to its end: Input/output error, at byte 4,096",
    )


# --- what a lock says ------------------------------------------------------------------------------------------------


def locked(root: Path) -> Path:
    """The directory with its lock in it."""
    from resolver.cli import main

    assert main(["lock", str(root), "--output", str(root / "resolver.lock")]) == 0
    return root


def test_i904_a_template_that_came_later_is_read_by_the_library_without_a_word(tmp_path: Path) -> None:
    """The experiment, and beside it a file that nobody opens."""
    from transformers import AutoTokenizer

    root = locked(tiny_model(tmp_path / "m", family="llama"))
    assert told(root) == []
    before = AutoTokenizer.from_pretrained(root).chat_template
    (root / "chat_template.jinja").write_text("{{ 'anything' }}")
    assert (before, AutoTokenizer.from_pretrained(root).chat_template) == (None, "{{ 'anything' }}")
    assert told(root) == [("I904", "warning")]
    (root / "chat_template.jinja").rename(root / "notes.txt")
    assert AutoTokenizer.from_pretrained(root).chat_template is None
    assert told(root) == [("I904", "info")]


def test_i904_a_file_that_a_downloader_has_on_record_is_not_told(tmp_path: Path) -> None:
    published = model_dir(tmp_path / "published")
    root = hub.downloaded(tmp_path / "m", published, without={"tokenizer_config.json"})
    locked(root)
    shutil.copyfile(published / "tokenizer_config.json", root / "tokenizer_config.json")
    assert "I904" not in {code for code, _ in told(root)}


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_i901_a_lock_makes_an_error_of_settings_and_weights_alike(tmp_path: Path, name: str) -> None:
    root = locked(model_dir(tmp_path / "m"))
    in_config = (root / "config.json").read_bytes().index(b"1e-05") + 4  # a digit: JSON it stays
    data = bytearray((root / name).read_bytes())
    data[in_config if name == "config.json" else -3] ^= 1
    (root / name).write_bytes(data)
    assert ("I901", "error") in told(root, "deep")


def test_i903_what_the_lock_names_and_nobody_opens_is_an_info(tmp_path: Path) -> None:
    root = model_dir(tmp_path / "m")
    (root / "a/b/c/d").mkdir(parents=True)
    for name in ("README.md", "a/b/c/d/deep.txt"):
        (root / name).write_text("x")
    locked(root)
    assert told(root) == []  # what lies deeper than a quick look goes is not said to be absent
    (root / "README.md").unlink()
    assert told(root) == [("I903", "info")]


@pytest.mark.parametrize("lock", ["{}", "", "[1", '{"schema_version": 9}'])
def test_a_lock_that_cannot_be_used_is_the_reason_and_takes_nothing_away(tmp_path: Path, lock: str) -> None:
    plain = model_dir(tmp_path / "plain")
    (plain / "resolver.lock").write_text(lock)
    assert "is no lock that can be used" in why_not(plain, "I902")
    root = hub.downloaded(tmp_path / "m", model_dir(tmp_path / "published"))
    (root / "resolver.lock").write_text(lock)
    hub.flip(root / "model.safetensors")
    assert told(root, "deep") == [("I901", "error")]


def test_a_locks_source_says_how_the_file_is_brought_again(tmp_path: Path) -> None:
    root = hub.cached(tmp_path / "hub", model_dir(tmp_path / "published"))
    copy = tmp_path / "copy"
    shutil.copytree(root, copy)
    from resolver.cli import main

    assert main(["lock", str(root), "--output", str(tmp_path / "x.lock")]) == 0
    text = (tmp_path / "x.lock").read_text()
    found = next(each for each in text.splitlines() if '"path"' in each)
    (copy / "resolver.lock").write_text(text.replace(found, '      "path": ".",'))
    hub.flip(copy / "model.safetensors")
    command = one(copy, "I901", "deep").fix.command or ""
    assert command.startswith(f"hf download {hub.HUB_ID} model.safetensors --revision {hub.COMMIT}")
