"""`resolver access` through the real clients: what each answer of a site comes to, as text, JSON and exit code."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from access_runs import (
    BAD_HF,
    BAD_KAGGLE,
    HANDLE,
    HF_TOKEN,
    KAGGLE_KEY,
    KAGGLE_TOKEN,
    PASSWORD,
    SIGNED_IN,
    Sites,
    both_sites,
)
from command_runs import LLAMA_3, PROJECT
from local_server import Fault, Internet, Response, closed_port, make_certificate, wait_until

HUB, KAGGLE = ("--site", "huggingface"), ("--site", "kaggle")


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    with both_sites(tmp_path) as made:
        yield made


# --- both sites --------------------------------------------------------------------------------------------------


def test_a_gated_model_is_two_things_to_do_and_then_granted_on_both_sites(sites: Sites) -> None:
    """The founding case: granted on one site, refused on the other, and each says where to click."""
    before = sites.access(LLAMA_3, **SIGNED_IN)
    assert before.code == 1
    assert f"to do huggingface: access to {LLAMA_3} has not been asked for" in before.out
    assert f"open https://huggingface.co/{LLAMA_3}, signed in as me, and ask for access" in before.out
    assert f"to do kaggle: the licence of {HANDLE} is not accepted on Kaggle" in before.out
    assert "open https://www.kaggle.com/models/metaresearch/llama-3, signed in as kme, and accept" in before.out
    assert "Kaggle says: User has not consented to terms of use." in before.out
    assert (
        "a grant by Meta (https://www.llama.com/llama-downloads), access on Hugging Face and consent on" in before.out
    )
    sites.grant()
    after = sites.access(LLAMA_3, **SIGNED_IN)
    assert (after.code, after.err) == (0, "")
    assert f"granted: {LLAMA_3}, 2 of 2 sites grant it" in after.out


@pytest.mark.parametrize(
    "reference",
    [
        LLAMA_3,
        f"https://huggingface.co/{LLAMA_3}",
        f"https://me:{PASSWORD}@huggingface.co/{LLAMA_3}",
        f"{HANDLE}/1",
        f"https://www.kaggle.com/models/{HANDLE}",
        "/kaggle/input/llama-3/transformers/8b-chat-hf/1",
        "/kaggle/input/models/metaresearch/llama-3/transformers/8b-chat-hf/2",
    ],
)
def test_every_name_of_a_model_asks_both_sites(sites: Sites, reference: str) -> None:
    sites.grant()
    told = sites.access(reference, "--format", "json", **SIGNED_IN)
    assert told.code == 0
    assert [each["target"] for each in told.access["sites"]] == [LLAMA_3, HANDLE]


def test_the_worst_of_both_sites_is_the_exit_code(sites: Sites) -> None:
    sites.grant()
    assert sites.access(LLAMA_3, HF_TOKEN=HF_TOKEN).code == 1
    sites.kaggle.faults.append(Fault(response=Response(500)))
    told = sites.access(LLAMA_3, "--format", "json", **SIGNED_IN)
    assert (told.code, told.access["verdict"]) == (4, "unknown")
    assert [each["verdict"] for each in told.access["sites"]] == ["granted", "unknown"]
    assert sites.access(LLAMA_3, *HUB, **SIGNED_IN).code == 0


def test_a_name_that_only_the_catalog_gave_does_not_count_where_it_is_not(sites: Sites) -> None:
    sites.grant()
    sites.kaggle.variations.clear()
    told = sites.access(LLAMA_3, **SIGNED_IN)
    assert told.code == 0
    assert f"note: Kaggle: only the catalog names {HANDLE}; that it is not there does not count" in told.out
    assert sites.access(HANDLE, **SIGNED_IN).code == 3


def test_a_site_that_has_no_known_name_is_not_judged_and_says_so(sites: Sites) -> None:
    told = sites.access("org/open", **SIGNED_IN)
    assert told.code == 0
    assert "note: not judged: Kaggle: the catalog knows no official name" in told.out
    assert sites.access("org/open", *KAGGLE).code == 2


@pytest.mark.parametrize(
    "reference", ["package:x", "./model", "kaggle://datasets/me/files", "s3://x", "/kaggle/input/x/pytorch/y/1"]
)
def test_what_is_on_no_site_is_wrong_usage(sites: Sites, reference: str) -> None:
    told = sites.access(reference)
    assert (told.code, told.out) == (2, "")
    assert "resolver access --help" in told.err


def test_the_json_is_proved_and_the_report_goes_to_its_file(sites: Sites) -> None:
    from resolver.report.json_v1 import Envelope

    told = sites.access(LLAMA_3, "--format", "json", "--report", "access.json", "--exit-zero", **SIGNED_IN)
    assert told.code == 0
    assert told.err == f"to do: {LLAMA_3}, 0 of 2 sites grant it\nreport written to access.json\n"
    document = json.loads((sites.home / "access.json").read_text())
    Envelope.model_validate(document)
    hub, kaggle = document["access"]["sites"]
    assert hub["token"] == {"state": "valid", "source": "HF_TOKEN", "account": "me", "role": "read"}
    assert (hub["gate"], hub["grant"], hub["host"]) == ("manual", "not-requested", "127.0.0.1")
    assert (kaggle["gate"], kaggle["grant"], kaggle["resolved"]) == ("consent", "no-consent", "2")


def test_nothing_is_fetched_sent_or_written(sites: Sites) -> None:
    """Only questions: no file, no acceptance, no telemetry, no log; and the home is as it was."""
    sites.grant()
    before = sorted(sites.home.rglob("*"))
    sites.access(LLAMA_3, **SIGNED_IN, KAGGLE_LOGGING_ENABLED="1")
    assert sorted(sites.home.rglob("*")) == before
    assert set(sites.hub.asked()) == {
        "GET /api/whoami-v2",
        f"GET /api/models/{LLAMA_3}",
        f"GET /api/models/{LLAMA_3}/auth-check",
    }
    assert [path.rpartition("/")[2] for path in sites.kaggle.asked()] == [
        "Hello",
        "GetModelInstance",
        "ListModelInstanceVersionFiles",
    ]
    assert sites.hub.storage.requests == []


# --- Hugging Face ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grant", "state", "words"),
    [
        (None, "not-requested", "has not been asked for"),
        ("pending", "pending", "is asked for and not decided"),
        ("rejected", "rejected", "the publisher has refused access"),
        ("reset", "reset", "has taken back what was decided"),
    ],
)
def test_how_far_a_request_is_is_told(sites: Sites, grant: str | None, state: str, words: str) -> None:
    if grant is not None:
        sites.hub.repos[LLAMA_3].grants["me"] = grant
    text = sites.access(LLAMA_3, *HUB, **SIGNED_IN)
    (site,) = sites.access(LLAMA_3, *HUB, "--format", "json", **SIGNED_IN).access["sites"]
    assert (text.code, site["grant"], site["verdict"]) == (1, state, "to-do")
    assert words in text.out


def test_words_of_the_gate_that_are_new_are_told_as_they_are(sites: Sites) -> None:
    said = Response(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is suspended until Monday."})
    sites.hub.faults.append(Fault("auth-check", response=said))
    told = sites.access(LLAMA_3, *HUB, **SIGNED_IN)
    assert told.code == 1
    assert "Hugging Face says: Access is suspended until Monday." in told.out


def test_without_a_token_a_gated_model_asks_for_one_and_an_open_one_for_none(sites: Sites) -> None:
    gated, plain = sites.access(LLAMA_3, *HUB), sites.access("org/open", *HUB)
    assert (gated.code, plain.code) == (1, 0)
    assert "is gated, and there is no token on this machine" in gated.out
    assert "\n      hf auth login\n" in gated.out
    assert "granted huggingface: org/open is open to everybody" in plain.out
    assert "a grant by" not in plain.out


def test_a_refused_token_is_a_fault_also_for_what_is_open(sites: Sites) -> None:
    """The client sends it, and the hub then refuses everything."""
    told = sites.access("org/open", *HUB, HF_TOKEN=BAD_HF)
    assert told.code == 1
    assert "the token from HF_TOKEN is not valid" in told.out
    assert "\n      unset HF_TOKEN\n      hf auth login\n" in told.out


def test_a_token_that_was_stored_is_named_by_its_file(sites: Sites) -> None:
    stored = sites.home / ".cache" / "huggingface" / "token"
    stored.parent.mkdir(parents=True)
    stored.write_text(BAD_HF)
    told = sites.access(LLAMA_3, *HUB)
    assert f"the token in {stored} is not valid" in told.out
    assert "hf auth login --force" in told.out
    stored.write_text(HF_TOKEN + "\n")
    assert f"token from {stored} is valid, account me" in sites.access(LLAMA_3, *HUB).out


def test_a_fine_grained_token_without_the_right_is_told_apart_from_a_missing_grant(sites: Sites) -> None:
    sites.grant()
    sites.hub.users[HF_TOKEN].role, sites.hub.users[HF_TOKEN].reads_gated = "fineGrained", False
    told = sites.access(LLAMA_3, *HUB, **SIGNED_IN)
    assert told.code == 1
    assert "the token from HF_TOKEN may not read gated repositories" in told.out
    assert "role fineGrained" in told.out


@pytest.mark.parametrize("variables", [{}, SIGNED_IN], ids=["stranger", "signed-in"])
def test_a_repository_that_is_not_there_is_not_found(sites: Sites, variables: dict[str, str]) -> None:
    told = sites.access("meta-llama/Meta-Llama-3-8B-Instrukt", *HUB, **variables)
    assert told.code == 3
    assert f"check the spelling: known are {LLAMA_3}" in told.out
    assert "it does not exist, or it is private and not shared" in told.out


@pytest.mark.parametrize(
    ("whoami", "model", "code", "words"),
    [
        (None, Response(403, {"X-Error-Message": "Access to this resource is disabled."}), 1, "Hugging Face refuses"),
        (None, Response(401, {"X-Error-Code": "GatedRepo"}), 1, "is shown to nobody who is not signed in"),
        (Response(403), Response(401), 1, "the token from HF_TOKEN is not valid"),
        (Response(403), None, 1, "has not been asked for"),
        (None, Response(418), 4, "answered with status 418"),
        (Response(200, {}, b"[]"), None, 4, "could not be asked"),
    ],
)
def test_answers_that_are_out_of_the_ordinary(
    sites: Sites, whoami: Response | None, model: Response | None, code: int, words: str
) -> None:
    sites.hub.faults += [Fault("whoami", response=whoami)] if whoami else []
    sites.hub.faults += [Fault("/api/models/", response=model)] if model else []
    told = sites.access(LLAMA_3, *HUB, **SIGNED_IN)
    assert (told.code, words in told.out + told.err) == (code, True), told.out + told.err


def test_a_private_repository_is_shown_to_its_members(sites: Sites) -> None:
    repo = sites.hub.add_repo("org/hidden", {"config.json": b"{}"}, private=True)
    assert sites.access("org/hidden", *HUB, **SIGNED_IN).code == 3
    repo.members.add("me")
    told = sites.access("org/hidden", *HUB, **SIGNED_IN)
    assert (told.code, "org/hidden is granted to account me" in told.out) == (0, True)


def test_revisions_are_asked_for_and_new_names_told(sites: Sites) -> None:
    sites.hub.repos["org/open"].refs["v1"] = "0123456789abcdef0123456789abcdef01234567"
    sites.hub.add_repo("org/old", {}).moved_to = "org/open"
    assert sites.access("hf://org/open@v1", *HUB).code == 0
    absent = sites.access("hf://org/open@v9", *HUB)
    assert (absent.code, "org/open has no revision v9" in absent.out) == (3, True)
    moved = sites.access("org/old", *HUB)
    assert (moved.code, "the hub calls it org/open now" in moved.out) == (0, True)


def test_the_offline_switch_is_obeyed_and_named(sites: Sites) -> None:
    told = sites.access(LLAMA_3, *HUB, HF_HUB_OFFLINE="1")
    assert told.code == 4
    assert "HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE is set" in told.err
    assert sites.hub.requests == []


# --- Kaggle ------------------------------------------------------------------------------------------------------


def test_kaggle_credentials_of_every_kind_are_known_by_where_they_come_from(sites: Sites) -> None:
    sites.kaggle.variations[HANDLE].consented.add("old")
    pair = sites.access(HANDLE, *KAGGLE, KAGGLE_USERNAME="old", KAGGLE_KEY=KAGGLE_KEY)
    assert (pair.code, "token from KAGGLE_USERNAME and KAGGLE_KEY is valid, account old" in pair.out) == (0, True)
    folder = sites.home / ".kaggle"
    folder.mkdir()
    (folder / "kaggle.json").write_text(json.dumps({"username": "old", "key": KAGGLE_KEY}))
    assert "token from kaggle.json is valid, account old" in sites.access(HANDLE, *KAGGLE).out
    (folder / "access_token").write_text(KAGGLE_TOKEN)
    assert "token from ~/.kaggle/access_token is valid, account kme" in sites.access(HANDLE, *KAGGLE).out
    (folder / "access_token").unlink()
    (folder / "kaggle.json").write_text(f'{{"username": "old", "key": "{KAGGLE_KEY}"')
    broken = sites.access(HANDLE, *KAGGLE)
    assert (broken.code, "kaggle.json cannot be read as credentials" in broken.err) == (4, True)


@pytest.mark.parametrize(
    ("variables", "source", "command"),
    [
        ({"KAGGLE_API_TOKEN": BAD_KAGGLE}, "KAGGLE_API_TOKEN", "unset KAGGLE_API_TOKEN"),
        (
            {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": "f" * 32},
            "KAGGLE_USERNAME and KAGGLE_KEY",
            "unset KAGGLE_USERNAME KAGGLE_KEY",
        ),
    ],
)
def test_kaggle_refuses_credentials(sites: Sites, variables: dict[str, str], source: str, command: str) -> None:
    told = sites.access(HANDLE, *KAGGLE, **variables)
    assert told.code == 1
    assert f"the token from {source} is not valid" in told.out
    assert command in told.out


def test_without_credentials_kaggle_opens_what_is_open_and_no_more(sites: Sites) -> None:
    plain, gated = sites.access("org/open/pytorch/8b", *KAGGLE), sites.access(HANDLE, *KAGGLE)
    assert (plain.code, "org/open/pytorch/8b is open to everybody" in plain.out) == (0, True)
    assert (gated.code, "is gated, and there is no token on this machine" in gated.out) == (1, True)
    assert "https://www.kaggle.com/settings/api" in gated.out


def test_a_version_or_a_variation_that_is_not_there_is_told_with_those_that_are(sites: Sites) -> None:
    version = sites.access(f"{HANDLE}/9", *KAGGLE, **SIGNED_IN)
    assert (version.code, f"{HANDLE} has no version 9; the newest is 2" in version.out) == (3, True)
    del sites.kaggle.variations[HANDLE].versions[1]
    gap = sites.access(f"{HANDLE}/1", *KAGGLE, **SIGNED_IN)
    assert (gap.code, "has no version 1" in gap.out) == (3, True)
    variation = sites.access("metaresearch/llama-3/transformers/8b-cht", *KAGGLE, **SIGNED_IN)
    assert (variation.code, "known are transformers/8b-chat-hf" in variation.out) == (3, True)
    assert sites.access("nobody/none/pytorch/x", *KAGGLE, **SIGNED_IN).code == 3


def test_kaggle_says_of_what_is_private_that_it_may_not_be_seen(sites: Sites) -> None:
    sites.kaggle.variations["org/open/pytorch/8b"].private = True
    told = sites.access("org/open/pytorch/8b", *KAGGLE, **SIGNED_IN)
    assert told.code == 1
    assert "Kaggle says: Permission 'models.get' was denied" in told.out


def test_a_framework_that_the_client_does_not_know_is_not_judged(sites: Sites) -> None:
    told = sites.access("google/gemma/gemma.cpp/2b", *KAGGLE, **SIGNED_IN)
    assert (told.code, "kagglehub knows no framework 'gemma.cpp'" in told.out) == (4, True)


# --- when a site does not answer -----------------------------------------------------------------------------------


SITE_OF = {"huggingface": LLAMA_3, "kaggle": HANDLE}


def faulty(sites: Sites, site: str, fault: Fault) -> None:
    (sites.hub if site == "huggingface" else sites.kaggle).faults.append(fault)


@pytest.mark.parametrize("site", SITE_OF)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault(response=Response(429, {"Retry-After": "7"})), "too many requests (429); it answers again in 7 s"),
        (Fault(response=Response(429, {"RateLimit": '"api";r=0;t=55'})), "it answers again in 55 s"),
        (Fault(response=Response(500, {}, b"broken")), "failed (500)"),
        (Fault(response=Response(503)), "failed (503)"),
        (Fault(response=Response(200, {"Content-Type": "text/html"}, b"<html>log in</html>")), "is no JSON"),
    ],
    ids=["429", "429-hub", "500", "503", "login-page"],
)
def test_an_answer_that_is_none_is_one_clear_line(sites: Sites, site: str, fault: Fault, words: str) -> None:
    faulty(sites, site, fault)
    told = sites.access(SITE_OF[site], "--site", site, **SIGNED_IN)
    assert (told.code, told.out) == (4, "")
    assert told.err.startswith("error: nobody could be asked: ")
    assert told.err.endswith("; no check was performed\n")
    assert words in told.err
    assert told.seconds < 20


@pytest.mark.parametrize("site", SITE_OF)
@pytest.mark.parametrize("fault", [Fault(delay_s=30), Fault(drip_s=1)], ids=["silent", "a-byte-a-second"])
def test_a_slow_site_costs_what_one_call_may_take(sites: Sites, site: str, fault: Fault) -> None:
    faulty(sites, site, fault)
    told = sites.access(SITE_OF[site], "--site", site, "--timeout", "1", **SIGNED_IN)
    assert (told.code, "did not answer within 1 s" in told.err) == (4, True)
    assert told.seconds < 15


@pytest.mark.parametrize("site", SITE_OF)
def test_a_body_without_end_costs_neither_time_nor_memory(sites: Sites, site: str) -> None:
    faulty(sites, site, Fault(flood=True))
    told = sites.access(SITE_OF[site], "--site", site, "--timeout", "3", **SIGNED_IN)
    assert (told.code, told.out) == (4, "")
    assert "could not be asked (MemoryError)" in told.err or "did not answer within 3 s" in told.err
    assert told.seconds < 20


@pytest.mark.parametrize("site", SITE_OF)
def test_what_was_answered_before_a_site_fell_silent_is_kept(sites: Sites, site: str) -> None:
    faulty(sites, site, Fault("auth-check" if site == "huggingface" else "ListModel", delay_s=30))
    told = sites.access(SITE_OF[site], "--site", site, "--timeout", "1", "--format", "json", **SIGNED_IN)
    (answer,) = told.access["sites"]
    assert (told.code, answer["token"]["state"], answer["exists"]) == (4, "valid", "yes")
    assert (answer["grant"], "did not answer within 1 s" in answer["trouble"]) == ("unknown", True)


def test_a_network_that_is_not_there_is_one_line(sites: Sites) -> None:
    """Both sites at once: the hub's address refuses, and there is no proxy where the variables say."""
    nobody = f"http://u:{PASSWORD}@127.0.0.1:{closed_port()}"
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy"), nobody)
    told = sites.access(LLAMA_3, **{**SIGNED_IN, **proxy, "HF_ENDPOINT": nobody})
    assert (told.code, told.out) == (4, "")
    assert told.err == (
        "error: nobody could be asked: 127.0.0.1 refuses the connection; the proxy that the variables name"
        " does not let localhost be reached; no check was performed\n"
    )
    assert told.seconds < 15


