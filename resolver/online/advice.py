"""What an answer means and what to do about it, in the five parts of a message; asks nobody.

Where a page is named, it is the site's own, never the address that a variable sends the client to.
"""

from collections.abc import Callable
from typing import Final

from resolver import catalog
from resolver.finding import Fix
from resolver.online.answers import NAMES, Answer, SiteAccess
from resolver.rules.words import quoted

TOKENS: Final = {
    "huggingface": "https://huggingface.co/settings/tokens",
    "kaggle": "https://www.kaggle.com/settings/api",
}
REQUESTS: Final = "https://huggingface.co/settings/gated-repos"
SIGN_IN: Final = {
    "huggingface": "hf auth login",
    "kaggle": "mkdir -p ~/.kaggle && (umask 077 && cat > ~/.kaggle/access_token)   # paste the token, Enter, Ctrl-D",
}
DENIED: Final = {
    "huggingface": "its files are refused (403), whatever was accepted elsewhere; what is public about it can be read",
    "kaggle": "a download is refused (403), and a notebook that names it as a source runs without its files",
}
GATES: Final = {
    "open": "no gate",
    "automatic": "gated, granted at once",
    "manual": "gated, granted by the publisher",
    "consent": "the licence has to be accepted",
    "unknown": "",
}
Told = tuple[str, str, Fix]  # message, consequence, fix


def site_access(answer: Answer, reference: str) -> SiteAccess:
    """One answer, told."""
    message, consequence, fix = _told(answer, reference)
    return SiteAccess(answer, message, tuple(_evidence(answer)), consequence, fix)


def _told(answer: Answer, reference: str) -> Told:
    if answer.verdict == "granted":
        return _granted(answer)
    if answer.verdict == "missing":
        return _missing(answer)
    if answer.verdict == "unknown":
        return _unknown(answer, reference)
    return _invalid(answer) if answer.token.state == "invalid" else TO_DO[answer.grant](answer)


def _evidence(answer: Answer) -> list[str]:
    token = answer.token
    told = [_token(answer)]
    if token.role:
        told[0] += f", role {token.role}"
    if GATES[answer.gate]:
        told.append(GATES[answer.gate])
    if answer.resolved:
        told.append(f"{'commit' if answer.site == 'huggingface' else 'newest version'} {answer.resolved}")
    if answer.host and answer.host not in ("huggingface.co", "api.kaggle.com"):
        told.append(f"asked at {answer.host}")
    told += [f"{NAMES[answer.site]} says: {answer.said}"] if answer.said else []
    return [*told, *(answer.hints if answer.exists == "yes" else ())]


def _token(answer: Answer) -> str:
    token = answer.token
    if token.state == "absent":
        return "no token on this machine"
    if token.state == "unknown":
        return f"a token from {token.source}, not judged" if token.source else "token not judged"
    whose = f", account {token.account}" if token.account else ""
    return f"token from {token.source} is {'valid' if token.state == 'valid' else 'not valid'}{whose}"


def _granted(answer: Answer) -> Told:
    if answer.gate == "open":
        return f"{answer.target} is open to everybody", "", Fix("")
    whom = f"account {answer.token.account}" if answer.token.account else "whoever asks from here"
    return f"{answer.target} is granted to {whom}", "", Fix("")


def _missing(answer: Answer) -> Told:
    what = "revision" if answer.site == "huggingface" else "version"
    if answer.exists == "yes":
        newest = f"; the newest is {answer.resolved}" if answer.resolved else ""
        message = f"{answer.target} has no {what} {answer.revision or 'to show'}{newest}"
        tree = f"{answer.page}/tree/main" if answer.site == "huggingface" else answer.page
        return message, f"a download of that {what} ends with 404", Fix(f"take one that {tree} lists")
    who = f"account {answer.token.account}" if answer.token.account else "anybody who is not signed in"
    message = f"{NAMES[answer.site]} shows no model {answer.target} to {who}"
    near = (*answer.hints, *(catalog.spelled_like(answer.target) if answer.site == "huggingface" else ()))
    meant = f": known are {', '.join(near)}" if near else f" at {answer.page}"
    fix = Fix(f"check the spelling{meant}", None if answer.token.state != "absent" else SIGN_IN[answer.site])
    return message, "it does not exist, or it is private and not shared: the site does not say which", fix


