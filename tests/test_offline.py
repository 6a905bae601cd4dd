"""Offline by construction: no command opens a socket, and without a network every command says the same."""

import json
import re
import shutil
import subprocess
import sys

import pytest
from command_runs import LLAMA_3, LLAMA_3_HANDLE, LLAMA_3_MOUNT, PROJECT, Machine, llama_3_8b, make_machine
from model_factory import tiny_model

# The audit events that creating, connecting, binding or asking a name of a socket raises (library reference, audit table).
GUARD = """
import sys
def guard(event, arguments):
    if event.startswith("socket."):
        sys.__stderr__.write(f"SOCKET {event} {arguments!r}\\n")
        raise SystemExit(99)
sys.addaudithook(guard)
"""
RUN_RESOLVER = GUARD + "from resolver.cli import main; sys.exit(main(sys.argv[1:]))"
RUN_ARENA = GUARD + "from pipeline.cli import run; sys.exit(run(sys.argv[1:]))"

RESOLVER = (
    ("path", LLAMA_3),
    ("path", LLAMA_3_HANDLE),
    ("path", "meta-llama/Meta-Llama-3-70B-Instruct"),
    ("path", "hf://org/absent@main"),
    ("path", "https://huggingface.co/org/absent"),
    ("path", "package:not-installed-here"),
    ("check", LLAMA_3, "org/absent"),
    ("check", LLAMA_3, "--for", "score"),
    ("check", LLAMA_3, "--format", "json"),
    ("list",),
    ("list", "--format", "json"),
    ("inspect", LLAMA_3),
    ("lock", "./bert", "--output", "bert.lock"),
    ("verify", "bert.lock"),
    ("verify", LLAMA_3, "--only-size"),
    ("verify", "hf://org/absent@main", "--format", "json"),
    ("explain", "W102"),
    ("rules",),
    ("doctor",),
    ("doctor", "--format", "json"),
)
BATTLES = PROJECT / "examples" / "battles"
ARENA = (
    ("score", "--model", "./bert", "--test", str(BATTLES / "test.csv"), "--output", "submission.csv", "--force"),
    ("validate", "submission.csv", "--test", str(BATTLES / "test.csv")),
)
CHANGES = re.compile(r'"elapsed_ms": [0-9.]+|\b[0-9.]+ m?s\b|"seconds": [0-9.]+|"rows_per_second": [0-9.]+')


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """One model mounted, and a small real classifier; the hub library is set to stay offline, so R803 is content."""
    made = make_machine(tmp_path_factory.mktemp("machine"))
    llama_3_8b(made.inputs / LLAMA_3_MOUNT)
    tiny_model(made.work / "bert", family="bert", classifier=True)
    return Machine(made.root, {**made.variables, "HF_HUB_OFFLINE": "1"})


@pytest.mark.parametrize("arguments", RESOLVER, ids=" ".join)
def test_no_command_of_the_resolver_opens_a_socket(machine: Machine, arguments: tuple[str, ...]) -> None:
    done = machine.python(RUN_RESOLVER, *arguments)
    assert "SOCKET" not in done.stderr
    assert done.returncode == machine.run("resolver", *arguments).returncode


def test_scoring_and_validating_open_no_socket(machine: Machine) -> None:
    for arguments in ARENA:
        done = machine.python(RUN_ARENA, *arguments)
        assert (done.returncode, "SOCKET" in done.stderr) == (0, False), done.stderr


def test_a_socket_would_be_seen(machine: Machine) -> None:
    done = machine.python(GUARD + "import socket; socket.socket()")
    assert done.returncode == 99
    assert "SOCKET socket.__new__" in done.stderr


@pytest.fixture(scope="module")
def cut_off(machine: Machine) -> tuple[str, ...]:
    """The words before a command that take its network away."""
    wrapper = ("unshare", "--map-root-user", "--net")
    if shutil.which("unshare") is None or machine.run("true", wrapper=wrapper).returncode != 0:
        pytest.skip("this machine does not allow a network namespace of one's own (unshare --map-root-user --net)")
    return wrapper


@pytest.mark.parametrize("arguments", RESOLVER, ids=" ".join)
def test_without_a_network_every_command_says_the_same(
    machine: Machine, cut_off: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    """`doctor` tells whether there is a network, and nothing else may differ."""
    without = machine.run("resolver", *arguments, wrapper=cut_off)
    usual = machine.run("resolver", *arguments, wrapper=("unshare", "--map-root-user"))
    assert without.returncode == usual.returncode
    assert steady(without) == steady(usual)


def steady(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What a command said, less the times and the word on the network."""
    lines = CHANGES.sub("", done.stdout + done.stderr).splitlines()
    return [line for line in lines if not re.match(r'\s*"?(has_)?network"?', line)]


def test_without_a_network_and_without_the_variable_only_r803_is_added(
    machine: Machine, cut_off: tuple[str, ...]
) -> None:
    """The one rule that asks whether there is a network."""
    unset = Machine(machine.root, {name: text for name, text in machine.variables.items() if name != "HF_HUB_OFFLINE"})
    codes = {}
    for name, wrapper in {"with": ("unshare", "--map-root-user"), "without": cut_off}.items():
        done = unset.run("resolver", "check", LLAMA_3, "--format", "json", wrapper=wrapper)
        codes[name] = {finding["code"] for finding in json.loads(done.stdout)["reports"][0]["findings"]}
    assert "R803" in codes["without"]
    assert codes["without"] - {"R803"} == codes["with"] - {"R803"}


def test_the_command_that_asks_the_sites_leaves_the_sockets_to_its_children(machine: Machine) -> None:
    nobody = {"HF_HUB_OFFLINE": "", "HF_ENDPOINT": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = Machine(machine.root, {**machine.variables, **nobody}).python(RUN_RESOLVER, "access", LLAMA_3)
    assert (done.returncode, "SOCKET" in done.stderr) == (4, False)


def test_without_a_network_asking_the_sites_ends_in_one_line(machine: Machine, cut_off: tuple[str, ...]) -> None:
    online = Machine(machine.root, {**machine.variables, "HF_HUB_OFFLINE": ""})
    done = online.run("resolver", "access", LLAMA_3, "--timeout", "5", wrapper=cut_off)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert done.stderr.startswith("error: nobody could be asked: huggingface.co ")
    assert "api.kaggle.com" in done.stderr


def test_scoring_works_without_a_network(machine: Machine, cut_off: tuple[str, ...]) -> None:
    for arguments in ARENA:
        done = machine.run(sys.executable, "-m", "pipeline", *arguments, wrapper=cut_off)
        assert done.returncode == 0, done.stderr
