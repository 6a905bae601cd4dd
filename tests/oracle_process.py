"""One process that has imported the real libraries once and is asked many times; it may crash, hang or run out of memory.

`Oracle.load` is what a user's two lines do (tokenizer, model, perhaps an adapter) followed by a forward pass. A child
that dies or takes too long is an answer too, and the next question finds a fresh one.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

HERE = Path(__file__).resolve().parent
START_S, ANSWER_S = 180.0, 60.0
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
}


class Answer(NamedTuple):
    """What came back: "answered" with a value, "refused" with the library's words, "died" or "hung"."""

    outcome: str
    value: Any

    @property
    def loads(self) -> bool:
        """Whether the library went through with it."""
        return self.outcome == "answered"


class Oracle:
    """The process; `ask` waits for its answer and starts it again where it is gone."""

    def __init__(self, *, seconds: float = ANSWER_S) -> None:
        self.seconds = seconds
        self.restarts = -1
        self.asked = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def load(
        self, root: Path, auto: str, *, labels: int | None = None, adapter: Path | None = None, batch: bool = False
    ) -> Answer:
        """Tokenizer, model and adapter, and the logits of a few rows; see `oracle_answers.load`."""
        at = None if adapter is None else str(adapter)
        return self.ask("load", root=str(root), auto=auto, labels=labels, adapter=at, batch=batch)

    def tokens(self, root: Path) -> Answer:
        """The tokenizer alone; see `oracle_answers.tokens`."""
        return self.ask("tokens", root=str(root))

    def probe(self, module: str, request: dict[str, Any]) -> Answer:
        """A question of `resolver.probe`, answered without a child of its own."""
        return self.ask("ask", module=module, request=request)

    def ask(self, do: str, **request: Any) -> Answer:
        """Send one request and wait."""
        process = self._running()
        self.asked += 1
        try:
            self._write(process, {"do": do, **request})
            line = self._line(process, self.seconds)
        except OSError:
            line = b""
        if line is None:
            self.close()
            return Answer("hung", f"no answer within {self.seconds:g} s")
        if not line:
            code = process.wait()
            self._process = None
            return Answer("died", f"the process ended with {code}")
        answer = json.loads(line)
        return Answer(answer["outcome"], answer["value"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self.restarts += 1
            self._unread = b""
            self._process = subprocess.Popen(
                [sys.executable, str(HERE / "oracle_answers.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **OFFLINE, "PYTHONPATH": f"{HERE}{os.pathsep}{HERE.parent}"},
            )
            if self._line(self._process, START_S) != b"ready":
                raise RuntimeError("the oracle process did not start")
        return self._process

    @staticmethod
    def _write(process: subprocess.Popen[bytes], request: dict[str, Any]) -> None:
        if process.stdin is None:
            raise OSError("no stream to write to")
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()

    def _line(self, process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
        """One line; b"" where the process has ended, None where the time is over."""
        until = time.monotonic() + seconds
        stream = process.stdout
        while stream is not None and b"\n" not in self._unread:
            ready, _, _ = select.select([stream], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            read = os.read(stream.fileno(), 2**20)
            if not read:
                return b""
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line


@cache
def oracle() -> Oracle:
    """The one of this test process; ended with it."""
    import atexit

    shared = Oracle()
    atexit.register(shared.close)
    return shared
