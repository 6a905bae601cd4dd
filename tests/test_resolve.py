"""Which directory answers, how surely, and what never does."""

import os

import pytest
from model_factory import model_dir
from mounts import HOST, environment, hub_cache, place

from resolver.errors import AmbiguousModel, MalformedReference, ModelNotFound, ModelRejected
from resolver.policy import Policy
from resolver.resolve import choose, resolve, survey

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"
BASE = "meta-llama/Meta-Llama-3-8B"
HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf/1"
OLD = "llama-3/transformers/8b-chat-hf/1"


def found(text, tmp_path, **more):
    return resolve(text, environment(tmp_path, **more), HOST)


@pytest.mark.parametrize("form", [OLD, f"m/metaresearch/{OLD}", f"models/metaresearch/{OLD}"])
@pytest.mark.parametrize("asked", [LLAMA, HANDLE, f"/kaggle/input/{OLD}", "/kaggle/input/models/metaresearch/" + OLD])
def test_every_mount_form_answers_to_id_handle_and_path(tmp_path, form, asked):
    where = place(tmp_path / "input" / form, LLAMA)
    resolution = found(asked, tmp_path)
    assert resolution.path == where
    assert resolution.confidence == "exact"
    assert os.fspath(resolution) == str(resolution) == str(where)


@pytest.mark.parametrize("spelling", ["Llama-3/Transformers/8B-chat-hf/1", "LLAMA-3/transformers/8b-chat-hf/1"])
def test_any_case_of_a_mount_is_found_and_its_real_spelling_told(tmp_path, spelling):
    where = place(tmp_path / "input" / spelling, LLAMA)
    assert str(found(HANDLE, tmp_path).path) == str(where)
    assert str(found(LLAMA, tmp_path).path) == str(where)


@pytest.mark.parametrize(
    ("mounted", "asked"),
    [
        ((BASE, "llama-3/transformers/8b-hf/1"), LLAMA),
        ((LLAMA, OLD), BASE),
        (("meta-llama/Meta-Llama-3-70B-Instruct", "llama-3/transformers/70b-chat-hf/1"), LLAMA),
        (("meta-llama/Llama-3.1-8B-Instruct", "llama-3.1/transformers/8b-instruct/1"), LLAMA),
        (("meta-llama/Meta-Llama-3-70B-Instruct", OLD), LLAMA),
        (("Qwen/Qwen3-8B-AWQ", "qwen-3/transformers/8b-awq/1"), "Qwen/Qwen3-8B"),
        ((BASE, "Meta-Llama-3-8B"), LLAMA),
    ],
)
def test_another_model_never_answers(tmp_path, mounted, asked):
    place(tmp_path / "input" / mounted[1], mounted[0])
    with pytest.raises(ModelNotFound) as caught:
        found(asked, tmp_path)
    assert any(mounted[1] in step.where and step.outcome == "near" for step in caught.value.trail)


@pytest.mark.parametrize(
    ("asked", "folders"),
    [
        (BASE, "datasets/x/Meta-Llama-3-8B/dpo"),
        (LLAMA, "datasets/x/Meta-Llama-3-8B-Instruct/base"),
        (LLAMA, "datasets/x/Meta-Llama-3-8B-Instruct/finetuned-on-evil"),
        (LLAMA, "datasets/x/llama-3-8b-it/checkpoint-100"),
        (LLAMA, "llama-3/transformers/8b-chat-hf/1/base"),
        (LLAMA, "llama-3/transformers/8b-chat-hf/1/merged"),
        (LLAMA, "llama3instruct/lora-merged"),
    ],
)
def test_folder_that_says_more_below_the_name_is_never_taken(tmp_path, asked, folders):
    """A fine-tune shares every number with its parent, and base with instruct: only the folders can tell."""
    place(tmp_path / "input" / folders, LLAMA)
    with pytest.raises(ModelNotFound):
        found(asked, tmp_path)


@pytest.mark.parametrize("below", ["model", "weights", "hf", "llama-3-8b-instruct", "Meta-Llama-3-8B-Instruct"])
def test_folder_that_says_nothing_new_below_the_name_is_the_model(tmp_path, below):
    where = place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1" / below, LLAMA)
    assert (found(LLAMA, tmp_path).path, found(LLAMA, tmp_path).confidence) == (where, "exact")


