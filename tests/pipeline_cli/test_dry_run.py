"""`arena recipes`, `arena train --recipe` and `--dry-run`: every recipe against its machine with a config.json alone."""

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_classifier import learnable, save_classifier, write_lmsys

from pipeline.cli import run
from pipeline.cli.main import parser
from pipeline.cli.train import plan_of, request_of
from pipeline.training.plan import Plan
from pipeline.training.recipes import RECIPES, Recipe, recipe_of

transformers = pytest.importorskip("transformers")

LLAMA_3_8B = {
    "vocab_size": 128_256, "hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32,
    "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192,
}  # fmt: skip
GEMMA_2_9B = {
    "vocab_size": 256_000, "hidden_size": 3584, "intermediate_size": 14_336, "num_hidden_layers": 42,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 256,
}  # fmt: skip
SMOLLM2_135M = {
    "vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192,
}  # fmt: skip
MINILM = {
    "vocab_size": 30_522, "hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6,
    "num_attention_heads": 12, "max_position_embeddings": 512,
}  # fmt: skip
SHAPES = {
    "smoke_cpu": ("BertConfig", MINILM),
    "smollm2_cpu_gpu": ("LlamaConfig", SMOLLM2_135M),
    "llama3_8b_lora_tpu": ("LlamaConfig", LLAMA_3_8B),
    "llama3_8b_lora_tpu_better": ("LlamaConfig", LLAMA_3_8B),
    "llama3_8b_qlora_t4x2": ("LlamaConfig", LLAMA_3_8B),
    "gemma2_9b_lora_gpu": ("Gemma2Config", GEMMA_2_9B),
}


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lmsys(tmp_path_factory.mktemp("battles") / "train.csv", learnable(60))


def config_only(root: Path, kind: str, numbers: dict[str, Any]) -> Path:
    getattr(transformers, kind)(**numbers).save_pretrained(root)
    return root


def dry(train: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any], str]:
    arguments = ["--train", str(train), "--output", str(train.parent / "never"), "--dry-run", "--format", "json"]
    code = run(["train", *arguments, *options])
    told = capsys.readouterr()
    assert not (train.parent / "never").exists()
    return code, json.loads(told.out) if told.out else {}, told.err


