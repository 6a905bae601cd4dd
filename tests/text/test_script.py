"""The script of a text, by what Unicode says of its letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.script import script_of


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Hello", "Latin"), ("Ünïcödé", "Latin"), ("\uff28\uff49", "Latin"), ("Здравствуй", "Cyrillic"), ("你好世界", "Han"),
        ("こんにちは", "Hiragana"), ("안녕하세요", "Hangul"), ("مرحبا", "Arabic"), ("नमस्ते", "Devanagari"), ("", "none"),
        ("42 + 1 = 🎉", "none"), ("what is this 你好?", "Latin"), ("hi 你好世界", "Han"),
    ],
)  # fmt: skip
def test_most_letters_decide(text: str, script: str) -> None:
    assert script_of(text) == script


@given(st.text(max_size=50))
def test_every_text_has_one_and_its_order_does_not_matter(text: str) -> None:
    assert script_of(text)
    assert script_of(text) == script_of(text[::-1])