OTHER = "metaresearch/llama-3.1/transformers/8b-instruct"
PLACES = {
    "mount": "input/{}",
    "root": "roots/{}",
    "kagglehub": "home/.cache/kagglehub/{}",
}


@pytest.mark.parametrize("source", PLACES)
@pytest.mark.parametrize("asked", [f"{OTHER}/2", "/kaggle/input/models/" + f"{OTHER}/2"])
def test_version_that_was_asked_for_is_not_replaced_whoever_finds_the_other(tmp_path, source, asked):
    """The kagglehub cache once called version 1 an exact answer to version 2, by way of the catalog."""
    where = tmp_path / PLACES[source].format(f"models/{OTHER}/1")
    place(where, "meta-llama/Llama-3.1-8B-Instruct")
    roots = (tmp_path / "roots",)
    with pytest.raises(ModelNotFound):
        found(asked, tmp_path, extra_roots=roots)
    assert found(f"{OTHER}/1", tmp_path, extra_roots=roots).path == where
    assert found(OTHER, tmp_path, extra_roots=roots).path == where


@pytest.mark.parametrize("source", ["mount", "root"])
def test_owner_that_was_asked_for_is_not_replaced_whoever_finds_the_other(tmp_path, source):
    place(
        tmp_path / PLACES[source].format("models/evil/llama-3.1/transformers/8b-instruct/1"),
        "meta-llama/Llama-3.1-8B-Instruct",
    )
    with pytest.raises(ModelNotFound, match="of another owner: evil"):
        found(f"{OTHER}/1", tmp_path, extra_roots=(tmp_path / "roots",))


def test_handle_is_not_answered_by_another_owners_copy(tmp_path):
    place(tmp_path / "input/models/evil" / OLD, LLAMA)
    with pytest.raises(ModelNotFound, match="of another owner"):
        found(HANDLE, tmp_path)
    assert found(LLAMA, tmp_path).confidence == "matched"


def test_official_row_with_foreign_architecture_is_not_the_model(tmp_path):
    place(tmp_path / "input" / OLD, LLAMA, num_hidden_layers=16)
    with pytest.raises(ModelNotFound) as caught:
        found(LLAMA, tmp_path)
    assert "16" in " ".join(step.reason for step in caught.value.trail)


def test_name_and_architecture_agree_is_matched_and_said(tmp_path):
    where = place(tmp_path / "input/my-data/Meta-Llama-3-8B-Instruct", LLAMA)
    resolution = found(LLAMA, tmp_path)
    assert (resolution.path, resolution.confidence) == (where, "matched")
    assert "matched" in resolution.notes[0]


def test_minimum_confidence_refuses_a_match(tmp_path):
    place(tmp_path / "input/my-data/Meta-Llama-3-8B-Instruct", LLAMA)
    with pytest.raises(AmbiguousModel, match="minimum_confidence"):
        resolve(LLAMA, environment(tmp_path), HOST, Policy(minimum_confidence="exact"))


def test_name_alone_is_a_guess_and_does_not_resolve(tmp_path):
    where = model_dir(tmp_path / "input/my-private-model")
    with pytest.raises(AmbiguousModel) as caught:
        found("someone/my-private-model", tmp_path)
    assert str(where) in str(caught.value)
    assert "resolver.toml" in str(caught.value)


def test_quantised_copy_is_only_a_guess_for_the_base(tmp_path):
    place(tmp_path / "input/gemma-2/transformers/gemma-2-9b-it-4bit/1", "unsloth/gemma-2-9b-it-bnb-4bit")
    with pytest.raises(AmbiguousModel, match="bitsandbytes"):
        found("google/gemma-2-9b-it", tmp_path)
    assert found("unsloth/gemma-2-9b-it-bnb-4bit", tmp_path).confidence == "matched"


