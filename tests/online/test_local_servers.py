"""The servers that the tests of what is online stand on: the real clients take them for the real sites."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub_factory import COMMIT, cached, etag_of, xet_hash
from hub_server import BAD_TOKEN, HubServer
from huggingface_hub import HfApi, hf_hub_download, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from kaggle_server import NO_CONSENT, KaggleServer
from local_server import Fault, Internet, Response, make_certificate
from model_factory import model_dir

TOKEN, KAGGLE_TOKEN = "hf_" + "a1B2" * 8, "KGAT_" + "c3D4" * 8
GATED = "org/gated"
HANDLE = "org/tiny/transformers/8b"


def contents(folder: Path) -> dict[str, str]:
    found = sorted(each for each in folder.rglob("*") if each.is_file() and ".cache" not in each.parts)
    return {each.relative_to(folder).as_posix(): hashlib.sha256(each.read_bytes()).hexdigest() for each in found}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = model_dir(tmp_path_factory.mktemp("model") / "tiny", shards=2)
    (root / "onnx").mkdir()
    (root / "onnx" / "config.json").write_text("{}")
    return root


@pytest.fixture
def hub(model: Path):
    with HubServer() as server:
        server.add_user(TOKEN, "me")
        server.add_repo(GATED, model, gated="manual")
        yield server


def api(hub: HubServer, token: str | bool = TOKEN) -> HfApi:
    return HfApi(endpoint=hub.url, token=token)


def snapshot(hub: HubServer, place: Path, **options) -> Path:
    return Path(snapshot_download(GATED, endpoint=hub.url, token=TOKEN, cache_dir=place, **options))


def refusal(call, *arguments, **options) -> tuple[type, int, str]:
    with pytest.raises(HfHubHTTPError) as caught:
        call(*arguments, **options)
    return type(caught.value), caught.value.response.status_code, str(caught.value)


def test_the_hub_knows_accounts_by_their_tokens(hub: HubServer) -> None:
    assert api(hub).whoami()["name"] == "me"
    kind, status, text = refusal(api(hub, "hf_" + "0" * 32).whoami)
    assert (kind, status) == (HfHubHTTPError, 401)
    assert "Invalid user token." in text
    assert BAD_TOKEN in refusal(api(hub, "hf_" + "0" * 32).model_info, GATED)[2]


def test_what_is_public_about_a_gated_repository_is_told_to_everybody(hub: HubServer) -> None:
    told = api(hub, token=False).model_info(GATED, expand=["gated", "sha"])
    assert (told.gated, told.sha, told.private) == ("manual", COMMIT, None)
    assert {each.rfilename for each in api(hub).model_info(GATED).siblings} == set(hub.repos[GATED].commits[COMMIT])


@pytest.mark.parametrize(
    ("grant", "words"),
    [(None, "not in the authorized list"), ("pending", "awaiting a review"), ("rejected", "rejected by"), ("reset", "has been reset by")],
)  # fmt: skip
def test_the_gate_says_how_far_a_request_is(hub: HubServer, grant: str | None, words: str) -> None:
    if grant is not None:
        hub.repos[GATED].grants["me"] = grant
    kind, status, text = refusal(api(hub).auth_check, GATED)
    assert (kind, status, words in text) == (GatedRepoError, 403, True)
    hub.repos[GATED].grants["me"] = "accepted"
    api(hub).auth_check(GATED)


def test_a_stranger_is_asked_to_log_in_and_not_told_what_exists(hub: HubServer) -> None:
    hub.add_repo("org/hidden", {"config.json": b"{}"}, private=True)
    assert refusal(api(hub, token=False).auth_check, GATED)[:2] == (GatedRepoError, 401)
    assert refusal(api(hub, token=False).model_info, "org/hidden")[1] == 401
    assert refusal(api(hub).model_info, "org/hidden")[:2] == (RepositoryNotFoundError, 404)
    assert refusal(api(hub).model_info, "org/absent")[:2] == (RepositoryNotFoundError, 404)
    assert refusal(api(hub).model_info, GATED, revision="v9")[:2] == (RevisionNotFoundError, 404)


def test_a_fine_grained_token_may_not_read_gated_repositories(hub: HubServer) -> None:
    hub.users[TOKEN].role, hub.users[TOKEN].reads_gated = "fineGrained", False
    assert api(hub).whoami()["auth"]["accessToken"]["fineGrained"]["canReadGatedRepos"] is False
    assert "fine-grained token settings" in refusal(api(hub).auth_check, GATED)[2]


def test_a_tree_comes_in_pages_and_by_folder(hub: HubServer, model: Path) -> None:
    hub.page = 2
    listed = list(api(hub).list_repo_tree(GATED, recursive=True, expand=True))
    assert {each.path for each in listed if hasattr(each, "blob_id")} == set(contents(model))
    assert len(hub.asked("/tree/")) > 3
    assert [each.path for each in api(hub).list_repo_tree(GATED, "onnx")] == ["onnx/config.json"]
    assert {each.name for each in api(hub).list_repo_refs(GATED).branches} == {"main"}


def test_a_gated_snapshot_is_refused_and_after_the_grant_downloaded(
    hub: HubServer, model: Path, tmp_path: Path
) -> None:
    """The classic layout: blobs under their etags, the commit's list, and no token at the storage host."""
    with pytest.raises(GatedRepoError):
        snapshot(hub, tmp_path)
    hub.repos[GATED].grants["me"] = "accepted"
    place = snapshot(hub, tmp_path, revision=COMMIT)
    assert contents(place) == contents(model)
    blobs = {each.name for each in (place.parents[1] / "blobs").iterdir()}
    assert blobs == {etag_of(each.name, each.read_bytes()) for each in model.rglob("*") if each.is_file()}
    assert (place.parents[1] / "trees" / f"{COMMIT}.json").is_file()
    assert hub.storage.requests != []
    assert all("authorization" not in each.headers for each in hub.storage.requests)


