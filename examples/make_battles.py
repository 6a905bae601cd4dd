"""Write examples/battles: battles whose winner is true by construction, in the contest's columns and cells.

Each kind below makes one good answer and spoils it in one known way, or makes two that are worth the same: that decides
the label, no judge is asked. Some kinds can be seen (an empty answer, a refusal, an answer that breaks off, the wrong
language, an instruction that is not followed), some need to be worked out (sums, units, spelling), so a small model can
beat the prior and none gets everything right. The same seed writes the same bytes.

    python examples/make_battles.py [--output examples/battles]
"""

import argparse
import csv
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipeline.arena.battle import A_WINS, B_WINS, TIE
from pipeline.arena.table import LABELLED_COLUMNS, SUBMISSION_COLUMNS, TEST_COLUMNS

SEED: Final = 20
TRAIN_ROWS: Final = 900
TEST_ROWS: Final = 150
WRITERS: Final = ("quill-1", "quill-2", "pencil-7b", "marker-mini", "chalk-large", "inkwell")

Turns = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """Prompts, the better answers, the worse ones; the two are worth the same where `tie` says so."""

    prompts: tuple[str, ...]
    better: Turns
    worse: Turns
    tie: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """How one language asks for a capital, answers it at length, and refuses."""

    ask: str
    answer: str
    more: str
    refuse: str
    capitals: tuple[tuple[str, str], ...]


LANGUAGES: Final = {
    "en": Language(
        "What is the capital of {0}?",
        "The capital of {0} is {1}.",
        "It is the seat of the government and the best known city of the country.",
        "I am sorry, but I cannot help with that request.",
        (
            ("France", "Paris"),
            ("Japan", "Tokyo"),
            ("Egypt", "Cairo"),
            ("Norway", "Oslo"),
            ("Kenya", "Nairobi"),
            ("Peru", "Lima"),
            ("Portugal", "Lisbon"),
            ("Cuba", "Havana"),
            ("Greece", "Athens"),
            ("Austria", "Vienna"),
            ("Ireland", "Dublin"),
        ),
    ),
    "de": Language(
        "Was ist die Hauptstadt von {0}? Bitte antworte auf Deutsch.",
        "Die Hauptstadt von {0} ist {1}.",
        "Dort hat die Regierung ihren Sitz, und es ist die bekannteste Stadt des Landes.",
        "Es tut mir leid, aber dabei kann ich nicht helfen.",
        (
            ("Frankreich", "Paris"),
            ("Japan", "Tokio"),
            ("Italien", "Rom"),
            ("Norwegen", "Oslo"),
            ("Polen", "Warschau"),
            ("Peru", "Lima"),
        ),
    ),
    "fr": Language(
        "Quelle est la capitale de ce pays : {0} ? Réponds en français, s'il te plaît.",
        "La capitale de ce pays ({0}) est {1}.",
        "C'est le siège du gouvernement et la ville la plus connue du pays.",
        "Je suis désolé, mais je ne peux pas répondre à cette demande.",
        (
            ("Allemagne", "Berlin"),
            ("Japon", "Tokyo"),
            ("Italie", "Rome"),
            ("Norvège", "Oslo"),
            ("Pologne", "Varsovie"),
            ("Pérou", "Lima"),
        ),
    ),
    "es": Language(
        "¿Cuál es la capital de {0}? Responde en español, por favor.",
        "La capital de {0} es {1}.",
        "Allí está la sede del gobierno y es la ciudad más conocida del país.",
        "Lo siento, pero no puedo ayudar con esa petición.",
        (
            ("Francia", "París"),
            ("Japón", "Tokio"),
            ("Italia", "Roma"),
            ("Noruega", "Oslo"),
            ("Polonia", "Varsovia"),
            ("Perú", "Lima"),
        ),
    ),
}

