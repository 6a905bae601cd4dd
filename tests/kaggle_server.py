"""A server that plays Kaggle's API for the real kagglehub: accounts, models, versions, consent, downloads.

Calls and errors are those of kagglehub 1.0 and kagglesdk 0.1 (`http_resolver.py`, `kaggle_http_client.py`): a POST of
JSON to `/v1/SERVICE/METHOD`, an error as `{"code", "message"}` in a body that says it is JSON. The client knows no
variable for an address. It is sent here either as its own test wants it, `KAGGLE_API_ENVIRONMENT=LOCALHOST` with this
server as the proxy (`variables`), or by its real name through `local_server.Internet`.

    with KaggleServer() as kaggle:
        kaggle.add_user("KGAT_token", "me")
        kaggle.add_model("owner/model/transformers/8b", {1: directory}, consent=True)
        subprocess.run([...], env={**variables, **kaggle.variables()})
"""

import base64
import hashlib
import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_server import LocalServer, Request, Response, json_response, ranged

NO_CONSENT = "User has not consented to terms of use."
DENIED = "Permission 'models.get' was denied"
HELLO = "api.v1.DiagnosticsService/Hello"
MODELS = "models.ModelApiService/"
ARCHIVE = "archive.tar.gz"


@dataclass(slots=True)
class Variation:
    """One variation of a model: its versions, each with its files.

    Attributes:
        handle: owner/model/framework/variation, lower case.
        versions: number -> path -> content; a `Path` is read when it is asked for.
        consent: whether the terms of use have to be accepted.
        consented: accounts that have accepted them.
        private: who does not own it is told that he may not see it.
    """

    handle: str
    versions: dict[int, dict[str, bytes | Path]]
    consent: bool = False
    consented: set[str] = field(default_factory=set)
    private: bool = False
    licence: str = "Llama 3"

    def read(self, version: int, name: str) -> bytes | None:
        content = self.versions[version].get(name)
        return content.read_bytes() if isinstance(content, Path) else content