def test_a_name_that_cannot_be_looked_up_says_so(sites: Sites) -> None:
    told = sites.access(LLAMA_3, *HUB, **{**SIGNED_IN, "HF_ENDPOINT": "https://hub.invalid", "http_proxy": ""})
    assert (told.code, "hub.invalid cannot be looked up: there is no network" in told.err) == (4, True)


def test_real_names_through_a_proxy_and_certificates_that_are_not_trusted(sites: Sites, tmp_path: Path) -> None:
    """Nothing but the proxy and its certificate is set, as on a company's machine."""
    certificate = make_certificate(tmp_path, "huggingface.co", "api.kaggle.com")
    if certificate is None:
        pytest.skip("no openssl here to make a certificate with")
    (tmp_path / "other").mkdir()
    wrong = make_certificate(tmp_path / "other", "example.org")
    sites.grant()
    plain = {"HF_ENDPOINT": "https://huggingface.co", "KAGGLE_API_ENVIRONMENT": "PROD", **SIGNED_IN}
    with Internet({"huggingface.co": sites.hub, "api.kaggle.com": sites.kaggle}, certificate) as net:
        told = sites.access(LLAMA_3, **{**plain, **net.variables()})
        assert (told.code, "asked at" in told.out) == (0, False), told.err
        net.faults.append(Fault(drop=True))
        told = sites.access(LLAMA_3, **{**plain, **net.variables()})
        assert told.code == 4
        assert "huggingface.co hung up without an answer" in told.err
        assert "the proxy that the variables name does not let api.kaggle.com be reached" in told.err  # urllib3's view
        net.faults.clear()
        blind = {"SSL_CERT_FILE": "", "REQUESTS_CA_BUNDLE": ""}
        told = sites.access(LLAMA_3, **{**plain, **net.variables(), **blind})
        assert told.code == 4
        assert told.err.count("shows a certificate that is not trusted here (self-signed certificate)") == 2
    with Internet({"huggingface.co": sites.hub, "api.kaggle.com": sites.kaggle}, wrong) as net:
        told = sites.access(LLAMA_3, **{**plain, **net.variables()})
        assert told.code == 4
        assert "Hostname mismatch" in told.err


