"""The machine that is judged for: installed versions, accelerators, network. Read without importing anything heavy.

What it does not know: variables and directories (that is `environment.py`). A `Host` is a value; `this_host()`
reads the one that we are on.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from resolver.environment import Environment
from resolver.record import Record, field

if TYPE_CHECKING:
    from resolver.accelerators import Throughput

PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "safetensors",
    "peft",
    "accelerate",
    "huggingface-hub",
    "sentencepiece",
    "tiktoken",
    "protobuf",
    "bitsandbytes",
    "jinja2",
)

HERE: Final = "this machine"
HOST: Final = "host"  # the name of this machine among the profiles
ALSO = ("numpy", "pydantic", "rich", "kagglehub", "modelscope", "optimum", "vllm")
JUDGED_WITH = ("transformers", "torch", "safetensors", "tokenizers", "peft")


class Accelerator(Record):
    """One device.

    Attributes:
        name: as its driver calls it.
        memory_bytes: what a process can use of its memory; None where only a driver library could say.
        capability: CUDA compute capability, e.g. (7, 5); None where it is unknown or the device has none.
    """

    name: str
    memory_bytes: int | None = None
    capability: tuple[int, int] | None = None


class Host(Record):
    """What a model will meet where it runs.

    Attributes:
        accelerator: the profile's name; "host" is this machine, or the one that was recorded.
        source: where the versions come from: `HERE`, a file that `doctor` wrote, an image by its date.
        packages: installed versions by distribution name, lower case; absent means not installed.
        offline_set: HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) holds a true value.
        offline_masked: HF_HUB_OFFLINE is set to something false and so hides TRANSFORMERS_OFFLINE, which is true.
        autoload_off: TORCH_DEVICE_BACKEND_AUTOLOAD keeps torch from loading what is installed for other devices.
        unwritable: variable -> the directory that it names (or its default), where nothing can be written.
        has_network: whether there is a default route; None where that cannot be known without a socket.
        accelerators: the devices seen.
        memory_bytes: total main memory; None where unknown.
        model_types: the model types that the installed transformers lists itself; None where its list was not read.
        disk_bytes: what may be written there; None where nobody has said.
        time_limit_s: of one run; None as above.
        throughput: what a run was measured to do there; None as above.
        python: the version of the interpreter; None where unknown.
        platform: the operating system as it names itself; None where nobody asked.
    """

    accelerator: str = "host"
    source: str = HERE
    packages: Mapping[str, str] = field(default_factory=dict)
    offline_set: bool = False
    offline_masked: bool = False
    autoload_off: bool = False
    unwritable: Mapping[str, str] = field(default_factory=dict)
    has_network: bool | None = None
    accelerators: tuple[Accelerator, ...] = ()
    memory_bytes: int | None = None
    model_types: frozenset[str] | None = None
    disk_bytes: int | None = None
    time_limit_s: int | None = None
    throughput: "Throughput | None" = None
    python: str | None = None
    platform: str | None = None

    def judged_with(self) -> Mapping[str, str]:
        """The versions that a verdict depends on, of those that are installed."""
        return {name: version for name in JUDGED_WITH if (version := self.packages.get(name)) is not None}

    def version(self, package: str) -> tuple[int, ...] | None:
        """The installed version's leading numbers, e.g. (5, 23, 0); None where the package is not installed.

        >>> Host(packages={"torch": "2.13.0+cpu"}).version("torch")
        (2, 13, 0)
        """
        text = self.packages.get(package)
        return None if text is None else _numbers(text)


def _numbers(version: str) -> tuple[int, ...]:
    numbers: list[int] = []
    for part in version.partition("+")[0].split("."):
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


class InstalledPackages(Mapping[str, str]):
    """Versions by distribution name, read from the names of `*.dist-info` directories on first use.

    `importlib.metadata` answers the same at ten times the import cost. The first directory of the path wins, as it
    does for an import.
    """

    def __init__(self, search_path: tuple[Path, ...]) -> None:
        self._search_path = search_path
        self._versions: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        """The version of a distribution, under any spelling of its name."""
        return self._read()[normalised(name)]

    def __iter__(self) -> Iterator[str]:
        """The normalised names."""
        return iter(self._read())

    def __len__(self) -> int:
        """How many distributions are installed."""
        return len(self._read())

    def _read(self) -> dict[str, str]:
        if self._versions is None:
            self._versions = {}
            for place in self._search_path:
                for name, version, _ in distributions(place):
                    self._versions.setdefault(name, version)
        return self._versions


def distributions(place: Path) -> Iterator[tuple[str, str, Path]]:
    """Normalised name, version and `*.dist-info` directory of everything that is installed in one directory."""
    try:
        names = os.listdir(place)  # noqa: PTH208 - names are all that is wanted
    except OSError:
        return
    for entry in names:
        if entry.endswith(".dist-info"):
            name, _, version = entry[: -len(".dist-info")].partition("-")
            if version:
                yield normalised(name), version, place / entry


def normalised(name: str) -> str:
    """One spelling of a distribution's name, for comparing (PEP 503, less its runs of separators)."""
    return name.lower().replace("_", "-").replace(".", "-")


