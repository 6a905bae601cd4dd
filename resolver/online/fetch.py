"""Fetch a model from the hub or from Kaggle, at a revision that is resolved once, into a directory beside the target.

The client libraries do it, in a child process: what they print goes nowhere, and this process never imports them. The
directory stays when the run ends early; the same command goes on with the same commit, and takes finished files over.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from resolver.environment import Environment
from resolver.errors import MalformedReference
from resolver.inspection.lock import LockedSource
from resolver.record import Record
from resolver.reference import HubId, KaggleDataset, KaggleHandle, parse_reference
from resolver.secrets import mask
from resolver.staging.plan import SourceFault, safe
from resolver.writing import CannotMake

POLL_S: Final = 0.2
MAX_LINE: Final = 1 << 20
START: Final = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from resolver.online.fetch_child import serve
serve()
"""
PINNED: Final = "revision.json"
PACKAGES: Final = {"hub": "huggingface_hub", "kaggle": "kagglehub"}
Progress = Callable[[int, int], None]


class CannotFetch(SourceFault):
    """It was not fetched; the message says who refused it, and what to do."""


class Fetched(Record):
    """A model that has arrived: its directory, and where it came from, with the commit or version that it is."""

    root: Path
    source: LockedSource


def fetched(text: str, place: Path, environment: Environment, progress: Progress | None = None) -> Fetched | None:
    """Fetch a model; None for a reference that is of neither site.

    Args:
        text: the reference.
        place: the directory beside the target in which everything unfinished lies; it must exist.
        environment: where the client libraries are.
        progress: is told the bytes that are there and those that there will be.

    Raises:
        MalformedReference: the text is no reference.
        CannotFetch: the site, or its client, says no.
        CannotMake: the extra `online` is not installed.
    """
    asked = _asked(text)
    if asked is None:
        return None
    told_apart = hashlib.sha256(repr(sorted(asked.items())).encode()).hexdigest()[:12]  # a-b/c is not a/b-c
    area = place / "download" / f"{safe(asked['name'])}-{told_apart}"
    area.mkdir(parents=True, exist_ok=True)
    pinned = area.with_name(f"{area.name}.{PINNED}")
    revision = _pinned(pinned) or asked["revision"]
    told = _fetch({**asked, "revision": revision, "area": str(area), "pinned": str(pinned)}, environment, progress)
    return Fetched(area, LockedSource("hub" if asked["kind"] == "hub" else "kaggle", asked["name"], told["revision"]))


def _asked(text: str) -> dict[str, Any] | None:
    reference = parse_reference(text)
    match reference:
        case HubId():
            return {"kind": "hub", "name": reference.repo_id, "revision": reference.revision}
        case KaggleHandle():
            if reference.owner is None:
                raise MalformedReference(f"{text!r} names no owner: --online needs owner/model/framework/variation")
            version = None if reference.version is None else str(reference.version)
            return {"kind": "kaggle", "name": str(reference.replaced(version=None)), "revision": version}
        case KaggleDataset():
            raise CannotFetch(f"{text}: datasets are not fetched; kagglehub.dataset_download does, then name its place")
        case _:
            return None


def _pinned(path: Path) -> str | None:
    """The commit that an earlier run has come to; it is not asked for again."""
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, str) else None


def _fetch(request: Mapping[str, Any], environment: Environment, progress: Progress | None) -> dict[str, Any]:
    paths = [str(each) for each in environment.search_path]
    with subprocess.Popen(
        [sys.executable, "-I", "-c", START, json.dumps(paths)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is this process's to hear
    ) as child:
        try:
            return _converse(child, request, progress)
        except BaseException:
            child.kill()
            raise


def _converse(
    child: "subprocess.Popen[bytes]", request: Mapping[str, Any], progress: Progress | None
) -> dict[str, Any]:
    if child.stdin is None or child.stdout is None:
        raise CannotMake("the process that fetches cannot be spoken to")
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()  # it stays open: when this process is gone, it ends, and so does the child
    os.set_blocking(child.stdout.fileno(), False)
    area, total, said = Path(request["area"]), 0, b""
    while True:
        ended = child.poll() is not None
        said += child.stdout.read() or b""
        *lines, said = said.split(b"\n")
        for line in lines[:MAX_LINE]:
            told: dict[str, Any] = json.loads(line)
            if "total" in told:
                total = told["total"]
                continue
            child.wait()
            return _answer(told, request)
        if ended:
            raise CannotFetch(f"{request['name']}: the process that fetched it ended with {child.returncode}")
        if progress is not None and total:
            progress(min(total, _bytes_in(area)), total)
        time.sleep(POLL_S)


def _answer(told: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    if "revision" in told:
        return told
    if "missing" in told:
        raise CannotMake(f"{PACKAGES[request['kind']]} is not installed: pip install 'offline-resolver[online]'")
    name = request["name"]
    hint = "" if told.get("listing") else f"; resolver access {name} says what to do about it"
    raise CannotFetch(f"{name} cannot be fetched: {mask(str(told.get('fault')))}{hint}")


def _bytes_in(area: Path) -> int:
    """What has arrived so far, unfinished files too."""
    total = 0
    for folder, _, files in os.walk(area):
        for each in files:
            try:
                total += os.stat(os.path.join(folder, each)).st_size  # noqa: PTH116, PTH118 - a poll
            except OSError:
                continue
    return total
