"""Both sites, and `resolver access` run against them; whatever is run, no secret of it may be seen."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from command_runs import LLAMA_3, PROJECT
from hub_server import HubServer
from kaggle_server import KaggleServer

HF_TOKEN, KAGGLE_TOKEN, KAGGLE_KEY = "hf_" + "a1B2" * 8, "KGAT_" + "c3D4" * 8, "fedcba9876543210" * 2
BAD_HF, BAD_KAGGLE = "hf_" + "z9Y8" * 8, "KGAT_" + "x7W6" * 8
PASSWORD = "s3cr3t-of-a-proxy"
SECRETS = (HF_TOKEN, KAGGLE_TOKEN, KAGGLE_KEY, BAD_HF, BAD_KAGGLE, PASSWORD,
           base64.b64encode(f"old:{KAGGLE_KEY}".encode()).decode())  # fmt: skip
HANDLE = "metaresearch/llama-3/transformers/8b-chat-hf"
SIGNED_IN = {"HF_TOKEN": HF_TOKEN, "KAGGLE_API_TOKEN": KAGGLE_TOKEN}


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def access(self) -> dict:
        return json.loads(self.out)["access"]


@dataclass(slots=True)
class Sites:
    """A gated model under both of its names, and one account on each site."""

    hub: HubServer
    kaggle: KaggleServer
    home: Path

    def grant(self) -> None:
        self.hub.repos[LLAMA_3].grants["me"] = "accepted"
        self.kaggle.variations[HANDLE].consented.add("kme")

    def variables(self, given: Mapping[str, str]) -> dict[str, str]:
        here = {"PATH": os.defpath, "HOME": str(self.home), "PYTHONPATH": str(PROJECT), "LC_ALL": "C.UTF-8"}
        return {**here, **self.kaggle.variables(), **self.hub.variables(), **given}

    def start(self, *arguments: str, **given: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "resolver", "access", *arguments],
            cwd=self.home,
            env=self.variables(given),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def access(self, *arguments: str, **given: str) -> Done:
        """Run it to its end, with the clients as talkative as they can be."""
        began = time.monotonic()
        talkative = {"HF_DEBUG": "1", "HF_HUB_VERBOSITY": "debug", "KAGGLEHUB_VERBOSITY": "debug"}
        with self.start(*arguments, **{**talkative, **given}) as process:
            out, err = process.communicate(timeout=120)
        report = self.home / arguments[arguments.index("--report") + 1] if "--report" in arguments else None
        written = "" if report is None else report.read_text()
        shown = [secret for secret in SECRETS if secret in out + err + written]
        assert shown == []
        return Done(process.returncode, out, err, time.monotonic() - began)


@contextmanager
def both_sites(root: Path) -> Iterator[Sites]:
    """A gated model on either, and an open one."""
    files = {"config.json": b"{}", "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}
    home = root / "home"
    home.mkdir(parents=True, exist_ok=True)
    with HubServer() as hub, KaggleServer() as kaggle:
        hub.add_user(HF_TOKEN, "me")
        hub.add_repo(LLAMA_3, files, gated="manual")
        hub.add_repo("org/open", files)
        kaggle.add_user(KAGGLE_TOKEN, "kme")
        kaggle.add_key("old", KAGGLE_KEY)
        kaggle.add_model(HANDLE, {1: files, 2: files}, consent=True)
        kaggle.add_model("org/open/pytorch/8b", {1: files})
        yield Sites(hub, kaggle, home)
