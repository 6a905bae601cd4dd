"""A server that plays the Hugging Face hub for the real huggingface_hub: accounts, gates, revisions, files.

Endpoints, headers and error codes are those that huggingface_hub 2.4 reads (`utils/_http.py`, `hf_api.py`,
`file_download.py`); the words of the gate are the hub's own, as recorded in public. A test changes its state while it
runs: `hub.repos["org/name"].grants["me"] = "accepted"`.

    with HubServer() as hub:
        hub.add_user("hf_token", "me")
        hub.add_repo("org/gated", directory, gated="manual")
        subprocess.run([...], env={**variables, **hub.variables()})
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from hub_factory import COMMIT, git_hash, is_lfs, sha256, xet_hash
from local_server import Certificate, LocalServer, Request, Response, json_response, ranged

Gated = Literal[False, "auto", "manual"]
Grant = Literal["accepted", "pending", "rejected", "reset"]

LOG_IN = (
    "Access to model {id} is restricted. You must have access to it and be authenticated to access it. Please log in."
)
NOT_ASKED = (
    "Access to model {id} is restricted and you are not in the authorized list."
    " Visit https://huggingface.co/{id} to ask for access."
)
PENDING = "Your request to access model {id} is awaiting a review from the repo authors."
REJECTED = "Your request to access model {id} has been rejected by the repo's authors."
RESET = (
    "Your request to access model {id} has been reset by the repo's authors."
    " Visit https://huggingface.co/{id} to submit a new request."
)
SCOPE = "Please enable access to public gated repositories in your fine-grained token settings to view this repository."
BAD_TOKEN = "Invalid credentials in Authorization header"
NO_ACCOUNT = "Invalid username or password."
WHY = {None: NOT_ASKED, "pending": PENDING, "rejected": REJECTED, "reset": RESET}


@dataclass(slots=True)
class User:
    """An account as one token shows it."""

    name: str
    role: str = "read"
    reads_gated: bool = True

    def whoami(self) -> dict:
        token = {"displayName": "test", "role": self.role}
        if self.role == "fineGrained":
            token["fineGrained"] = {"canReadGatedRepos": self.reads_gated, "global": [], "scoped": []}
        return {"type": "user", "id": "0" * 24, "name": self.name, "fullname": self.name, "orgs": [],
                "auth": {"type": "access_token", "accessToken": token}}  # fmt: skip


@dataclass(slots=True)
class Repo:
    """A model repository: per commit its files, and what branches and tags point to.

    Attributes:
        commits: commit -> path -> content; a `Path` is read when it is asked for.
        refs: branch or tag -> commit.
        gated: as the hub's API says it.
        private: who is not in `members` is told that it does not exist.
        grants: account -> what came of its request; nothing where it never asked.
        xet: whether LFS files are told to lie in Xet storage too.
        moved_to: the id that it has now; the old one redirects.
    """

    repo_id: str
    commits: dict[str, dict[str, bytes | Path]]
    refs: dict[str, str]
    gated: Gated = False
    private: bool = False
    members: set[str] = field(default_factory=set)
    grants: dict[str, Grant] = field(default_factory=dict)
    xet: bool = False
    moved_to: str | None = None

    def commit_of(self, revision: str) -> str | None:
        found = self.refs.get(revision)
        return found or (revision if revision in self.commits else None)

    def read(self, commit: str, name: str) -> bytes | None:
        content = self.commits[commit].get(name)
        return content.read_bytes() if isinstance(content, Path) else content


class HubServer(LocalServer):
    """The hub.

    Attributes:
        users: token -> account.
        repos: id -> repository.
        page: how many entries one page of a tree has, as the hub cuts long ones.
        storage: the host where files in LFS are fetched from.
    """

    def __init__(self, certificate: Certificate | None = None, *, page: int = 1_000) -> None:
        self.users: dict[str, User] = {}
        self.repos: dict[str, Repo] = {}
        self.page = page
        self.storage = Storage(self)
        super().__init__(certificate)

    def close(self) -> None:
        self.storage.close()
        super().close()

    def variables(self) -> dict[str, str]:
        """What sends huggingface_hub here; it reads them when it is imported."""
        return {"HF_ENDPOINT": self.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}

    def add_user(self, token: str, name: str, *, role: str = "read", reads_gated: bool = True) -> User:
        self.users[token] = User(name, role, reads_gated)
        return self.users[token]

    def add_repo(
        self,
        repo_id: str,
        files: Path | Mapping[str, bytes],
        *,
        commit: str = COMMIT,
        gated: Gated = False,
        private: bool = False,
        xet: bool = False,
    ) -> Repo:
        """A repository whose `main` holds a directory's files, or those given by name."""
        if isinstance(files, Path):
            found = sorted(each for each in files.rglob("*") if each.is_file())
            files = {each.relative_to(files).as_posix(): each for each in found}
        self.repos[repo_id] = Repo(repo_id, {commit: dict(files)}, {"main": commit}, gated, private, xet=xet)
        return self.repos[repo_id]

    def respond(self, request: Request) -> Response:
        if request.bearer is not None and request.bearer not in self.users:
            return _refused(401, None, BAD_TOKEN)
        parts = request.path.strip("/").split("/")
        if parts[:2] == ["api", "whoami-v2"]:
            user = self._user(request)
            return _refused(401, None, NO_ACCOUNT) if user is None else json_response(user.whoami())
        if parts[:2] == ["api", "models"]:
            return self._of_repo(request, parts[2:], self._api)
        return self._of_repo(request, parts, self._files)

    def _user(self, request: Request) -> User | None:
        return self.users.get(request.bearer or "")

    def _of_repo(
        self, request: Request, parts: list[str], answer: Callable[[Request, Repo, list[str]], Response]
    ) -> Response:
        """What follows the id, of one part or two, is the repository's to answer."""
        for length in (2, 1):
            repo = self.repos.get("/".join(parts[:length]))
            if repo is not None and self._sees(request, repo):
                if repo.moved_to is not None:
                    target = request.path.replace(repo.repo_id, repo.moved_to)
                    return Response(307, {"Location": target})
                return answer(request, repo, parts[length:])
        if self._user(request) is None:  # a stranger is not told whether it exists
            return _refused(401, None, NO_ACCOUNT)
        return _refused(404, "RepoNotFound", "Repository not found")

    def _sees(self, request: Request, repo: Repo) -> bool:
        user = self._user(request)
        return not repo.private or (user is not None and user.name in repo.members)

    def _gate(self, request: Request, repo: Repo) -> Response | None:
        """What stands in the way of the files; None where nothing does."""
        user = self._user(request)
        if not repo.gated:
            return None
        if user is None:
            return _refused(401, "GatedRepo", LOG_IN.format(id=repo.repo_id))
        if not user.reads_gated:
            return _refused(403, None, SCOPE)
        grant = repo.grants.get(user.name)
        return None if grant == "accepted" else _refused(403, "GatedRepo", WHY[grant].format(id=repo.repo_id))

    def _api(self, request: Request, repo: Repo, rest: list[str]) -> Response:
        match rest:
            case []:
                answer = self._info(request, repo, "main")
            case ["auth-check"]:
                answer = self._gate(request, repo) or Response(200, {"Content-Type": "text/plain"}, b"OK")
            case ["revision", *revision]:
                answer = self._info(request, repo, "/".join(revision))
            case ["refs"]:
                heads = [{"name": n, "ref": f"refs/heads/{n}", "targetCommit": c} for n, c in repo.refs.items()]
                answer = json_response({"branches": heads, "converts": [], "tags": []})
            case ["tree", revision, *folder]:
                answer = self._tree(request, repo, revision, "/".join(folder))
            case _:
                answer = _refused(404, None, "Not found")
        return answer

    def _info(self, request: Request, repo: Repo, revision: str) -> Response:
        commit = repo.commit_of(revision)
        if commit is None:
            return _no_revision()
        told = {"gated": repo.gated, "private": repo.private, "disabled": False, "sha": commit,
                "siblings": [{"rfilename": name} for name in repo.commits[commit]], "tags": []}  # fmt: skip
        asked = request.query.get("expand")
        kept = told if asked is None else {name: value for name, value in told.items() if name in asked}
        return json_response({"_id": "1" * 24, "id": repo.repo_id, "modelId": repo.repo_id, **kept})

    def _tree(self, request: Request, repo: Repo, revision: str, folder: str) -> Response:
        commit = repo.commit_of(revision)
        if commit is None:
            return _no_revision()
        recursive = request.query.get("recursive", ["false"])[0].lower() in ("1", "true")
        entries = [
            entry for entry in _entries(repo, commit) if entry["path"].startswith(f"{folder}/" if folder else "")
        ]
        if not recursive:
            entries = [entry for entry in entries if "/" not in entry["path"].removeprefix(folder).strip("/")]
        start = int(request.query.get("cursor", ["0"])[0])
        page = entries[start : start + self.page]
        headers = {}
        if start + self.page < len(entries):
            cursor = f"recursive={recursive}&cursor={start + self.page}"
            headers["Link"] = f'<{self.url}{quote(request.path)}?{cursor}>; rel="next"'
        return json_response(page, headers=headers)

    def _files(self, request: Request, repo: Repo, rest: list[str]) -> Response:
        """`HEAD` and `GET` of /resolve/: small files here, those in LFS by a redirect to another host."""
        if rest[:1] != ["resolve"] or len(rest) < 3:
            return Response(404)
        commit, name = repo.commit_of(rest[1]), "/".join(rest[2:])
        refused = self._gate(request, repo)
        if refused is not None:
            return refused
        if commit is None:
            return _no_revision()
        data = repo.read(commit, name)
        headers = {"X-Repo-Commit": commit}
        if data is None:
            return _refused(404, "EntryNotFound", "Entry not found", headers)
        if not is_lfs(name):
            return ranged(data, {**headers, "ETag": f'"{git_hash(data)}"'}, request.headers.get("range"))
        headers |= {"X-Linked-Etag": f'"{sha256(data)}"', "X-Linked-Size": str(len(data))}
        if repo.xet:
            route = f"{self.url}/api/models/{repo.repo_id}/xet-read-token/{commit}"
            headers |= {"X-Xet-Hash": xet_hash(data), "Link": f'<{route}>; rel="xet-auth"'}
        return Response(302, {**headers, "Location": f"{self.storage.url}/{sha256(data)}"})


