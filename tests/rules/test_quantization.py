"""C309 and C310: each method, loaded by the real library on a machine without a GPU, beside what we say of it."""

import sys
from pathlib import Path

import pytest
from model_factory import edit_json, model_dir
from rule_driver import TRIED, judge

from resolver.host import Accelerator, Host, InstalledPackages
from resolver.rules import quantization
from resolver.rules.quantization_methods import DEVICES, KNOWN, PACKAGES, READ, asked_of
from resolver.rules.rule import Intent

METHODS = {
    "bitsandbytes": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"},
    "gptq": {"bits": 4, "group_size": 128, "desc_act": False},
    "awq": {"bits": 4, "group_size": 128, "version": "gemm", "zero_point": True},
    "aqlm": {"in_group_size": 8, "out_group_size": 1, "num_codebooks": 1, "nbits_per_codebook": 16},
    "quanto": {"weights": "int8"},
    "quark": {"export": {}},
    "fouroversix": {},
    "fp_quant": {"forward_dtype": "mxfp4"},
    "eetq": {"weights": "int8"},
    "higgs": {"bits": 4},
    "hqq": {"quant_config": {"weight_quant_params": {"nbits": 4, "group_size": 64}}, "skip_modules": ["lm_head"]},
    "compressed-tensors": {"format": "float-quantized", "config_groups": {}},
    "fbgemm_fp8": {"activation_scale_ub": 1200.0},
    "torchao": {"quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_version": 1, "_data": {}}}},
    "vptq": {"config_for_layers": {}},
    "spqr": {"bits": 3, "beta1": 16, "beta2": 16, "shapes": {}},
    "fp8": {"weight_block_size": [128, 128], "activation_scheme": "dynamic"},
    "nvfp4": {},
    "mxfp8": {},
    "auto-round": {"bits": 4, "group_size": 128},
    "mxfp4": {},
    "sinq": {"nbits": 4},
}
T4 = Accelerator("Tesla T4", 16 * 2**30, (7, 5))
H100 = Accelerator("NVIDIA H100 80GB HBM3", 80 * 2**30, (9, 0))


def quantised(root, method, **settings):
    declared = {"quant_method": method, **METHODS.get(method, {}), **settings}
    return model_dir(root, tokenizer=False, config={"quantization_config": declared})


def here():
    """What is really installed, on a machine without a GPU."""
    return Host(packages=InstalledPackages(tuple(Path(place) for place in sys.path if place)))


def told(root, host):
    return {(each.code, each.severity) for each in judge(root, rules=quantization.RULES, host=host).findings}


def on(version, *devices, **packages):
    return Host(packages={**TRIED, "transformers": version, **packages}, accelerators=devices)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fails_in_transformers_where_we_say_so(tmp_path, method):
    import torch
    import transformers

    if torch.cuda.is_available() or transformers.__version__ != TRIED["transformers"]:
        pytest.skip("judged without a GPU and with the version that the table was made with")
    root = quantised(tmp_path / "m", method)
    errors = {code for code, severity in told(root, here()) if severity == "error"}
    try:
        transformers.AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    except (ImportError, RuntimeError, NotImplementedError, ValueError):
        assert errors
    else:
        assert not errors


def test_c309_names_what_is_missing_and_from_which_version_on(tmp_path):
    root = quantised(tmp_path / "m", "gptq")
    (finding,) = judge(root, rules=quantization.RULES, host=on("5.23.0", optimum="1.20.0")).of("C309")
    assert finding.message == "gptq weights need optimum 1.24.0 or newer and gptqmodel 1.4.3 or newer"
    assert finding.evidence["installed"] == {"optimum": "1.20.0", "gptqmodel": None}
    assert finding.fix.command.endswith("'optimum>=1.24.0' 'gptqmodel>=1.4.3'")
    assert finding.place.pointer == "/quantization_config"


@pytest.mark.parametrize(
    ("method", "version", "packages", "codes"),
    [
        ("bitsandbytes", "5.23.0", {"bitsandbytes": "0.46.0", "accelerate": "1.1.0"}, ["C309"]),
        ("bitsandbytes", "5.23.0", {"bitsandbytes": "0.46.1", "accelerate": "1.1.0"}, []),
        ("bitsandbytes", "4.57.6", {"bitsandbytes": "0.43.1", "accelerate": "0.26.0"}, []),
        ("awq", "4.57.6", {"autoawq": "0.2.9", "accelerate": "1.0"}, []),
        ("awq", "5.0.0", {"autoawq": "0.2.9", "accelerate": "1.1.0"}, ["C309"]),
        ("gptq", "4.41.2", {"optimum": "1.24.0", "gptqmodel": "4.0"}, ["C309"]),
        ("gptq", "4.57.6", {"optimum": "1.24.0", "gptqmodel": "4.0"}, []),
        ("eetq", "5.23.0", {"kernels": "0.18.2", "accelerate": "1.1.0"}, []),
    ],
)
def test_c309_what_is_asked_for_changed_with_the_version(tmp_path, method, version, packages, codes):
    root = quantised(tmp_path / "m", method)
    judged = judge(root, rules=quantization.RULES[:1], host=on(version, T4, **packages))
    assert judged.codes() == codes


