"""The confusion matrix: families x damages, what the libraries do against what we say; no wrong cell but the excused.

A sample of subjects in the suite; `make matrix` tries all. The table is printed (`-s`) and written to a file.
"""

import os
from collections import Counter

import pytest
from families import FAMILIES, build, packed, quantised
from oracle_process import oracle
from standard_level import findings
from trials import Bench, Subject, Trial, machine

from resolver.preflight import Question, check

ALL = os.environ.get("MATRIX") == "all"
FORMS = ("language", "sharded", "classifier", "turned")
SAMPLE = (
    Subject("llama", "sharded"), Subject("gemma2", "language"), Subject("qwen3_moe", "language"),
    Subject("deberta_v3", "classifier"), Subject("t5", "language"), Subject("llama", "adapter"),
    Subject("modernbert", "adapter"),
)  # fmt: skip
LAID_OVER = tuple(family for family in FAMILIES if family not in {"t5", "llama_wide"})  # T5's head is not saved by peft
EVERY = tuple(Subject(family, form) for family in FAMILIES for form in FORMS) + tuple(
    Subject(family, "adapter") for family in LAID_OVER
)
SUBJECTS = EVERY if ALL else SAMPLE
ONCE = "files.pipe-for-weights"  # whoever opens a pipe waits for ever: the libraries' answer takes the whole time limit

VALUES = "the bytes of one tensor: headers and config are right. The deep level hashes, where there is evidence"
MEANING = "legal, and fits the weights: only one who knows the model can tell that it is another number"
TEXT = "a valid tokenizer of another model: nothing in the directory says that it does not belong to these weights"
# What is known to be judged otherwise than the libraries do, and why it stays so: damage -> reason.
EXCUSED = {
    "weights.flip-payload": VALUES,
    "weights.swap-tensors": VALUES,
    "weights.not-a-number": "values are read at the deep level: W118",
    "weights.zero-tensor": "values are read at the deep level: W119, a warning, for a trained matrix may be zero",
    "files.holes-for-weights": "F007 and W119 name it as warnings: a copy of real zeros has holes too",
    "config.other-rope-theta": MEANING,
    "config.other-activation": MEANING,
    "config.other-head-count": f"{MEANING} (heads that share a matrix do not show in its shape)",
    "config.other-positions": f"{MEANING} (relative positions have no row in any tensor)",
    "config.eos-beyond-vocabulary": "C311 warns: only T5's classifier pools at that token",
    "tokenizer.swap-two-ids": TEXT,
    "tokenizer.drop-vocabulary-entry": TEXT,
    "tokenizer.tokenizer-of-another": f"{TEXT}; T207 or T214 warn where sizes or ids differ",
    "tokenizer.special-of-nowhere": "T206 warns: the new id has a row, nobody knows whether it was trained",
    "tokenizer.template-that-escapes": "a hostile template is an error for every purpose, also where nobody renders it",
    "weights.store-head-beside-tie": "W121 warns: whether the head or the tie is meant cannot be known",
    "files.index-leaves-the-directory": "it loads, from outside the model: S604 is an error on purpose",
    "adapter.other-alpha": "alpha is not in the weights: nothing in the directory says what it was",
}

