"""`arena merge` end to end: the directory is checked, scores as base and adapter do, and is refused what contradicts it."""

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from adapter_factory import copied, peft_adapter, record_of, write_record
from calibration_factory import calibration
from tiny_classifier import battle, learnable, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.training.record import read_record

LICENCE = "MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """base/ with a licence and a card, adapter/ with a record and a calibration, test.csv, and merged/ of float32."""
    import torch

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("merge")
    base = save_classifier(root / "base", family="llama", head=False)
    (base / "LICENSE").write_text(LICENCE)
    (base / "NOTICE").write_text("Built by somebody.\n")
    (base / "README.md").write_text("---\nlicense: mit\n---\n# The base, and its long story\n")
    (base / "generation_config.json").write_text('{"eos_token_id": 1}')
    adapter = write_record(peft_adapter(base, root / "adapter"), record_of(base))
    (adapter / "calibration.json").write_text(calibration(network=1.25, surface=False).model_dump_json())
    test = [battle(each.id, each.prompts[0], each.answers_a[0] * 3, each.answers_b[0]) for each in learnable(9)]
    write_lmsys(root / "test.csv", test)
    code = run(
        ["merge", "--adapter", str(adapter), "--output", str(root / "merged"), "--max-shard-size", "10KB", "--verify",
         "--format", "json", "--report", str(root / "told.json")]
    )  # fmt: skip
    assert code == 0
    return root


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def score(place: Path, output: Path, *options: str) -> int:
    return run(["score", "--test", str(place / "test.csv"), "--output", str(output), *options])


def forecasts(path: Path) -> list[float]:
    with path.open(newline="") as file:
        return [float(cell) for row in list(csv.reader(file))[1:] for cell in row[1:]]


def test_the_merged_model_forecasts_what_base_and_adapter_do(place: Path, tmp_path: Path) -> None:
    assert score(place, tmp_path / "two.csv", "--model", str(place / "base"), "--adapter", str(place / "adapter")) == 0
    assert score(place, tmp_path / "one.csv", "--model", str(place / "merged")) == 0
    two, one = forecasts(tmp_path / "two.csv"), forecasts(tmp_path / "one.csv")
    assert one == pytest.approx(two, abs=1e-6)
    assert max(two) - min(two) > 0.01


def test_the_result_is_told(place: Path) -> None:
    told = json.loads((place / "told.json").read_text())
    assert (told["command"], told["labels"], told["dtype"]) == ("merge", ["A", "B", "tie"], "auto")
    assert (told["tensors"], told["changed"], told["replaced"], told["left_out"]) == (21, 14, 1, [])
    assert told["files"] == [f"model-0000{n}-of-00004.safetensors" for n in (1, 2, 3, 4)]
    assert 0 <= told["largest_difference"] < 1e-5
    assert told["reports"][0]["verdict"] == "usable"


def test_the_directory_is_clean_at_every_level(place: Path) -> None:
    from resolver import check_model

    report = check_model(place / "merged", purpose="score", level="deep")
    assert report.verdict == "usable"
    assert [each for each in report.findings if each.severity != "info"] == []


def test_the_directory_holds_what_belongs_to_it(place: Path) -> None:
    base, merged = place / "base", place / "merged"
    shards = {f"model-0000{n}-of-00004.safetensors" for n in (1, 2, 3, 4)}
    assert {each.name for each in merged.iterdir()} == shards | {
        "model.safetensors.index.json", "config.json", "tokenizer.json", "tokenizer_config.json", "LICENSE", "NOTICE",
        "README.md", "training.json", "calibration.json",
    }  # fmt: skip
    for name in ("tokenizer.json", "tokenizer_config.json", "LICENSE", "NOTICE"):
        assert (merged / name).read_bytes() == (base / name).read_bytes()
    assert (merged / "calibration.json").read_bytes() == (place / "adapter" / "calibration.json").read_bytes()
    config = json.loads((merged / "config.json").read_text())
    assert (config["num_labels"], config["pad_token_id"]) == (3, 2)
    assert config["id2label"] == {"0": "A", "1": "B", "2": "tie"}
    assert config["label2id"] == {"A": 0, "B": 1, "tie": 2}
    assert config["problem_type"] == "single_label_classification"
    assert config["architectures"] == ["LlamaForSequenceClassification"]
    assert 'license: "mit"' in (merged / "README.md").read_text()
    assert names(place) == ["adapter", "base", "merged", "test.csv", "told.json"]


def test_the_record_travels_and_says_what_was_merged(place: Path) -> None:
    record, before = read_record(place / "merged"), read_record(place / "adapter")
    assert record is not None
    assert record.merged is not None
    assert record.model_copy(update={"merged": None}) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--max-length", "120"), "it was trained on rows of 96 tokens, not 120"),
        (("--truncate", "tail"), "it was trained on rows cut by middle, not tail"),
        (("--prompt-cap", "20%"), "it was trained with a prompt cap of nothing, not 20%"),
        (("--labels", "2"), "was trained on 3 labels"),
        (("--adapter", "ADAPTER"), "on top of it"),
        (("--head", "tokens"), "it knows no letters"),
    ],
)
def test_what_contradicts_the_record_of_a_merged_model_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], said: str
) -> None:
    given = [str(place / "adapter") if each == "ADAPTER" else each for each in options]
    assert score(place, tmp_path / "s.csv", "--model", str(place / "merged"), *given) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()


def edited(place: Path, target: Path, name: str, **values: Any) -> Path:
    """A copy of a directory with other values in one of its JSON files."""
    file = copied(place, target) / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return target


def test_a_merged_model_whose_files_were_changed_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turned = edited(place / "merged", tmp_path / "t", "config.json", id2label={"0": "B", "1": "A", "2": "tie"})
    assert score(place, tmp_path / "s.csv", "--model", str(turned)) == 2
    assert "config.json names others (id2label)" in capsys.readouterr().err
    record = read_record(place / "merged")
    assert record is not None
    assert record.merged is not None
    other = record.merged.model_dump() | {"headers_sha256": "0" * 64}
    trained = edited(place / "merged", tmp_path / "u", "training.json", merged=other)
    assert score(place, tmp_path / "s.csv", "--model", str(trained)) == 2
    assert "are not those that were written when it was merged" in capsys.readouterr().err


def merge(place: Path, output: Path, *options: str, adapter: Path | None = None) -> int:
    return run(["merge", "--adapter", str(adapter or place / "adapter"), "--output", str(output), *options])


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *, kept: tuple[str, ...] = ()) -> str:
    """What was said; and nothing was left behind."""
    assert names(folder) == sorted(kept)
    return capsys.readouterr().err


def test_an_adapter_that_contradicts_the_merge_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    louder = edited(place / "adapter", tmp_path / "a", "adapter_config.json", lora_alpha=64)
    assert merge(place, out / "m", adapter=louder) == 2
    assert "it was trained with alpha 8, and adapter_config.json says lora_alpha 64" in refused(capsys, out)
    other = save_classifier(tmp_path / "other", family="llama", labels=3)
    assert merge(place, out / "m", "--model", str(other)) == 2
    assert "whose weight headers are not those of" in refused(capsys, out)
    bert = save_classifier(tmp_path / "bert")
    assert merge(place, out / "m", "--model", str(bert)) == 1
    assert "A409" in refused(capsys, out)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"peft_type": "PROMPT_TUNING"}, "PROMPT_TUNING"),
        ({"init_lora_weights": "pissa"}, "began as pissa"),
        ({"layer_replication": [[0, 2], [0, 2]]}, "layer_replication"),
        ({"from_the_future": 3}, "does not know from_the_future"),
        ({"alora_invocation_tokens": [5]}, "ALora"),
        ({"r": 2}, "4"),
        ({"target_modules": ["q_proj"]}, "A409"),
    ],
)
def test_an_adapter_that_no_weight_can_hold_is_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], values: dict[str, Any], said: str
) -> None:
    strange = edited(place / "adapter", tmp_path / "a", "adapter_config.json", **values)
    (strange / "training.json").unlink()  # its record would refuse it before
    out = tmp_path / "out"
    out.mkdir()
    assert merge(place, out / "m", adapter=strange) == 1
    assert said in refused(capsys, out)


def test_tensors_that_are_missing_or_strange_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    out = tmp_path / "out"
    out.mkdir()
    tensors = load_file(place / "adapter" / "adapter_model.safetensors")
    name = next(each for each in tensors if "lora_A" in each)
    cases = [
        {key: each for key, each in tensors.items() if key not in (name, name.replace("lora_A", "lora_B"))},
        tensors | {"base_model.model.model.norm.weight": tensors[name][0].clone()},
    ]
    for number, case in enumerate(cases):
        strange = copied(place / "adapter", tmp_path / f"a{number}")
        save_file(case, strange / "adapter_model.safetensors")
        assert merge(place, out / "m", adapter=strange) == 1
        assert "does not fit the model" in refused(capsys, out)
    lacking = copied(place / "base", tmp_path / "lacking")
    weights = load_file(lacking / "model.safetensors")
    weights.pop("norm.weight")
    save_file(weights, lacking / "model.safetensors", metadata={"format": "pt"})
    assert merge(place, out / "m", "--model", str(lacking), "--force") == 1
    assert "norm.weight" in refused(capsys, out)


def test_a_quantised_base_is_refused(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    quantised = edited(
        place / "base",
        tmp_path / "q",
        "config.json",
        quantization_config={"quant_method": "bitsandbytes", "load_in_8bit": True},
    )
    out = tmp_path / "out"
    out.mkdir()
    assert merge(place, out / "m", "--model", str(quantised), "--force") == 1
    assert "bitsandbytes" in refused(capsys, out)


def test_a_bare_state_dict_is_never_unpickled_and_the_way_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the public training notebook saves. `resolver repair adapter` reads it, with the alpha of the run."""
    import torch
    from safetensors.torch import load_file

    saved = tmp_path / "saved"
    saved.mkdir()
    tensors = load_file(place / "adapter" / "adapter_model.safetensors")
    torch.save(tensors, saved / "llama_3_finetuned_model.pth")
    out = tmp_path / "out"
    out.mkdir()
    for given in (saved, saved / "llama_3_finetuned_model.pth"):
        assert merge(place, out / "m", adapter=given) == 1
        file = saved / "llama_3_finetuned_model.pth"
        assert f"resolver repair adapter {file} --base MODEL --alpha N" in refused(capsys, out)
    from resolver.cli import main

    mended = str(tmp_path / "mended")
    options = ["--base", str(place / "base"), "--alpha", "8", "--to", mended]
    assert main(["repair", "adapter", str(saved / "llama_3_finetuned_model.pth"), *options]) == 0
    assert merge(place, out / "m", adapter=Path(mended)) == 0
    first = next((place / "merged").glob("*.safetensors"))
    made = load_file(out / "m" / "model.safetensors")
    assert all(torch.equal(made[key], tensor) for key, tensor in load_file(first).items())


