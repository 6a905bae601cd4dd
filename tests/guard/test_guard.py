"""The guard against the real libraries: what is raised, what is loaded, what is put back.

Needs nothing but pytest, torch, transformers and safetensors, so that it runs under every version of the matrix.
"""

import asyncio
import copy
import importlib
import inspect
import os
import pickle
import subprocess
import sys
import threading
import types
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from resolver import ModelLoadError, guard, install, uninstall
from resolver.guarding import diagnosis_of

huggingface_hub = pytest.importorskip("huggingface_hub")
safetensors = pytest.importorskip("safetensors")
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PROJECT = Path(__file__).resolve().parent.parent.parent
FOUNDING = "/kaggle/input/llama-3/transformers/8b-chat-hf/1"
HANDLE = "someone/tiny/transformers/default/1"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole tiny Llama, made by the library, below a mount folder as Kaggle lays it out."""
    root = tmp_path_factory.mktemp("mount")
    directory = root / "models" / HANDLE
    config = transformers.LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=32, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture(autouse=True)
def machine(tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine whose only model is the tiny one."""
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tiny.parents[5]))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.delenv("TRANSFORMERS_OFFLINE", raising=False)


@pytest.fixture
def damaged(tiny: Path, tmp_path: Path) -> Path:
    """A copy whose weights end in the middle."""
    directory = tmp_path / "damaged"
    directory.mkdir()
    for file in tiny.iterdir():
        content = file.read_bytes()
        (directory / file.name).write_bytes(content[:-100] if file.suffix == ".safetensors" else content)
    return directory


@pytest.mark.parametrize("loader", ["AutoConfig", "AutoTokenizer", "AutoModel", "AutoModelForCausalLM", "LlamaConfig",
                                    "LlamaForCausalLM", "GenerationConfig"])  # fmt: skip
def test_founding_case_says_what_is_really_wrong(loader: str) -> None:
    with guard(), pytest.raises(ModelLoadError) as raised:
        getattr(transformers, loader).from_pretrained(FOUNDING)
    told = str(raised.value)
    assert told.startswith(f"{loader}.from_pretrained('{FOUNDING}') failed: {FOUNDING} does not exist")
    assert "metaresearch/llama-3/transformers/8b-chat-hf/1 is not attached to this notebook" in told
    assert "https://www.kaggle.com/models/metaresearch/llama-3" in told
    assert isinstance(raised.value, OSError)
    own = raised.value.__cause__
    assert own is not None, "the library's own error stays"
    assert isinstance(raised.value, type(own)), "and who catches it by its class goes on doing so"
    assert raised.value.reference == FOUNDING


@pytest.mark.parametrize("loader", ["AutoConfig", "AutoTokenizer", "AutoModel"])
def test_a_hub_id_that_is_nowhere_is_told_without_a_network(loader: str) -> None:
    with guard(), pytest.raises(ModelLoadError, match="meta-llama/Meta-Llama-3-8B-Instruct is not attached"):
        getattr(transformers, loader).from_pretrained("meta-llama/Meta-Llama-3-8B-Instruct")


def test_pipeline_and_snapshot_download_are_guarded_too() -> None:
    with guard():
        with pytest.raises(ModelLoadError, match=r"pipeline\('no/where'\) failed: no/where is not"):
            transformers.pipeline("text-generation", model="no/where")
        with pytest.raises(ModelLoadError, match=r"snapshot_download\('no/where'\) failed"):
            huggingface_hub.snapshot_download("no/where")


def test_an_error_is_still_of_the_librarys_own_class() -> None:
    """Libraries catch theirs by class; a caller of theirs must not fall through because we were there."""
    kind = huggingface_hub.utils.LocalEntryNotFoundError
    if not issubclass(kind, OSError):
        pytest.skip("LocalEntryNotFoundError is no OSError in this version")
    with guard(), pytest.raises(kind) as raised:
        huggingface_hub.snapshot_download("no/where")
    assert isinstance(raised.value, ModelLoadError)


def test_a_handle_that_is_here_is_loaded_and_said_once(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with guard():
        config = transformers.AutoConfig.from_pretrained(HANDLE)
        model = transformers.AutoModelForCausalLM.from_pretrained(HANDLE)
        assert huggingface_hub.snapshot_download(HANDLE) == str(tiny)
    assert (config.hidden_size, model.config.hidden_size) == (16, 16)
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("resolver: ")]
    assert told == [f"resolver: {HANDLE} is loaded from {tiny} (exact, kaggle mount)"]


