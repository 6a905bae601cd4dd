"""The house: floors import downward only, and every room keeps to its own occupation."""

import ast
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from import_graph import COMPUTED, Arrow, arrows_of, circles, modules_below, walk_at_run_time

PROJECT = Path(__file__).resolve().parent.parent
MODULES = modules_below(PROJECT, "resolver", "pipeline")
ARROWS = arrows_of(MODULES)

# From the ground up; a name stands for the module and all that is below it, the longest name decides.
FLOORS = (
    ("resolver.version", "resolver.record", "resolver.finding"),
    (
        "resolver.errors",
        "resolver.reference",
        "resolver.environment",
        "resolver.settings",
        "resolver.host",
        "resolver.devices",
        "resolver.accelerators",
        "resolver.own_accelerators",
        "resolver.own_policy",
        "resolver.images",
        "resolver.catalog",
        "resolver.catalog_rows",
        "resolver.names",
        "resolver.secrets",
        "resolver.writing",
    ),
    ("resolver.sources", "resolver.inspection", "resolver.notebook"),
    (
        "resolver.identity",
        "resolver.named",
        "resolver.policy",
        "resolver.recorded",
        "resolver.standing",
        "resolver.target",
    ),
    ("resolver.rules",),
    ("resolver.probe", "resolver.integrity", "resolver.repair", "resolver.staging", "resolver.online"),
    (
        "resolver.candidates",
        "resolver.resolve",
        "resolver.vetting",
        "resolver.diagnosis",
        "resolver.duplicates",
        "resolver.preflight",
        "resolver.notebook_preflight",
        "resolver.notebook_fix",
        "resolver.locking",
        "resolver.verification",
        "resolver.verification_subjects",
    ),
    ("resolver.report",),
    ("resolver", "resolver.api", "resolver.cli", "resolver.__main__", "resolver.ipython", "resolver.guarding"),
)
# The one arrow that runs back, when somebody reads the message of an exception that nobody has caught: the teller
# tells it, so that a bare traceback says as much as the command line does.
RUNS_BACK = {("resolver.errors", "resolver.report.terminal")}
NETWORK = {"socket", "ssl", "http", "ftplib", "smtplib", "socketserver", "xmlrpc", "asyncio", "requests", "httpx",
           "urllib3", "httpx2", "huggingface_hub", "kagglehub", "kagglesdk", "modelscope"}  # fmt: skip
RUNS_CODE = {"pickle", "_pickle", "marshal", "shelve", "runpy", "code", "imp", "importlib.machinery", "zipimport"}
READS = {"io", "glob", "shutil", "tempfile", "mmap", "subprocess", "zipfile", "urllib", "pathlib"}
ASKS_THE_DISK = {"open", "read_text", "read_bytes", "stat", "lstat", "exists", "is_file", "is_dir", "is_symlink",
                 "iterdir", "glob", "rglob", "walk", "resolve", "readlink", "scandir", "listdir"}  # fmt: skip


