"""Literate case pages: one Markdown page a rule, whose models are built, judged through both doors, and compared.

A page is `tests/cases/W102.md`: a title `# W102 shard-missing`, a few words, and one section a case. In a section stand
fenced blocks: `python` builds a model at `root` (helpers of `model_factory` and `tokenizer_factory` are in scope, `tmp`
is the directory above), `options` are arguments of `resolver check`, `machine` is laid over the machine that is judged
for, and `report` is the whole text that the command prints. `command` replaces `options` where another command is run.
"""

import contextlib
import io
import json
import math
import os
import random
import re
import shlex
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import hostile
import hub_factory
import model_factory
import tokenizer_factory

CASES = Path(__file__).resolve().parent / "cases"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = {"python", "options", "machine", "report", "command"}
HELPERS: dict[str, Any] = {
    **{name: each for module in (tokenizer_factory, model_factory) for name, each in vars(module).items()
       if not name.startswith("_")},
    "hub": hub_factory, "hostile": hostile, "json": json, "math": math, "os": os, "random": random, "struct": struct, "Path": Path,
}  # fmt: skip
# What the models of the pages are judged for: nothing of it is asked of the machine that runs the tests.
MACHINE: dict[str, Any] = {
    "python": "3.12.12",
    "platform": "Linux-6.6-x86_64-with-glibc2.35",
    "accelerators": [],
    "memory_bytes": 32 * 1024**3,
    "packages": {
        "accelerate": "1.15.0",
        "huggingface-hub": "2.4.0",
        "jinja2": "3.1.6",
        "numpy": "2.3.5",
        "peft": "0.21.2",
        "protobuf": "6.33.1",
        "safetensors": "0.8.0",
        "sentencepiece": "0.2.1",
        "tiktoken": "0.12.0",
        "tokenizers": "0.23.3",
        "torch": "2.13.0",
        "transformers": "5.23.0",
    },
    "offline_set": True,
    "has_network": False,
}


@dataclass
class Case:
    """One section of a page."""

    code: str
    title: str
    blocks: dict[str, str]
    text: str

    @property
    def name(self) -> str:
        return f"{self.code}-{re.sub('[^a-z0-9]+', '-', self.title.lower()).strip('-')}"


@dataclass
class Page:
    """A rule's page: what stands before its first case, and the cases."""

    path: Path
    code: str
    name: str
    why: str
    cases: list[Case]


def read_page(path: Path) -> Page:
    text = path.read_text("utf-8")
    head, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    title, _, why = head.partition("\n")
    found = re.fullmatch(r"# ([A-Z]\d{3}) ([a-z0-9-]+)", title)
    assert found, f"{path.name}: the first line is '# CODE name', not {title!r}"
    cases = []
    for section in sections:
        name, _, body = section.partition("\n")
        blocks = dict(FENCE.findall(body))
        assert len(blocks) == len(FENCE.findall(body)), f"{path.name}, {name}: two blocks of one kind"
        assert set(blocks) <= BLOCKS, f"{path.name}, {name}: {set(blocks) - BLOCKS} is no kind of block"
        cases.append(Case(found[1], name.strip(), blocks, section))
    return Page(path, found[1], found[2], why.strip(), cases)


def pages() -> list[Page]:
    return [read_page(path) for path in sorted(CASES.glob("*.md"))]