def this_host(environment: Environment) -> Host:
    """The machine that this process runs on; opens no socket, imports no driver library."""
    return Host(
        packages=InstalledPackages(environment.search_path),
        offline_set=environment.is_offline_set,
        offline_masked=environment.is_offline_masked,
        autoload_off=environment.is_autoload_off,
        unwritable=_unwritable(environment),
        has_network=_has_default_route(),
        accelerators=_accelerators(),
        memory_bytes=_memory_bytes(),
        python=".".join(map(str, sys.version_info[:3])),
    )


def _unwritable(environment: Environment) -> dict[str, str]:
    """The places where the libraries write, of those in which they cannot: access(2) knows read-only mounts too."""
    places = {"HF_HOME": environment.hf_home, "HF_MODULES_CACHE": environment.modules_cache}
    return {name: str(place) for name, place in places.items() if not _can_be_made(place)}


def _can_be_made(place: Path) -> bool:
    """Whether a directory is there and can be written, or could be made."""
    for each in (place, *place.parents):
        if os.path.exists(each):  # noqa: PTH110 - Path.exists raises where a parent may not be looked into
            return os.path.isdir(each) and os.access(each, os.W_OK | os.X_OK)  # noqa: PTH112 - as above
    return False


def _has_default_route(proc: Path = Path("/proc/net")) -> bool | None:
    """Whether the kernel knows a default route; None where its tables cannot be read (not Linux, or hidden)."""
    try:
        rows = [line.split() for line in (proc / "route").read_text("ascii").splitlines()[1:]]
    except (OSError, UnicodeDecodeError):
        return None
    if any(len(row) > 7 and row[1] == row[7] == "00000000" for row in rows):  # noqa: PLR2004 - destination, mask
        return True
    try:
        table = [line.split() for line in (proc / "ipv6_route").read_text("ascii").splitlines()]
    except (OSError, UnicodeDecodeError):
        return False
    # An unreachable default (flag 0x200, RTF_REJECT) is how a kernel without a network fills the table.
    return any(len(row) > 8 and row[1] == "00" and not int(row[8], 16) & 0x200 for row in table)  # noqa: PLR2004


def _accelerators(
    devices: Path = Path("/dev"), nvidia: Path = Path("/proc/driver/nvidia/gpus")
) -> tuple[Accelerator, ...]:
    found: list[Accelerator] = []
    try:
        for card in sorted(nvidia.iterdir()):
            lines = (card / "information").read_text("utf-8", "replace").splitlines()
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), "NVIDIA GPU")
            found.append(Accelerator(model, memory_of(model), capability_of(model)))
    except OSError:
        pass
    tpus = sum(1 for index in range(8) if (devices / f"accel{index}").exists())
    return (*found, *(Accelerator("TPU") for _ in range(tpus)))


def capability_of(name: str) -> tuple[int, int] | None:
    """The compute capability of a device by its name; None for a name that is not in the table."""
    from resolver.devices import CAPABILITIES  # noqa: PLC0415 - only a machine with such a device needs the table

    return next((each for model, each in CAPABILITIES if _words(name).issuperset(model.split())), None)


def memory_of(name: str) -> int | None:
    """The bytes that a process can use of a device, by its name; None for a name that is not in the table."""
    from resolver.devices import MEMORY_GIB  # noqa: PLC0415 - as above

    gib = next((each for model, each in MEMORY_GIB if _words(name).issuperset(model.split())), None)
    return None if gib is None else int(gib * 2**30)


def peak_flops_of(name: str, dtype: str) -> float | None:
    """The most floating-point operations a second of a device by its name, in dense products of that dtype.

    >>> peak_flops_of("Tesla T4", "float16"), peak_flops_of("Tesla K80", "float16")
    (65000000000000.0, None)
    """
    from resolver.devices import PEAK_TFLOPS  # noqa: PLC0415 - as above

    row = next((each for each in PEAK_TFLOPS if _words(name).issuperset(each[0].split())), None)
    tera = None if row is None else row[1] if dtype in ("float16", "bfloat16") else row[2]
    return None if tera is None else tera * 1e12


def _words(name: str) -> frozenset[str]:
    return frozenset(name.upper().replace("-", " ").split())


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
