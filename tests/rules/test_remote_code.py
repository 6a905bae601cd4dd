"""S603: code of the model's own, beside what the real library does without, and with, permission to run it."""

import json

import pytest
from model_factory import edit_json, model_dir
from rule_driver import TRIED, judge

from resolver.host import Host
from resolver.rules import remote_code

CONFIG = "from transformers import PretrainedConfig\n\n\nclass OwnConfig(PretrainedConfig):\n    model_type = 'own'\n"
OWN = {"AutoConfig": "own.OwnConfig"}


@pytest.fixture(autouse=True)
def modules_in_tmp(tmp_path, monkeypatch):
    """The library copies such code into a cache of its own before it runs it."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")


def own(root, auto_map=OWN, *, model_type="own", **files):
    model_dir(root, tokenizer=False, config={"model_type": model_type, "auto_map": auto_map})
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    return root


def load(root, *, trusted):
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(str(root), local_files_only=True, trust_remote_code=trusted)


def of(root, **options):
    return [(each.severity, each.message) for each in judge(root, rules=remote_code.RULES, **options).of("S603")]


def test_s603_code_that_is_here_and_must_run_is_a_warning(tmp_path):
    root = own(tmp_path / "m", own=CONFIG)
    with pytest.raises(ValueError, match="contains custom code which must be executed"):
        load(root, trusted=False)
    assert type(load(root, trusted=True)).__name__ == "OwnConfig"
    ((severity, message),) = of(root)
    assert severity == "warning"
    assert "all here" in message


@pytest.mark.parametrize(
    ("auto_map", "files", "error", "words"),
    [
        (OWN, {}, OSError, "own.py is not here"),
        (OWN, {"own": "import timm\n" + CONFIG}, ImportError, "imports timm, which is not installed"),
        (OWN, {"own": "from .other import x\n" + CONFIG}, FileNotFoundError, "other.py is not here, which own.py imports"),
        (OWN, {"own": "from .other import x\n" + CONFIG, "other": "import timm\nx = 1\n"}, ImportError, "other.py imports timm"),
        (OWN, {"own": "def (:\n"}, SyntaxError, "own.py is no Python"),
        (OWN, {"own": CONFIG.replace("OwnConfig", "Another")}, AttributeError, "own.py has no OwnConfig"),
        ({"AutoConfig": "some/repo--own.OwnConfig"}, {"own": CONFIG}, OSError, "another repository, some/repo"),
    ],
    ids=["absent", "package", "beside", "beside's package", "no Python", "no class", "elsewhere"],
)  # fmt: skip
def test_s603_code_that_cannot_run_here_is_an_error_as_in_transformers(tmp_path, auto_map, files, error, words):
    root = own(tmp_path / "m", auto_map, **files)
    with pytest.raises(error):
        load(root, trusted=True)
    ((severity, message),) = of(root)
    assert severity == "error"
    assert words in message


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    import timm\nexcept ImportError:\n    timm = None\n" + CONFIG,
        "from transformers.utils import is_flash_attn_2_available\nif is_flash_attn_2_available():\n    import flash_attn\n" + CONFIG,
        "import json, os.path\nfrom collections import OrderedDict\n" + CONFIG,
    ],
    ids=["try", "if available", "standard library"],
)  # fmt: skip
def test_s603_near_miss_imports_that_are_not_needed_load(tmp_path, code):
    root = own(tmp_path / "m", own=code)
    load(root, trusted=True)
    assert [severity for severity, _ in of(root)] == ["warning"]


@pytest.mark.parametrize(
    "auto_map",
    [
        {"AutoConfig": "configuration_llama.LlamaConfig", "AutoModelForCausalLM": "modeling_llama.LlamaForCausalLM"},
        {"AutoModelForCausalLM": "some/repo--modeling.LlamaForCausalLM"},
    ],
    ids=["absent", "elsewhere"],
)
def test_s603_class_that_transformers_has_itself_is_worth_knowing(tmp_path, auto_map):
    from transformers import AutoModelForCausalLM

    root = own(tmp_path / "m", auto_map, model_type="llama")
    AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True)
    with pytest.raises(OSError, match=r"does not appear to have a file|couldn't connect|offline"):
        AutoModelForCausalLM.from_pretrained(str(root), local_files_only=True, trust_remote_code=True)
    ((severity, message),) = of(root)
    assert severity == "info"
    assert "not needed" in message


def test_s603_judged_library_decides_and_not_this_one(tmp_path):
    root = own(tmp_path / "m", {"AutoConfig": "own.OwnConfig"}, model_type="qwen3", own=CONFIG)
    assert [severity for severity, _ in of(root)] == ["info"]
    assert [severity for severity, _ in of(root, packages={**TRIED, "transformers": "4.41.2"})] == ["warning"]
    knows = Host(packages={**TRIED, "transformers": "9.0"}, model_types=frozenset({"qwen3"}))
    assert [severity for severity, _ in of(root, host=knows)] == ["info"]


def test_s603_unknown_is_never_a_pass(tmp_path):
    root = own(tmp_path / "m", model_type="brand_new")
    judged = judge(root, rules=remote_code.RULES, packages={**TRIED, "transformers": "9.0"})
    assert "not known" in judged.skipped["S603"]


@pytest.mark.parametrize(
    ("declared", "files", "severities"),
    [
        ("OwnTokenizer", {}, ["error"]),
        ("OwnTokenizer", {"tok": "class OwnTokenizer: pass\n"}, ["warning"]),
        ("PreTrainedTokenizerFast", {}, []),
        ("BertTokenizer", {}, []),
    ],
)
def test_s603_tokenizer_of_its_own_must_run_where_no_class_is_known(tmp_path, declared, files, severities):
    from transformers import AutoTokenizer

    root = model_dir(tmp_path / "m")
    changes = {"auto_map": {"AutoTokenizer": ["tok.OwnTokenizer", None]}, "tokenizer_class": declared}
    edit_json(root / "tokenizer_config.json", lambda value: value.update(changes))
    for name, text in files.items():
        (root / f"{name}.py").write_text(text)
    if severities:
        with pytest.raises(ValueError, match="contains custom code"):
            AutoTokenizer.from_pretrained(str(root), local_files_only=True, trust_remote_code=False)
    else:
        AutoTokenizer.from_pretrained(str(root), local_files_only=True, trust_remote_code=False)
    assert [severity for severity, _ in of(root)] == severities


def test_s603_near_miss_a_plain_model_names_no_code(tmp_path):
    assert "no auto_map" in judge(model_dir(tmp_path / "m"), rules=remote_code.RULES).skipped["S603"]


def test_s603_reads_and_never_runs(tmp_path):
    mark = tmp_path / "ran"
    root = own(tmp_path / "m", own=f"open({str(mark)!r}, 'w')\n" + CONFIG)
    of(root)
    assert not mark.exists()
    assert json.loads((root / "config.json").read_text())["auto_map"] == OWN
