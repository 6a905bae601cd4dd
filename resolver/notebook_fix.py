"""A notebook that runs offline, made of one that does not: which literals, lines and sources change, and what is left.

The notebook itself is written by `repair.notebook_text` and `repair.notebook_files`; nothing here touches a disk.
"""

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from resolver.notebook.facts import Metadata, NetworkCall, Spot
from resolver.notebook.metadata import SOURCES
from resolver.notebook.reading import MODEL_ROLES
from resolver.notebook.standing import MOUNT, Standing
from resolver.notebook_preflight import NotebookReport
from resolver.record import Record
from resolver.reference import KaggleDataset, KaggleHandle
from resolver.repair.notebook_text import Replacement, rewrite_notebook, rewrite_script
from resolver.rules.notebook_sources import place_to_attach, source_line

OWN_DATASET: Final = "offline-resolver"
_PIP: Final = re.compile(r"\bpip3?\s+install\b")
_COMMAND_END: Final = re.compile(r"&&|[;|]")
_ADDRESS: Final = re.compile(r"\s(?:-f|--find-links|-i|--index-url|--extra-index-url)[ =]https?://\S+")
OFFLINE: Final = """\
# Written by `resolver notebook --fix`: nothing here waits for a network.
import os

os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
"""
WANDB: Final = 'os.environ["WANDB_MODE"] = "offline"\n'
RESOLVER: Final = """\
import glob
import sys

# resolver.pyz, which finds a model by its name wherever it is mounted; scripts that are started find it too.
sys.path[:0] = glob.glob("/kaggle/input/*/resolver.pyz") + glob.glob("/kaggle/input/datasets/*/*/resolver.pyz")
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:1], os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
from resolver import resolve_model
"""


