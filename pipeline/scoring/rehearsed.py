"""What a rehearsal found, as values: hours and memory of a run, model by model, and what a deadline would drop."""

import math
from dataclasses import dataclass

from pipeline.progress import duration


@dataclass(frozen=True, slots=True)
class ModelTime:
    """What one model of a run takes, estimated, as if there were no deadline.

    Attributes:
        looks: battles that it looks at.
        tokens: of these looks.
        tokens_per_second: of all devices together.
        load_s: until its first pack could be run.
        first_s: for these looks.
        second_looks: battles that it looks at a second time.
        second_s: for those.
    """

    looks: float
    tokens: float
    tokens_per_second: float
    load_s: float
    first_s: float
    second_looks: float
    second_s: float

    @property
    def total_s(self) -> float:
        """Of everything."""
        return self.load_s + self.first_s + self.second_s

    def text(self) -> str:
        """For people: the looks and how long they take."""
        second = f" and {duration(self.second_s)} for the second looks" if self.second_s else ""
        return (
            f"{self.looks:,.0f} rows of {self.tokens / max(self.looks, 1):,.0f} tokens in the mean:"
            f" {self.total_s / 3600:.2f} hours"
            f" ({duration(self.load_s)} to load, {duration(self.first_s)} for the first looks{second})"
        )


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run of that many rows would be.

    Attributes:
        rows: how many.
        models: what each takes, in the order in which they look.
        peak_bytes: the most memory that was taken, by any of them.
        budget: tokens of a pack that fit in memory, with all of them.
        seconds: that the rehearsal took.
        limit_s: the deadline; infinite where there is none.
        drops: what the deadline would leave out, a sentence each.
    """

    rows: int
    models: tuple[ModelTime, ...]
    peak_bytes: int
    budget: int
    seconds: float
    limit_s: float
    drops: tuple[str, ...]

    @property
    def load_s(self) -> float:
        """To load all models."""
        return sum(each.load_s for each in self.models)

    @property
    def first_s(self) -> float:
        """For the first looks of all models."""
        return sum(each.first_s for each in self.models)

    @property
    def second_s(self) -> float:
        """For the second looks of all models."""
        return sum(each.second_s for each in self.models)

    @property
    def total_s(self) -> float:
        """Of everything."""
        return sum(each.total_s for each in self.models)

    @property
    def tokens(self) -> float:
        """In the first looks of all models."""
        return sum(each.tokens for each in self.models)

    @property
    def looks(self) -> float:
        """First and second ones of all models."""
        return sum(each.looks + each.second_looks for each in self.models)

    @property
    def look_tokens(self) -> float:
        """In all looks."""
        return sum((each.first_s + each.second_s) * each.tokens_per_second for each in self.models)

    @property
    def tokens_per_second(self) -> float:
        """Of all looks, whichever model takes them."""
        return self.look_tokens / (self.first_s + self.second_s)

    def text(self) -> str:
        """For people."""
        lines = [self.models[0].text()]
        if len(self.models) > 1:
            lines = [f"model {number}: {each.text()}" for number, each in enumerate(self.models, 1)]
            lines.append(f"all of it, {self.rows:,} rows: {self.total_s / 3600:.2f} hours")
        lines.append(
            f"measured for {duration(self.seconds)}: {self.tokens_per_second:,.0f} tokens a second,"
            f" packs of {self.budget:,} tokens, at most {self.peak_bytes / 1e9:.2f} GB of memory"
        )
        if math.isfinite(self.limit_s):
            fits = "everything fits" if not self.drops else "; ".join(self.drops)
            lines.append(f"with a deadline of {duration(self.limit_s)}: {fits}")
        return "\n".join(lines)
