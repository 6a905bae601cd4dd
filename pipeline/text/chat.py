"""A battle as one message of a chat, and the letters that a generative model may answer with.

The chat template comes with the model and is not trusted: it sees our own words with three marks where the texts will
stand, never a battle, and is rendered once, by transformers, in jinja2's sandbox. The preflight has rendered it before
in a process that is watched. Between the marks the rendered words become ids with the tokenizer's special tokens; the
texts of a battle are encoded as letters, so that none of them can end the message (see `encode`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from pipeline.errors import ModelUnusableError
from pipeline.text.encode import Encoder
from pipeline.text.prompt import MIDDLE, Frame, Template
from pipeline.text.truncate import Ids, Truncation

LETTERS: Final = ("A", "B", "C")
# Letters alone: templates that trim, quote or escape a message leave them as they are.
MARKS: Final = ("QXPROMPTXQ", "QXANSWERAXQ", "QXANSWERBXQ")

_ASKED: Final = "Two assistants answered the same prompt. Judge which answer people would prefer.\n\nPrompt:\n"
QUESTIONS: Final = {
    2: Template(
        "letters-2-v1",
        _ASKED,
        "\n\nAnswer A:\n",
        "\n\nAnswer B:\n",
        "\n\nWhich answer is better? Reply with one letter: A or B.",
        " [...] ",
    ),
    3: Template(
        "letters-3-v1",
        _ASKED,
        "\n\nAnswer A:\n",
        "\n\nAnswer B:\n",
        "\n\nWhich answer is better? Reply with one letter: A, B, or C if they are equally good.",
        " [...] ",
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """The question in the ids of one tokenizer, and the ids of the letters that answer it: A, B and perhaps C (tie)."""

    template: Template
    frame: Frame
    letters: tuple[int, ...]

    def encoder(self, tokenizer: Any, max_length: int, truncation: Truncation = MIDDLE) -> Encoder:
        """Turns battles into the question.

        Raises:
            ValueError: the length leaves no room for both answers.
        """
        return Encoder(tokenizer, max_length, self.template, truncation, self.frame)


def question_of(tokenizer: Any, labels: int) -> Question:
    """How a model is asked through its chat template.

    Args:
        tokenizer: a transformers tokenizer with a chat template.
        labels: 3 where a tie is an answer, else 2.

    Raises:
        ModelUnusableError: there is no chat template, it fails, it does not show the message as it is written, or the
            letters are not one token each where the answer stands.
    """
    template = QUESTIONS[labels]
    texts = _between_marks(_rendered(tokenizer, _message(template)))
    start, before_a, before_b = (_ids(tokenizer, text) for text in texts[:3])
    end, letters = find_letters(tokenizer, texts[3], LETTERS[:labels])
    cut = _ids(tokenizer, template.cut)
    return Question(template, Frame(start, before_a, before_b, end, cut), letters)


def find_letters(tokenizer: Any, end: str, letters: Sequence[str]) -> tuple[Ids, tuple[int, ...]]:
    """The ids of the text that comes before the answer, and the id of each letter right behind it.

    Behind most templates a letter stands as it is. Where the text ends in a space, or the letter would melt into it,
    the space belongs to the letter, as in what such models were trained on.

    Raises:
        ModelUnusableError: a letter is not one known token of its own there.
    """
    ways = [(end, ""), *([(end.rstrip(" "), " ")] if end.endswith(" ") else []), (end, " ")]
    for text, space in ways:
        before = _ids(tokenizer, text)
        after = [_ids(tokenizer, text + space + letter) for letter in letters]
        if any(ids[: len(before)] != before or len(ids) != len(before) + 1 for ids in after):
            continue
        found = tuple(ids[-1] for ids in after)
        if len(set(found)) == len(letters) and getattr(tokenizer, "unk_token_id", None) not in found:
            return before, found
    raise ModelUnusableError(
        f"the tokenizer does not write {', '.join(letters)} as one token each behind its chat template",
        fix="use a model whose tokenizer does, or train a classifier: arena train",
    )


def _message(template: Template) -> str:
    parts = (template.before_prompt, template.before_a, template.before_b)
    return "".join(part + mark for part, mark in zip(parts, MARKS, strict=True)) + template.after


def _rendered(tokenizer: Any, message: str) -> str:
    if not getattr(tokenizer, "chat_template", None):
        raise ModelUnusableError(
            "the tokenizer has no chat template to ask the model through",
            fix="add chat_template.jinja from the model's repository, or use --head classifier",
        )
    dialogue = [{"role": "user", "content": message}]
    try:
        # A template that knows no thinking ignores the last; one that does leaves the answer to the first token.
        text = tokenizer.apply_chat_template(
            dialogue, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    except Exception as error:  # what foreign code raises is anybody's guess
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise ModelUnusableError(
            f"the chat template fails: {reason}", fix="resolver check MODEL --for score --head tokens --level standard"
        ) from error
    return str(text)


def _between_marks(text: str) -> list[str]:
    """The text before, between and behind the marks."""
    begins = [text.find(mark) for mark in MARKS]
    if any(text.count(mark) != 1 for mark in MARKS) or begins != sorted(begins):
        raise ModelUnusableError(
            "the chat template does not show a user's message once, as it is written",
            fix="take the template of the model's repository",
        )
    edges = [0, *(edge for mark, begin in zip(MARKS, begins, strict=True) for edge in (begin, begin + len(mark)))]
    return [text[begin:end] for begin, end in list(pairwise([*edges, len(text)]))[::2]]


def _ids(tokenizer: Any, text: str) -> Ids:
    """Ids with the special tokens that the text names."""
    encoded = tokenizer(
        text,
        add_special_tokens=False,
        truncation=False,
        padding=False,
        verbose=False,
        split_special_tokens=False,
        return_attention_mask=False,
    )
    return tuple(encoded["input_ids"])