class Storage(LocalServer):
    """Where files in LFS lie: another address, where no token belongs."""

    def __init__(self, hub: HubServer) -> None:
        self.hub = hub
        super().__init__()

    def respond(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return Response(400, {}, b"a token was sent to the storage host")
        digest = request.path.strip("/")
        for repo in self.hub.repos.values():
            for commit, files in repo.commits.items():
                for name in files:
                    data = repo.read(commit, name)
                    if data is not None and is_lfs(name) and sha256(data) == digest:
                        return ranged(data, {"ETag": f'"{digest}"'}, request.headers.get("range"))
        return Response(404)


def _entries(repo: Repo, commit: str) -> list[dict]:
    """The tree as the API lists it, folders first."""
    folders = sorted({parent.as_posix() for name in repo.commits[commit] for parent in Path(name).parents} - {"."})
    entries: list[dict] = [{"type": "directory", "oid": "2" * 40, "size": 0, "path": each} for each in folders]
    for name in sorted(repo.commits[commit]):
        data = repo.read(commit, name) or b""
        entry = {"type": "file", "oid": git_hash(data), "size": len(data), "path": name}
        if is_lfs(name):
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(data)}\nsize {len(data)}\n"
            entry["oid"] = git_hash(pointer.encode())
            entry["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": len(pointer)}
            if repo.xet:
                entry["xetHash"] = xet_hash(data)
        entries.append(entry)
    return entries


def _no_revision() -> Response:
    return _refused(404, "RevisionNotFound", "Invalid rev id")


def _refused(status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error as the hub says it: in headers for its client, in the body for people."""
    told = {"X-Error-Message": message, **({} if code is None else {"X-Error-Code": code}), **(headers or {})}
    return json_response({"error": message}, status, told)
