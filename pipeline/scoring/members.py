"""A members file: the models of a blend or cascade, each with its adapter, head, length, weight and share.

    temperature = 1.05

    [[members]]
    model = "google/gemma-2-9b-it"
    adapter = "./gemma"          # a path that begins with a dot starts at this file
    max_length = 3072
    truncate = "proportional"
    weight = 0.7

    [[members]]
    model = "Qwen/Qwen2.5-14B-Instruct"
    head = "tokens"
    weight = 0.3
    share = 0.35                 # the most uncertain 35 % of all battles, after the members before it

The first looks at every battle. What a member says of itself goes before what the command line says of all.
"""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.errors import SettingsError
from pipeline.model.quantise import Quantize
from pipeline.preflight import Head
from pipeline.scoring.preparation import Part, Request
from pipeline.text.truncate import Way, check_cap

MAX_BYTES: Final = 1_000_000

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Member(_Part):
    """One model of a blend.

    Attributes:
        model, adapter: references, as on the command line.
        head, labels, max_length, truncate, prompt_cap, quantize: as the options of `arena score`; None for what those
            say.
        weight: of its forecast in the mean of those that looked at a battle; only ratios matter.
        share: of all battles, at most so many: the most uncertain ones.
        below: only battles whose margin |p(A) - p(B)| is smaller; None for any.
    """

    model: Annotated[str, Field(min_length=1)]
    adapter: str | None = None
    head: Head = "classifier"
    labels: Literal[2, 3] | None = None
    max_length: Annotated[int, Field(gt=0)] | None = None
    truncate: Way | None = None
    prompt_cap: str | None = None
    quantize: Quantize | None = None
    weight: Positive = 1.0
    share: Share = 1.0
    below: Share | None = None

    @field_validator("prompt_cap")
    @classmethod
    def _is_a_cap(cls, text: str | None) -> str | None:
        return None if text is None else check_cap(text)

    def request(self, asked: Request) -> Request:
        """What is asked of this member, where `asked` is what the command line asks of all."""
        return replace(
            asked,
            model=self.model,
            adapter=self.adapter,
            head=self.head,
            labels=self.labels or asked.labels,
            max_length=self.max_length or asked.max_length,
            truncate=self.truncate or asked.truncate,
            prompt_cap=self.prompt_cap or asked.prompt_cap,
            quantize=self.quantize or asked.quantize,
        )

    def part(self, asked: Request) -> Part:
        """The same with its place among the others."""
        return Part(self.request(asked), self.weight, self.share, self.below)


class Members(_Part):
    """All members, in the order in which they look, and the temperature of their mean."""

    schema_version: Literal[1] = 1
    temperature: Positive = 1.0
    members: Annotated[tuple[Member, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _begins_with_all(self) -> "Members":
        if self.members[0].share != 1 or self.members[0].below is not None:
            raise ValueError("the first member looks at every battle: it has neither share nor below")
        return self

    @property
    def weights(self) -> tuple[float, ...]:
        """One a member."""
        return tuple(member.weight for member in self.members)

    def request(self, asked: Request) -> Request:
        """What is asked of all of them together, where `asked` is what the command line asks."""
        parts = tuple(member.part(asked) for member in self.members)
        return replace(asked, parts=parts, temperature=self.temperature)


def read_members(path: Path) -> Members:
    """The members of a file; references that begin with a dot start at it.

    Raises:
        SettingsError: it cannot be read, is no TOML, or holds a key or value that is not known; names file and key.
    """
    try:
        with path.open("rb") as file:
            values = tomllib.loads(file.read(MAX_BYTES).decode("utf-8"))
        members = Members.model_validate(values, strict=False)
    except OSError as error:
        raise SettingsError(f"{path}: it cannot be read: {error.strerror or error}", fix="name the file") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(f"{path}: {place}: {first['msg']}", fix="see docs/winners.md for the keys") from None
    except ValueError as error:
        raise SettingsError(f"{path}: it is no TOML: {error}", fix="see docs/winners.md for the form") from None
    return members.model_copy(update={"members": tuple(_beside(path.parent, each) for each in members.members)})


def _beside(folder: Path, member: Member) -> Member:
    names = {"model": member.model} | ({} if member.adapter is None else {"adapter": member.adapter})
    moved = {key: str((folder / name).resolve()) for key, name in names.items() if name.startswith(".")}
    return member.model_copy(update=moved)
