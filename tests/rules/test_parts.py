"""C315, C316 and C317: parts that are absent, rows that are too long, columns in another order; the library beside."""

import json
import shutil

import pytest
from model_factory import edit_json, model_dir, tiny_model
from rule_driver import judge

from resolver.rules import parts
from resolver.rules.parts import ENDLESS, OFFSET, ROTARY, TABLE
from resolver.rules.rule import Intent

POSITIONS = 16
SIZES = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4, vocab_size=100, n_embd=32,
    n_layer=1, n_head=4, d_model=32, num_layers=1, num_heads=4, pad_token_id=1, bos_token_id=0, eos_token_id=2,
    max_position_embeddings=POSITIONS, n_positions=POSITIONS, dim=32, n_heads=4, n_layers=1, embedding_size=32,
    num_key_value_heads=2, head_dim=8, ffn_dim=64, d_ff=64, d_kv=8, attention_window=8, emb_dim=32, rotary_dim=4,
    word_embed_proj_dim=32,
)  # fmt: skip


def of(root, code, **options):
    return [each.severity for each in judge(root, rules=parts.RULES, **options).of(code)]


# --- C315 --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sentence_model(tmp_path_factory):
    """Transformer, pooling, a dense layer and a normalisation, saved by sentence-transformers."""
    pytest.importorskip("sentence_transformers")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules

    place = tmp_path_factory.mktemp("st")
    base = tiny_model(place / "base", family="bert")
    built = [modules.Transformer(str(base)), modules.Pooling(32), modules.Dense(32, 16), modules.Normalize()]
    SentenceTransformer(modules=built, device="cpu").save(str(place / "saved"))
    return place / "saved"


def sentence_transformer(root):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(root), device="cpu", local_files_only=True)


@pytest.mark.parametrize("absent", ["1_Pooling", "2_Dense", "1_Pooling/config.json", "2_Dense/model.safetensors"])
def test_c315_absent_part_stops_sentence_transformers_and_not_transformers(tmp_path, sentence_model, absent):
    from transformers import AutoModel

    root = shutil.copytree(sentence_model, tmp_path / "m")
    gone = root / absent
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises((TypeError, ValueError, OSError)):
        sentence_transformer(root)
    AutoModel.from_pretrained(str(root))
    assert of(root, "C315") == ["error"]
    assert of(root, "C315", intent=Intent("score")) == of(root, "C315", intent=Intent("train")) == ["warning"]


@pytest.mark.parametrize("absent", [None, "3_Normalize", "README.md"])
def test_c315_near_miss_what_a_part_does_not_need_may_be_absent(tmp_path, sentence_model, absent):
    root = shutil.copytree(sentence_model, tmp_path / "m")
    if absent is not None:
        gone = root / absent
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    assert len(sentence_transformer(root)) == 4
    assert of(root, "C315") == []


def test_c315_list_of_parts_that_cannot_be_read_is_an_error(tmp_path, sentence_model):
    root = shutil.copytree(sentence_model, tmp_path / "m")
    (root / "modules.json").write_text("{,")
    with pytest.raises(ValueError, match="Expecting"):
        sentence_transformer(root)
    assert of(root, "C315") == ["error"]


def test_c315_model_that_sees_needs_the_settings_of_a_processor(tmp_path):
    from transformers import AutoProcessor

    root = model_dir(tmp_path / "m", config={"vision_config": {"hidden_size": 8}})
    edit_json(root / "tokenizer_config.json", lambda value: value.update(processor_class="Gemma3Processor"))
    with pytest.raises(OSError, match="image processor"):
        AutoProcessor.from_pretrained(str(root), local_files_only=True)
    assert of(root, "C315") == ["warning"]
    (root / "preprocessor_config.json").write_text("{}")
    assert of(root, "C315") == []


def test_c315_near_miss_most_models_name_no_parts(tmp_path):
    assert "names parts" in judge(model_dir(tmp_path / "m"), rules=parts.RULES).skipped["C315"]


# --- C316 --------------------------------------------------------------------------------------------------------


def run(root, length):
    import torch
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.from_pretrained(str(root), local_files_only=True)
    model = AutoModel.from_config(config).eval()
    row = torch.randint(3, 99, (1, length))
    more = {"decoder_input_ids": row} if config.is_encoder_decoder else {}
    with torch.no_grad():
        return model(input_ids=row, **more)[0]


def built(root, model_type, **changes):
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    CONFIG_MAPPING[model_type](**SIZES, **changes).save_pretrained(root)
    return root


def asked(root, length):
    return of(root, "C316", intent=Intent(max_length=length))


@pytest.mark.parametrize(
    "model_type", ["bert", "roberta", "xlm-roberta", "distilbert", "albert", "electra", "deberta", "mpnet", "longformer",
                   "gpt2", "opt", "gptj", "bart", "roformer", "big_bird", "biogpt"]
)  # fmt: skip
def test_c316_row_after_the_last_position_is_an_error_as_in_torch(tmp_path, model_type):
    root = built(tmp_path, model_type)
    longest = POSITIONS - 2 if model_type in OFFSET else POSITIONS
    run(root, longest)
    with pytest.raises((RuntimeError, IndexError)):
        run(root, longest + 1)
    assert asked(root, longest) == []
    assert asked(root, longest + 1) == ["error"]


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "gemma2", "modernbert", "gpt_neox", "phi3"])
def test_c316_rotary_positions_go_on_and_are_a_warning(tmp_path, model_type):
    root = built(tmp_path, model_type)
    assert run(root, 2 * POSITIONS).isfinite().all()
    assert asked(root, POSITIONS) == []
    assert asked(root, POSITIONS + 1) == ["warning"]