def within(module: str, *rooms: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def floor(module: str) -> int | None:
    """The number of a module's floor; None for modules that are not ours and for those that have none yet."""
    for number, rooms in enumerate(FLOORS):
        if module in rooms or within(module, *(room for room in rooms if room != "resolver")):
            return number
    return None


def upward(arrows: tuple[Arrow, ...]) -> list[str]:
    found = []
    for arrow in arrows:
        here, there = floor(arrow.importer), floor(arrow.imported)
        if (arrow.importer, arrow.imported) in RUNS_BACK:
            continue
        if here is not None and there is not None and there > here:
            found.append(f"{arrow}, which stands on a higher floor")
    return found


def expect_none(found: Iterable[object]) -> None:
    """Fail with every offence on a line of its own: the two modules and the line."""
    offences = [str(each) for each in found]
    assert not offences, "\n" + "\n".join(offences)


def test_every_module_of_the_resolver_has_a_floor() -> None:
    expect_none([name for name in MODULES if within(name, "resolver") and floor(name) is None])


def test_an_arrow_only_points_to_a_lower_floor() -> None:
    expect_none(upward(ARROWS))


def test_no_modules_import_one_another_in_a_circle() -> None:
    expect_none([" -> ".join(map(str, chain)) for chain in circles(ARROWS, MODULES)])


def test_sources_and_inspection_do_not_know_each_other() -> None:
    rooms = ("resolver.sources", "resolver.inspection")
    expect_none(
        arrow
        for arrow in ARROWS
        for here, there in (rooms, rooms[::-1])
        if within(arrow.importer, here) and within(arrow.imported, there)
    )


def test_the_pipeline_enters_the_resolver_through_its_preflight_only() -> None:
    expect_none(
        arrow
        for arrow in ARROWS
        if within(arrow.importer, "pipeline") and within(arrow.imported, "resolver")
        if not within(arrow.importer, "pipeline.preflight")
    )


def test_the_resolver_never_imports_the_pipeline() -> None:
    expect_none(a for a in ARROWS if within(a.importer, "resolver") and within(a.imported, "pipeline"))


def test_only_online_may_talk_to_a_network() -> None:
    expect_none(
        arrow
        for arrow in ARROWS
        if not within(arrow.importer, "resolver.online")
        if arrow.imported.partition(".")[0] in NETWORK or within(arrow.imported, "urllib.request")
    )


def test_inspection_and_rules_import_nothing_that_executes_what_it_reads() -> None:
    rooms = ("resolver.inspection", "resolver.rules", "resolver.sources")
    expect_none(a for a in ARROWS if within(a.importer, *rooms) and within(a.imported, *RUNS_CODE))


def test_rules_import_nothing_with_which_a_file_could_be_read() -> None:
    expect_none(a for a in ARROWS if within(a.importer, "resolver.rules") and within(a.imported, *READS))


def test_rules_ask_the_disk_nothing() -> None:
    """A rule may be handed a Path; what it may not do is follow it. `os` is there for the words of an errno."""
    expect_none(
        f"{name}:{node.lineno} calls {ast.unparse(node.func)}"
        for name in MODULES
        if within(name, "resolver.rules")
        for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8")))
        if isinstance(node, ast.Call)
        if (called := ast.unparse(node.func)).rpartition(".")[2] in ASKS_THE_DISK
        or (called.startswith("os.") and called != "os.strerror")
    )


def test_third_party_packages_stay_in_the_rooms_that_are_theirs() -> None:
    rooms = {"rich": ("resolver.report.lines",), "pydantic": ("resolver",)}
    rooms |= dict.fromkeys(("huggingface_hub", "kagglehub", "kagglesdk"), ("resolver.online",))
    rooms |= dict.fromkeys(("jinja2", "tokenizers", "torch", "transformers"), ("resolver.probe",))
    expect_none(
        arrow
        for arrow in ARROWS
        if within(arrow.importer, "resolver") and not within(arrow.imported, "resolver")
        if (arrow.importer, arrow.imported) != ("resolver", COMPUTED)  # its own public names, when they are used
        if (package := arrow.imported.partition(".")[0])
        not in (sys.stdlib_module_names | {"annotationlib"})  # of Python 3.14
        if not within(arrow.importer, *rooms.get(package, ()))
    )


def uses(module: str, *dotted: str) -> list[str]:
    """Where a module names one of those objects, e.g. "os.environ", or the bare name "print"."""
    return [
        f"{module}:{node.lineno} uses {name}"
        for node in walk_at_run_time(ast.parse(MODULES[module].read_text("utf-8")))
        if isinstance(node, ast.Attribute | ast.Name | ast.ImportFrom)
        for name in _names(node)
        if name in dotted
    ]


def _names(node: ast.Attribute | ast.Name | ast.ImportFrom) -> tuple[str, ...]:
    if isinstance(node, ast.ImportFrom):
        return tuple(f"{node.module}.{alias.name}" for alias in node.names)
    return (ast.unparse(node),)


def test_only_environment_reads_the_variables() -> None:
    names = ("os.environ", "os.environb", "os.getenv", "os.getenvb")
    rooms = [name for name in MODULES if within(name, "resolver") and name != "resolver.environment"]
    expect_none([use for room in rooms for use in uses(room, *names)])


def test_only_the_children_that_ask_a_site_are_given_credentials() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name in MODULES
        if name not in ("resolver.online.children", "resolver.environment")
        for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "with_credentials"
    ]
    expect_none(found)


def test_clients_of_sites_are_imported_in_functions_only() -> None:
    """So that every other command, and the parent of the children, never loads them."""
    expect_none(
        f"{name}:{node.lineno}"
        for name in MODULES
        if within(name, "resolver.online")
        for node in ast.parse(MODULES[name].read_text("utf-8")).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for imported in (
            [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        )
        if imported.partition(".")[0] in ("huggingface_hub", "kagglehub", "kagglesdk", "requests", "httpx2")
    )


def test_only_the_command_line_writes_to_a_stream() -> None:
    names = ("print", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__")
    # The guard and the notebook's extension have no command line above them: what they say, they say themselves.
    speakers = ("resolver.cli", "resolver.guarding.session", "resolver.ipython", "pipeline.cli", "pipeline.progress")
    rooms = [name for name in MODULES if not within(name, *speakers)]
    expect_none([use for room in rooms for use in uses(room, *names)])


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Two modules that import one another, one of them lazily, and one that does so for a type checker only."""
    for name, text in {
        "resolver/__init__.py": "",
        "resolver/finding.py": "def late():\n    from resolver.report import terminal\n",
        "resolver/report/__init__.py": "",
        "resolver/report/terminal.py": "import resolver.finding\nfrom ..rules import weights\n",
        "resolver/rules/__init__.py": "",
        "resolver/rules/weights.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import resolver.report\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_lazy_arrow_upward_is_seen_and_named_with_its_line(house: Path) -> None:
    found = upward(arrows_of(modules_below(house, "resolver")))
    assert found == ["resolver.finding:2 imports resolver.report.terminal, which stands on a higher floor"]


def test_an_import_by_a_name_that_is_put_together_is_seen_as_far_as_it_can_be_read(house: Path) -> None:
    (house / "resolver" / "finding.py").write_text('import_module(f"resolver.rules.{name}")\nimport_module(name)\n')
    found = [
        str(arrow) for arrow in arrows_of(modules_below(house, "resolver")) if arrow.importer == "resolver.finding"
    ]
    assert found == ["resolver.finding:1 imports resolver.rules", f"resolver.finding:2 imports {COMPUTED}"]


def test_a_circle_is_seen_and_told_arrow_by_arrow(house: Path) -> None:
    modules = modules_below(house, "resolver")
    (chain,) = circles(arrows_of(modules), modules)
    assert list(map(str, chain)) == [
        "resolver.finding:2 imports resolver.report.terminal",
        "resolver.report.terminal:1 imports resolver.finding",
    ]


def test_a_relative_import_is_read_as_what_it_names(house: Path) -> None:
    arrows = arrows_of(modules_below(house, "resolver"))
    assert Arrow("resolver.report.terminal", "resolver.rules.weights", 2) in arrows
