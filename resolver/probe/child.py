"""Put questions to a child process that is watched: how much memory it holds, how long it takes, how it ends.

Does not know what is asked. A question names a module of this package that has `answer(request)`; the child imports
it, calls it and sends what it returns as one line of JSON over a pipe of its own, so that what libraries print spoils
nothing. What a dying child has already answered is kept.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final, Literal, Self

from resolver.environment import Environment
from resolver.finding import Json
from resolver.record import Record

Outcome = Literal["answered", "raised", "time", "memory", "died"]
POLL_S: Final = 0.02
SAID_BYTES: Final = 4_096
PRINTED_BYTES: Final = 16 * 1024 * 1024
# Nothing is asked of a network, nothing is written, no device is started: a question is about files alone.
VARIABLES: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TORCH_DEVICE_BACKEND_AUTOLOAD": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "OMP_NUM_THREADS": "1",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
}
START: Final = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from resolver.probe.child import serve
serve(int(sys.argv[2]))
"""


class Question(Record):
    """What is asked: the module below `resolver.probe` that answers, and what it is told (plain JSON)."""

    module: str
    request: dict[str, Json]


class Answer(Record):
    """What came back.

    Attributes:
        outcome: "answered"; "raised" where the module itself failed; "time" and "memory" where the child was
            stopped at a limit; "died" where it ended by itself (a crash in a library, a missing interpreter).
        value: what the module returned; None unless answered.
        said: why there is no answer, in a line; "" where there is one.
        peak_bytes: the most resident memory that the child was seen to hold; 0 where that cannot be read.
        seconds: from the child's start to this answer, or to its end.
    """

    outcome: Outcome
    value: Any = None
    said: str = ""
    peak_bytes: int = 0
    seconds: float = 0.0


class Child:
    """One running child; `answers()` waits for it. Leaving a `with` block stops it."""

    def __init__(
        self,
        questions: Sequence[Question],
        environment: Environment,
        *,
        seconds: float,
        memory_bytes: int,
        address_space_bytes: int | None = None,
        foreign: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            questions: answered one after the other.
            environment: where packages lie, and the variables that the child inherits (no credential among them).
            seconds: it is stopped after that time.
            memory_bytes: it is stopped when it is seen to hold more (resident, anonymous or mapped).
            address_space_bytes: a limit that the system enforces; not for the loader, which maps whole files.
            foreign: a directory nothing may be imported from: the model's own.
        """
        import subprocess  # noqa: PLC0415 - only the levels above quick start a child
        import tempfile  # noqa: PLC0415 - as above

        self._questions = tuple(questions)
        self._limits = (seconds, memory_bytes)
        self._lines: list[tuple[float, bytes]] = []
        self._peak = 0
        self._stopped: Outcome | None = None
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the child
        reading, writing = os.pipe()
        path = [str(each) for each in environment.search_path if foreign is None or not _within(each, foreign)]
        settings = {"questions": [[each.module, each.request] for each in questions], "bytes": address_space_bytes}
        self._started = time.monotonic()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, json.dumps(path), str(writing)],
                stdin=subprocess.PIPE,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                env=environment.inherited(VARIABLES),
                cwd="/" if os.name == "posix" else None,
                pass_fds=(writing,),
                start_new_session=True,
            )
        finally:
            os.close(writing)
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._tell(json.dumps(settings).encode())
        self._reader.start()
        self._watcher.start()

    def __enter__(self) -> Self:
        """As it is."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it and all that it started, and wait until it is gone."""
        self._stop(None)
        self._process.wait()
        self._watcher.join()
        self._reader.join(1.0)
        self._printed.close()

    def answers(self) -> tuple[Answer, ...]:
        """Wait until the child has ended; one answer a question, in order."""
        self._process.wait()
        self._watcher.join()
        self._reader.join(1.0)
        lines = [(seconds, json.loads(line)) for seconds, line in self._lines]
        ended = time.monotonic() - self._started
        answers = [
            Answer(outcome, value if outcome == "answered" else None, said, self._peak, seconds)
            for seconds, (outcome, value, said) in lines[: len(self._questions)]
        ]
        unanswered = len(self._questions) - len(answers)
        return (*answers, *(self._missing(ended) for _ in range(unanswered)))

    def _missing(self, seconds: float) -> Answer:
        limit_s, limit_bytes = self._limits
        if self._stopped == "time":
            return Answer("time", None, f"it was stopped after {limit_s:g} s", self._peak, seconds)
        if self._stopped == "memory":
            said = f"it was stopped when it held more than {limit_bytes / 2**20:,.0f} MB"
            return Answer("memory", None, said, self._peak, seconds)
        code = self._process.returncode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
        return Answer("died", None, f"it ended with {how}: {self._last_words()}", self._peak, seconds)

    def _last_words(self) -> str:
        self._printed.seek(max(0, self._printed.seek(0, os.SEEK_END) - SAID_BYTES))
        lines = self._printed.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1].strip() if lines else "it said nothing"

    def _tell(self, settings: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            return
        try:
            stream.write(settings)
            stream.close()
        except OSError:  # it died before it listened; `answers` says so
            return

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as stream:
            for line in stream:
                self._lines.append((time.monotonic() - self._started, line))

    def _watch(self) -> None:
        limit_s, limit_bytes = self._limits
        while self._process.poll() is None:
            self._peak = max(self._peak, resident_bytes(self._process.pid))
            if self._peak > limit_bytes:
                self._stop("memory")
            elif time.monotonic() - self._started > limit_s:
                self._stop("time")
            time.sleep(POLL_S)

    def _stop(self, why: Outcome | None) -> None:
        if self._process.poll() is None:
            self._stopped = self._stopped or why
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                return


def resident_bytes(pid: int) -> int:
    """Resident memory of a process; 0 where the system does not say (not Linux, or it is gone)."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as stream:  # noqa: PTH123 - fifty times a second
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _within(path: Path, directory: Path) -> bool:
    return path == directory or directory in path.parents


def serve(descriptor: int) -> None:
    """The child's side: limits first, then each question; one that raises does not keep the next from being asked."""
    settings = json.loads(sys.stdin.buffer.read())
    _limit(settings["bytes"])
    with os.fdopen(descriptor, "wb") as stream:
        for module, request in settings["questions"]:
            stream.write(json.dumps(_answer(module, request)).encode() + b"\n")
            stream.flush()
    os._exit(0)  # no library's farewell can hang or fail any more


def _answer(module: str, request: dict[str, Any]) -> list[Any]:
    try:
        value = __import__(f"resolver.probe.{module}", fromlist=["answer"]).answer(request)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is an answer
        text = str(error).strip()
        return ["raised", None, f"{type(error).__name__}: {text}"]
    return ["answered", value, ""]


def _limit(address_space_bytes: int | None) -> None:
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (PRINTED_BYTES, PRINTED_BYTES))
    if address_space_bytes is not None:
        resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, address_space_bytes))
