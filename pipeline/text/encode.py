"""Turn battles into token ids with a model's own tokenizer.

Special tokens inside the text are encoded as the letters they are written with, so no answer can end a row or look
like padding.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from pipeline.arena.battle import Battle
from pipeline.text.prompt import (
    DEFAULT_TEMPLATE,
    MIDDLE,
    TEMPLATES,
    Frame,
    Template,
    lay_out,
    lay_out_rounds,
    rounds_of,
)
from pipeline.text.rounds import Round, Turn
from pipeline.text.truncate import Ids, Truncation

# Battles whose parts are tokenised in one call: enough to keep the tokenizer's threads busy, little memory.
CHUNK: Final = 256
PROBE: Final = "a"


class Encoder:
    """A tokenizer, a template and a length: battles in, ids out.

    Args:
        tokenizer: a transformers tokenizer.
        max_length: of a row in tokens, special tokens included.
        template: the words around the parts, or their name.
        truncation: how a row is cut that is longer.
        frame: the template in ids, where it is more than its words (see `chat`).

    Raises:
        ValueError: no such template, or the length leaves no room for both answers.
    """

    def __init__(
        self,
        tokenizer: Any,
        max_length: int,
        template: str | Template = DEFAULT_TEMPLATE,
        truncation: Truncation = MIDDLE,
        frame: Frame | None = None,
    ) -> None:
        self.max_length = max_length
        self.template = template if isinstance(template, Template) else _named(template)
        self.truncation = truncation
        self._tokenizer = tokenizer
        self.frame = self._frame(self.template) if frame is None else frame
        lay_out(self.frame, ((), (), ()), max_length)

    def at(self, max_length: int) -> "Encoder":
        """The same encoder at another length.

        Raises:
            ValueError: the length leaves no room for both answers.
        """
        return Encoder(self._tokenizer, max_length, self.template, self.truncation, self.frame)

    @property
    def key(self) -> str:
        """A digest of all but the tokenizer and the length: with those equal too, encoders make equal rows."""
        return hashlib.sha256(repr((self.template, self.frame, self.truncation)).encode()).hexdigest()

    def encode(self, battles: Sequence[Battle]) -> list[Ids]:
        """One row of ids a battle, in order; each at most `max_length` long."""
        rows: list[Ids] = []
        for first in range(0, len(battles), CHUNK):
            chunk = battles[first : first + CHUNK]
            ids = self._ids([part for battle in chunk for part in self.template.parts(battle)])
            rows += [self._row(battle, ids[3 * place : 3 * place + 3]) for place, battle in enumerate(chunk)]
        return rows

    def _row(self, battle: Battle, parts: Sequence[Ids]) -> Ids:
        fits = self.frame.overhead + sum(map(len, parts)) <= self.max_length
        if self.truncation.way == "rounds" and not fits:
            joint, rounds = self._rounds(battle)
            row = lay_out_rounds(self.frame, rounds, joint, self.max_length, self.truncation)
            if row is not None:
                return row
        return lay_out(self.frame, parts, self.max_length, self.truncation)

    def _rounds(self, battle: Battle) -> tuple[Ids, list[Round]]:
        """What joins two turns, and the turns round by round, in ids."""
        parts = (battle.prompts, battle.answers_a, battle.answers_b)
        labels = [label for texts in parts for label in self.template.labels(texts)]
        joint, *ids = self._ids([self.template.joint, *labels, *(text for texts in parts for text in texts)])
        turns = iter([Turn(*each) for each in zip(ids[: len(labels)], ids[len(labels) :], strict=True)])
        return joint, rounds_of([[next(turns) for _ in texts] for texts in parts])

    def _ids(self, texts: Sequence[str]) -> list[Ids]:
        encoded = self._tokenizer(
            list(texts),
            add_special_tokens=False,
            truncation=False,
            padding=False,
            verbose=False,
            split_special_tokens=True,
            return_attention_mask=False,
        )
        return [tuple(ids) for ids in encoded["input_ids"]]

    def _frame(self, template: Template) -> Frame:
        prefix, suffix = self._special()
        start, before_a, before_b, after, cut = self._ids(
            [template.before_prompt, template.before_a, template.before_b, template.after, template.cut]
        )
        return Frame(prefix + start, before_a, before_b, after + suffix, cut)

    def _special(self) -> tuple[Ids, Ids]:
        """What the tokenizer puts before and after a text, found by asking it."""
        bare = self._ids([PROBE])[0]
        whole = tuple(self._tokenizer(PROBE, add_special_tokens=True, truncation=False, padding=False)["input_ids"])
        for place in range(len(whole) - len(bare) + 1):
            if whole[place : place + len(bare)] == bare:
                return whole[:place], whole[place + len(bare) :]
        return (), ()


def _named(template: str) -> Template:
    if template not in TEMPLATES:
        raise ValueError(f"there is no template {template!r}; there are {', '.join(TEMPLATES)}")
    return TEMPLATES[template]
