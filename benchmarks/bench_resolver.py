"""The resolver's budgets, measured beside what they are ratios of and beside the peers on the same work.

Everything is made up on the spot: a Llama 3 8B (4 shards) and 70B (30 shards) with their published configs, tensor
names and shapes and a small tokenizer, and two input trees of 100,000 files. The weights are holes that take no disk,
so each check finds F007 (sparse file), one warning; nothing else differs from a real mount. The disk is warm.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from measure import Figure, interleaved, run, table

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT), str(PROJECT / "tests")]

from command_runs import LLAMA_3, LLAMA_3_HANDLE, LLAMA_3_MOUNT, Machine, llama_3_8b, llama_3_70b, make_machine  # noqa: E402 - the builders of the tests

from resolver.inspection.digest import header_sha256  # noqa: E402 - as above
from resolver.inspection.lock import Lock, LockedFile, LockedModel, LockedSource, tree_digest  # noqa: E402 - as above
from resolver.integrity.lock import canonical  # noqa: E402 - as above

PYTHON = sys.executable
LLAMA_3_70B = "meta-llama/Meta-Llama-3-70B-Instruct"
LOCKED = "our-lab/judge-8b"  # by its lock alone: the folder's name says nothing
LLAMA_3_70B_MOUNT = "llama-3/transformers/70b-chat-hf/1"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
IMPORT_MS, FIND_MS, PEAK_MB = 30, 10, 300
STANDARD_RATIO, STANDARD_PEAK_MB = 2, 1000
PATH_RATIO, CHECK_8B_RATIO, CHECK_70B_RATIO = 5, 7, 9
HEAD = ("what", "ours", "beside it", "theirs", "ratio", "budget", "")

THIRD_PARTY = """
import sys
before = set(sys.modules)
import resolver
new = {name.partition(".")[0] for name in set(sys.modules) - before} - sys.stdlib_module_names - {"resolver"}
print(", ".join(sorted(new)) or "none")
"""
FIND = """
import json, os, statistics, sys, time
from resolver import resolve_model
from resolver.errors import ModelNotFound

def find(inputs):
    os.environ["KAGGLE_CACHE_MOUNT_FOLDER"] = inputs
    begun = time.perf_counter()
    try:
        resolve_model(sys.argv[3])
        outcome = "found"
    except ModelNotFound:
        outcome = "absent"
    assert outcome == sys.argv[4], outcome
    return (time.perf_counter() - begun) * 1e3

