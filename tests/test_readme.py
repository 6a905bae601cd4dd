"""Every command and every piece of Python in the README and in docs/usage.md is run and says what is shown there.

Blocks of ```console are command lines after "$ " with what they print; ```python blocks are run, and a ```text block
right after one is what it prints. "…" stands for any text, alone on a line for any lines. A command whose shown output
begins with "error", or ends in "to do", has to fail, any other has to succeed. `<!-- test: … -->` prepares the machine for what follows.
`make` is only planned (`make --dry-run`; .ci/run carries the targets out), `pip install` is done without its packages.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from access_runs import HANDLE, SIGNED_IN, both_sites
from command_runs import LLAMA_3_MOUNT, PROJECT, Machine, llama_3_8b, make_machine

README = PROJECT / "README.md"
DOCUMENTS = (README, PROJECT / "docs" / "usage.md")
BLOCK = re.compile(
    r"^<!-- test: (?P<preparation>.+?) -->$|^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Step:
    """A preparation, a command line or a piece of Python, and what it is shown to print (None: nothing is shown)."""

    document: str
    kind: str
    text: str
    shown: str | None
    line: int


def steps(document: Path) -> Iterator[Step]:
    """All that a document does, in order."""
    name, text = document.name, document.read_text("utf-8")
    matches = list(BLOCK.finditer(text))
    for match, following in zip(matches, [*matches[1:], None], strict=True):
        line = text.count("\n", 0, match.start()) + 1
        if match["preparation"]:
            yield Step(name, "prepare", match["preparation"], None, line)
        elif match["kind"] == "console":
            for part in re.split(r"^\$ ", match["body"], flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                yield Step(name, "command", command, shown, line)
        elif match["kind"] == "python":
            is_shown = (
                following is not None
                and following["kind"] == "text"
                and not text[match.end() : following.start()].strip()
            )
            yield Step(name, "python", match["body"], following["body"] if is_shown and following else None, line)


STEPS = tuple(step for document in DOCUMENTS for step in steps(document))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A Kaggle notebook with resolver.pyz at hand and mounted, and a clone; no model but the package's."""
    made = make_machine(tmp_path_factory.mktemp("machine"))
    made = replace(made, variables={**made.variables, "KAGGLE_KERNEL_RUN_TYPE": "Batch"})
    pyz = made.work / "resolver.pyz"
    subprocess.run([sys.executable, str(PROJECT / "scripts" / "build_zipapp.py"), str(pyz)], check=True)
    (made.inputs / "resolver").mkdir()
    shutil.copy(pyz, made.inputs / "resolver")
    clone = made.root / "clone"
    clone.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "Makefile", "constraints.txt"):
        shutil.copy(PROJECT / name, clone)
    for name in ("resolver", "pipeline"):
        shutil.copytree(PROJECT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    return made


def write_notebook(folder: Path) -> None:
    """The founding notebook as a script, and the metadata that does not attach its model."""
    code = f'from transformers import AutoModel\n\nmodel = AutoModel.from_pretrained("/kaggle/input/{LLAMA_3_MOUNT}", device_map="auto")\n'
    (folder / "inference.py").write_text(code)
    metadata = {"code_file": "inference.py", "enable_gpu": True, "machine_shape": "NvidiaTeslaT4",
                "enable_internet": False, "model_sources": [], "competition_sources": ["lmsys-chatbot-arena"]}  # fmt: skip
    (folder / "kernel-metadata.json").write_text(json.dumps(metadata))


PREPARATIONS = {
    "attach llama-3": lambda machine: llama_3_8b(machine.inputs / LLAMA_3_MOUNT),
    "lose shard 3 of llama-3": lambda machine: (
        machine.inputs / LLAMA_3_MOUNT / "model-00003-of-00004.safetensors"
    ).unlink(),
    "notebook": lambda machine: write_notebook(machine.work),
    "battles": lambda machine: shutil.copytree(PROJECT / "examples" / "battles", machine.work, dirs_exist_ok=True),
}


def carry_out(step: Step, machine: Machine) -> subprocess.CompletedProcess[str]:
    """Run a step; /kaggle/input stands for the machine's inputs both ways."""
    text = step.text.replace("/kaggle/input", str(machine.inputs))
    if step.kind == "python":
        return machine.python(text)
    if text.startswith("make "):
        return machine.run("make", "--dry-run", "--directory", str(machine.root / "clone"), *text.split()[1:])
    if text.startswith("pip install "):
        install = "python -m pip install --dry-run --no-deps --no-index --no-build-isolation"
        text = f"cd {machine.root / 'clone'} && {install} {text.removeprefix('pip install ')}"
    if text.startswith("resolver access "):
        return ask_sites(text, machine)
    return machine.run("bash", "-c", f"{text} 2>&1")


def ask_sites(text: str, machine: Machine) -> subprocess.CompletedProcess[str]:
    """Sites of our own answer: the hub has granted access, Kaggle waits for the consent."""
    with both_sites(machine.root / "sites") as sites:
        sites.grant()
        sites.kaggle.variations[HANDLE].consented.clear()
        sent = {**sites.kaggle.variables(), **sites.hub.variables(), **SIGNED_IN}
        asking = replace(machine, variables={**machine.variables, **sent})
        return asking.run("bash", "-c", f"{text} 2>&1")


def pattern_of(shown: str) -> str:
    """A regular expression of what is shown."""
    lines = (
        r"(?:.*\n)*?" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in shown.splitlines()
    )
    return "".join(lines)


@pytest.fixture(scope="module")
def done(machine: Machine) -> dict[Step, subprocess.CompletedProcess[str]]:
    """All steps, carried out in order."""
    results = {}
    for step in STEPS:
        if step.kind == "prepare":
            PREPARATIONS[step.text](machine)
        else:
            results[step] = carry_out(step, machine)
    return results


RUN = [step for step in STEPS if step.kind != "prepare"]


@pytest.mark.parametrize(
    "step", RUN, ids=lambda step: f"{step.document}, line {step.line}: {step.text.splitlines()[0]}"
)
def test_what_the_readme_shows_is_what_happens(
    step: Step, machine: Machine, done: dict[Step, subprocess.CompletedProcess[str]]
) -> None:
    said = (done[step].stdout + done[step].stderr).replace(str(machine.inputs), "/kaggle/input")
    fails = (step.shown or "").startswith("error") or "\nto do: " in (step.shown or "")
    assert (done[step].returncode != 0) == fails, said
    assert "does not provide the extra" not in said
    if step.shown and not step.text.startswith("make "):
        assert re.fullmatch(pattern_of(step.shown), said), f"shown:\n{step.shown}\nsaid:\n{said}"


def test_the_readme_begins_with_the_error_and_the_fix() -> None:
    """The first screen, some forty lines."""
    screen = "\n".join(README.read_text("utf-8").splitlines()[:42])
    assert "OSError: Incorrect path_or_model_id" in screen
    assert "accept the licence at" in screen
    assert "/kaggle/input/resolver/resolver.pyz check" in screen


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", document.read_text("utf-8"))
    assert [link for link in links if "://" not in link and not (document.parent / link).exists()] == []


def test_shown_text_is_matched_exactly_but_for_the_ellipsis() -> None:
    assert re.fullmatch(pattern_of("one …\n…\nlast\n"), "one two\n\nthree\nlast\n")
    assert not re.fullmatch(pattern_of("one …\nlast\n"), "one two\nthree\nlast\n")
    assert not re.fullmatch(pattern_of("1.2\n"), "1x2\n")