HOW_TO: Final = (
    ("boil an egg", "Put the egg into boiling water, wait for eight minutes, cool it under cold water and peel it."),
    (
        "water a cactus",
        "Water it well once the soil is dry, let the water drain away, and wait about two weeks before the next time.",
    ),
    (
        "sharpen a pencil",
        "Put the tip into the sharpener, turn it to the right while pressing lightly, and stop when it is pointed.",
    ),
    (
        "clean a window",
        "Wet the glass with soapy water, pull a rubber blade across from top to bottom, and dry the edges.",
    ),
    (
        "fold a letter",
        "Lay the sheet flat, fold the lower third up, fold the upper third down over it, and press the edges.",
    ),
    (
        "change a light bulb",
        "Switch the lamp off, let the bulb cool, turn it out to the left, and turn the new one in to the right.",
    ),
    ("make tea", "Boil fresh water, pour it over the leaves, let it stand for three minutes, and take the leaves out."),
    (
        "plant a bulb",
        "Dig a hole three times as deep as the bulb is high, set it in with the tip up, and cover it with soil.",
    ),
    (
        "repair a flat tyre",
        "Take the wheel off, find the hole in the tube, rub it clean, glue a patch over it, and pump it up again.",
    ),
    (
        "write a thank-you note",
        "Say what you are grateful for, say what it means to you, wish the reader well, and sign it by hand.",
    ),
)
GROUPS: Final = (
    ("fruits", ("apples", "pears", "plums", "cherries", "grapes", "oranges")),
    ("birds", ("robins", "owls", "swans", "sparrows", "eagles", "geese")),
    ("colours", ("red", "blue", "green", "yellow", "purple", "brown")),
    ("tools", ("hammers", "saws", "pliers", "files", "drills", "chisels")),
    ("planets", ("Mars", "Venus", "Saturn", "Jupiter", "Neptune", "Mercury")),
)
WORDS: Final = (
    ("necessary", "neccesary"),
    ("rhythm", "rythm"),
    ("separate", "seperate"),
    ("definitely", "definately"),
    ("accommodate", "acomodate"),
    ("embarrass", "embarass"),
    ("calendar", "calender"),
    ("receive", "recieve"),
    ("privilege", "priviledge"),
    ("conscience", "consience"),
    ("occurred", "occured"),
    ("weird", "wierd"),
)
UNITS: Final = (
    ("kilometres", "metres", 1000),
    ("hours", "minutes", 60),
    ("kilograms", "grams", 1000),
    ("metres", "centimetres", 100),
    ("days", "hours", 24),
    ("weeks", "days", 7),
)


def how_to(rng: random.Random) -> tuple[str, str]:
    """A question and its whole answer, in English."""
    task, answer = rng.choice(HOW_TO)
    return rng.choice(("How do I {0}?", "Tell me how to {0}.", "What is the right way to {0}?")).format(task), answer


def capital(rng: random.Random, name: str | None = None) -> tuple[str, str, str, Language]:
    """A question for a capital, its short and its long answer, and the language."""
    language = LANGUAGES[name or rng.choice(sorted(LANGUAGES))]
    pair = rng.choice(language.capitals)
    short = language.answer.format(*pair)
    return language.ask.format(*pair), short, f"{short} {language.more}", language


def empty_loses(rng: random.Random) -> Draft:
    """Nothing, in one of its spellings, against an answer."""
    prompt, answer = how_to(rng) if rng.random() < 1 / 2 else capital(rng)[::2][:2]
    return Draft((prompt,), (answer,), (rng.choice((None, "", " ")),))


def refusal_loses(rng: random.Random) -> Draft:
    """A harmless question refused, against an answer."""
    if rng.random() < 1 / 2:
        prompt, answer = how_to(rng)
        return Draft((prompt,), (answer,), (LANGUAGES["en"].refuse,))
    prompt, short, _, language = capital(rng)
    return Draft((prompt,), (short,), (language.refuse,))


