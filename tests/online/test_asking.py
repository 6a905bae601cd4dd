"""What is asked of whom, and what of an answer is let through, without a client or a server."""

import ssl
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_runs import LLAMA_3

from resolver.environment import Environment
from resolver.errors import MalformedReference
from resolver.online.access import named_reference, targets_of
from resolver.online.advice import site_access
from resolver.online.answers import SITES, AccessReport, Answer, Grant, SiteAccess, Token
from resolver.online.calls import SAID, Refusal, Said, Silence, ask, harmless, trouble_of
from resolver.online.children import packed, unpacked
from resolver.reference import HubId, KaggleHandle

HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf"
ENVIRONMENT = Environment(home=Path("/home/me"), cwd=Path("/home/me"))


def told(**facts: object) -> SiteAccess:
    return site_access(
        Answer(**{"site": "huggingface", "target": LLAMA_3, "revision": None, "named": True} | facts), "x"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"hf://{LLAMA_3}@main", HubId(LLAMA_3, "main")),
        (f"kaggle://{HANDLE}/1", KaggleHandle(*HANDLE.split("/"), 1)),
        ("llama-3/transformers/8b-chat-hf/1", KaggleHandle(*HANDLE.split("/"), 1)),
        ("/kaggle/input/llama-3/transformers/8b-chat-hf/1/config.json", KaggleHandle(*HANDLE.split("/"), 1)),
        ("our-llama", HubId(LLAMA_3)),
    ],
)
def test_a_reference_is_what_a_site_knows(text: str, named: object) -> None:
    assert named_reference(text, ENVIRONMENT.extended(aliases={"our-llama": LLAMA_3})) == named


@pytest.mark.parametrize("text", ["package:x", "/models/llama", "./a", "unheard/pytorch/of/1", "kaggle://datasets/a/b"])
def test_what_no_site_knows_is_refused(text: str) -> None:
    with pytest.raises(MalformedReference):
        named_reference(text, ENVIRONMENT)


def test_the_catalog_gives_the_name_on_the_other_site_and_no_version_with_it() -> None:
    hub, kaggle = targets_of(HubId(LLAMA_3, "main"))
    assert (hub.site, hub.revision, hub.named) == ("huggingface", "main", True)
    assert (kaggle.target, kaggle.revision, kaggle.named) == (HANDLE, None, False)
    hub, kaggle = targets_of(KaggleHandle(*HANDLE.split("/"), 1))
    assert (hub.target, hub.named, kaggle.revision, kaggle.named) == (LLAMA_3, False, "1", True)
    assert [each.target for each in targets_of(HubId("org/unheard-of"))] == ["org/unheard-of"]


@pytest.mark.parametrize("grant", [each for each in Grant.__args__ if each not in ("granted", "unknown")])
@pytest.mark.parametrize("site", SITES)
def test_every_state_that_is_not_granted_says_what_to_do(site: str, grant: str) -> None:
    """In five parts; no comma twice, no fix without a word."""
    each = told(site=site, target=HANDLE if site == "kaggle" else LLAMA_3, exists="yes", grant=grant)
    assert each.answer.verdict == "to-do"
    assert each.message
    assert each.consequence
    assert each.fix.text
    assert ",," not in each.fix.text


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({"grant": "granted"}, "granted"),
        ({"grant": "granted", "token": Token("invalid", "HF_TOKEN")}, "to-do"),
        ({"grant": "granted", "exists": "no"}, "missing"),
        ({"exists": "no", "token": Token("invalid", "HF_TOKEN")}, "to-do"),
        ({"exists": "yes", "revision_exists": "no"}, "missing"),
        ({"exists": "yes"}, "unknown"),
        ({"token": Token("valid", "HF_TOKEN", "me"), "trouble": "x failed (500)"}, "unknown"),
    ],
)
def test_unknown_is_never_a_pass(facts: Mapping[str, object], verdict: str) -> None:
    assert told(**facts).answer.verdict == verdict


