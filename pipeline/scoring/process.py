"""A worker's process as its parent has it: a fresh interpreter that is reached through two pipes.

Nothing is forked, which CUDA would not survive.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import IO, Any, Final

# A process that has closed its pipe, or was killed, is given so long to end.
PARTING_S: Final = 10.0
TAIL_BYTES: Final = 2000
# Room for an order that nobody reads: whoever sends one to a worker that hangs must not wait for it.
PIPE_BYTES: Final = 1 << 20
# Not `-m`: the messages' classes would be those of `__main__`, which are no ones that this side knows.
CODE: Final = "import sys; from pipeline.scoring.worker import main; main(sys.argv[1:])"


@dataclass(frozen=True, slots=True)
class Process:
    """One process and its pipes.

    Attributes:
        child: the process.
        orders: the pipe to it.
        answers: the pipe from it; `multiprocessing.connection.wait` takes it.
        errors: what it writes on stderr.
    """

    child: "subprocess.Popen[bytes]"
    orders: Connection
    answers: Connection
    errors: IO[bytes]

    @property
    def id(self) -> int:
        """As the system counts processes."""
        return self.child.pid

    def send(self, message: Any) -> None:
        """Hand it a message; one that is gone is found by its silence."""
        with contextlib.suppress(BrokenPipeError, ConnectionError):
            self.orders.send(message)

    def end(self) -> None:
        """Kill it, if it lives, and let go of the pipes."""
        self.child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(PARTING_S)  # one that hangs in a driver may not even be killed; then it is left behind
        for each in (self.orders, self.answers, self.errors):
            each.close()

    def last_words(self) -> str:
        """Why it ended, as far as it or the system says so."""
        try:
            code = self.child.wait(PARTING_S)
        except subprocess.TimeoutExpired:
            return "it says nothing any more"
        if code < 0:
            name = signal.Signals(-code).name
            return f"{name}: short of memory, perhaps" if -code == signal.SIGKILL else name
        self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, self.errors.tell() - TAIL_BYTES))
        lines = self.errors.read().decode("utf-8", "replace").split("\n")
        said = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"exit code {code}{': ' + said[:300] if said else ''}"


def start_process() -> Process:
    """A process that waits for its `worker.Setup`."""
    their_in, our_out = os.pipe()
    our_in, their_out = os.pipe()
    with contextlib.suppress(OSError, AttributeError):  # only Linux knows it, and root may have allowed less
        fcntl.fcntl(our_out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
    try:
        child = subprocess.Popen(
            [sys.executable, "-c", CODE, str(their_in), str(their_out)],
            pass_fds=(their_in, their_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},
        )
    finally:
        os.close(their_in)
        os.close(their_out)
    return Process(child, Connection(our_out, readable=False), Connection(our_in, writable=False), errors)