def test_a_local_directory_and_a_single_file_are_downloaded(hub: HubServer, model: Path, tmp_path: Path) -> None:
    hub.repos[GATED].grants["me"] = "accepted"
    hub.repos[GATED].refs["v1"] = COMMIT
    place = snapshot(hub, tmp_path / "cache", revision="v1", local_dir=tmp_path / "here")
    assert contents(place) == contents(model)
    told = {"endpoint": hub.url, "token": TOKEN, "cache_dir": tmp_path / "cache"}
    assert Path(hf_hub_download(GATED, "onnx/config.json", **told)).read_text() == "{}"
    with pytest.raises(RemoteEntryNotFoundError):
        hf_hub_download(GATED, "absent.json", **told)


def test_a_download_that_breaks_off_goes_on_where_it_was(
    hub: HubServer, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of small files the client would keep nothing: it reads ten megabytes at a time."""
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 50)
    hub.repos[GATED].grants["me"] = "accepted"
    hub.storage.faults.append(Fault(cut_at=100, times=1))
    assert contents(snapshot(hub, tmp_path, max_workers=1)) == contents(model)
    assert "bytes=100-" in [each.headers.get("range") for each in hub.storage.requests]


def test_what_the_shared_store_holds_is_linked_and_not_fetched(hub: HubServer, model: Path, tmp_path: Path) -> None:
    """The layout of Xet: the blob of another repository with the same content is a link into the cache-wide store."""
    hub.add_repo("org/same", model, xet=True)
    cached(tmp_path, model, hub_id="someone/else", shared=True)
    told = {"endpoint": hub.url, "token": TOKEN, "cache_dir": tmp_path}
    place = Path(snapshot_download("org/same", **told))
    assert contents(place) == contents(model)
    weights = next(model.glob("*.safetensors"))
    blob = place.parents[1] / "blobs" / etag_of(weights.name, weights.read_bytes())
    digest = xet_hash(weights.read_bytes())
    assert blob.readlink() == Path("..", "..", "blobs", digest[:2], digest)
    assert hub.storage.requests == []


# --- Kaggle ------------------------------------------------------------------------------------------------------

DOWNLOAD = "import sys, kagglehub; print(kagglehub.model_download(sys.argv[1]))"
WHO = "import kagglehub; print(kagglehub.whoami(verbose=False)['username'])"


@pytest.fixture
def kaggle(model: Path):
    with KaggleServer() as server:
        server.add_user(KAGGLE_TOKEN, "me")
        server.add_key("old", "0123456789abcdef" * 2)
        server.add_model(HANDLE, {1: {"config.json": b"{}"}, 2: model}, consent=True)
        yield server


def client(place: Path, code: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    told = {"PATH": os.defpath, "HOME": str(place), "KAGGLEHUB_CACHE": str(place / "cache"), **variables}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=told, capture_output=True, text=True, check=False, timeout=60
    )


def test_kaggle_refuses_without_consent_and_downloads_after_it(
    kaggle: KaggleServer, model: Path, tmp_path: Path
) -> None:
    variables = {**kaggle.variables(), "KAGGLE_API_TOKEN": KAGGLE_TOKEN}
    refused = client(tmp_path, DOWNLOAD, HANDLE, **variables)
    assert f"HTTPError: {NO_CONSENT}" in refused.stderr
    assert "You don't have permission to access resource" in refused.stderr
    kaggle.variations[HANDLE].consented.add("me")
    done = client(tmp_path, DOWNLOAD, HANDLE, **variables)
    assert done.returncode == 0, done.stderr
    assert contents(Path(done.stdout.splitlines()[-1])) == contents(model)
    assert (tmp_path / "cache" / "models" / HANDLE / "2.complete").is_file()
    assert [each for each in kaggle.requests if "/storage/" in each.path and "authorization" in each.headers] == []


def test_kaggle_sends_an_archive_where_there_are_many_files(kaggle: KaggleServer, model: Path, tmp_path: Path) -> None:
    kaggle.page = 2
    kaggle.variations[HANDLE].consent = False
    done = client(tmp_path, DOWNLOAD, f"{HANDLE}/2", **kaggle.variables())
    assert contents(Path(done.stdout.splitlines()[-1])) == contents(model)
    assert len(kaggle.asked("/storage/")) == 1


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"KAGGLE_API_TOKEN": KAGGLE_TOKEN}, "me"),
        ({"KAGGLE_USERNAME": "old", "KAGGLE_KEY": "0123456789abcdef" * 2}, "old"),
    ],
)
def test_kaggle_knows_accounts_by_token_and_by_key(
    kaggle: KaggleServer, tmp_path: Path, variables: dict[str, str], said: str
) -> None:
    assert client(tmp_path, WHO, **kaggle.variables(), **variables).stdout.strip() == said


@pytest.mark.parametrize("handle", ["org/tiny/transformers/9b", f"{HANDLE}/7", "org/none/pytorch/8b/1"])
def test_kaggle_says_404_of_what_is_not_there(kaggle: KaggleServer, tmp_path: Path, handle: str) -> None:
    done = client(tmp_path, DOWNLOAD, handle, **kaggle.variables(), KAGGLE_API_TOKEN=KAGGLE_TOKEN)
    assert "404 Client Error" in done.stderr


def test_both_clients_reach_their_sites_by_name_through_a_proxy(
    hub: HubServer, kaggle: KaggleServer, model: Path, tmp_path: Path
) -> None:
    """As on any machine behind a proxy: https to the real names, and a certificate that is trusted by a variable."""
    certificate = make_certificate(tmp_path, "huggingface.co", "api.kaggle.com")
    if certificate is None:
        pytest.skip("no openssl here to make a certificate with")
    kaggle.variations[HANDLE].consent = False
    code = f"{DOWNLOAD}; import huggingface_hub as h; print(h.whoami()['name'], h.model_info('{GATED}').gated)"
    with Internet({"huggingface.co": hub, "api.kaggle.com": kaggle}, certificate) as net:
        told = {**net.variables(), "HF_TOKEN": TOKEN, "KAGGLE_API_TOKEN": KAGGLE_TOKEN}
        done = client(tmp_path, code, f"{HANDLE}/1", **told)
        assert done.stdout.split()[-3:] == [str(tmp_path / "cache" / "models" / HANDLE / "1"), "me", "manual"]
        blind = client(tmp_path, "import huggingface_hub as h; h.whoami()", **{**told, "SSL_CERT_FILE": ""})
    assert "CERTIFICATE_VERIFY_FAILED" in blind.stderr


def test_a_server_that_is_told_to_misbehaves_and_gets_well(hub: HubServer) -> None:
    hub.faults += [
        Fault("whoami", response=Response(500, {}, b"broken"), times=1),
        Fault("whoami", drop=True, times=1),
        Fault("whoami", response=Response(429, {"Retry-After": "7"}), times=1),
    ]
    assert refusal(api(hub).whoami)[1] == 500
    with pytest.raises(Exception, match="disconnected"):
        api(hub).whoami()
    assert refusal(api(hub).whoami)[1] == 429
    assert api(hub).whoami()["name"] == "me"
