"""The clients run in child processes, one a site, side by side: what they print goes nowhere, and they end in time.

Both clients print and log as they please, keep state for a whole process, and can wait for ever; kagglehub's test
endpoint even prints the headers it sends. So this process never imports them. A child has the user's credentials, is
told over stdin what to ask, and writes what is known after each call as one line of JSON to a pipe of its own.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from resolver.environment import Environment
from resolver.online.answers import Answer, Token
from resolver.record import as_dict

POLL_S: Final = 0.02
CALLS: Final = 3  # so many of the calls to one site may take their whole time
LOADING_S: Final = 15.0  # importing a client on a busy machine
# Nothing of a client's own is written or sent besides the calls: no log file, no telemetry.
QUIET: Final = {
    "HF_DEBUG": "",
    "HF_HUB_VERBOSITY": "critical",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "KAGGLEHUB_VERBOSITY": "critical",
    "KAGGLE_LOGGING_ENABLED": "false",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
}
MEMORY_BYTES: Final = 2**30  # a server may send without end; its answers are a few thousand bytes
START: Final = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from resolver.online.children import serve
serve(int(sys.argv[2]))
"""


class NotInstalled(Exception):  # noqa: N818 - a state of this machine
    """The client of a site is not installed.

    Attributes:
        package: which.
    """

    def __init__(self, package: str) -> None:
        super().__init__(f"not installed: {package}")
        self.package = package


def ask_sites(
    asked: Sequence[Answer], environment: Environment, seconds: float, waiting: Callable[[], None]
) -> tuple[Answer, ...]:
    """Ask all sites at once; each is known as far as it answered in time.

    Args:
        asked: site, target and revision of each.
        environment: where the clients are installed.
        seconds: the most that one call may take; a site has three times that, and what loading its client takes.
        waiting: called again and again until all have ended.

    Raises:
        NotInstalled: a client is missing, and no site could be asked.
    """
    children = [_Child(each, environment, seconds) for each in asked]
    try:
        while any(child.is_running() for child in children):
            waiting()
            time.sleep(POLL_S)
        known = tuple(child.answer() for child in children)
    finally:
        for child in children:
            child.stop()
    missing = [child.missing for child in children if child.missing]
    if missing and len(missing) == len(children):
        raise NotInstalled(" and ".join(dict.fromkeys(missing)))
    return known


class _Child:
    def __init__(self, asked: Answer, environment: Environment, seconds: float) -> None:
        import subprocess  # noqa: PLC0415 - only this command starts it

        self.known, self.missing = asked, ""
        self._end = time.monotonic() + LOADING_S + CALLS * seconds
        self._is_late = False
        path = [str(each) for each in environment.search_path]
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", START, json.dumps(path), str(writing)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment.with_credentials(QUIET),
                pass_fds=(writing,),
                start_new_session=True,  # Ctrl-C is this process's to hear
            )
        finally:
            os.close(writing)
        self._reader = threading.Thread(target=self._read, args=(reading,), daemon=True)
        self._reader.start()
        self._tell({"asked": packed(asked), "seconds": seconds})

    def is_running(self) -> bool:
        if self._process.poll() is not None:
            return False
        if time.monotonic() > self._end:
            self._is_late = True
            self._process.kill()
        return True

    def answer(self) -> Answer:
        """What is known once it has ended; what a child that was stopped has not said is unknown, and says why."""
        self._reader.join(1.0)
        if self.missing:
            return self.known.replaced(trouble=f"{self.missing} is not installed")
        host = self.known.host or self.known.site
        if self._is_late:
            return self.known.replaced(trouble=self.known.trouble or f"{host} did not answer in time")
        if self._process.returncode != 0:
            ended = f"the process that asked {host} ended with {self._process.returncode}"
            return self.known.replaced(trouble=self.known.trouble or ended)
        return self.known

    def stop(self) -> None:
        """Stop it if it still runs, and wait until it is gone."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def _tell(self, request: dict[str, Any]) -> None:
        stream = self._process.stdin
        if stream is None:
            return
        try:
            stream.write(json.dumps(request).encode())
            stream.close()
        except OSError:  # it died before it listened; its exit code says so
            return

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, "rb") as stream:
            for line in stream:
                told = json.loads(line)
                if "missing" in told:
                    self.missing = told["missing"]
                else:
                    self.known = unpacked(told)


def packed(answer: Answer) -> dict[str, Any]:
    """An answer as JSON carries it."""
    return {**as_dict(answer), "token": as_dict(answer.token), "hints": list(answer.hints)}


def unpacked(told: dict[str, Any]) -> Answer:
    """The answer again."""
    return Answer(**{**told, "token": Token(**told["token"]), "hints": tuple(told["hints"])})


def serve(descriptor: int) -> None:
    """The child's side. It leaves without a farewell: a call that still hangs must not keep it."""
    _limit_memory()
    request = json.loads(sys.stdin.buffer.read())
    asked = unpacked(request["asked"])
    module = __import__(f"resolver.online.{asked.site}", fromlist=["answer"])
    with os.fdopen(descriptor, "wb") as stream:

        def tell(told: dict[str, Any]) -> None:
            stream.write(json.dumps(told).encode() + b"\n")
            stream.flush()

        try:
            tell(packed(module.answer(asked, request["seconds"], lambda known: tell(packed(known)))))
        except ModuleNotFoundError as error:
            tell({"missing": str(module.PACKAGE) if error.name is None else error.name.partition(".")[0]})
        except ImportError:
            tell(packed(asked.replaced(trouble=f"the {module.PACKAGE} that is installed cannot be used")))
    os._exit(0)


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415 - not on every system
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold the credentials
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