def test_the_worst_site_decides_and_silence_outweighs_all() -> None:
    granted, to_do, missing = told(grant="granted"), told(grant="pending"), told(exists="no")
    unknown = told(trouble="x")
    for sites, verdict in [
        ((granted, granted), "granted"),
        ((granted, to_do), "to-do"),
        ((to_do, missing), "missing"),
        ((missing, unknown), "unknown"),
        ((granted, told(exists="no", named=False)), "granted"),
        ((told(exists="no", named=False),), "missing"),
    ]:
        assert AccessReport("x", sites).verdict == verdict
    assert not AccessReport("x", (unknown, unknown)).was_answered
    assert AccessReport("x", (unknown, granted)).was_answered


def test_an_answer_goes_through_a_pipe_unchanged() -> None:
    answer = told(token=Token("valid", "HF_TOKEN", "me", "read"), hints=("a", "b")).answer
    assert unpacked(packed(answer)) == answer


def test_a_call_that_hangs_costs_its_limit_and_no_more() -> None:
    began = time.monotonic()
    assert ask(lambda: time.sleep(5), "hub", 0.1) == Silence("hub did not answer within 0.1 s")
    assert time.monotonic() - began < 2
    assert ask(lambda: 7, "hub", 5) == Said(7)


class Response:
    def __init__(self, status: int, headers: dict[str, str], body: object) -> None:
        self.status_code, self.headers, self.body = status, headers, body

    def json(self) -> object:
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


class HTTPError(Exception):
    def __init__(self, response: Response) -> None:
        super().__init__("https://me:password@host refused hf_secretsecretsecret")
        self.response = response


@pytest.mark.parametrize(
    ("response", "refused"),
    [
        (Response(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "no"}, {}), Refusal(403, "GatedRepo", "no")),
        (Response(403, {}, {"code": 403, "message": "User has not consented"}), Refusal(403, "", "User has not consented")),
        (Response(404, {}, {"error": "gone"}), Refusal(404, "", "gone")),
        (Response(429, {"Retry-After": "7"}, ValueError()), Refusal(429, retry_s=7)),
        (Response(429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, []), Refusal(429)),
        (Response(429, {"RateLimit": '"api";r=0;t=55'}, None), Refusal(429, retry_s=55)),
        (Response(500, {}, {"message": ["odd"]}), Refusal(500)),
    ],
)  # fmt: skip
def test_a_refusal_is_what_the_server_said_and_nothing_of_the_exception(response: Response, refused: Refusal) -> None:
    def call() -> None:
        raise HTTPError(response)

    assert ask(call, "hub", 5) == refused.replaced(host="hub")


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


class ProxyError(Exception):
    pass


class RemoteProtocolError(Exception):
    pass


class LocalProtocolError(Exception):
    pass


def untrusted() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (caused(RuntimeError("x"), ConnectionRefusedError(111, "refused")), "h refuses the connection"),
        (RuntimeError(TimeoutError("slow")), "h did not answer in time"),
        (caused(RuntimeError("x"), untrusted()), "h shows a certificate that is not trusted here (self-signed certificate)"),
        (caused(RuntimeError("x"), ssl.SSLEOFError(8, "EOF")), "h hung up without an answer"),
        (caused(RuntimeError("x"), ssl.SSLError(1, "version")), "h does not speak TLS as this machine does"),
        (ProxyError("http://me:password@proxy"), "the proxy that the variables name does not let h be reached"),
        (RemoteProtocolError(), "h hung up without an answer"),
        (LocalProtocolError("Illegal header value b'Bearer hf_x'"), "h is sent no token that holds such characters"),
        (OSError(101, "Network is unreachable"), "h cannot be reached (Network is unreachable)"),
        (KeyError("password"), "h could not be asked (KeyError)"),
    ],
)  # fmt: skip
def test_why_nobody_answered_is_told_in_our_words(error: Exception, words: str) -> None:
    told = trouble_of(error, "h")
    assert told.startswith(words)
    assert "password" not in told.replace("KeyError", "")


def test_words_of_a_server_are_one_short_line_without_secrets() -> None:
    assert harmless("a\n b\tsecret-key c", ("secret-key", "")) == "a b *** c"
    assert harmless("hf_" + "a1" * 10, ()) == "hf_***"
    assert len(harmless("x" * 10_000, ())) == SAID