def truncated_loses(rng: random.Random) -> Draft:
    """The same answer, broken off in the middle of a sentence."""
    prompt, answer = how_to(rng)
    words = answer.split(" ")
    return Draft((prompt,), (answer,), (" ".join(words[: rng.randint(2, len(words) // 2)]),))


def off_topic_loses(rng: random.Random) -> Draft:
    """The answer to another question."""
    prompt, answer = how_to(rng)
    other = rng.choice([each for _, each in HOW_TO if each != answer])
    return Draft((prompt,), (answer,), (other,))


def wrong_language_loses(rng: random.Random) -> Draft:
    """The right capital, in English, where another language was asked for."""
    prompt, short, long, _ = capital(rng, rng.choice(("de", "fr", "es")))
    english = capital(rng, "en")
    return Draft((prompt,), (rng.choice((short, long)),), (rng.choice(english[1:3]),))


def one_word_wins(rng: random.Random) -> Draft:
    """One word was asked for."""
    country, city = rng.choice(LANGUAGES["en"].capitals)
    ask = rng.choice(
        ("In one word: what is the capital of {0}?", "What is the capital of {0}? Answer with one word only.")
    )
    long = LANGUAGES["en"].answer.format(country, city) + rng.choice(("", " " + LANGUAGES["en"].more))
    return Draft((ask.format(country),), (city,), (long,))


def count_wins(rng: random.Random) -> Draft:
    """As many as were asked for, against fewer."""
    group, members = rng.choice(GROUPS)
    chosen = rng.sample(members, 4)
    fewer = rng.randint(1, 2)
    return Draft(
        (f"Name four {group}.",), (f"{', '.join(chosen[:3])} and {chosen[3]}.",), (f"{' and '.join(chosen[:fewer])}.",)
    )


def repetition_loses(rng: random.Random) -> Draft:
    """An answer that goes round in circles."""
    prompt, answer = how_to(rng)
    words = answer.split(" ")[:4]
    return Draft((prompt,), (answer,), (" ".join(words * rng.randint(8, 14)),))


def sum_wins(rng: random.Random) -> Draft:
    """The right sum, against one that is off."""
    one, other = rng.randint(11, 99), rng.randint(11, 99)
    off = rng.choice((-10, -2, -1, 1, 2, 10))
    say = f"{one} + {other} = {{0}}."
    return Draft((f"What is {one} plus {other}?",), (say.format(one + other),), (say.format(one + other + off),))


def conversion_wins(rng: random.Random) -> Draft:
    """The right factor, against the wrong one."""
    large, small, factor = rng.choice(UNITS)
    amount = rng.randint(2, 9)
    say = f"{amount} {large} are {{0}} {small}."
    wrong = amount * rng.choice([each for each in (7, 10, 24, 60, 100, 1000) if each != factor])
    return Draft((f"How many {small} are {amount} {large}?",), (say.format(amount * factor),), (say.format(wrong),))


def spelling_wins(rng: random.Random) -> Draft:
    """The right spelling, against a usual wrong one."""
    right, wrong = rng.choice(WORDS)
    ask = f"Which spelling is right, '{right}' or '{wrong}'?"
    say = rng.choice(("The right spelling is '{0}'.", "It is spelled '{0}'.", "'{0}' is right."))
    return Draft((ask,), (say.format(right),), (say.format(wrong),))


def forgotten_instruction_loses(rng: random.Random) -> Draft:
    """Two turns: the first asks for one word from now on, and one of the two forgets it."""
    pairs = rng.sample(LANGUAGES["en"].capitals, 2)
    asks = [LANGUAGES["en"].ask.format(*pair) for pair in pairs]
    long = LANGUAGES["en"].answer.format(*pairs[1]) + " " + LANGUAGES["en"].more
    prompts = (f"From now on answer with one word only. {asks[0]}", asks[1])
    return Draft(prompts, (pairs[0][1], pairs[1][1]), (pairs[0][1], long))


def missing_turn_loses(rng: random.Random) -> Draft:
    """Two turns, the second of which one of the two does not answer."""
    (first, answer), (second, short, _, _) = how_to(rng), capital(rng)
    return Draft((first, second), (answer, short), (answer, rng.choice((None, ""))))


def identical_ties(rng: random.Random) -> Draft:
    """The same answer twice."""
    prompt, answer = how_to(rng) if rng.random() < 1 / 2 else capital(rng)[:2]
    return Draft((prompt,), (answer,), (answer,), tie=True)


def both_empty_tie(rng: random.Random) -> Draft:
    """Nothing against nothing."""
    prompt, _ = how_to(rng)
    return Draft((prompt,), (rng.choice((None, "")),), (rng.choice((None, "")),), tie=True)


def both_refuse_tie(rng: random.Random) -> Draft:
    """Two refusals."""
    prompt, _, _, language = capital(rng)
    return Draft((prompt,), (language.refuse,), (language.refuse,), tie=True)


def same_order_ties(rng: random.Random) -> Draft:
    """The same members in another order."""
    group, members = rng.choice(GROUPS)
    chosen = rng.sample(members, 4)
    say = "{0}, {1}, {2} and {3}."
    return Draft((f"Name four {group}.",), (say.format(*chosen),), (say.format(*rng.sample(chosen, 4)),), tie=True)


KINDS: Final[tuple[tuple[Callable[[random.Random], Draft], int], ...]] = (
    (empty_loses, 9),
    (refusal_loses, 9),
    (truncated_loses, 9),
    (off_topic_loses, 7),
    (wrong_language_loses, 8),
    (one_word_wins, 8),
    (count_wins, 7),
    (repetition_loses, 7),
    (sum_wins, 3),
    (conversion_wins, 3),
    (spelling_wins, 3),
    (forgotten_instruction_loses, 5),
    (missing_turn_loses, 5),
    (identical_ties, 12),
    (both_empty_tie, 3),
    (both_refuse_tie, 5),
    (same_order_ties, 6),
)


def draft_row(rng: random.Random, identifier: int) -> dict[str, str]:
    """One labelled row in the contest's columns."""
    kinds, weights = zip(*KINDS, strict=True)
    draft = rng.choices(kinds, weights)[0](rng)
    better_is_a = rng.random() < 1 / 2
    sides = (draft.better, draft.worse) if better_is_a else (draft.worse, draft.better)
    winner = TIE if draft.tie else (A_WINS if better_is_a else B_WINS)
    writers = rng.sample(WRITERS, 2)
    cells = [json.dumps(list(turns)) for turns in (draft.prompts, *sides)]
    marks = [str(int(winner == column)) for column in range(3)]
    return dict(zip(LABELLED_COLUMNS, (str(identifier), *writers, *cells, *marks), strict=True))


def draft_rows(seed: int, count: int) -> list[dict[str, str]]:
    """So many rows, no two with the same id."""
    rng = random.Random(seed)  # noqa: S311 - examples, not secrets
    return [draft_row(rng, identifier) for identifier in rng.sample(range(10_000, 10_000_000), count)]


def write(path: Path, columns: Sequence[str], rows: Sequence[dict[str, str]]) -> None:
    """A csv file with these columns of the rows."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Write train.csv, test.csv, solution.csv (the test rows with their winners) and sample_submission.csv."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "battles")
    output: Path = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    rows = draft_rows(SEED, TRAIN_ROWS + TEST_ROWS)
    test = rows[TRAIN_ROWS:]
    third = dict.fromkeys(SUBMISSION_COLUMNS["lmsys"][1:], repr(1 / 3))
    write(output / "train.csv", LABELLED_COLUMNS, rows[:TRAIN_ROWS])
    write(output / "solution.csv", LABELLED_COLUMNS, test)
    write(output / "test.csv", TEST_COLUMNS, test)
    write(output / "sample_submission.csv", SUBMISSION_COLUMNS["lmsys"], [row | third for row in test])
    print(f"{output}: {TRAIN_ROWS} rows to train on, {TEST_ROWS} to test")


if __name__ == "__main__":
    main()