class Plan(Record):
    """What is changed.

    Attributes:
        replacements: of literals and of pieces of shell lines.
        first: the source of a new first cell; None for none.
        attach: (key, line) of the metadata's lists.
        internet_off: switch internet off in the metadata.
        changes: each change in a sentence.
        todo: what a person has to do before it runs.
    """

    replacements: tuple[Replacement, ...] = ()
    first: str | None = None
    attach: tuple[tuple[str, str], ...] = ()
    internet_off: bool = False
    changes: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be changed."""
        return not (self.replacements or self.first or self.attach or self.internet_off)


class Made(Record):
    """What `--fix` wrote.

    Attributes:
        code, metadata: the files; metadata is None where there was none.
        backups: what the files were, with --in-place.
        changes, todo: see `Plan`; places are those of what was written.
        is_moved: whether a new first cell has moved the places that are told.
    """

    code: Path
    metadata: Path | None
    backups: tuple[Path, ...]
    changes: tuple[str, ...]
    todo: tuple[str, ...]
    is_moved: bool = False


class Moved(Record):
    """How far what stands behind the new first cell has moved: cells, and in a script the lines after that one."""

    cells: int = 0
    lines: int = 0
    after: int = 0


def plan(told: NotebookReport, moved: Moved | None = None) -> Plan:
    """What would make the notebook run offline, as far as a program can do it.

    Args:
        told: what is wrong.
        moved: what a first plan's new cell moves; its sentences then name the places of what is written.
    """
    return _Planner(told, moved or Moved()).plan()


def moved_by(text: str, form: str, planned: Plan) -> Moved:
    """What the new first cell moves in a notebook's or script's text."""
    if planned.first is None:
        return Moved()
    if form == "ipynb":
        return Moved(cells=1)
    before, after = text.split("\n"), rewrite_script(text, (), planned.first).split("\n")
    same = next((number for number, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
    cells = sum(line.startswith("# %%") for line in after) - sum(line.startswith("# %%") for line in before)
    return Moved(cells, len(after) - len(before), same)


def fixed_code(text: str, form: str, planned: Plan) -> str:
    """The notebook's or script's text with the plan carried out.

    Raises:
        ValueError: it is no notebook of format 4.
    """
    rewrite = rewrite_notebook if form == "ipynb" else rewrite_script
    mark = "\ufeff" if text.startswith("\ufeff") else ""  # it was read without, and stays where it is
    return mark + rewrite(text.removeprefix(mark), planned.replacements, planned.first)


def fixed_metadata(text: str, planned: Plan) -> str:
    """kernel-metadata.json with the sources added and internet off; keys and order as they were.

    Raises:
        ValueError: it is no JSON object.
    """
    document: Any = json.loads(text.removeprefix("\ufeff"))
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - a file's content, no argument's type
    for key, line in planned.attach:
        listed = document.get(key)
        document[key] = [*(listed if isinstance(listed, list) else []), line]
    if planned.internet_off:
        document["enable_internet"] = False
    step = re.search(r"\n([ \t]+)\S", text)
    return json.dumps(document, indent=step[1] if step else 2, ensure_ascii=False) + "\n"


class _Planner:
    def __init__(self, told: NotebookReport, moved: Moved) -> None:
        self.told = told
        self.moved = moved
        self.replacements: dict[tuple[int | None, int, int], Replacement] = {}
        self.attach: dict[tuple[str, str], None] = {}
        self.changes: list[str] = []
        self.todo: list[str] = []
        self.resolves = False
        # Literals that other references are composed of, which change with them.
        self.composed = [(_key(part), each.use.text) for each in told.references for part in each.use.parts]
        self.named = [(_key(part), text) for part, text in told.code.named]  # and names of written files

    def plan(self) -> Plan:
        """Everything, in the order of the code."""
        wandb = self._network()
        for standing in self.told.references:
            if standing.use.reach != "guarded":
                self._reference(standing)
        metadata = self.told.metadata
        internet_off = metadata is not None and any(each.code == "N007" for each in self.told.report.findings)
        if internet_off:
            self.changes.append("internet is switched off")
        first = self._first_cell(wandb=wandb)
        self._own_dataset(metadata)
        self._secrets()
        return Plan(
            replacements=tuple(self.replacements.values()),
            first=first,
            attach=tuple(self.attach) if metadata is not None else (),
            internet_off=internet_off,
            changes=tuple(dict.fromkeys(self.changes)),
            todo=tuple(dict.fromkeys(self.todo)),
        )

    # References

    def _reference(self, standing: Standing) -> None:
        use = standing.use
        place = place_to_attach(standing)
        if standing.state == "hub":
            name = use.text if place is None else str(place)
            if place is None:
                self.todo.append(f"attach a copy of {use.text}: the catalog knows none on Kaggle")
            else:
                self._attach(place)
            self._resolve(standing, name)
        elif standing.state == "missing" and use.role in (*MODEL_ROLES, "weights"):
            if place is None:
                self.todo.append(f"attach what {use.text} is read from ({self._where(use.origin)})")
            else:
                self._attach(place)
        elif standing.state == "missing":
            self._data(standing)
        elif standing.state in ("version", "layout") and standing.source is not None:
            self._moved(standing)

    def _data(self, standing: Standing) -> None:
        if standing.competition:
            self._add("competition_sources", standing.competition)
        elif isinstance(standing.place, KaggleDataset) and standing.place.owner:
            self._add("dataset_sources", f"{standing.place.owner}/{standing.place.slug}")
        else:
            self.todo.append(f"attach what {standing.use.text} is read from ({self._where(standing.use.origin)})")

    def _moved(self, standing: Standing) -> None:
        """A path that its source is not mounted at: by name for a model, the right path for all else."""
        source = standing.source
        if source is not None and source.handle is not None and standing.use.role in MODEL_ROLES:
            self._resolve(standing, str(source.handle))
        elif standing.will_be:
            self._replace(standing.use.origin, json.dumps(standing.will_be[0]), standing.use.text, standing.will_be[0])

    def _resolve(self, standing: Standing, name: str) -> None:
        origin = standing.use.origin
        # A file that the notebook writes is another program: it imports for itself.
        call = "resolve_model" if origin.file is None else '__import__("resolver").resolve_model'
        text = f"str({call}({json.dumps(name)}))"
        if self._replace(origin, text, standing.use.text, text):
            self.resolves = True

    def _replace(self, at: Spot, text: str, before: str, after: str) -> bool:
        if at.column is None or at.end_column is None:
            self.todo.append(f"{self._where(at)}: write {after} where {before} is put together")
            return False
        key = _key(at)
        # A directory may have another name; a name that a file's is made of may not.
        composed = (text for part, text in self.composed if part == key and text != before)
        read = (text for text in composed if not text.startswith(f"{before.rstrip('/')}/"))
        also = next(chain(read, (text for part, text in self.named if part == key)), None)
        if also is not None:
            self.todo.append(f"{self._where(at)}: {before} is a part of {also} too; write {after} where it is loaded")
            return False
        other = self.replacements.get(key)
        if other is not None and other.text != text:
            self.todo.append(f"{self._where(at)}: {before} is read in two ways; write {after} where it is loaded")
            return False
        self.replacements[key] = Replacement(at.cell, at.line, at.column, at.end_column, text)
        self.changes.append(f"{self._where(at)}: {before} is now {after}")
        return True

    def _where(self, spot: Spot) -> str:
        """A place in what is written: "cell 3, line 4"."""
        line = spot.line + (self.moved.lines if spot.line > self.moved.after else 0)
        return f"line {line}" if spot.cell is None else f"cell {spot.cell + self.moved.cells}, line {line}"

    # Sources

    def _attach(self, place: KaggleHandle | KaggleDataset) -> None:
        key, line = source_line(place)
        if place.owner is None:
            self.todo.append(f'put the owner into "{line}" and add it to {key} in kernel-metadata.json')
            return
        self._add(key, line)
        if isinstance(place, KaggleHandle):
            self.todo.append(f"accept the licence at {place.licence_page} with the account that submits")

    def _add(self, key: str, line: str) -> None:
        metadata = self.told.metadata
        if metadata is None:
            self.todo.append(f'add "{line}" to {key} in kernel-metadata.json')
            return
        kind = SOURCES[key]
        there = {each.text.lower().strip("/") for each in metadata.sources if each.kind == kind}
        if any(_same_source(line, text, kind) for text in there) or (key, line) in self.attach:
            return
        self.attach[key, line] = None
        self.changes.append(f"{line} is added to {key}")

    def _own_dataset(self, metadata: Metadata | None) -> None:
        if self.resolves:
            owner = self._owner(metadata)
            self._add("dataset_sources", f"{owner}/{OWN_DATASET}")
            self.todo.append(f"upload resolver.pyz (make zipapp) as the dataset {owner}/{OWN_DATASET}")

    def _owner(self, metadata: Metadata | None) -> str:
        return (metadata.id or "OWNER/").partition("/")[0] if metadata is not None else "OWNER"

    # Network

    def _network(self) -> bool:
        """Installs from an index become installs of wheels; whether Weights & Biases has to be told to stay offline."""
        wandb = False
        for call in self.told.code.network:
            if call.reach == "guarded" or not any(each.code == "N003" for each in self.told.report.findings):
                continue
            if call.what.startswith("wandb."):
                wandb = True
            elif not (call.what.startswith("pip install") and self._install(call)):
                self.todo.append(
                    f"{self._where(call.at)}: {call.what} needs the network: {call.offline_form or 'take it out'}"
                )
        return wandb

    def _install(self, call: NetworkCall) -> bool:
        line = self._line(call.at)
        # One line may install several times; what takes wheels already stays as it is.
        found = [each for each in _PIP.finditer(line) if "--no-index" not in _COMMAND_END.split(line[each.end() :])[0]]
        if not found or "://" in _ADDRESS.sub("", line):
            return False
        for address in _ADDRESS.finditer(line):  # wheels at an address are out of reach as well
            key = (call.at.cell, call.at.line, address.start())
            self.replacements[key] = Replacement(call.at.cell, call.at.line, address.start(), address.end(), "")
        links, dataset = self._wheels()
        flags = " --no-index" + "".join(f" --find-links {link}" for link in links)
        for each in found:
            key = (call.at.cell, call.at.line, each.end())
            self.replacements[key] = Replacement(call.at.cell, call.at.line, each.end(), each.end(), flags)
        self.changes.append(f"{self._where(call.at)}: {call.what} takes wheels from {links[0]}")
        if dataset is not None:
            self._add("dataset_sources", dataset)
            named = call.what.removeprefix("pip install of ")
            self.todo.append(
                f"make the dataset {dataset} of wheels, with a network: pip download -d wheels for {named}"
            )
        return True

    def _wheels(self) -> tuple[tuple[str, ...], str | None]:
        """The directories that wheels are taken from, and the dataset that has to be made for it."""
        for standing in self.told.references:
            if standing.use.role == "wheels" and standing.state == "attached":
                return (standing.use.text,), None
        owner = self._owner(self.told.metadata)
        stem = re.sub(r"[^a-z0-9]+", "-", self.told.code.path.stem.lower()).strip("-") or "notebook"
        slug = f"{stem}-wheels"[:50]
        return (f"{MOUNT}/{slug}", f"{MOUNT}/datasets/{owner}/{slug}"), f"{owner}/{slug}"

    def _line(self, at: Spot) -> str:
        """The line of the source that a spot stands on."""
        from resolver.notebook.cells import read_cells  # noqa: PLC0415 - only where an install is rewritten

        for cell in read_cells(self.told.code.path).code:
            if cell.number == at.cell:
                lines = cell.source.split("\n")
                return lines[at.line - 1] if at.line <= len(lines) else ""
        return ""

    # The rest

    def _first_cell(self, *, wandb: bool) -> str | None:
        loads = any(each.use.role in MODEL_ROLES for each in self.told.references)
        offline = loads and not self.told.code.sets_offline
        if not (offline or wandb or self.resolves):
            return None
        if offline:
            self.changes.append("HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE are set first")
        if wandb:
            self.changes.append("WANDB_MODE is set to offline first")
        return OFFLINE + (WANDB if wandb else "") + (RESOLVER if self.resolves else "")

    def _secrets(self) -> None:
        for each in self.told.code.secrets:
            self.todo.append(f"{self._where(each.at)}: revoke the {each.kind} {each.masked} and take it out")


def _same_source(line: str, text: str, kind: str) -> bool:
    """Whether a source is in a list already, in any version."""
    if kind != "model":
        return line.lower() == text
    return line.lower().split("/")[:4] == text.split("/")[:4]


def _key(at: Spot) -> tuple[int | None, int, int]:
    return at.cell, at.line, at.column or 0


def sentences(made: Made) -> Iterator[str]:
    """What was written, what changed and what is left to do, a line each."""
    if made.changes:
        yield f"written: {made.code}" + (f" and {made.metadata.name}" if made.metadata is not None else "")
    else:
        yield "nothing written: what is left has to be done by a person"
    if made.is_moved:
        yield "  cells and lines are counted as they are written, with the new first one"
    yield from (f"  kept as it was: {backup}" for backup in made.backups)
    yield from (f"  changed: {change}" for change in made.changes)
    yield from (f"  to do: {todo}" for todo in made.todo)
