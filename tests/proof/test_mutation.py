"""Mutation: damage at random places of good models is found, with the file named, or proven harmless by loading.

A seeded sample in the suite; `make mutate` tries every family and form, each kind several times, and prints what was
missed. Found is a warning or an error at the deep level; harmless is equal tokens and equal logits.
"""

import os
import random
import shutil
from collections import Counter

import pytest
from families import FAMILIES, build
from trials import HARMS, Bench, Subject, Trial, machine

from resolver.preflight import Question, check

ALL = os.environ.get("MUTATE") == "all"
SEEDS = int(os.environ.get("MUTATE_SEEDS", "2"))
FORMS = ("language", "sharded", "classifier", "turned")
SAMPLE = (
    Subject("qwen2", "sharded"), Subject("mistral", "classifier"), Subject("phi3", "language"),
    Subject("bert", "sharded"), Subject("gpt2", "turned"),
)  # fmt: skip
EVERY = tuple(Subject(family, form) for family in FAMILIES for form in FORMS)
SHARE = 3  # the suite tries one kind in so many of each subject
SLOW = "files.pipe-for-weights"  # tried by the matrix, once

VALUES = (
    "one tensor's bytes: nothing but a hash tells (test_payload_that_was_flipped_is_found_where_a_hash_is_on_record)"
)
MEANING = "legal, and fits the weights: only one who knows the model can tell"
TEXT = "a valid tokenizer of another model"
# What may be missed although the libraries compute something else: damage -> the class that it belongs to.
MISSED = {
    "weights.flip-payload": VALUES,
    "weights.swap-tensors": VALUES,
    "random.flip-any-bit": VALUES,
    "random.zero-any-block": VALUES,
    "config.other-rope-theta": MEANING,
    "config.other-activation": MEANING,
    "config.other-head-count": MEANING,
    "config.other-positions": MEANING,
    "random.change-any-number": MEANING,
    "random.change-any-text": MEANING,
    "random.turn-any-flag": MEANING,
    "random.drop-any-key": MEANING,
    "random.delete-any-bytes": f"{MEANING}: a digit less",
    "random.insert-any-bytes": "a chat template that is not UTF-8: T202 is said, without the file's name",
    "weights.zero-tensor": "a vector of zeros is a legal norm (Gemma's begin so): W119 looks at matrices",
    "tokenizer.swap-two-ids": TEXT,
    "tokenizer.drop-vocabulary-entry": TEXT,
    "tokenizer.tokenizer-of-another": TEXT,
    "tokenizer.another-class": "transformers 5 rebuilds the tokenizer by its class",
}
# What we call unusable although it loads and computes the same: damage -> why.
STRICT = {
    "files.index-leaves-the-directory": "it loads, from outside the model: S604",
    "tokenizer.template-that-escapes": "hostile, whoever renders it: T213",
    "weights.not-a-number": "the number stands in a row that no tried text reads: W118",
    "weights.flip-payload": "as above",
    "random.flip-any-bit": "as above",
    "weights.drop-tensor": "a parameter that these rows never reach, or a bias that was next to nothing: W114",
    "weights.rename-tensor": "as above",
    "bytes.flip-header": "as above",
    "random.delete-any-bytes": "as above",
    "random.turn-any-flag": "a bias that is missing starts at zero, which changes nothing here: W114",
    "random.drop-any-key": "transformers 5 builds some tokenizers anew and does not read what is broken: T202",
    "random.change-any-number": "as above",
    "random.change-any-text": "as above",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("mutation"))


@pytest.fixture(scope="module")
def trials():
    return []


def chosen(bench, subject):
    """Kind and seed of every trial of one subject."""
    kinds = [
        kind for kind in (*bench.kinds(subject), *(each for each in HARMS if each.startswith("random"))) if kind != SLOW
    ]
    if ALL:
        return [
            (kind, seed) for kind in kinds for seed in range(1, 1 + SEEDS * (4 if kind.startswith("random") else 1))
        ]
    dice = random.Random(str(subject))  # noqa: S311 - repeatable
    return [
        (kind, 1 + dice.randrange(1000)) for kind in kinds if kind.startswith("random") or dice.randrange(SHARE) == 0
    ]