@pytest.mark.parametrize("name", SHAPES)
def test_every_recipe_fits_its_machine_by_its_config_alone(
    name: str, train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = config_only(tmp_path / "model", *SHAPES[name])
    code, told, _ = dry(train, capsys, "--recipe", name, "--model", str(model))
    found = told["dry_run"]
    assert found["fits"] is True
    assert found["machine"]["accelerator"] == recipe_of(name).accelerator
    assert found["seconds"][0] < found["seconds"][1]
    assert (
        "header of every file" in found["memory_rules"]["H701"]
        or found["plan"]["quantize"] != "none"
        or (found["machine"]["kind"] == "cpu")
    )
    assert code == 1  # the resolver says that there are no weights
    assert "W101" in {each["code"] for each in told["reports"][0]["findings"]}
    assert found["load"]["is_exact"] is False


def test_a_whole_model_is_judged_by_its_rows(train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = save_classifier(tmp_path / "base", head=False)
    options = ["--model", str(base), "--accelerator", "kaggle-t4x2", "--max-length", "96"]
    code, told, err = dry(train, capsys, *options)
    found = told["dry_run"]
    assert (code, found["fits"], found["load"]["is_exact"]) == (0, True, True)
    assert found["memory_rules"] == {}  # H701 and H702 judged, and had nothing to say
    assert (found["load"]["battles"], found["load"]["held_out"]) == (54, 6)
    assert found["load"]["longest"] <= 96
    assert "usable" in err


@pytest.mark.parametrize(("memory_gb", "fits"), [(0.301, False), (0.5, True)])
def test_h701_and_the_dry_run_say_the_same(
    memory_gb: float, fits: bool, train: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = save_classifier(tmp_path / "base", head=False)
    table = f'[accelerators.small]\ndevice = "Tesla T4"\nmemory_gb = {memory_gb}\n'
    (tmp_path / "resolver.toml").write_text(table, encoding="utf-8")
    options = ["--model", str(base), "--accelerator", "small", "--config", str(tmp_path / "resolver.toml")]
    code, told, _ = dry(train, capsys, *options, "--max-length", "96", "--dtype", "float32")
    found = told["dry_run"]
    assert (code == 0, found["fits"]) == (fits, fits)
    assert ("H701" in found["memory_rules"]) is not fits
    assert found["machine"]["peak_32"] == 8.1e12


@pytest.fixture(scope="module")
def too_large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return config_only(tmp_path_factory.mktemp("large") / "model", "LlamaConfig", LLAMA_3_8B)


def test_what_does_not_fit_says_which_option_would_do(
    train: Path, too_large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--recipe", "llama3_8b_qlora_t4x2", "--model", str(too_large), "--quantize", "none"]
    code, told, _ = dry(train, capsys, *options)
    found = told["dry_run"]
    assert (code, found["fits"]) == (1, False)
    assert "--quantize int8" in found["ways"]
    code, told, _ = dry(train, capsys, *options[:4], "--quantize", "int8")
    assert told["dry_run"]["fits"] is True  # what it said is so


def test_a_sharded_run_is_judged_by_a_share(train: Path, too_large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--model", str(too_large), "--accelerator", "kaggle-l4x4", "--checkpointing", "--max-length", "4096"]
    options += ["--batch-tokens", "16384"]
    _, whole, _ = dry(train, capsys, *options)
    _, shared, _ = dry(train, capsys, *options, "--parallel", "shard")
    assert (whole["dry_run"]["fits"], shared["dry_run"]["fits"]) == (False, True)
    assert shared["dry_run"]["memory_rules"]["H701"] == "ignored: the model is divided over 4 devices"


def test_the_text_says_the_verdict_first(train: Path, too_large: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--train", str(train), "--output", "never", "--dry-run", "--model", str(too_large)]
    assert run(["train", *arguments, "--recipe", "llama3_8b_lora_tpu"]) == 1
    told = capsys.readouterr()
    assert told.out.startswith("fits on kaggle-tpu-v5e-8, sharded over its 8 devices; but the model has errors:")
    assert "7,506,653,184 parameters, 1,716,224 trained" in told.out
    assert "the limit is 9 h" in told.out
    assert "error[W101]" in told.err


def test_full_training_of_8b_is_told_to_be_no_run_for_two_t4(
    train: Path, too_large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--model", str(too_large), "--accelerator", "kaggle-t4x2", "--tune", "full", "--dtype", "float16"]
    code, told, _ = dry(train, capsys, *arguments)
    assert (code, told["dry_run"]["fits"]) == (1, False)
    assert told["dry_run"]["memory"]["optimiser"] == 8 * told["dry_run"]["model"]["trained"]


def test_a_model_that_is_absent_is_told_in_the_resolvers_words(
    train: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    code, told, err = dry(train, capsys, "--recipe", "llama3_8b_qlora_t4x2")
    assert (code, told) == (3, {})
    assert "accept the licence at https://www.kaggle.com/models/metaresearch/llama-3" in err


def test_an_accelerator_that_nobody_knows_is_a_usage_error(
    train: Path, too_large: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = dry(train, capsys, "--model", str(too_large), "--accelerator", "abacus")
    assert code == 2
    assert "accelerator 'abacus' is not known; known are host, kaggle-t4x2" in err


def test_an_accelerator_without_a_dry_run_is_refused(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--train", str(train), "--output", "never", "--model", "m", "--accelerator", "cpu"]
    assert run(["train", *arguments]) == 2
    assert "say --dry-run too" in capsys.readouterr().err


def options_of(*words: str) -> Any:
    return parser().parse_args(["train", "--train", "t.csv", "--output", "o", *words])


def test_a_recipe_fills_what_the_options_do_not_say() -> None:
    request = request_of(options_of("--recipe", "llama3_8b_lora_tpu"))
    recipe = recipe_of("llama3_8b_lora_tpu")
    assert (request.model, request.plan, request.max_length) == (recipe.model, recipe.plan, recipe.max_length)
    assert (request.dtype, request.truncation.way) == (recipe.dtype, recipe.truncation)


def test_options_come_before_a_recipes() -> None:
    words = ["--recipe", "llama3_8b_lora_tpu", "--model", "./mine", "--rank", "8", "--max-length", "512",
             "--truncate", "tail", "--prompt-cap", "20%", "--dtype", "float32", "--buckets", "256,512", "--swap", "both"]  # fmt: skip
    request = request_of(options_of(*words))
    assert (request.model, request.max_length, request.dtype) == ("./mine", 512, "float32")
    assert (request.truncation.way, request.truncation.prompt_cap) == ("tail", "20%")
    assert (request.plan.rank, request.plan.buckets, request.plan.swap) == (8, (256, 512), "both")
    assert request.plan.alpha == recipe_of("llama3_8b_lora_tpu").plan.alpha


def test_without_a_recipe_the_plan_is_the_default() -> None:
    assert plan_of(options_of("--model", "m"), Plan()) == Plan()


def test_neither_model_nor_recipe_is_a_usage_error(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--train", str(train), "--output", "never"]) == 2
    assert "say --model M, or --recipe R" in capsys.readouterr().err


def test_a_recipe_that_nobody_knows_is_a_usage_error(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--train", str(train), "--output", "never", "--recipe", "cake"]) == 2
    assert "there is no recipe 'cake'" in capsys.readouterr().err


def test_the_recipes_are_listed_as_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [each.__name__ for each in RECIPES]
    assert run(["recipes", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["recipes"]
    about = [each.pop("about") for each in told]
    assert [Recipe.model_validate(each) for each in told] == [each() for each in RECIPES]
    assert all("Hardware:" in each for each in about)


def test_one_recipe_is_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "llama3_8b_qlora_t4x2"]) == 0
    told = capsys.readouterr().out
    assert "Command: arena train --recipe llama3_8b_qlora_t4x2" in told
    assert "  quantize = int4" in told
    assert run(["recipes", "cake"]) == 2
