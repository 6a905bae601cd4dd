"""The policy inside the guard: what it forbids is refused before a library opens it, out of its own cache too."""

import shutil
from pathlib import Path

import pytest

from resolver import ModelLoadError, guard
from resolver.errors import ConfigurationError
from resolver.guarding import diagnosis_of

huggingface_hub = pytest.importorskip("huggingface_hub")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

HUB_ID = "someone/tiny"
COMMIT = "a" * 40


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("made")
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=32, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture
def tiny(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "tiny"))


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing on it; the policy is written by the test."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("RESOLVER_CONFIG", raising=False)
    return tmp_path


def policy(machine: Path, text: str) -> Path:
    file = machine / "work" / "resolver.toml"
    file.write_text(text)
    return file


def cached(made: Path, cache: Path) -> Path:
    """The model as a library's own cache has it."""
    repository = cache / f"models--{HUB_ID.replace('/', '--')}"
    snapshot = repository / "snapshots" / COMMIT
    shutil.copytree(made, snapshot)
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text(COMMIT)
    return snapshot


def pickled(directory: Path) -> Path:
    model = transformers.AutoModelForCausalLM.from_pretrained(directory)
    torch.save(model.state_dict(), directory / "pytorch_model.bin")
    return directory / "model.safetensors"


LOADERS = ["AutoConfig", "AutoTokenizer", "AutoModelForCausalLM", "LlamaForCausalLM"]


@pytest.mark.parametrize("loader", LOADERS)
def test_an_explicit_path_is_refused_with_the_file_that_says_so(loader: str, tiny: Path, machine: Path) -> None:
    file = policy(machine, '[policy]\nlicences = ["mit"]\n')
    with guard(), pytest.raises(ModelLoadError) as raised:
        getattr(transformers, loader).from_pretrained(tiny)
    told = str(raised.value)
    assert told.startswith(
        f"{loader}.from_pretrained('{tiny}') is refused by the policy of {file}: no licence is stated"
    )
    assert "error[L507] licence-not-allowed" in told
    assert raised.value.__cause__ is None, "the library was never asked"
    found = diagnosis_of(raised.value)
    assert found is not None
    assert [each.code for each in found.findings] == ["L507"]


@pytest.mark.parametrize("place", ["HF_HOME", "cache_dir"])
def test_the_librarys_own_cache_is_looked_into(made: Path, machine: Path, place: str) -> None:
    policy(machine, '[policy]\nlicences = ["mit"]\n')
    cache = machine / ("hf/hub" if place == "HF_HOME" else "elsewhere")
    snapshot = cached(made, cache)
    named = {} if place == "HF_HOME" else {"cache_dir": str(cache)}
    with guard(), pytest.raises(ModelLoadError, match="L507"):
        transformers.AutoModelForCausalLM.from_pretrained(HUB_ID, **named)
    (snapshot / "README.md").write_text("---\nlicense: mit\n---\n")
    if named:
        with guard():
            assert transformers.AutoModelForCausalLM.from_pretrained(HUB_ID, **named).num_parameters() > 0


def test_what_is_allowed_is_loaded_as_without_a_policy(tiny: Path, machine: Path) -> None:
    policy(machine, '[policy]\nlicences = ["mit"]\npickle = "never"\n')
    (tiny / "README.md").write_text("---\nlicense: mit\n---\n")
    with guard():
        assert transformers.AutoModelForCausalLM.from_pretrained(tiny).num_parameters() > 0


def test_pickles_are_refused_where_a_loader_would_open_them(tiny: Path, machine: Path) -> None:
    safe = pickled(tiny)
    policy(machine, '[policy]\npickle = "never"\n')
    with guard():
        assert transformers.AutoModelForCausalLM.from_pretrained(tiny).num_parameters() > 0
        with pytest.raises(ModelLoadError, match="S607"):
            transformers.AutoModelForCausalLM.from_pretrained(tiny, use_safetensors=False)
        with pytest.raises(ModelLoadError, match=r"load unpickles, and pickle of \[policy\]"):
            torch.load(tiny / "pytorch_model.bin")
    safe.unlink()
    with guard(), pytest.raises(ModelLoadError, match="S607"):
        transformers.AutoModelForCausalLM.from_pretrained(tiny)


def test_files_are_held_with_their_directory(tiny: Path, machine: Path) -> None:
    import safetensors.torch

    policy(machine, "[policy]\napproved = []\n")
    with guard(), pytest.raises(ModelLoadError, match="I907"):
        safetensors.torch.load_file(tiny / "model.safetensors")
    assert safetensors.torch.load_file(tiny / "model.safetensors")


def test_nothing_is_downloaded_that_the_policy_has_not_seen(machine: Path) -> None:
    policy(machine, '[policy]\npickle = "never"\n')
    with guard(offline=False), pytest.raises(ModelLoadError, match="has to see what it allows"):
        huggingface_hub.snapshot_download("nobody/nothing")


def test_a_data_set_is_no_model(machine: Path) -> None:
    policy(machine, '[policy]\npickle = "never"\n')
    with guard(), pytest.raises(ModelLoadError) as raised:
        huggingface_hub.snapshot_download("nobody/nothing", repo_type="dataset")
    assert "refused by the policy" not in str(raised.value)


def test_what_is_called_within_a_call_is_held_too(tiny: Path, made: Path, machine: Path) -> None:
    """An adapter whose own directory is allowed, over a base that is not."""
    peft = pytest.importorskip("peft")
    base = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    adapter = machine / "adapter"
    peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")).save_pretrained(
        adapter
    )
    (adapter / "README.md").write_text("---\nlicense: mit\n---\n")
    policy(machine, '[policy]\nlicences = ["mit"]\n')
    with guard(), pytest.raises(ModelLoadError, match="L507"):
        peft.AutoPeftModelForCausalLM.from_pretrained(str(adapter))
    (tiny / "README.md").write_text("---\nlicense: mit\n---\n")
    with guard():
        assert peft.AutoPeftModelForCausalLM.from_pretrained(str(adapter)).num_parameters() > 0


@pytest.mark.parametrize("text", ["[policy]\nx = 1", "not toml", 'locks = ["absent"]'])
def test_a_guard_with_a_policy_that_cannot_be_read_does_not_open(text: str, machine: Path) -> None:
    policy(machine, text)
    before = torch.load
    with pytest.raises(ConfigurationError), guard():
        pass
    assert torch.load is before


def test_a_fault_of_the_gate_refuses(tiny: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy(machine, '[policy]\npickle = "never"\n')
    monkeypatch.setattr("resolver.vetting.Vetting.forbidden", lambda *_, **__: 1 / 0)
    with guard(), pytest.raises(ModelLoadError, match="could not be judged: ZeroDivisionError"):
        transformers.AutoConfig.from_pretrained(tiny)


def test_a_staged_directory_is_loaded_by_its_name_where_the_user_vouches_for_it(made: Path, machine: Path) -> None:
    from lock_factory import lock_dir

    root = Path(shutil.copytree(made, machine / "input/my-models"))
    model = lock_dir(root, HUB_ID)
    with guard(), pytest.raises(ModelLoadError, match="that is no exact match"):
        transformers.AutoConfig.from_pretrained(HUB_ID)
    policy(machine, f'[digests]\n"{HUB_ID}" = "sha256:{model.tree_sha256}"\n')
    with guard():
        assert transformers.AutoConfig.from_pretrained(HUB_ID).hidden_size == 16
