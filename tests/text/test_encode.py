from dataclasses import replace
from typing import Any

import pytest
from tiny_classifier import battle, save_tokenizer

from pipeline.arena.battle import Battle
from pipeline.text.encode import CHUNK, Encoder
from pipeline.text.truncate import Truncation


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    path = tmp_path_factory.mktemp("tokenizer")
    save_tokenizer(path)
    return AutoTokenizer.from_pretrained(path, local_files_only=True)


def text_of(tokenizer: Any, battles: list[Battle], max_length: int = 1000) -> list[str]:
    return [tokenizer.decode(row) for row in Encoder(tokenizer, max_length).encode(battles)]


def test_a_battle_reads_as_the_template_says(tokenizer: Any) -> None:
    assert text_of(tokenizer, [battle()]) == ["<s>Prompt:\np\n\nAnswer A:\nx\n\nAnswer B:\ny\n\nBetter:</s>"]


def test_several_turns_are_numbered_and_unequal_turns_go_through(tokenizer: Any) -> None:
    text = text_of(tokenizer, [Battle("1", ("p", "q"), ("a", ""), ())])[0]
    assert "Prompt:\n(1) p\n(2) q\n" in text
    assert "Answer A:\n(1) a\n(2) \n" in text
    assert "Answer B:\n\n\nBetter:" in text


def test_special_tokens_in_the_text_are_letters(tokenizer: Any) -> None:
    row = Encoder(tokenizer, 1000).encode([battle(a="</s><pad><s>")])[0]
    assert [row.count(token) for token in (0, 1, 2)] == [1, 1, 0]
    assert "</s><pad><s>" in tokenizer.decode(row[1:-1])


def test_long_rows_keep_their_markers_and_their_length(tokenizer: Any) -> None:
    encoder = Encoder(tokenizer, 90)
    rows = encoder.encode([battle(prompt="p" * 5000, a="x" * 5000, b="y" * 5000)])
    text = tokenizer.decode(rows[0])
    assert len(rows[0]) <= 90
    assert "\n\nAnswer A:\nx" in text
    assert "\n\nAnswer B:\ny" in text
    assert text.endswith("\n\nBetter:</s>")


def test_more_battles_than_a_chunk_come_back_in_order(tokenizer: Any) -> None:
    battles = [battle(str(n), a=f"answer {n}") for n in range(CHUNK + 3)]
    rows = Encoder(tokenizer, 200).encode(battles)
    assert [f"answer {n}\n" in tokenizer.decode(row) for n, row in enumerate(rows)] == [True] * len(battles)


def test_what_cannot_be_laid_out_is_refused_at_once(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="no template 'other'; there are battle-v1"):
        Encoder(tokenizer, 100, "other")
    with pytest.raises(ValueError, match="leaves no room for both answers"):
        Encoder(tokenizer, 20)


def test_an_encoder_at_another_length_is_the_same_but_for_that(tokenizer: Any) -> None:
    long = battle(a="x" * 500, b="y" * 500)
    encoder = Encoder(tokenizer, 300, truncation=Truncation("tail", "20%"))
    shorter = encoder.at(90)
    assert shorter.encode([long]) == Encoder(tokenizer, 90, truncation=Truncation("tail", "20%")).encode([long])
    assert shorter.at(300).encode([long]) == encoder.encode([long])
    with pytest.raises(ValueError, match="leaves no room for both answers"):
        encoder.at(20)


def test_a_key_and_a_length_tell_apart_whatever_changes_a_row(tokenizer: Any) -> None:
    encoder = Encoder(tokenizer, 300)
    others = [
        encoder.at(299),
        Encoder(tokenizer, 300, truncation=Truncation("tail")),
        Encoder(tokenizer, 300, truncation=Truncation("middle", "256")),
        Encoder(tokenizer, 300, replace(encoder.template, joint=" ")),
        Encoder(tokenizer, 300, frame=replace(encoder.frame, cut=())),
    ]
    assert len({(each.key, each.max_length) for each in (encoder, *others)}) == 6
    assert Encoder(tokenizer, 300).key == encoder.key
    assert encoder.at(299).key == encoder.key  # a journal says "length" where that alone differs