def test_download_metadata_inside_is_declared(tmp_path):
    """text-generation-webui writes the id beside the files; the catalog has nothing to compare with."""
    where = model_dir(tmp_path / "roots/my-private-model")
    roots = {"extra_roots": (tmp_path / "roots",)}
    with pytest.raises(AmbiguousModel):
        found("someone/my-private-model", tmp_path, **roots)
    (where / "huggingface-metadata.txt").write_text(
        "url: https://huggingface.co/someone/my-private-model\nbranch: main\n"
    )
    assert found("someone/my-private-model", tmp_path, **roots).confidence == "declared"
    with pytest.raises(AmbiguousModel):
        found("other/my-private-model", tmp_path, **roots)


def test_highest_version_wins_where_none_was_asked(tmp_path):
    for version in (1, 2, 10):
        place(tmp_path / f"input/llama-3.1/transformers/8b-instruct/{version}", "meta-llama/Llama-3.1-8B-Instruct")
    for asked in ("meta-llama/Llama-3.1-8B-Instruct", "metaresearch/llama-3.1/transformers/8b-instruct"):
        assert found(asked, tmp_path).path.name == "10"
    assert found("metaresearch/llama-3.1/transformers/8b-instruct/2", tmp_path).path.name == "2"


def test_absent_version_is_not_replaced_by_another(tmp_path):
    place(tmp_path / "input/llama-3.1/transformers/8b-instruct/1", "meta-llama/Llama-3.1-8B-Instruct")
    with pytest.raises(ModelNotFound) as caught:
        found("metaresearch/llama-3.1/transformers/8b-instruct/2", tmp_path)
    assert "version 1 is attached" in str(caught.value)


def test_two_different_copies_of_equal_rank_are_ambiguous(tmp_path):
    place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    place(tmp_path / "input/two/Meta-Llama-3-8B-Instruct", LLAMA, eos_token_id=5)
    with pytest.raises(AmbiguousModel, match="2 different directories"):
        found(LLAMA, tmp_path)


def test_equal_copies_are_no_tie(tmp_path):
    one = place(tmp_path / "input/one/Meta-Llama-3-8B-Instruct", LLAMA)
    place(tmp_path / "input/two/Meta-Llama-3-8B-Instruct", LLAMA)
    assert found(LLAMA, tmp_path).path == one


def test_alias_is_the_users_word(tmp_path):
    where = model_dir(tmp_path / "mine")
    resolution = resolve("org/private", environment(tmp_path, extra_aliases={"org/private": str(where)}), HOST)
    assert (resolution.path, resolution.confidence) == (where, "exact")


def test_relative_directory_wins_over_the_hub_id_that_it_reads_as(tmp_path):
    where = place(tmp_path / "cwd/meta-llama/Meta-Llama-3-8B-Instruct", LLAMA)
    place(tmp_path / "input" / OLD, LLAMA)
    assert found(LLAMA, tmp_path).path == where


def test_a_directory_that_reads_as_a_hub_id_is_nobodys_model_on_the_hub(tmp_path):
    """Otherwise a finding's fix says to download a stranger's files of that name."""
    place(tmp_path / "cwd/out/checkpoint", LLAMA)
    chosen = choose("out/checkpoint", environment(tmp_path), HOST)
    assert (chosen.identity.source, chosen.identity.hub_id) == ("path", None)
    place(tmp_path / "input" / OLD, LLAMA)
    assert choose(LLAMA, environment(tmp_path), HOST).identity.hub_id == LLAMA


@pytest.mark.parametrize("asked", ["~/m", "$HOME/m/", "../home/m", "~/m/config.json"])
def test_paths_are_expanded(tmp_path, asked):
    (tmp_path / "cwd").mkdir()
    where = model_dir(tmp_path / "home/m")
    assert found(asked, tmp_path).path == where


def test_nested_model_is_descended_into_and_said(tmp_path):
    place(tmp_path / "input/gemma-2/transformers/gemma-2-9b-it/2/gemma-2-9b-it", "google/gemma-2-9b-it")
    resolution = found("google/gemma-2/transformers/gemma-2-9b-it/2", tmp_path)
    assert resolution.path.name == "gemma-2-9b-it"
    assert any("below the directory" in note for note in resolution.notes)