def test_without_the_clients_one_line_says_what_to_install(sites: Sites) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", "resolver", "access", LLAMA_3],
        env={"PYTHONPATH": str(PROJECT), "HOME": str(sites.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "error: not installed: huggingface_hub and kagglehub, so nobody can be asked:"
        " pip install 'offline-resolver[online]'; no check was performed\n"
    )


def test_ctrl_c_ends_it_at_once_and_leaves_no_child(sites: Sites) -> None:
    sites.hub.faults.append(Fault(delay_s=60))
    with sites.start(LLAMA_3, *HUB, **SIGNED_IN) as process:
        assert wait_until(lambda: sites.hub.requests, 20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "error: interrupted; no check was completed\n")


# --- secrets -------------------------------------------------------------------------------------------------------


def test_a_site_that_echoes_a_token_is_not_quoted(sites: Sites) -> None:
    """Whatever form it travels in; `sites.access` fails where any is seen."""
    for secret in (HF_TOKEN, f"Bearer {HF_TOKEN}"):
        said = Response(403, {"X-Error-Message": f"no right for {secret} here"})
        sites.hub.faults = [Fault("auth-check", response=said)]
        told = sites.access(LLAMA_3, *HUB, **SIGNED_IN)
        assert "Hugging Face says: no right for" in told.out
        assert "***" in told.out
    body = json.dumps({"code": 403, "message": f"the key {KAGGLE_KEY} may not"}).encode()
    sites.kaggle.faults = [
        Fault("GetModelInstance", response=Response(403, {"Content-Type": "application/json"}, body))
    ]
    told = sites.access(HANDLE, *KAGGLE, "--format", "json", KAGGLE_USERNAME="old", KAGGLE_KEY=KAGGLE_KEY)
    assert told.access["sites"][0]["said"] == "the key *** may not"


def test_a_client_that_prints_its_headers_is_not_heard(sites: Sites) -> None:
    """kagglesdk does so where its test endpoint is set."""
    sites.grant()
    told = sites.access(HANDLE, *KAGGLE, **SIGNED_IN, KAGGLE_API_ENVIRONMENT="TEST")
    assert told.code == 0
    assert "Request--" not in told.out + told.err


@pytest.mark.parametrize("token", [f"{HF_TOKEN}\u00e9", f"{HF_TOKEN} {HF_TOKEN}", f"hf\t{HF_TOKEN}"])
def test_a_token_that_cannot_be_sent_is_not_shown_either(sites: Sites, token: str) -> None:
    told = sites.access(LLAMA_3, *HUB, HF_TOKEN=token, RESOLVER_DEBUG="1")
    assert told.code in (1, 4)


def test_an_address_with_a_password_is_told_by_its_host(sites: Sites) -> None:
    address = sites.hub.url.replace("http://", f"http://me:{PASSWORD}@")
    told = sites.access(LLAMA_3, *HUB, **{**SIGNED_IN, "HF_ENDPOINT": address}, RESOLVER_DEBUG="1")
    assert told.code == 1
    assert "asked at 127.0.0.1" in told.out