def test_c316_near_miss_scaled_positions_reach_further(tmp_path):
    scaled = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": POSITIONS}
    root = built(tmp_path, "qwen2", rope_scaling=scaled)
    assert run(root, 4 * POSITIONS).isfinite().all()
    assert asked(root, 4 * POSITIONS) == []
    assert asked(root, 4 * POSITIONS + 1) == ["warning"]


@pytest.mark.parametrize("model_type", ["t5", "bloom"])
def test_c316_near_miss_distances_have_no_end(tmp_path, model_type):
    root = built(tmp_path, model_type)
    run(root, 3 * POSITIONS)
    assert asked(root, 10**6) == []


@pytest.mark.parametrize(("biased", "severities"), [(False, []), (True, ["error"])])
def test_c316_deberta_v3_counts_distances_and_deberta_v2_with_a_table_does_not(tmp_path, biased, severities):
    distances = dict(relative_attention=True, pos_att_type=["p2c", "c2p"], position_buckets=8)
    root = built(tmp_path, "deberta-v2", position_biased_input=biased, **distances)
    if biased:
        with pytest.raises(RuntimeError):
            run(root, POSITIONS + 1)
    else:
        run(root, 3 * POSITIONS)
    assert asked(root, POSITIONS + 1) == severities


def test_c316_names_the_longest_row(tmp_path):
    (tmp_path / "config.json").write_text(
        json.dumps({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1})
    )
    (finding,) = judge(tmp_path, rules=parts.RULES, intent=Intent(max_length=1024)).of("C316")
    assert finding.evidence["longest"] == 512
    assert finding.fix.command.endswith("--max-length 512")


@pytest.mark.parametrize(
    ("config", "length", "reason"),
    [
        ({"model_type": "bert", "max_position_embeddings": 16}, None, "--max-length"),
        ({"model_type": "bert"}, 32, "how many positions"),
        ({"model_type": "afmoe", "max_position_embeddings": 16}, 32, "not known"),
    ],
)
def test_c316_unknown_is_never_a_pass(tmp_path, config, length, reason):
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert reason in judge(tmp_path, rules=parts.RULES, intent=Intent(max_length=length)).skipped["C316"]


def test_c316_no_family_stands_in_two_tables():
    tables = (TABLE, OFFSET, ROTARY, ENDLESS)
    assert sum(map(len, tables)) == len(frozenset().union(*tables))


# --- C317 --------------------------------------------------------------------------------------------------------


def labelled(root, *names):
    return model_dir(root, config={"id2label": {str(number): name for number, name in enumerate(names)}})


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (("tie", "winner_model_a", "winner_model_b"), [1, 2, 0]),
        (("winner_model_b", "winner_model_a", "winner_tie"), [1, 0, 2]),
        (("B", "A"), [1, 0]),
        (("Response B", "draw", "Response A"), [2, 0, 1]),
    ],
)
def test_c317_another_order_than_the_contest_s_is_a_warning(tmp_path, names, columns):
    root = labelled(tmp_path / "m", *names)
    (finding,) = judge(root, rules=parts.RULES, intent=Intent("score", labels=len(names))).of("C317")
    assert (finding.severity, finding.evidence["columns"]) == ("warning", columns)


def test_c317_columns_that_the_fix_names_are_those_of_the_contest(tmp_path):
    """The real library gives logits in the order of the rows: taken by `columns`, they stand as A, B, tie."""
    import torch
    from transformers import AutoModelForSequenceClassification

    names = ("tie", "winner_model_a", "winner_model_b")
    root = tiny_model(tmp_path / "m", classifier=True)
    edit_json(root / "config.json", lambda value: value.update(id2label=dict(enumerate(names)), label2id=None))
    model = AutoModelForSequenceClassification.from_pretrained(str(root))
    (finding,) = judge(root, rules=parts.RULES, intent=Intent("score")).of("C317")
    assert model(torch.tensor([[1, 5, 6]])).logits.shape == (1, 3)
    assert [model.config.id2label[column] for column in finding.evidence["columns"]] == [
        "winner_model_a", "winner_model_b", "tie"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "names",
    [
        ("winner_model_a", "winner_model_b", "winner_tie"),
        ("A", "B", "Tie"),
        ("LABEL_0", "LABEL_1", "LABEL_2"),
        ("negative", "neutral", "positive"),
        ("tie", "a"),
        ("a", "a", "tie"),
    ],
)
def test_c317_near_miss_right_order_and_names_that_say_nothing_are_quiet(tmp_path, names):
    root = labelled(tmp_path / "m", *names)
    assert of(root, "C317", intent=Intent("score", labels=len(names))) == []


def test_c317_is_asked_for_scoring_alone(tmp_path):
    root = labelled(tmp_path / "m", "tie", "a", "b")
    assert of(root, "C317") == of(root, "C317", intent=Intent("score", head="tokens")) == []
