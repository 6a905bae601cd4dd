"""One call of a client: ended in time, and its failure as a value that holds nothing of what the client sent.

Does not know which client it is. A refusal is what carries a `response`; all else is told by the system's own errors
that lie at its root, since each client wraps them in classes of its own.
"""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from resolver.record import Record
from resolver.secrets import mask

SAID: Final = 300
SHORT: Final = 6  # a secret of fewer letters is a word, and would be masked everywhere
TOO_MANY: Final = 429
SERVER_FAILS: Final = 500
NO_NAME: Final = "cannot be looked up: there is no network, or no name service"
HANGS_UP: Final = "hung up without an answer"
LATE: Final = "did not answer in time"
BY_KIND: Final[tuple[tuple[type[OSError] | tuple[type[OSError], ...], str], ...]] = (
    (ConnectionRefusedError, "refuses the connection"),
    ((ConnectionResetError, BrokenPipeError, ssl.SSLEOFError, ssl.SSLZeroReturnError), HANGS_UP),
    (ssl.SSLError, "does not speak TLS as this machine does"),
    (socket.gaierror, NO_NAME),
    (TimeoutError, LATE),
)
# What clients raise with no error of the system below it, by the names of their classes.
BY_NAME: Final = (
    (("NameResolution",), NO_NAME),
    (("Timeout",), LATE),
    (("LocalProtocol", "InvalidHeader", "UnicodeEncode"), "is sent no token that holds such characters"),
    (("RemoteProtocol", "RemoteDisconnected", "ProtocolError", "IncompleteRead", "ReadError"), HANGS_UP),
    (("Decode",), "answered with something that is no JSON: a login page of this network, or another server"),
)


class Refusal(Record):
    """The server answered, and said no: status, its code for that, its words, when to come back, and who it is."""

    status: int
    code: str = ""
    said: str = ""
    retry_s: int | None = None
    host: str = "the server"

    @property
    def trouble(self) -> str:
        """Why the question stays open; "" where the refusal is an answer."""
        if self.status == TOO_MANY:
            wait = "" if self.retry_s is None else f"; it answers again in {self.retry_s} s"
            return f"{self.host} has had too many requests (429){wait}"
        return f"{self.host} failed ({self.status})" if self.status >= SERVER_FAILS else ""


class Silence(Record):
    """No answer, and why."""

    trouble: str


class Said(Record):
    """The answer."""

    value: Any


def ask(call: Callable[[], Any], host: str, seconds: float, secrets: tuple[str, ...] = ()) -> Said | Refusal | Silence:
    """Make one call.

    Args:
        call: of a client; it may hang, and is then left to itself.
        host: who is asked, for the words.
        seconds: the most that it may take, whatever the client thinks of time.
        secrets: what must not be in the words of a refusal.
    """
    box: list[Said | BaseException] = []

    def run() -> None:
        try:
            box.append(Said(call()))
        except BaseException as error:  # noqa: BLE001 - a client may raise anything, also to leave the process
            box.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if not box:
        return Silence(f"{host} did not answer within {seconds:g} s")
    ended = box[0]
    if isinstance(ended, Said):
        return ended
    refused = refusal_of(ended, secrets)
    return refused.replaced(host=host) if refused is not None else Silence(trouble_of(ended, host))


def refusal_of(error: BaseException, secrets: tuple[str, ...] = ()) -> Refusal | None:
    """What the server said, from the response that an exception carries; None where it carries none."""
    response = next((found for each in chain(error) if (found := getattr(each, "response", None)) is not None), None)
    if response is None:
        return None
    headers = response.headers
    said = headers.get("X-Error-Message") or _words_of(response)
    return Refusal(
        int(response.status_code), headers.get("X-Error-Code", ""), harmless(said, secrets), _retry_of(headers)
    )


def _words_of(response: Any) -> str:
    """The words in a JSON body; a page for a browser is not told."""
    try:
        body = response.json()
    except Exception:  # noqa: BLE001 - no JSON, or a body that was never read: each client has a class for that
        return ""
    if not isinstance(body, dict):
        return ""
    return next((text for key in ("message", "error") if isinstance(text := body.get(key), str)), "")


def _retry_of(headers: Any) -> int | None:
    """Seconds, from `Retry-After`, or from `RateLimit: "api";r=0;t=55` as the hub writes it."""
    told = headers.get("Retry-After", "").strip()
    if told.isdigit():
        return int(told)
    found = re.search(r"\bt\s*=\s*(\d+)", headers.get("RateLimit", ""))
    return int(found[1]) if found else None


def harmless(text: str, secrets: tuple[str, ...]) -> str:
    """A server's words in one short line, without any credential that it may have echoed."""
    for secret in secrets:
        if len(secret) >= SHORT:
            text = text.replace(secret, "***")
    line = " ".join(mask(text).split())
    return line if len(line) <= SAID else line[: SAID - 1] + "…"


def trouble_of(error: BaseException, host: str) -> str:
    """Why there was no answer, in a line; of the client's own words, which may hold a password, nothing."""
    found = list(chain(error))
    names = " ".join(type(each).__name__ for each in found)
    if "Proxy" in names:
        return f"the proxy that the variables name does not let {host} be reached"
    for each in found:
        words = _of_system(each)
        if words is not None:
            return f"{host} {words}"
    words = next((words for marks, words in BY_NAME if any(mark in names for mark in marks)), None)
    return f"{host} could not be asked ({type(error).__name__})" if words is None else f"{host} {words}"


def _of_system(error: BaseException) -> str | None:
    """What the system's own error says; None for what the system has not raised."""
    if isinstance(error, ssl.SSLCertVerificationError):
        why = getattr(error, "verify_message", "") or "it does not say why"
        return f"shows a certificate that is not trusted here ({why.rstrip('.')})"
    words = next((words for kinds, words in BY_KIND if isinstance(error, kinds)), None)
    if words is None and isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"cannot be reached ({error.strerror})"
    return words


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it was made from, the nearest first; clients keep them in different places."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        held = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
        waiting += [below for below in held if isinstance(below, BaseException)]