def _unknown(answer: Answer, reference: str) -> Told:
    again = f"resolver access {quoted(reference)} --site {answer.site}"
    if answer.trouble.endswith(("is not installed", "cannot be used")):
        again = f"pip install --upgrade 'offline-resolver[online]'\n{again}"
    elif "OFFLINE is set" in answer.trouble:
        again = f"env -u HF_HUB_OFFLINE -u TRANSFORMERS_OFFLINE {again}"
    why = answer.trouble or f"{NAMES[answer.site]} said nothing that is known here"
    message = f"whether {answer.target} may be had from {NAMES[answer.site]} could not be found out: {why}"
    return message, "not judged, which is no pass", Fix("ask again where that is in order", again)


def _invalid(answer: Answer) -> Told:
    source, page = answer.token.source, TOKENS[answer.site]
    from_variable = source.isupper() or " and " in source
    consequence = "every call that sends it is refused (401), also for what is open to everybody"
    if from_variable:
        names = source.replace(" and ", " ")
        text = f"make a new token at {page} and put it there: what a variable says is taken before what is stored"
        return f"the token from {source} is not valid", consequence, Fix(text, f"unset {names}\n{SIGN_IN[answer.site]}")
    command = "hf auth login --force" if answer.site == "huggingface" else SIGN_IN["kaggle"]
    return f"the token in {source} is not valid", consequence, Fix(f"make a new token at {page}", command)


def _not_signed_in(answer: Answer) -> Told:
    text = f"make a token with read access at {TOKENS[answer.site]}, sign in with it, then ask again"
    gated = "is gated" if answer.gate != "unknown" else "is shown to nobody who is not signed in"
    absent = answer.token.state == "absent"
    why = (
        "there is no token on this machine" if absent else f"{NAMES[answer.site]} does not take the token as a sign-in"
    )
    message = f"{answer.target} {gated}, and {why}"
    return message, DENIED[answer.site], Fix(text, SIGN_IN[answer.site])


def _not_requested(answer: Answer) -> Told:
    when = {"automatic": "it is granted at once", "manual": "the publisher answers after minutes or after days"}
    text = f"open {answer.page}{_as(answer)} and ask for access; {when.get(answer.gate, 'then wait')}"
    return f"access to {answer.target} has not been asked for", DENIED["huggingface"], Fix(text, _again(answer))


def _pending(answer: Answer) -> Told:
    text = f"wait for the publisher's answer; {REQUESTS} shows it{_as(answer)}"
    return f"access to {answer.target} is asked for and not decided", DENIED["huggingface"], Fix(text, _again(answer))


def _rejected(answer: Answer) -> Told:
    text = f"it cannot be asked for again; write to the publisher at {answer.page}/discussions, or take another source"
    return f"the publisher has refused access to {answer.target}", DENIED["huggingface"], Fix(text)


def _reset(answer: Answer) -> Told:
    text = f"open {answer.page}{_as(answer)} and ask for access again"
    message = f"the publisher has taken back what was decided about {answer.target}"
    return message, DENIED["huggingface"], Fix(text, _again(answer))


def _token_scope(answer: Answer) -> Told:
    text = (
        f"open {TOKENS['huggingface']}, edit the token and tick read access to public gated repositories;"
        f" the terms at {answer.page} have to be accepted besides"
    )
    message = f"the token from {answer.token.source} may not read gated repositories"
    return message, DENIED["huggingface"], Fix(text, _again(answer))


def _no_consent(answer: Answer) -> Told:
    text = f"open {answer.page}{_as(answer)} and accept the licence (consent given elsewhere does not count)"
    return f"the licence of {answer.target} is not accepted on Kaggle", DENIED["kaggle"], Fix(text, _again(answer))


def _refused(answer: Answer) -> Told:
    text = f"open {answer.page}{_as(answer)} and see what it asks for"
    return f"{NAMES[answer.site]} refuses {answer.target}", DENIED[answer.site], Fix(text, _again(answer))


def _as(answer: Answer) -> str:
    return f", signed in as {answer.token.account}," if answer.token.account else ""


def _again(answer: Answer) -> str:
    return f"resolver access {quoted(answer.target)} --site {answer.site}"


TO_DO: Final[dict[str, Callable[[Answer], Told]]] = {
    "not-signed-in": _not_signed_in,
    "not-requested": _not_requested,
    "pending": _pending,
    "rejected": _rejected,
    "reset": _reset,
    "token-scope": _token_scope,
    "no-consent": _no_consent,
    "refused": _refused,
}