def test_c309_near_miss_a_model_that_is_not_quantised_has_nothing_to_judge(tmp_path):
    judged = judge(model_dir(tmp_path / "m"), rules=quantization.RULES)
    assert judged.codes() == []
    assert {"C309", "C310"} <= set(judged.skipped)


def test_c309_load_in_4bit_alone_is_bitsandbytes(tmp_path):
    root = model_dir(tmp_path / "m", config={"quantization_config": {"load_in_4bit": True}})
    assert judge(root, rules=quantization.RULES).codes() == ["C309"]


def test_c309_unknown_method_is_loaded_without_and_said_to_be_unjudged(tmp_path):
    from transformers import AutoModelForCausalLM

    root = quantised(tmp_path / "m", "exl2", bits=4)
    AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    judged = judge(root, rules=quantization.RULES)
    assert judged.codes() == []
    assert "exl2" in judged.skipped["C309"]
    assert "exl2" in judged.skipped["C310"]


def test_c309_file_of_auto_gptq_is_not_read_by_transformers(tmp_path):
    root = model_dir(tmp_path / "m")
    (root / "quantize_config.json").write_text('{"bits": 4, "group_size": 128}')
    judged = judge(root, rules=quantization.RULES)
    assert judged.codes() == []
    assert "does not read" in judged.skipped["C309"]


def test_c310_method_that_is_not_named_is_an_error_as_in_transformers(tmp_path):
    from transformers import AutoModelForCausalLM

    root = model_dir(tmp_path / "m", config={"quantization_config": {"bits": 4}})
    with pytest.raises(ValueError, match="has no `quant_method` attribute"):
        AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    assert told(root, on("5.23.0", T4)) == {("C310", "error")}


@pytest.mark.parametrize(
    ("keys", "codes"),
    [(("quantization", "quantization_config"), ["C310"]), (("quantization",), [])],
    ids=["both keys of MLX", "its own key alone"],
)
def test_c310_copy_of_mlx_names_no_method(tmp_path, keys, codes):
    from transformers import AutoModelForCausalLM

    root = model_dir(tmp_path / "m", config={key: {"group_size": 64, "bits": 4} for key in keys}, tokenizer=False)
    if codes:
        with pytest.raises(ValueError, match="has no `quant_method` attribute"):
            AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    else:
        AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    assert judge(root, rules=quantization.RULES).codes() == codes


# Run by hand with 4.41.2 and 4.57.6: "Unknown quantization type, got fp8"; later versions load without it.
@pytest.mark.parametrize(("version", "codes"), [("4.41.2", ["C310"]), ("4.46.3", ["C310"]), ("4.57.6", [])])
def test_c310_old_versions_stop_at_a_method_that_came_later(tmp_path, version, codes):
    root = quantised(tmp_path / "m", "fp8")
    judged = judge(root, rules=quantization.RULES, host=on(version, H100, accelerate="1.1.0"))
    assert judged.codes() == codes


@pytest.mark.parametrize(
    ("method", "version", "device", "severities"),
    [
        ("fbgemm_fp8", "5.23.0", T4, ["error"]),
        ("fbgemm_fp8", "5.23.0", H100, []),
        ("fp8", "5.23.0", T4, ["warning"]),
        ("fp8", "5.23.0", None, ["warning"]),
        ("fp8", "5.23.0", H100, []),
        ("fp8", "4.57.6", T4, ["error"]),
        ("mxfp4", "5.23.0", T4, []),
        ("bitsandbytes", "5.23.0", None, []),
        ("bitsandbytes", "4.41.2", None, ["error"]),
        ("bitsandbytes", "4.41.2", T4, []),
        ("higgs", "5.23.0", None, ["error"]),
        ("higgs", "5.23.0", T4, []),
    ],
)
def test_c310_device_decides(tmp_path, method, version, device, severities):
    root = quantised(tmp_path / "m", method)
    host = on(version, *([device] if device else []))
    assert [each.severity for each in judge(root, rules=quantization.RULES[1:], host=host).findings] == severities


@pytest.mark.parametrize(
    ("device", "reason"), [(Accelerator("TPU"), "TPU"), (Accelerator("some GPU"), "compute capability")]
)
def test_c310_device_that_is_not_known_is_said_so(tmp_path, device, reason):
    root = quantised(tmp_path / "m", "fbgemm_fp8")
    assert reason in judge(root, rules=quantization.RULES, host=on("5.23.0", device)).skipped["C310"]


def test_c310_least_of_several_devices_decides(tmp_path):
    root = quantised(tmp_path / "m", "fbgemm_fp8")
    assert ("C310", "error") in told(root, on("5.23.0", H100, T4))


