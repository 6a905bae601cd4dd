"""Ask the hub, through huggingface_hub, in a child process: the token, the account, the repository, the gate.

Nothing is written and no file is fetched. What the endpoints say was read in huggingface_hub 2.4 and in public records
of the hub's answers (2026-10).
"""

from collections.abc import Callable
from typing import Any, Final

from resolver.environment import Environment
from resolver.online.answers import Answer, Gate, Grant, Token
from resolver.online.calls import Refusal, Said, Silence, ask

PACKAGE: Final = "huggingface_hub"
GATES: Final[dict[object, Gate]] = {False: "open", "auto": "automatic", "manual": "manual"}
# What the gate says, word by word, to an account that has not passed it.
STANDINGS: Final[tuple[tuple[str, Grant], ...]] = (
    ("not in the authorized list", "not-requested"),
    ("awaiting a review", "pending"),
    ("has been rejected", "rejected"),
    ("has been reset", "reset"),
    ("fine-grained token settings", "token-scope"),
)
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 401, 403, 404


def answer(asked: Answer, seconds: float, tell: Callable[[Answer], None]) -> Answer:
    """What the hub says.

    Args:
        asked: site, target, revision.
        seconds: the most that one call may take.
        tell: takes what is known after each call, so that it is kept where a later one hangs.

    Raises:
        ImportError: huggingface_hub is not installed.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415 - only here, and only in the child

    return _Hub(HfApi(), seconds).answer(asked, tell)


class _Hub:
    """The client with its token and its limit."""

    def __init__(self, api: Any, seconds: float) -> None:
        from urllib.parse import urlsplit  # noqa: PLC0415 - as its caller

        self.api = api
        self.seconds = seconds
        self.host = urlsplit(api.endpoint).hostname or api.endpoint
        self.token: str | None = None

    def answer(self, asked: Answer, tell: Callable[[Answer], None]) -> Answer:
        known = asked.replaced(host=self.host)
        for step in (self._token, self._repository, self._gate):
            known = step(known)
            tell(known)
            if known.trouble or known.exists == "no" or known.revision_exists == "no" or known.grant != "unknown":
                break
        return known

    def _ask(self, call: Callable[[], Any]) -> Said | Refusal | Silence:
        return ask(call, self.host, self.seconds, () if self.token is None else (self.token,))

    def _token(self, known: Answer) -> Answer:
        """Whether there is a token, and whose it is."""
        from huggingface_hub import get_token  # noqa: PLC0415 - as its caller

        found = self._ask(get_token)
        if not isinstance(found, Said):
            return known.replaced(trouble="the token that is stored here cannot be read or renewed")
        self.token = found.value
        if self.token is None:
            return known.replaced(token=Token("absent"))
        source = _source()
        who = self._ask(lambda: _account(self.api.whoami(token=self.token), source))
        if isinstance(who, Said):
            return known.replaced(token=who.value)
        if isinstance(who, Refusal) and who.status == UNAUTHORIZED:
            return known.replaced(token=Token("invalid", source), said=who.said)
        return known.replaced(token=Token("unknown", source), trouble=who.trouble)

    def _repository(self, known: Answer) -> Answer:
        """Whether repository and revision exist. A refused token is not sent: what is public is told without it."""
        token = False if self.token is None or known.token.state == "invalid" else self.token
        found = self._ask(
            lambda: self.api.model_info(
                known.target,
                revision=known.revision,
                expand=["gated", "sha", "private"],
                timeout=self.seconds,
                token=token,
            )
        )
        if isinstance(found, Said):
            info = found.value
            moved = () if info.id == known.target else (f"the hub calls it {info.id} now",)
            gate = "unknown" if info.private else GATES.get(info.gated, "unknown")
            return known.replaced(exists="yes", revision_exists="yes", resolved=info.sha, gate=gate, hints=moved)
        if isinstance(found, Silence) or found.trouble:
            return known.replaced(trouble=found.trouble)
        return self._no_repository(known.replaced(said=found.said), found, was_sent=token is not False)

    def _no_repository(self, known: Answer, found: Refusal, *, was_sent: bool) -> Answer:
        """What a refusal to tell about a repository means."""
        if found.code == "RevisionNotFound":
            return known.replaced(exists="yes", revision_exists="no")
        if found.code == "GatedRepo" or found.status == FORBIDDEN:
            return known.replaced(grant=standing_of(found))
        if found.status == UNAUTHORIZED and was_sent and known.token.state != "valid":
            return known.replaced(token=known.token.replaced(state="invalid"))
        if found.status in (UNAUTHORIZED, NOT_FOUND):
            return known.replaced(exists="no")
        return known.replaced(trouble=f"{self.host} answered with status {found.status}")

    def _gate(self, known: Answer) -> Answer:
        """Whether the files may be fetched; a token that is refused settles it."""
        if known.token.state == "invalid":
            return known
        token = self.token if self.token is not None else False
        found = self._ask(lambda: self.api.auth_check(known.target, token=token))
        if isinstance(found, Said):
            return known.replaced(grant="granted")
        if isinstance(found, Silence) or found.trouble:
            return known.replaced(trouble=found.trouble)
        return known.replaced(grant=standing_of(found), said=found.said)


def standing_of(refused: Refusal) -> Grant:
    """How far an account is, from what the gate says to it.

    >>> standing_of(Refusal(403, "GatedRepo", "Your request to access model a/b is awaiting a review …"))
    'pending'
    >>> standing_of(Refusal(403, "GatedRepo", "words that nobody has recorded yet"))
    'refused'
    """
    if refused.status == UNAUTHORIZED:
        return "not-signed-in"
    return next((grant for words, grant in STANDINGS if words in refused.said), "refused")


def _account(told: Any, source: str) -> Token:
    token = (told.get("auth") or {}).get("accessToken") or {}
    role = token.get("role")
    return Token("valid", source, str(told["name"]), None if role is None else str(role))


def _source() -> str:
    """Where the client took its token from; it does not say."""
    from huggingface_hub import constants  # noqa: PLC0415 - as its caller

    named = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
    return next((name for name in Environment.this().secrets if name in named), str(constants.HF_TOKEN_PATH))