class KaggleServer(LocalServer):
    """Kaggle.

    Attributes:
        users: what an Authorization header says -> account.
        variations: handle without its version -> variation.
        page: how many files one page of a listing has; kagglehub fetches an archive where there are more.
    """

    def __init__(self, *, page: int = 25) -> None:
        self.users: dict[str, str] = {}
        self.variations: dict[str, Variation] = {}
        self.page = page
        super().__init__()

    def variables(self) -> dict[str, str]:
        """What sends kagglehub here: http://localhost through this server as a proxy."""
        proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy"), self.url)
        return {**proxy, "KAGGLE_API_ENVIRONMENT": "LOCALHOST", "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def add_user(self, token: str, name: str) -> None:
        """An account with an access token (KAGGLE_API_TOKEN)."""
        self.users[f"Bearer {token}"] = name

    def add_key(self, name: str, key: str) -> None:
        """An account with a legacy key (KAGGLE_USERNAME and KAGGLE_KEY, kaggle.json)."""
        self.users["Basic " + base64.b64encode(f"{name}:{key}".encode()).decode()] = name

    def add_model(
        self,
        handle: str,
        versions: Mapping[int, Path | Mapping[str, bytes]],
        *,
        consent: bool = False,
        private: bool = False,
    ) -> Variation:
        """A variation with its versions: directories, or files by name."""
        made = {number: _files_of(files) for number, files in versions.items()}
        self.variations[handle] = Variation(handle, made, consent, private=private)
        return self.variations[handle]

    def respond(self, request: Request) -> Response:
        account = self.users.get(request.headers.get("authorization", ""))
        if request.path.startswith("/storage/"):
            return self._storage(request)
        if "authorization" in request.headers and account is None:
            return _refused(401, "Unauthenticated")
        call = request.path.removeprefix("/api").removeprefix("/v1/")
        if call == HELLO:
            return json_response({} if account is None else {"userName": account})
        if not call.startswith(MODELS):
            return _refused(404, "Not found")
        return self._models(call.removeprefix(MODELS), request.json(), account)

    def _models(self, method: str, asked: dict, account: str | None) -> Response:
        owner, model = asked.get("ownerSlug", ""), asked.get("modelSlug", "")
        if method == "GetModel":
            return self._model(f"{owner}/{model}", account)
        framework = asked.get("framework", "").removeprefix("MODEL_FRAMEWORK_").replace("_", "").lower()
        variation = self.variations.get(f"{owner}/{model}/{framework}/{asked.get('instanceSlug', '')}".lower())
        if variation is None:
            return _refused(404, "Not found")
        if variation.private and account != owner:
            return _refused(403, DENIED)
        return json_response(_instance(variation)) if method == "GetModelInstance" else self._use(
            method, variation, asked, account
        )  # fmt: skip

    def _use(self, method: str, variation: Variation, asked: dict, account: str | None) -> Response:
        """What needs the right to use the model, and not only to see it."""
        number = asked.get("versionNumber") or max(variation.versions)
        path = asked.get("path") or ARCHIVE
        if number not in variation.versions or (path != ARCHIVE and path not in variation.versions[number]):
            return _refused(404, "Not found")
        if variation.consent and account not in variation.consented:
            return _refused(403, NO_CONSENT)
        if method == "ListModelInstanceVersionFiles":
            return self._listing(variation, number, asked)
        return Response(302, {"Location": f"{self.url}/storage/{variation.handle}/{number}/{path}"})

    def _model(self, name: str, account: str | None) -> Response:
        found = [each for each in self.variations.values() if each.handle.startswith(f"{name.lower()}/")]
        if not found:
            return _refused(404, "Not found")
        if all(each.private for each in found) and account != name.partition("/")[0]:
            return _refused(403, DENIED)
        return json_response({"id": 1, "ref": name, "slug": name.partition("/")[2], "title": name,
                              "instances": [_instance(each) for each in found]})  # fmt: skip

    def _listing(self, variation: Variation, number: int, asked: dict) -> Response:
        names = sorted(variation.versions[number])
        start, size = int(asked.get("pageToken") or 0), min(asked.get("pageSize") or self.page, self.page)
        files = [{"name": n, "size": len(variation.read(number, n) or b"")} for n in names[start : start + size]]
        more = str(start + size) if start + size < len(names) else ""
        return json_response({"files": files, "nextPageToken": more})

    def _storage(self, request: Request) -> Response:
        """The bucket that downloads are sent to: another host, where no credential belongs."""
        if "authorization" in request.headers:
            return Response(400, {}, b"a credential was sent to the storage host")
        parts = request.path.removeprefix("/storage/").split("/")
        variation, number, name = self.variations["/".join(parts[:4])], int(parts[4]), "/".join(parts[5:])
        data = _archive(variation, number) if name == ARCHIVE else variation.read(number, name) or b""
        digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        return ranged(data, {"x-goog-hash": f"md5={digest}"}, request.headers.get("range"))


def _files_of(files: Path | Mapping[str, bytes]) -> dict[str, bytes | Path]:
    if isinstance(files, Path):
        found = sorted(each for each in files.rglob("*") if each.is_file())
        return {each.relative_to(files).as_posix(): each for each in found}
    return dict(files)


def _instance(variation: Variation) -> dict:
    framework, slug = variation.handle.split("/")[2:]
    enum = {"pytorch": "pyTorch", "tensorflow2": "tensorFlow2"}.get(framework, framework)
    latest = max(variation.versions)
    return {"id": 1, "slug": slug, "framework": enum, "versionNumber": latest, "versionId": latest,
            "licenseName": variation.licence}  # fmt: skip


def _archive(variation: Variation, number: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(variation.versions[number]):
            data = variation.read(number, name) or b""
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _refused(code: int, message: str) -> Response:
    return json_response({"code": code, "message": message}, code)