# Wrong cells that are known and have not been mended yet; each is a bug of ours and goes from here when it is.
OPEN = {
    "tokenizer.another-class": "transformers 5 rebuilds the tokenizer by its class: other ids than tokenizer.json's; T215 warns",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def trials():
    return []


@pytest.mark.parametrize("subject", EVERY, ids=str)
def test_undamaged_model_has_neither_error_nor_warning(bench, subject):
    """The libraries load it and its logits are finite: `Bench.good` has seen it."""
    _, answer, known = bench.good(subject)
    assert answer["finite"]
    assert {level: sorted(codes) for level, codes in known.items()} == {"quick": [], "standard": [], "deep": []}


@pytest.mark.parametrize("how", ["nf4", "int8", "bfloat16", "float16"])
def test_packed_and_halved_models_are_usable_and_load(tmp_path, how):
    if how.startswith(("nf", "int")):
        pytest.importorskip("bitsandbytes")
        root = quantised(tmp_path / "model", build(tmp_path / "made", "llama_wide"), how)
    else:
        root = build(tmp_path / "model", "llama_wide", dtype=how)
    answer = oracle().load(root, "AutoModelForCausalLM")
    assert (answer.loads, answer.value["finite"]) == (True, True)
    told = findings(root, *machine(), Question())
    for level in ("quick", "standard", "deep"):
        assert [each.code for each in told[level][1] if each.severity != "info" and each.code[0] != "L"] == []


@pytest.mark.parametrize("how", ["gptq", "awq"])
def test_exports_without_their_package_are_unusable_as_transformers_says(tmp_path, how):
    root = packed(tmp_path / "model", build(tmp_path / "made", "llama"), how)
    assert not oracle().load(root, "AutoModelForCausalLM").loads
    assert {each.code for each in findings(root, *machine(), Question())["quick"][1] if each.severity == "error"} == {
        "C309"
    }


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_verdicts_are_what_the_libraries_do(bench, trials, subject):
    tried = [bench.try_(subject, damage, 0) for damage in bench.kinds(subject) if damage != ONCE]
    mine = [each for each in tried if each is not None]
    trials += mine
    wrong = [each for each in mine if not each.agrees and each.damage not in EXCUSED | OPEN]
    assert [row(each) for each in wrong] == []
    unnamed = [each for each in mine if each.verdict("standard") == "unusable" and not each.named("standard")]
    assert [row(each) for each in unnamed] == []


def test_pipe_is_found_before_anybody_waits(bench, trials):
    """The libraries open it and hang; the question is asked of a process that is given a few seconds."""
    patient, oracle().seconds = oracle().seconds, 8.0
    try:
        trial = bench.try_(Subject("llama", "sharded"), ONCE, 0)
    finally:
        oracle().seconds = patient
    trials.append(trial)
    assert (trial.real, trial.verdict("quick")) == ("refuses", "unusable")
    assert trial.said.startswith("hung")


def test_no_false_alarm_at_all(trials):
    """Nothing that loads right is called unusable, the two that are unsafe apart."""
    false = {each.damage for each in trials if each.real == "right" and each.verdict("standard") == "unusable"}
    assert false <= {"files.index-leaves-the-directory", "tokenizer.template-that-escapes"}


def test_deep_level_finds_every_value_that_is_not_finite(trials):
    found = [each for each in trials if each.damage == "weights.not-a-number"]
    assert found
    assert all("W118:e" in each.codes("deep") for each in found)


def test_excuses_are_needed(trials):
    """An excuse that no trial needs any more hides the next mistake; judged where all subjects were tried."""
    if not ALL:
        pytest.skip("a sample needs only some of them: make matrix")
    needed = {each.damage for each in trials if not each.agrees}
    assert set(EXCUSED | OPEN) - needed == set()


def test_real_children_say_what_the_oracle_process_says(bench, tmp_path):
    """The levels above quick were judged without child processes here: once with them, through the face."""
    from damage_tools import Scene
    from damages import DAMAGES

    subject = Subject("llama", "sharded")
    trial = bench.try_(subject, "config.more-layers", 0)
    root = subject.build(tmp_path / "model")
    import random

    DAMAGES["config.more-layers"](Scene(root, random.Random(0)))  # noqa: S311 - repeatable
    report = check(str(root), *machine(), Question(level="standard"))
    told = {f"{each.code}:{each.severity[0]}" for each in report.findings if each.code[0] != "L"}
    assert told == set(trial.codes("standard").split())


def test_table(trials, tmp_path_factory, capsys):
    """Written last, for whoever wants to see it."""
    text = table(trials)
    place = tmp_path_factory.getbasetemp() / "matrix.txt"
    place.write_text(text)
    with capsys.disabled():
        if ALL:
            print(f"\n{text}\n{place}")
    assert trials


def row(trial: Trial) -> str:
    return f"{trial.subject} {trial.damage}: {trial.real}, {trial.verdict('standard')} {trial.codes('standard')}; {trial.said[:120]}"


def table(trials: list[Trial]) -> str:
    """Real outcome down, verdict across, at each level; then every excused cell."""
    lines = [f"{len(trials)} trials of {len({each.subject for each in trials})} subjects"]
    for level in ("quick", "standard", "deep"):
        cells = Counter((each.real, each.verdict(level)) for each in trials)
        lines.append(f"\n{level:10} usable   warned unusable")
        lines += [
            f"{real:8} " + " ".join(f"{cells[real, verdict]:8}" for verdict in ("usable", "warned", "unusable"))
            for real in ("right", "wrong", "refuses")
        ]
    excused = Counter((each.damage, each.real, each.verdict("standard")) for each in trials if not each.agrees)
    lines += [
        "",
        *(
            f"{count:4} x {' '.join(cell)}: {(EXCUSED | OPEN).get(cell[0], '')}"
            for cell, count in sorted(excused.items())
        ),
    ]
    return "\n".join(lines)