def test_a_stale_mount_path_is_loaded_from_where_it_lies_now() -> None:
    with guard():
        config = transformers.AutoConfig.from_pretrained("/kaggle/input/tiny/transformers/default/1")
    assert config.hidden_size == 16


@pytest.mark.parametrize("pin", [{"revision": "abc"}, {"subfolder": "below"}, {"cache_dir": "elsewhere"}])
def test_nothing_is_put_in_its_place_where_the_call_names_more(pin: dict[str, str]) -> None:
    with guard(), pytest.raises(ModelLoadError, match=r"revision, subfolder, variant or cache_dir"):
        transformers.AutoConfig.from_pretrained(HANDLE, **pin)


def test_less_than_exact_is_suggested_and_not_loaded(tiny: Path) -> None:
    """A directory that merely has the name: `resolver path` would only guess, so the library is left alone."""
    with guard(), pytest.raises(ModelLoadError) as raised:
        transformers.AutoConfig.from_pretrained("nobody/default")
    assert str(tiny) not in str(raised.value.__cause__)


def test_another_class_stays_itself_and_gains_the_note(damaged: Path) -> None:
    with pytest.raises(Exception) as plain:
        transformers.AutoModel.from_pretrained(damaged)
    assert not isinstance(plain.value, OSError)
    with guard(), pytest.raises(type(plain.value)) as raised:
        transformers.AutoModel.from_pretrained(damaged)
    assert not isinstance(raised.value, OSError)
    assert type(raised.value) is type(plain.value)
    (note,) = raised.value.__notes__
    assert "error[W104]" in note or "error[W1" in note
    found = diagnosis_of(raised.value)
    assert found is not None
    assert found.findings


def test_files_are_guarded_and_judged_with_their_directory(damaged: Path, tiny: Path) -> None:
    file = damaged / "model.safetensors"
    with guard():
        from safetensors.torch import load_file

        with pytest.raises(safetensors.SafetensorError) as raised:
            load_file(str(file))
        assert "error[W1" in raised.value.__notes__[0]
        with pytest.raises((ModelLoadError, FileNotFoundError)) as absent:
            load_file(str(tiny / "absent.safetensors"))
        assert diagnosis_of(absent.value) is not None
        with safetensors.safe_open(str(tiny / "model.safetensors"), framework="pt") as opened:
            assert list(opened.keys())
        with pytest.raises(ModelLoadError, match=r"torch\.load"):
            torch.load(str(tiny / "absent.bin"))


def test_only_the_outermost_call_is_changed(damaged: Path) -> None:
    seen: list[BaseException] = []

    class Outer(transformers.LlamaForCausalLM):  # type: ignore[misc] # no types there
        @classmethod
        def from_pretrained(cls, name: str, **named: object) -> object:
            return super().from_pretrained(name, **named)

    with guard():
        try:
            Outer.from_pretrained(damaged)
        except Exception as error:  # noqa: BLE001
            seen.append(error)
    assert len(seen[0].__notes__) == 1