def test_methods_of_the_table_are_those_of_the_installed_library():
    """A method that transformers has and the table has not is named here, with the reason."""
    from transformers.quantizers.auto import AUTO_QUANTIZER_MAPPING

    left_out = {
        "gguf": "config.json cannot declare it: it wants gguf_file=",
        "metal": "for Apple's devices, which no profile has",
        "gemma": "needs no package and no device",
        "nvfp4": "never loads: C310 says so by itself",
        "bitsandbytes_4bit": "as bitsandbytes",
        "bitsandbytes_8bit": "as bitsandbytes",
    }
    assert set(AUTO_QUANTIZER_MAPPING) - set(PACKAGES) == set(left_out)
    assert set(DEVICES) <= set(PACKAGES)
    assert {name for _, names in KNOWN for name in names.split()} <= set(PACKAGES)
    assert all(row.since in READ for rows in PACKAGES.values() for row in rows)


def test_versions_of_the_table_are_those_of_the_installed_library():
    from transformers.utils import import_utils

    for method, package, constant in (
        ("bitsandbytes", "bitsandbytes", "BITSANDBYTES_MIN_VERSION"),
        ("bitsandbytes", "accelerate", "ACCELERATE_MIN_VERSION"),
        ("torchao", "torchao", "TORCHAO_MIN_VERSION"),
        ("hqq", "hqq", "HQQ_MIN_VERSION"),
        ("vptq", "vptq", "VPTQ_MIN_VERSION"),
        ("auto-round", "auto-round", "AUTOROUND_MIN_VERSION"),
        ("compressed-tensors", "compressed-tensors", "COMPRESSED_TENSORS_MIN_VERSION"),
    ):
        asked = dict(asked_of(method, (5, 23, 0)))
        assert ".".join(map(str, asked[package])) == getattr(import_utils, constant), method


def test_every_device_has_what_transformers_says(tmp_path):
    for method in DEVICES:
        edit_json(
            model_dir(tmp_path / method, tokenizer=False) / "config.json",
            lambda value, method=method: value.update(quantization_config={"quant_method": method}),
        )
        for finding in judge(tmp_path / method, rules=quantization.RULES, host=on("5.23.0")).of("C310"):
            assert finding.evidence["transformers_says"]


def asked(root, quantize, host):
    return judge(root, rules=quantization.RULES, intent=Intent(purpose="score", quantize=quantize), host=host)


@pytest.mark.parametrize("quantize", ["int8", "int4"])
def test_c309_what_is_asked_for_needs_its_package_too(tmp_path, quantize):
    root = model_dir(tmp_path / "m")
    (finding,) = asked(root, quantize, on("5.23.0", T4, accelerate="1.15.0")).of("C309")
    assert finding.message == f"--quantize {quantize} needs bitsandbytes 0.46.1 or newer"
    assert finding.fix.command == "pip install --no-index --find-links WHEELS 'bitsandbytes>=0.46.1'"
    assert (finding.path, finding.place) == (str(root), None)
    assert asked(root, quantize, on("5.23.0", T4, accelerate="1.15.0", bitsandbytes="0.50.2")).codes() == []


def test_c309_float8_needs_no_package(tmp_path):
    judged = asked(model_dir(tmp_path / "m"), "fp8", on("5.23.0", H100))
    assert judged.codes() == []
    assert judged.skipped["C309"] == "--quantize fp8 needs no package beside torch"


@pytest.mark.parametrize(
    ("capability", "codes"), [((7, 5), ["C310"]), ((8, 6), ["C310"]), ((8, 9), []), ((9, 0), []), ((12, 0), [])]
)
def test_c310_float8_runs_from_89_on(tmp_path, capability, codes):
    host = on("5.23.0", Accelerator("a GPU", 2**34, capability))
    assert asked(model_dir(tmp_path / "m"), "fp8", host).codes("error") == codes


def test_c310_float8_runs_on_a_cpu_and_where_one_device_cannot_it_is_named(tmp_path):
    root = model_dir(tmp_path / "m")
    assert asked(root, "fp8", on("5.23.0")).codes() == []
    (finding,) = asked(root, "fp8", on("5.23.0", T4, H100)).of("C310")
    assert finding.message == "--quantize fp8 does not run on NVIDIA H100 80GB HBM3, Tesla T4"
    assert finding.evidence["needs_capability"] == "8.9"
    assert finding.fix.text == "say --quantize int8, which runs on every GPU"


def test_c310_bitsandbytes_of_old_needed_a_gpu(tmp_path):
    root, packages = model_dir(tmp_path / "m"), {"bitsandbytes": "0.43.0", "accelerate": "0.26.0"}
    assert asked(root, "int4", on("4.41.2", **packages)).codes() == ["C310"]
    assert asked(root, "int4", on("4.41.2", T4, **packages)).codes() == []


@pytest.mark.parametrize("method", ["gptq", "bitsandbytes", "mxfp4"])
def test_c310_what_is_quantised_is_not_quantised_again(tmp_path, method):
    root, packages = quantised(tmp_path / "m", method), {"optimum": "2.0", "gptqmodel": "5.0", "bitsandbytes": "1.0"}
    (finding,) = asked(root, "int8", on("5.23.0", H100, accelerate="1.15.0", **packages)).findings
    assert finding.message == f"--quantize int8: the weights are quantised already ({method})"
    assert finding.place.pointer == "/quantization_config"
