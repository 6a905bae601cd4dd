"""What a site says of a model and of the account that asks, as values; no token is ever among them."""

from typing import Literal, get_args

from resolver.finding import Fix
from resolver.record import Record

Site = Literal["huggingface", "kaggle"]
TokenState = Literal["valid", "invalid", "absent", "unknown"]
Known = Literal["yes", "no", "unknown"]
Gate = Literal["open", "automatic", "manual", "consent", "unknown"]
Grant = Literal[
    "granted",
    "not-signed-in",
    "not-requested",
    "pending",
    "rejected",
    "reset",
    "token-scope",
    "no-consent",
    "refused",
    "unknown",
]
Verdict = Literal["granted", "to-do", "missing", "unknown"]

SITES: tuple[Site, ...] = get_args(Site)
NAMES: dict[Site, str] = {"huggingface": "Hugging Face", "kaggle": "Kaggle"}


class Token(Record):
    """The credentials that the site's client would send.

    Attributes:
        state: "unknown" where there are some and the site did not say whether they are good.
        source: where they come from: a variable or a file, never the value.
        account: whose they are, where the site said so.
        role: what the site calls the kind of token ("read", "fineGrained"); None where it says nothing.
    """

    state: TokenState
    source: str = ""
    account: str | None = None
    role: str | None = None


class Answer(Record):
    """What one site said.

    Attributes:
        site: which.
        target: what it was asked about: a hub id, or a handle without its version.
        revision: the revision or version that was asked for; None for the newest.
        named: whether the caller named this target himself; otherwise the catalog did.
        host: who answered, which a variable may have changed.
        token: the account's standing.
        exists: whether there is such a model, as far as this account may see.
        revision_exists: the same of the revision or version.
        resolved: the commit, or the newest version.
        gate: what stands before the files.
        grant: whether this account has passed it.
        said: the site's own words, where it refused.
        trouble: why something is unknown; "" where nothing is.
        hints: what the site knows instead of what is missing.
    """

    site: Site
    target: str
    revision: str | None
    named: bool
    host: str = ""
    token: Token = Token("unknown")
    exists: Known = "unknown"
    revision_exists: Known = "unknown"
    resolved: str | None = None
    gate: Gate = "unknown"
    grant: Grant = "unknown"
    said: str = ""
    trouble: str = ""
    hints: tuple[str, ...] = ()

    @property
    def page(self) -> str:
        """Where a person looks at the model, and accepts its terms."""
        if self.site == "huggingface":
            return f"https://huggingface.co/{self.target}"
        return f"https://www.kaggle.com/models/{'/'.join(self.target.split('/')[:2])}"

    @property
    def verdict(self) -> Verdict:
        """What it comes to; what could not be found out is never a pass.

        A token that is refused comes first, also where the model is open: a client sends it, and is refused.
        """
        if self.token.state == "invalid":
            return "to-do"
        if self.exists == "no" or self.revision_exists == "no":
            return "missing"
        if self.grant == "granted":
            return "granted"
        return "unknown" if self.grant == "unknown" else "to-do"


class SiteAccess(Record):
    """An answer with what it means and what to do, in the five parts of a message."""

    answer: Answer
    message: str
    evidence: tuple[str, ...]
    consequence: str
    fix: Fix


class AccessReport(Record):
    """All that was asked about one model.

    Attributes:
        reference: the model, as it is written.
        sites: one a site that was asked.
        notes: what holds for all of them, and what was not asked.
    """

    reference: str
    sites: tuple[SiteAccess, ...]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst of all sites; one that only the catalog named, and that is not there, does not count."""
        seen = [each.answer.verdict for each in self.sites if each.answer.named or each.answer.verdict != "missing"]
        order: tuple[Verdict, ...] = ("unknown", "missing", "to-do")
        return next((each for each in order if each in seen), "granted" if seen else "missing")

    @property
    def was_answered(self) -> bool:
        """Whether any site said anything at all."""
        return any(
            not each.answer.trouble
            or each.answer.exists != "unknown"
            or each.answer.token.state in ("valid", "invalid")
            for each in self.sites
        )