def test_a_taken_place_and_a_source_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = copied(place, tmp_path / "work")
    record = record_of(work / "base")
    write_record(work / "adapter", record)
    kept = tuple(names(work))
    assert merge(work, work / "merged", "--model", str(work / "base")) == 2
    assert "it holds a model already" in refused(capsys, work, kept=kept)
    assert merge(work, work / "base", "--force", "--model", str(work / "base")) == 2
    assert "is read from there" in refused(capsys, work, kept=kept)
    assert merge(work, work / "adapter" / "m", "--model", str(work / "base")) == 2
    assert "is read from there" in refused(capsys, work, kept=kept)
    assert merge(work, work / "merged", "--force", "--model", str(work / "base")) == 0
    assert (work / "merged" / "model.safetensors").is_file()  # one file now: the old directory is gone
    assert not (work / "merged" / "model.safetensors.index.json").exists()


@pytest.mark.parametrize(("size", "said"), [("5", "below 1KB"), ("many", "is no size"), ("-1GB", "is no size")])
def test_sizes_that_are_none_are_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], size: str, said: str
) -> None:
    assert merge(place, tmp_path / "m", f"--max-shard-size={size}") == 2
    assert said in capsys.readouterr().err


def test_an_adapter_without_a_record_is_merged_and_what_is_not_known_is_told(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = copied(place / "adapter", tmp_path / "bare")
    (bare / "training.json").unlink()
    assert merge(place, tmp_path / "m", adapter=bare) == 0
    assert "has no training.json" in capsys.readouterr().err
    assert read_record(tmp_path / "m") is None
    assert score(place, tmp_path / "s.csv", "--model", str(tmp_path / "m")) == 0


def test_a_merged_model_is_no_adapter(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert merge(place, tmp_path / "m", adapter=place / "merged") == 2
    assert "is a merged model, and no adapter" in refused(capsys, tmp_path)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_nothing_half(place: Path, tmp_path: Path, signal_number: signal.Signals) -> None:
    out = tmp_path / "out"
    out.mkdir()
    command = [
        sys.executable,
        "-m",
        "pipeline",
        "merge",
        "--adapter",
        str(place / "adapter"),
        "--output",
        str(out / "m"),
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and not any(out.glob(".m.*/*.safetensors")):
            time.sleep(0.02)
        process.send_signal(signal_number)
        code = process.wait(120)
    assert code == (-signal.SIGKILL if signal_number == signal.SIGKILL else 130)
    assert not (out / "m").exists()
    if signal_number == signal.SIGINT:
        assert names(out) == []
    shutil.rmtree(out)