def test_unusable_directory_is_rejected_with_its_report(tmp_path):
    where = place(tmp_path / "input" / OLD, LLAMA)
    (where / "model.safetensors").write_bytes(b"")
    with pytest.raises(ModelRejected) as caught:
        found(LLAMA, tmp_path)
    assert [finding.code for finding in caught.value.report.findings] == ["F004"]
    assert isinstance(caught.value, OSError)


def test_next_candidate_of_equal_confidence_is_tried(tmp_path):
    broken = place(tmp_path / "input/llama-3/transformers/8b-chat-hf/1", LLAMA)
    (broken / "model.safetensors").write_bytes(b"")
    whole = place(tmp_path / "input/models/metaresearch/llama-3/transformers/8b-chat-hf/1", LLAMA)
    resolution = found(LLAMA, tmp_path)
    assert resolution.path == whole
    assert any(step.outcome == "rejected" and "F004" in step.reason for step in resolution.trail)


@pytest.mark.parametrize("revision", ["", "@main", "@aaaaaaa", "@" + "a" * 40])
def test_hub_cache_answers_to_branch_commit_and_short_commit(tmp_path, revision):
    snapshot = hub_cache(tmp_path, LLAMA)
    resolution = found(f"hf://{LLAMA}{revision}", tmp_path)
    assert (resolution.path, resolution.confidence, resolution.revision) == (snapshot, "exact", "a" * 40)


def test_hub_cache_other_revision_is_not_the_one_asked_for(tmp_path):
    hub_cache(tmp_path, LLAMA)
    with pytest.raises(ModelNotFound, match="no revision v2"):
        found(f"hf://{LLAMA}@v2", tmp_path)


def test_hub_cache_lone_snapshot_without_ref_and_other_case_are_found(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA, ref=None)
    assert found(LLAMA.lower(), tmp_path).path == snapshot


def test_hub_cache_ref_with_a_newline_is_found(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA)
    ref = snapshot.parent.parent / "refs/main"
    ref.write_text(ref.read_text() + "\n")
    assert found(LLAMA, tmp_path).path == snapshot


def test_copied_cache_below_a_mount_is_found(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA)
    (tmp_path / "input/my-cache").mkdir(parents=True)
    snapshot.parent.parent.rename(tmp_path / "input/my-cache" / snapshot.parent.parent.name)
    assert found(LLAMA, tmp_path).path.is_relative_to(tmp_path / "input/my-cache")


def test_handle_is_found_in_the_hub_cache(tmp_path):
    snapshot = hub_cache(tmp_path, LLAMA)
    resolution = found(HANDLE, tmp_path)
    assert (resolution.path, resolution.confidence) == (snapshot, "exact")


def test_kagglehub_cache_is_read_without_kagglehub(tmp_path):
    where = place(tmp_path / "home/.cache/kagglehub/models/metaresearch/llama-3/transformers/8b-chat-hf/1", LLAMA)
    where.with_name("1.complete").touch()
    assert found(HANDLE, tmp_path).path == where
    assert found(LLAMA, tmp_path).confidence == "exact"


@pytest.mark.parametrize(
    "folder",
    [
        "models/Qwen/Qwen2___5-0___5B-Instruct",
        "hub/models/Qwen/Qwen2___5-0___5B-Instruct",
        "hub/Qwen/Qwen2___5-0___5B-Instruct",
        "models/Qwen--Qwen2.5-0.5B-Instruct/snapshots/master",
    ],
)
def test_modelscope_layouts_are_read(tmp_path, folder):
    where = place(tmp_path / "home/.cache/modelscope" / folder, "Qwen/Qwen2.5-0.5B-Instruct")
    assert found("Qwen/Qwen2.5-0.5B-Instruct", tmp_path).path == where


def test_modelscope_name_of_another_owner_is_name_evidence(tmp_path):
    place(tmp_path / "home/.cache/modelscope/hub/models/LLM-Research/Meta-Llama-3-8B-Instruct", LLAMA)
    assert found(LLAMA, tmp_path).confidence == "matched"


def test_search_root_is_asked(tmp_path):
    where = place(tmp_path / "roots/meta-llama/Meta-Llama-3-8B-Instruct", LLAMA)
    assert found(LLAMA, tmp_path, extra_roots=(tmp_path / "roots",)).path == where