def test_a_good_directory_is_loaded_as_without_the_guard(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with guard():
        model = transformers.AutoModelForCausalLM.from_pretrained(tiny)
    assert model.num_parameters() > 0
    assert "resolver:" not in capsys.readouterr().err


def test_everything_is_put_back() -> None:
    def state() -> list[object]:
        auto = transformers.models.auto.modeling_auto
        return [
            vars(transformers.PreTrainedModel)["from_pretrained"],
            vars(transformers.AutoTokenizer)["from_pretrained"],
            vars(transformers.AutoConfig)["from_pretrained"],
            vars(auto.AutoModel).get("from_pretrained"),
            torch.load,
            safetensors.safe_open,
            huggingface_hub.snapshot_download,
            transformers.pipeline,
            huggingface_hub.constants.HF_HUB_OFFLINE,
            os.environ.get("HF_HUB_OFFLINE"),
            list(sys.meta_path),
        ]

    before = state()
    with guard():
        inside = state()
        with guard(offline=False):
            pass
        assert vars(transformers.PreTrainedModel)["from_pretrained"] is inside[0]
    assert state() == before
    assert inside[:3] != before[:3]
    assert (inside[8], inside[9]) == (True, "1")


def test_offline_false_leaves_the_network_alone() -> None:
    before = (huggingface_hub.constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE"))
    with guard(offline=False):
        assert (huggingface_hub.constants.HF_HUB_OFFLINE, os.environ.get("HF_HUB_OFFLINE")) == before


def test_install_and_uninstall_hold_for_the_session() -> None:
    original = torch.load
    install()
    install()
    with pytest.raises(ModelLoadError):
        transformers.AutoConfig.from_pretrained(FOUNDING)
    uninstall()
    uninstall()
    assert torch.load is original


def test_an_error_goes_from_process_to_process_with_its_diagnosis() -> None:
    """A pool of processes hands errors back pickled; one that cannot be read again breaks the pool."""
    for call in (lambda: transformers.AutoConfig.from_pretrained(FOUNDING), lambda: torch.load("/nowhere/x.pt")):
        with guard(), pytest.raises(ModelLoadError) as caught:
            call()
        again = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(again, ModelLoadError)
        assert (again.reference, str(again)) == (caught.value.reference, str(caught.value))
        assert str(copy.copy(caught.value)) == str(caught.value)


def test_a_guard_stands_over_coroutines_and_generators_too() -> None:
    @guard()
    async def coroutine() -> str | None:
        await asyncio.sleep(0)
        return os.environ.get("HF_HUB_OFFLINE")

    @guard()
    def generator() -> Iterator[str | None]:
        yield os.environ.get("HF_HUB_OFFLINE")

    @guard()
    async def both() -> AsyncIterator[str | None]:
        yield os.environ.get("HF_HUB_OFFLINE")

    async def all_of() -> list[str | None]:
        return [each async for each in both()]

    assert inspect.iscoroutinefunction(coroutine)
    assert [asyncio.run(coroutine()), *generator(), *asyncio.run(all_of())] == ["1", "1", "1"]
    assert "HF_HUB_OFFLINE" not in os.environ


def test_one_guard_can_be_entered_again() -> None:
    twice = guard()
    for _ in range(2):
        with twice:
            assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in os.environ


def test_what_somebody_else_patches_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "load", torch.load)  # put back behind the test
    with guard():
        mine = torch.load = lambda *_, **__: "mine"
    assert torch.load is mine


def test_a_notebook_that_holds_another_module_of_transformers_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The init of transformers can run twice: the notebook then holds a module that sys.modules does not."""
    held = types.ModuleType("transformers")
    held.pipeline = importlib.import_module("transformers.pipelines").pipeline
    monkeypatch.setattr(sys.modules["__main__"], "held_by_the_notebook", held, raising=False)
    before = held.pipeline
    with guard():
        assert held.pipeline is not before
    assert held.pipeline is before


def test_a_token_in_the_place_of_a_name_is_masked() -> None:
    token = "hf_" + "AbCdEfGh12345678"
    with guard(), pytest.raises(ModelLoadError) as caught:
        transformers.AutoConfig.from_pretrained(token)
    assert token not in str(caught.value)


def test_guard_is_a_decorator_and_holds_in_threads() -> None:
    raised: list[BaseException] = []

    def load() -> None:
        try:
            transformers.AutoConfig.from_pretrained(FOUNDING)
        except OSError as error:
            raised.append(error)

    @guard()
    def run() -> None:
        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    run()
    assert [type(each) for each in raised] == [type(raised[0])] * 4
    assert all(isinstance(each, ModelLoadError) for each in raised)


def test_a_fault_of_the_guard_never_hides_the_librarys_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolver.guarding.diagnosis._report", lambda _: 1 / 0)
    with guard(), pytest.raises(OSError) as raised:
        transformers.AutoConfig.from_pretrained(FOUNDING)
    assert not isinstance(raised.value, ModelLoadError)
    assert "ZeroDivisionError" in raised.value.__notes__[0]


CHILD = """
import socket, sys, time
def connect(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        raise SystemExit(f"the network was asked: {event} {arguments}")
sys.addaudithook(connect)
from resolver import guard, ModelLoadError
assert not {"transformers", "huggingface_hub", "torch"} & set(sys.modules)
with guard():
    from transformers import AutoConfig, AutoTokenizer, AutoModel
    from huggingface_hub import snapshot_download
    started = time.monotonic()
    for load in (AutoConfig.from_pretrained, AutoTokenizer.from_pretrained, AutoModel.from_pretrained, snapshot_download):
        try:
            load("meta-llama/Meta-Llama-3-8B-Instruct")
        except ModelLoadError as error:
            assert "metaresearch/llama-3" in str(error), error
        else:
            raise SystemExit("nothing was raised")
import huggingface_hub.constants
assert huggingface_hub.constants.HF_HUB_OFFLINE is False
print("waited" if time.monotonic() - started > 10 else "told")
"""


def test_what_is_imported_inside_is_patched_and_never_waits_for_a_network() -> None:
    variables = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", CHILD], env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("told", 0), done.stderr
