"""What an import and the quick text way may load: the standard library and nothing else."""

import json
import sys
from pathlib import Path

import pytest
from command_runs import PROJECT, Machine, codes_in, make_machine
from model_factory import model_dir

NEW_MODULES = """
import json, sys
before = set(sys.modules)
{action}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(new - sys.stdlib_module_names - {{"resolver"}})), file=sys.__stderr__)
"""
QUICK_WAYS = (
    ("path", "./model"),
    ("check", "./model"),
    ("check", "./model", "--for", "score"),
    ("check", "org/absent"),
    ("inspect", "./model"),
    ("list",),
    ("lock", "./model", "--output", "model.lock"),
    ("verify", "model.lock"),
    ("verify", "./model", "--only-size"),
    ("explain", "W102"),
    ("rules",),
    ("doctor",),
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    made = make_machine(tmp_path_factory.mktemp("machine"))
    model_dir(made.work / "model", shards=2)
    return made


def test_import_is_standard_library_only(tmp_path: Path, machine: Machine) -> None:
    """With no site-packages at all, the import and every public name must be there."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import resolver; [getattr(resolver, n) for n in resolver.__all__]"
    )
    done = machine.run(sys.executable, "-I", "-S", "-c", code, str(PROJECT))
    assert (done.returncode, done.stderr) == (0, "")


def loaded_by(machine: Machine, action: str) -> list[str]:
    done = machine.python(NEW_MODULES.format(action=action))
    return json.loads(done.stderr.splitlines()[-1])


def test_import_loads_no_third_party_module_though_they_are_installed(machine: Machine) -> None:
    assert loaded_by(machine, "import resolver") == []


@pytest.mark.parametrize("arguments", QUICK_WAYS, ids=" ".join)
def test_the_quick_text_way_loads_no_third_party_module(machine: Machine, arguments: tuple[str, ...]) -> None:
    assert loaded_by(machine, f"from resolver.cli import main; main({arguments!r})") == []


@pytest.mark.parametrize("command", ["path", "check"])
def test_the_quick_way_of_a_model_without_a_lock_reads_none_and_hashes_nothing(machine: Machine, command: str) -> None:
    code = f"from resolver.cli import main; main({[command, './model']!r})"
    done = machine.python(f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)), file=sys.__stderr__)")
    loaded = set(json.loads(done.stderr.splitlines()[-1]))
    assert "resolver.inspection.files" in loaded
    assert not loaded & {"resolver.inspection.lock", "resolver.inspection.locked", "hashlib", "ctypes"}
    assert not any(
        each.startswith(("resolver.integrity", "resolver.verification", "resolver.locking")) for each in loaded
    )


@pytest.mark.parametrize("arguments", QUICK_WAYS, ids=" ".join)
def test_the_quick_text_way_works_where_nothing_is_installed(machine: Machine, arguments: tuple[str, ...]) -> None:
    """Without any site-packages the same is found, and besides only that the model's own packages are absent (R801)."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); from resolver.cli import main; sys.exit(main(sys.argv[2:]))"
    bare = machine.run(sys.executable, "-S", "-c", code, str(PROJECT), *arguments)
    usual = machine.run("resolver", *arguments)
    assert codes_in(bare.stdout) - {"R801"} == codes_in(usual.stdout)
    assert bare.returncode == (1 if "R801" in codes_in(bare.stdout) else usual.returncode)
    assert "Error" not in bare.stderr


@pytest.mark.parametrize("arguments", QUICK_WAYS, ids=" ".join)
def test_the_quick_text_way_loads_nothing_that_is_online(machine: Machine, arguments: tuple[str, ...]) -> None:
    told = "print([name for name in sys.modules if name.startswith('resolver.online')], file=sys.__stderr__)"
    done = machine.python(f"import sys; from resolver.cli import main; main({arguments!r}); {told}")
    assert done.stderr.splitlines()[-1] == "[]"


def test_asking_the_sites_loads_no_third_party_module_here(machine: Machine) -> None:
    """The clients are loaded by the children alone."""
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    asking = Machine(machine.root, {**machine.variables, **nobody})
    arguments = ("access", "meta-llama/Meta-Llama-3-8B-Instruct", "--timeout", "2")
    assert loaded_by(asking, f"from resolver.cli import main; assert main({arguments!r}) == 4") == []


def test_a_loaded_third_party_module_would_be_seen(machine: Machine) -> None:
    assert loaded_by(machine, "import rich.console") != []