def test_package_is_found_by_its_record_and_nothing_is_imported(tmp_path):
    site = tmp_path / "site"
    where = place(site / "carrier_model/model", LLAMA)
    info = site / "carrier_model-1.0.dist-info"
    info.mkdir()
    (info / "RECORD").write_text(
        "carrier_model/__init__.py,,\ncarrier_model/model/config.json,,\n../../etc/config.json,,\n"
    )
    (site / "carrier_model/__init__.py").write_text("raise SystemExit('imported')")
    assert found("package:Carrier.Model", tmp_path, search_path=(site,)).path == where
    with pytest.raises(ModelNotFound, match="not installed"):
        found("package:absent", tmp_path, search_path=(site,))


def test_founding_case_says_what_the_oserror_did_not(tmp_path):
    (tmp_path / "input/llama-3.1/transformers").mkdir(parents=True)
    place(tmp_path / "input/llama-3.1/transformers/8b-instruct/1", "meta-llama/Llama-3.1-8B-Instruct")
    with pytest.raises(ModelNotFound) as caught:
        found(f"/kaggle/input/{OLD}", tmp_path)
    said = str(caught.value)
    for part in (
        "https://www.kaggle.com/models/metaresearch/llama-3",
        "consent given elsewhere does not count",
        f"{HANDLE}",
        "model_sources in kernel-metadata.json",
        "8b-instruct/1",
        "the deepest directory that exists",
    ):
        assert part in said
    assert isinstance(caught.value, FileNotFoundError)


def test_broken_link_says_where_it_led(tmp_path):
    (tmp_path / "m").symlink_to("gone")
    with pytest.raises(ModelNotFound, match="m is a link to gone, which leads nowhere"):
        found(str(tmp_path / "m"), tmp_path)


def test_what_is_neither_file_nor_directory_is_said_to_be_there(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelNotFound, match="pipe is neither a directory nor a file"):
        found(str(tmp_path / "pipe"), tmp_path)


def test_misspelt_id_suggests_the_near_one(tmp_path):
    with pytest.raises(ModelNotFound, match="did you mean google/gemma-2-9b-it"):
        found("google/gemma-2-9b-itt", tmp_path)


def test_gated_id_that_kaggle_does_not_have_names_the_download(tmp_path):
    with pytest.raises(ModelNotFound) as caught:
        found("meta-llama/Llama-2-7b-hf", tmp_path)
    assert "hf download meta-llama/Llama-2-7b-hf" in str(caught.value)
    assert "accept its terms at https://huggingface.co/meta-llama/Llama-2-7b-hf" in str(caught.value)


def test_away_from_kaggle_the_fix_is_a_download(tmp_path):
    with pytest.raises(ModelNotFound) as caught:
        found(LLAMA, tmp_path)
    said = str(caught.value)
    assert "is not on this machine" in said
    assert f"hf download {LLAMA}" in said
    assert f"on Kaggle attach {HANDLE.rsplit('/', 1)[0]}" in said


def test_on_kaggle_the_fix_is_to_attach(tmp_path):
    (tmp_path / "input").mkdir()
    with pytest.raises(ModelNotFound, match="kaggle kernels push") as caught:
        found(LLAMA, tmp_path)
    assert f'add "{HANDLE}" to model_sources' in str(caught.value)


def test_malformed_reference_is_a_value_error(tmp_path):
    with pytest.raises(MalformedReference):
        found("", tmp_path)


def test_survey_lists_every_directory_once(tmp_path):
    mounted = place(tmp_path / "input" / OLD, LLAMA)
    snapshot = hub_cache(tmp_path, "google/gemma-2-9b-it")
    (tmp_path / "input/data").mkdir()
    (tmp_path / "input/data/train.csv").touch()
    paths = [each.identity.path for each in survey(environment(tmp_path))]
    assert sorted(paths) == sorted([mounted, snapshot])


def test_resolving_writes_nothing(tmp_path):
    place(tmp_path / "input" / OLD, LLAMA)
    before = sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*"))
    found(LLAMA, tmp_path)
    assert sorted((str(path), path.stat().st_mtime_ns) for path in tmp_path.rglob("*")) == before