find(sys.argv[1])  # the same question to a small tree: every module is loaded before it counts
print(json.dumps(statistics.median(find(sys.argv[2]) for _ in range(5))))
"""
WALK = """
import json, os, sys, time
begun = time.perf_counter()
found = [root for root, _, files in os.walk(sys.argv[1]) if "config.json" in files]
print(json.dumps((time.perf_counter() - begun) * 1e3))
"""
SNAPSHOT = "from huggingface_hub import snapshot_download as s; print(s({!r}, local_files_only=True))"
KAGGLEHUB = "import kagglehub; print(kagglehub.model_download({!r}))"
IMPORTS = "import torch, transformers; from transformers import AutoModelForCausalLM, AutoTokenizer"
AUTOCONFIG = "from transformers import AutoConfig; print(AutoConfig.from_pretrained({!r}).model_type)"


def lay_out(machine: Machine) -> None:
    """An 8B as a mount, in the Hugging Face cache and in kagglehub's; a 70B as a mount."""
    mount = llama_3_8b(machine.inputs / LLAMA_3_MOUNT)
    llama_3_70b(machine.inputs / LLAMA_3_70B_MOUNT)
    repository = Path(machine.variables["HOME"]) / ".cache/huggingface/hub" / f"models--{LLAMA_3.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    for number, file in enumerate(sorted(mount.iterdir())):
        blob = repository / "blobs" / f"{number:064x}"
        _copy_with_holes(file, blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    bundle = Path(machine.variables["HOME"]) / ".cache/kagglehub/models" / LLAMA_3_HANDLE
    bundle.mkdir(parents=True)
    for file in mount.iterdir():
        _copy_with_holes(file, bundle / file.name)
    bundle.with_name(f"{bundle.name}.complete").touch()


def _copy_with_holes(source: Path, target: Path) -> None:
    """The data of a file; its hole stays a hole."""
    size = source.stat().st_size
    with source.open("rb") as reader, target.open("wb") as writer:
        writer.write(reader.read(1 << 20))
        writer.truncate(size)


def zipapp(machine: Machine) -> Path:
    """resolver.pyz, as `make zipapp` builds it."""
    target = machine.work / "resolver.pyz"
    built = run((PYTHON, str(PROJECT / "scripts" / "build_zipapp.py"), str(target)), machine.variables)
    if built.exit_code:
        sys.exit(built.output)
    return target


def many_files(inputs: Path, *, datasets: int, files: int) -> None:
    """Datasets full of small files, each with a folder or two, and the 8B among them at its mount."""
    for number in range(datasets):
        folder = inputs / f"pictures-{number:03d}" / "train"
        folder.mkdir(parents=True)
        for name in range(files):
            (folder / f"{name:06d}.png").touch()
    llama_3_8b(inputs / LLAMA_3_MOUNT)


def lock(directory: Path, hub_id: str) -> None:
    """A resolver.lock beside a model of holes: real sizes and headers, and hashes, which are not read here, made up."""
    files = {}
    for file in directory.iterdir():
        header = header_sha256(file) if file.suffix == ".safetensors" else None
        files[file.name] = LockedFile(file.stat().st_size, "0" * 64, "other", header, None if header is None else 1)
    tree = tree_digest((name, each.sha256) for name, each in files.items())
    model = LockedModel(hub_id, ".", LockedSource("hub", hub_id, COMMIT), files, tree)
    (directory / "resolver.lock").write_bytes(canonical(Lock((model,))))


def whole_processes(machine: Machine, repeats: int) -> Iterator[tuple[str, ...]]:
    """Rows for what a user waits for: one process from start to end."""
    resolver = (PYTHON, "-m", "resolver")
    mount = str(machine.inputs / LLAMA_3_MOUNT)
    figures = interleaved(
        {
            "pass": (PYTHON, "-c", "pass"),
            "import": (PYTHON, "-c", "import resolver"),
            "path": (*resolver, "path", LLAMA_3),
            "8b": (*resolver, "check", LLAMA_3),
            "70b": (*resolver, "check", LLAMA_3_70B),
            "pyz": (PYTHON, str(zipapp(machine)), "check", LLAMA_3),
        },
        machine.variables,
        repeats=repeats,
    )
    peers = interleaved(
        {
            "snapshot": (PYTHON, "-c", SNAPSHOT.format(LLAMA_3)),
            "kagglehub": (PYTHON, "-c", KAGGLEHUB.format(LLAMA_3_HANDLE)),
            "autoconfig": (PYTHON, "-c", AUTOCONFIG.format(mount)),
            "path": (*resolver, "path", LLAMA_3),
            "8b": (*resolver, "check", LLAMA_3),
        },
        {**machine.variables, "HF_HUB_OFFLINE": "1"},
        repeats=max(3, repeats // 3),
    )
    _demand_success({**figures, **peers})
    bare = figures["pass"]
    over = figures["import"].milliseconds - bare.milliseconds
    modules = run((PYTHON, "-c", THIRD_PARTY), machine.variables).output.strip()
    yield (
        "import resolver",
        f"+{over:.0f} ms",
        "python -c pass",
        _ms(bare),
        "",
        f"+{IMPORT_MS} ms",
        _met(over <= IMPORT_MS),
    )
    yield ("  third-party modules it loads", modules, "", "", "", "none", _met(modules == "none"))
    for name, label, budget in (
        ("path", "path (8B)", PATH_RATIO),
        ("8b", "check, 8B, 4 shards", CHECK_8B_RATIO),
        ("70b", "check, 70B, 30 shards", CHECK_70B_RATIO),
    ):
        yield _ratio(f"resolver {label}", figures[name], "python -c pass", bare, budget)
    yield _peer("resolver.pyz check, 8B", figures["pyz"], "the same, from the source tree", figures["8b"])
    yield _peer("resolver path (8B)", peers["path"], "snapshot_download(local_files_only=True)", peers["snapshot"])
    yield _peer("resolver path (8B)", peers["path"], "kagglehub.model_download, cached", peers["kagglehub"])
    yield _peer("resolver check, 8B", peers["8b"], "AutoConfig.from_pretrained(directory)", peers["autoconfig"])
    peak = figures["70b"].peak_bytes / 1e6
    theirs = f"{peers['autoconfig'].peak_bytes / 1e6:.0f} MB"
    yield (
        "peak memory of a check, 70B",
        f"{peak:.0f} MB",
        "AutoConfig, 8B",
        theirs,
        "",
        f"{PEAK_MB} MB",
        _met(peak < PEAK_MB),
    )


def standard_level(machine: Machine, repeats: int) -> Iterator[tuple[str, ...]]:
    """Rows for the level that asks the real loader, beside what its libraries cost before they do anything."""
    figures = interleaved(
        {
            "imports": (PYTHON, "-W", "ignore", "-c", IMPORTS),
            "8b": (PYTHON, "-m", "resolver", "check", LLAMA_3, "--level", "standard"),
        },
        machine.variables,
        repeats=max(3, repeats // 3),
    )
    _demand_success(figures)
    label = "resolver check --level standard, 8B"
    yield _ratio(label, figures["8b"], "import torch, transformers", figures["imports"], STANDARD_RATIO)
    peak, theirs = (figures[name].peak_bytes / 1e6 for name in ("8b", "imports"))
    yield (
        "  its child's peak memory",
        f"{peak:.0f} MB",
        "import torch, transformers",
        f"{theirs:.0f} MB",
        "",
        f"{STANDARD_PEAK_MB} MB",
        _met(peak < STANDARD_PEAK_MB),
    )


def without_network(machine: Machine, repeats: int) -> Iterator[tuple[str, ...]]:
    """The same check in a namespace of its own, with and without the network; no row where that is not allowed."""
    check = (PYTHON, "-m", "resolver", "check", LLAMA_3)
    if not shutil.which("unshare") or run(("unshare", "-rn", "true"), machine.variables).exit_code:
        yield ("resolver check without a network", "not measured", "unshare is not allowed here", "", "", "same", "")
        return
    figures = interleaved(
        {"with": ("unshare", "-r", *check), "without": ("unshare", "-rn", *check)}, machine.variables, repeats=repeats
    )
    yield _peer("resolver check without a network", figures["without"], "the same with one", figures["with"], "same")


def in_process(root: Path, repeats: int) -> Iterator[tuple[str, ...]]:
    """Rows for one call among 100,000 files, every module already loaded."""
    for datasets, files in ((100, 1_000), (2, 50_000)):
        machine = make_machine(root / f"{datasets}-datasets")
        many_files(machine.inputs, datasets=datasets, files=files)
        small = machine.work / "input"
        llama_3_8b(small / LLAMA_3_MOUNT)
        walk = _median_of((PYTHON, "-c", WALK, str(machine.inputs)), machine, repeats)
        for place in (machine.inputs, small):
            lock(llama_3_8b(place / "my-models"), LOCKED)
        for label, reference in (("found", LLAMA_3), ("found", LOCKED), ("absent", "org/not-there-at-all")):
            ours = _median_of((PYTHON, "-c", FIND, str(small), str(machine.inputs), reference, label), machine, repeats)
            how = f"{label} by its lock" if reference == LOCKED else label
            what = f"resolve_model, {how}, {datasets} x {files:,} files"
            ratio = f"{ours / walk:.2f}"
            yield (
                what,
                f"{ours:.1f} ms",
                "os.walk for config.json",
                f"{walk:.0f} ms",
                ratio,
                f"{FIND_MS} ms",
                _met(ours <= FIND_MS),
            )


def _median_of(command: tuple[str, ...], machine: Machine, repeats: int) -> float:
    return statistics.median(float(json.loads(run(command, machine.variables).output)) for _ in range(repeats))


def _demand_success(figures: Mapping[str, Figure]) -> None:
    """A command that failed has no time: stop and show what it said."""
    for name, figure in figures.items():
        if figure.exit_code:
            sys.exit(f"{name} ended with {figure.exit_code}:\n{figure.output}")


def _ratio(what: str, ours: Figure, beside: str, theirs: Figure, budget: float) -> tuple[str, ...]:
    ratio = ours.milliseconds / theirs.milliseconds
    return (what, _ms(ours), beside, _ms(theirs), f"{ratio:.1f}", f"{budget}", _met(ratio <= budget))


def _peer(what: str, ours: Figure, beside: str, theirs: Figure, budget: str = "") -> tuple[str, ...]:
    return (what, _ms(ours), beside, _ms(theirs), f"{ours.milliseconds / theirs.milliseconds:.2f}", budget, "")


def _ms(figure: Figure) -> str:
    return f"{figure.milliseconds:.0f} ms"


def _met(met: bool) -> str:  # noqa: FBT001 - the only thing that there is to say
    return "met" if met else "MISSED"


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description="The resolver's budgets and its peers, as ratios of one run.")
    parser.add_argument("--repeats", type=int, default=15, metavar="N", help="measured runs of each command (15)")
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="bench-resolver-") as temporary:
        root = Path(temporary)
        machine = make_machine(root / "machine")
        lay_out(machine)
        rows = [
            *whole_processes(machine, repeats),
            *standard_level(machine, repeats),
            *without_network(machine, repeats),
            *in_process(root, max(5, repeats // 2)),
        ]
    print(f"Python {sys.version.split()[0]}, medians of {repeats} interleaved runs, warm disk\n")
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
