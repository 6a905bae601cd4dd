"""Whatever stands in the fields that the rest of family C reads: findings or a reason, never an exception."""

import json
import math
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rule_driver import REST_OF_C, TRIED, judge

from resolver.finding import SEVERITIES
from resolver.host import Accelerator, Host
from resolver.rules.rule import Intent

SCALAR = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([-1, 0, 1, 10**30])
)
ANY = st.recursive(
    SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KINDS = ["default", "linear", "llama3", "yarn", "longrope", "nothing-known", 7]
ROPE = st.dictionaries(
    st.sampled_from(["rope_type", "type", "rope_theta", "factor", "full_attention", "partial_rotary_factor"]),
    st.sampled_from([*KINDS, math.nan, math.inf]) | SCALAR | st.fixed_dictionaries({"rope_theta": SCALAR}),
)
QUANTIZATION = st.fixed_dictionaries(
    {},
    optional={
        "quant_method": st.sampled_from(["gptq", "fp8", "exl2", "nvfp4"]) | ANY,
        "load_in_4bit": ANY,
        "bits": ANY,
    },
)
CONFIG = st.fixed_dictionaries(
    {
        "model_type": st.sampled_from(
            ["llama", "gpt_neox", "gemma3_text", "deberta-v2", "bert", "roberta", "unheard", ""]
        )
    },
    optional={
        "rope_parameters": ROPE | ANY,
        "rope_scaling": ROPE | ANY,
        "rope_theta": SCALAR,
        "pad_token_id": ANY,
        "eos_token_id": ANY,
        "vocab_size": st.integers(-2, 70000) | ANY,
        "max_position_embeddings": st.integers(-2, 1024) | ANY,
        "position_biased_input": ANY,
        "transformers_version": st.sampled_from(["4.57.6", "5.99.0.dev0", "x", ""]) | ANY,
        "dtype": st.sampled_from(["fp16", "float16", "int8"]) | ANY,
        "id2label": st.dictionaries(st.sampled_from(["0", "1", "2", "x"]), st.sampled_from(["A", "b", "tie"]) | ANY),
        "auto_map": st.dictionaries(
            st.sampled_from(["AutoConfig", "AutoModel", "AutoTokenizer"]),
            st.sampled_from(["own.Own", "a/b--own.Own", "../own.Own", "...", "own"]) | ANY,
        ),
        "quantization_config": QUANTIZATION | ANY,
        "text_config": st.fixed_dictionaries({"rope_parameters": ROPE | ANY, "model_type": ANY}) | ANY,
        "vision_config": ANY,
    },
)
GENERATION = st.dictionaries(
    st.sampled_from(
        ["max_new_tokens", "temperature", "num_beams", "num_return_sequences", "early_stopping", "eos_token_id"]
    ),
    ANY,
)
CODE = st.sampled_from(
    ["", "class Own: pass", "from .own import Own\n", "import einops\n", "def (", "\0", "from .. import x"]
)
PARTS = (
    st.lists(st.dictionaries(st.sampled_from(["path", "type", "idx"]), st.sampled_from(["1_Pooling", "a.Dense"]) | ANY))
    | ANY
)
HOSTS = st.builds(
    lambda version, devices: Host(
        packages={**TRIED, **({"transformers": version} if version else {})}, accelerators=devices
    ),
    st.sampled_from(["4.35.2", "4.41.2", "4.50.0", "4.57.6", "5.0.0", "5.23.0", "6.0", None]),
    st.sampled_from([(), (Accelerator("TPU"),), (Accelerator("T4", None, (7, 5)),), (Accelerator("?"),)]),
)
INTENTS = st.sampled_from(
    [
        Intent(),
        Intent("score", max_length=600),
        Intent("score", head="tokens"),
        Intent("train", dtype="float16", max_length=1),
    ]
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(files=st.tuples(CONFIG, GENERATION | ANY, PARTS, CODE), host=HOSTS, intent=INTENTS)
def test_any_values_are_judged(files, host, intent):
    config, generation, parts, code = files
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / "config.json").write_text(json.dumps(config))
        (root / "generation_config.json").write_text(json.dumps(generation))
        (root / "modules.json").write_text(json.dumps(parts))
        (root / "own.py").write_text(code)
        judged = judge(root, rules=REST_OF_C, host=host, intent=intent)
    for finding in judged.findings:
        assert finding.severity in SEVERITIES
        assert finding.message
        assert finding.fix.text
        assert len(finding.message) < 400
        json.dumps(dict(finding.evidence))
    assert all(judged.skipped.values())
