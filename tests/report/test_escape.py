"""What others wrote is shown, never obeyed."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.report.escape import escape, without_surrogates


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("model.safetensors", "model.safetensors"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\x9b2J", r"\x9b2J"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\u2066isolate\u2069", r"\u2066isolate\u2069"),
        ("line\u2028separator", r"line\u2028separator"),
        ("\udcff byte", r"\xff byte"),
        ("\ud800 half", r"\ud800 half"),
        ("\U000e0041 tag", r"\U000e0041 tag"),
        ("##[error]x", r"#\x23[error]x"),
        ("模型 é", "模型 é"),
        (r"C:\temp", r"C:\temp"),
    ],
)
def test_escape_writes_what_does_not_print_as_text(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text(st.characters()))
def test_escape_leaves_nothing_that_a_terminal_obeys(text: str) -> None:
    shown = escape(text)
    assert shown.isprintable()
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    shown.encode("utf-8")


@given(st.text(st.characters(exclude_categories=())))
def test_without_surrogates_can_always_be_written_as_utf_8(text: str) -> None:
    without_surrogates(text).encode("utf-8")