@pytest.mark.parametrize("subject", EVERY if ALL else SAMPLE, ids=str)
def test_every_mutation_is_found_or_harmless(bench, trials, subject):
    tried = [bench.try_(subject, kind, seed) for kind, seed in chosen(bench, subject)]
    mine = [each for each in tried if each is not None]
    trials += mine
    missed = [each for each in mine if is_missed(each) and each.damage not in MISSED]
    # T5's classifier pools at the end token and its decoder starts by ids of config.json alone: known, not judged.
    assert [row(each) for each in missed if subject != Subject("t5", "classifier")] == []
    false = [each for each in mine if each.real == "right" and each.verdict("deep") == "unusable"]
    assert [row(each) for each in false if each.damage not in STRICT] == []


def test_forty_kinds_and_more_were_tried(trials):
    assert len({each.damage for each in trials}) >= 40
    assert {each.real for each in trials} == {"right", "wrong", "refuses"}


def test_payload_that_was_flipped_is_found_where_a_hash_is_on_record(tmp_path):
    """A hub cache names each large file by its sha256: the deep level reads the bytes and says which file differs."""
    import hashlib

    made = build(tmp_path / "made", "llama")
    folder = tmp_path / "hub" / "models--o--m"
    snapshot = folder / "snapshots" / ("a" * 40)
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir()
    for file in made.iterdir():
        blob = folder / "blobs" / hashlib.sha256(file.read_bytes()).hexdigest()
        shutil.copyfile(file, blob)
        (snapshot / file.name).symlink_to(blob)
    assert "I901" not in codes(snapshot)
    weights = (snapshot / "model.safetensors").resolve()
    data = bytearray(weights.read_bytes())
    data[-3] ^= 1
    weights.write_bytes(data)
    assert "I901" in codes(snapshot)


def codes(root):
    report = check(str(root), *machine(), Question(level="deep"))
    return {each.code for each in report.findings if each.severity == "error"}


def test_what_was_missed(trials, capsys, tmp_path_factory):
    """The table, with every class that is missed and how often."""
    text = table(trials)
    place = tmp_path_factory.getbasetemp() / "mutation.txt"
    place.write_text(text)
    with capsys.disabled():
        if ALL:
            print(f"\n{text}\n{place}")
    assert trials


def is_missed(trial: Trial) -> bool:
    """The libraries refuse or compute something else, and nobody was told."""
    return trial.real != "right" and not trial.named("deep")


def row(trial: Trial) -> str:
    told = f"{trial.subject} {trial.damage} seed {trial.seed}: {trial.real}"
    return f"{told}, {trial.verdict('deep')} {trial.codes('deep')}; {trial.said[:120]}"


def table(trials: list[Trial]) -> str:
    subjects = len({each.subject for each in trials})
    lines = [f"{len(trials)} mutations of {len({each.damage for each in trials})} kinds, {subjects} models"]
    harmless = sum(each.real == "right" for each in trials)
    missed = [each for each in trials if is_missed(each)]
    lines.append(f"harmless {harmless}, found {len(trials) - harmless - len(missed)}, missed {len(missed)}")
    for (kind, real), count in sorted(Counter((each.damage, each.real) for each in missed).items()):
        lines.append(f"{count:5} {kind} ({real}): {MISSED.get(kind, '')}")
    false = Counter(each.damage for each in trials if each.real == "right" and each.verdict("deep") == "unusable")
    lines += [
        f"{count:5} {kind}, harmless and called unusable: {STRICT.get(kind, '')}" for kind, count in false.items()
    ]
    return "\n".join(lines)
