"""The child that fetches: lists, refuses names, chooses, downloads through the real client, and says how it ended.

Runs alone in a process of its own with the user's credentials. What a client raises is told by the kind of its error
and the first line of what the server said; a token is in neither, and is masked all the same.
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, NoReturn

from resolver.online.choice import describing, of_parts, refuse_unsafe, weights
from resolver.secrets import mask
from resolver.staging.plan import SourceFault, refuse_collisions
from resolver.staging.workplace import write_text

AT_ONCE: Final = 4
MAX_SAID: Final = 300
PAGE: Final = 100


def serve() -> None:
    """Read a request, carry it out, write one line of JSON that says how it ended."""
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_its_parent, daemon=True).start()
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)  # what a client prints is not for our reader

    def tell(told: Mapping[str, Any]) -> None:
        answers.write(json.dumps(told).encode() + b"\n")
        answers.flush()

    try:
        told: Mapping[str, Any] = {"revision": _carry_out(request, tell)}
    except SourceFault as error:
        told = {"fault": str(error), "listing": True}
    except ImportError as error:
        told = {"missing": error.name or "the client"}
    except Exception as error:  # noqa: BLE001 - whatever a client raises becomes a sentence
        told = {"fault": _said(error)}
    tell(told)
    _leave()


def _end_with_its_parent() -> None:
    """Wait until nobody is there any more to hear how it ended."""
    sys.stdin.buffer.read()
    os._exit(1)


def _leave() -> NoReturn:
    """Without a farewell: a thread of a client that still hangs must not keep it."""
    os._exit(0)


def _carry_out(request: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> str:
    area, name, revision = Path(request["area"]), str(request["name"]), request["revision"]
    remote = (_Hub if request["kind"] == "hub" else _Kaggle)(name, revision, area)
    write_text(Path(request["pinned"]), json.dumps(remote.revision))
    sizes = remote.listed()
    refuse_unsafe(sizes)
    chosen: dict[str, None] = {}

    def fetch(names: list[str]) -> None:
        chosen.update(dict.fromkeys(names))
        refuse_collisions(chosen)
        tell({"total": sum(sizes[each] for each in chosen)})
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(remote.fetch, names))

    fetch(describing(sizes))
    fetch(of_parts(sizes, area))
    fetch(weights(sizes, area, fetch))
    for each in chosen:
        found = (area / each).stat().st_size if (area / each).is_file() else -1
        if found != sizes[each]:
            raise SourceFault(f"{each} arrived with {found:,} bytes, and {sizes[each]:,} are listed")
    return remote.revision


class _Hub:
    """A repository at one commit, through huggingface_hub."""

    def __init__(self, name: str, revision: str | None, area: Path) -> None:
        from huggingface_hub import HfApi  # noqa: PLC0415 - only in the child

        self._api, self._name, self._area = HfApi(), name, area
        self.revision: str = self._api.model_info(name, revision=revision or "main").sha or ""

    def listed(self) -> dict[str, int]:
        """Name and size of each file of the commit."""
        entries = self._api.list_repo_tree(self._name, revision=self.revision, recursive=True)
        return {each.path: each.size for each in entries if hasattr(each, "size")}

    def fetch(self, name: str) -> None:
        """One file; what is there already, whole, is not fetched again."""
        from huggingface_hub import hf_hub_download  # noqa: PLC0415 - as above

        hf_hub_download(self._name, name, revision=self.revision, local_dir=self._area)


class _Kaggle:
    """A version of a model, through kagglehub."""

    def __init__(self, name: str, revision: str | None, area: Path) -> None:
        from kagglehub.clients import build_kaggle_client  # noqa: PLC0415 - only in the child
        from kagglehub.handle import parse_model_handle  # noqa: PLC0415 - as above

        self._name, self._area = name, area
        self._client: Any = build_kaggle_client()
        self._handle: Any = parse_model_handle(name)
        self.revision = revision or str(self._newest())

    def _newest(self) -> int:
        from kagglesdk.models.types.model_api_service import ApiGetModelInstanceRequest  # noqa: PLC0415 - as above

        with self._client as client:
            answer = client.models.model_api_client.get_model_instance(self._filled(ApiGetModelInstanceRequest()))
        return int(answer.version_number)

    def _filled(self, request: Any) -> Any:
        request.owner_slug, request.model_slug = self._handle.owner, self._handle.model
        request.framework, request.instance_slug = self._handle.framework_enum(), self._handle.variation
        return request

    def listed(self) -> dict[str, int]:
        """Name and size of each file of the version."""
        return dict(self._pages())

    def _pages(self) -> Iterator[tuple[str, int]]:
        from kagglesdk.models.types.model_api_service import (  # noqa: PLC0415 - as above
            ApiListModelInstanceVersionFilesRequest,
        )

        token = ""
        with self._client as client:
            while True:
                request = self._filled(ApiListModelInstanceVersionFilesRequest())
                request.version_number, request.page_size, request.page_token = int(self.revision), PAGE, token
                answer = client.models.model_api_client.list_model_instance_version_files(request)
                yield from ((each.name, int(each.size)) for each in answer.files)
                token = answer.next_page_token
                if not token:
                    return

    def fetch(self, name: str) -> None:
        """One file; one that was fetched whole before has its marker, any other is begun anew."""
        from kagglehub import model_download  # noqa: PLC0415 - as above

        handle, area = f"{self._name}/{self.revision}", str(self._area)
        with contextlib.suppress(FileExistsError):
            model_download(handle, name, output_dir=area)
            return
        model_download(handle, name, output_dir=area, force_download=True)


def _said(error: Exception) -> str:
    """An error of a client in one line: its kind, the status where it has one, the first line of what it says."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    told = getattr(error, "server_message", None) or next(iter(str(error).strip().splitlines()), "")
    kind = type(error).__name__ if status is None else f"{type(error).__name__}, status {status}"
    return mask(f"{kind}: {told}"[:MAX_SAID])