@contextlib.contextmanager
def built(case: Case, tmp: Path) -> Iterator[Path]:
    """The model of a case, in a home and a working directory where nothing else can be found."""
    root = tmp / "model"
    for each in ("home", "input"):
        (tmp / each).mkdir()
    variables = {
        "HOME": str(tmp / "home"),
        "KAGGLE_CACHE_MOUNT_FOLDER": str(tmp / "input"),
        "PATH": os.environ["PATH"],
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    here = Path.cwd()
    with mock.patch.dict(os.environ, variables, clear=True):
        os.chdir(tmp)
        try:
            exec(compile(case.blocks.get("python", ""), f"{case.name}", "exec"), {**HELPERS, "root": root, "tmp": tmp})  # noqa: S102 - our own pages
            machine = _laid_over(MACHINE, json.loads(case.blocks.get("machine", "{}")))
            document = {"schema_version": 1, "tool": {"name": "offline-resolver", "version": "0"}, "machine": machine}
            (tmp / "machine.json").write_text(json.dumps(document))
            yield root
        finally:
            os.chdir(here)


def _laid_over(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on `under`, objects key by key; null takes a key away."""
    laid = dict(under)
    for key, value in over.items():
        if value is None:
            laid.pop(key, None)
        elif isinstance(value, dict) and isinstance(laid.get(key), dict):
            laid[key] = _laid_over(laid[key], value)
        else:
            laid[key] = value
    return laid


def arguments(case: Case, tmp: Path) -> list[str]:
    """The words of `resolver check` for a case."""
    options = case.blocks.get("options", "").replace("$TMP", str(tmp)).replace("$MODEL", str(tmp / "model"))
    # A profile brings its own versions; otherwise the pages' machine is judged for.
    recorded = [] if "--accelerator" in options else ["--environment", str(tmp / "machine.json")]
    return [str(tmp / "model"), *shlex.split(options), *recorded]


def through_the_command_line(case: Case, tmp: Path) -> str:
    if "command" in case.blocks:
        return _command(case, tmp)
    from resolver.cli import main

    return _printed(main, ["check", *arguments(case, tmp)], tmp)


def _command(case: Case, tmp: Path) -> str:
    words = shlex.split(case.blocks["command"].replace("$TMP", str(tmp)).replace("$MODEL", str(tmp / "model")))
    if words[0] == "arena":
        from pipeline.cli.main import run as main
    else:
        from resolver.cli import main
    return _printed(main, words[1:], tmp)


def _printed(main: Any, words: list[str], tmp: Path) -> str:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    assert code in (0, 1, 3), err.getvalue()
    return placed(out.getvalue(), tmp)


def through_the_api(case: Case, tmp: Path) -> str:
    """The same words, said as keyword arguments."""
    import resolver
    from resolver.cli import command_module
    from resolver.cli.options import parse
    from resolver.report.terminal import render

    asked = parse("check", command_module("check"), arguments(case, tmp))
    report = resolver.check_model(
        tmp / "model",
        purpose=asked.purpose,
        level=asked.level,
        adapter=asked.adapter,
        labels=asked.labels,
        head=asked.head,
        max_length=asked.max_length,
        batch_size=asked.batch_size,
        dtype=asked.dtype,
        quantize=asked.quantize,
        environment=asked.environment,
        select=[code for text in asked.select for code in text.split(",")],
        **({"accelerator": asked.accelerator, "image": asked.image} if asked.accelerator else {}),
    )
    return placed(render((report,), colour=False, places=("command line, argument 1",)), tmp)


def placed(text: str, tmp: Path) -> str:
    """A report in which nothing depends on where and when it was made."""
    text = text.replace(str(tmp / "model"), "$MODEL").replace(str(tmp), "$TMP")
    text = re.sub(r"; \d+ rules at level", "; … rules at level", text)  # a new rule is no news to every page
    return re.sub(r"; \d+ ms$", "; … ms", text, flags=re.MULTILINE)


def rewritten(page: Page, case: Case, report: str) -> None:
    """Put a report into its page, in place of the one that stands there or at the end of its case."""
    text = page.path.read_text("utf-8")
    block = f"```report\n{report.rstrip()}\n```"
    section = case.text
    if "report" in case.blocks:
        changed = re.sub(r"^```report\n.*?^```$", lambda _: block, section, count=1, flags=re.DOTALL | re.MULTILINE)
    else:
        changed = f"{section.rstrip()}\n\n{block}\n\n"
    page.path.write_text(text.replace(f"## {section}", f"## {changed}", 1).rstrip() + "\n", "utf-8")
