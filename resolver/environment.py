"""Variables, home and mount points, as one frozen value: the only reader of os.environ.

What it does not know: what lies in any of these places. Precedence follows facts of huggingface_hub 2.4
(constants.py), kagglehub 1.0.3 and modelscope_hub 0.5.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from resolver.record import Record, field

# Everything that is read; tokens are known by presence only and never kept.
VARIABLES = (
    "HF_HOME",
    "HF_HUB_CACHE",
    "HF_MODULES_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_HUB_OFFLINE",
    "TRANSFORMERS_OFFLINE",
    "TORCH_DEVICE_BACKEND_AUTOLOAD",
    "SENTENCE_TRANSFORMERS_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "KAGGLEHUB_CACHE",
    "KAGGLE_CACHE_MOUNT_FOLDER",
    "COLAB_CACHE_MOUNT_FOLDER",
    "KAGGLE_KERNEL_RUN_TYPE",
    "KAGGLE_IS_COMPETITION_RERUN",
    "MODELSCOPE_CACHE",
    "MS_CACHE_HOME",
    "RESOLVER_ROOTS",
    "RESOLVER_ALIASES",
    "RESOLVER_CONFIG",
    "RESOLVER_DEBUG",
    "NO_COLOR",
    "FORCE_COLOR",
    "COLUMNS",
    "TERM",
)
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "KAGGLE_API_TOKEN", "KAGGLE_KEY", "KAGGLE_USER_SECRETS_TOKEN")
_TRUE = frozenset({"1", "ON", "YES", "TRUE"})


def is_autoload_off(variables: Mapping[str, str]) -> bool:
    """Whether these variables keep `import torch` from loading the device backends that are installed beside it.

    Source: torch 2.13 __init__.py: they are loaded where the variable is unset or "1", and by no other value.

    >>> is_autoload_off({}), is_autoload_off({"TORCH_DEVICE_BACKEND_AUTOLOAD": "0"})
    (False, True)
    """
    return variables.get("TORCH_DEVICE_BACKEND_AUTOLOAD", "1") != "1"


def set_variables(values: Mapping[str, str | None]) -> dict[str, str | None]:
    """Set variables of this process, None to remove one; returns what they were, so that it can be put back."""
    before = {name: os.environ.get(name) for name in values}
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    return before


class Environment(Record):
    """Where things may lie on a machine.

    Attributes:
        home: the home directory.
        cwd: the directory that relative paths start from.
        variables: those of `VARIABLES` that are set and not empty.
        secrets: names, never values, of the credentials that are set.
        search_path: directories of installed packages (sys.path).
        extra_roots: further directories to search, in order (`--root`, resolver.toml).
        extra_aliases: reference text -> reference text (resolver.toml).
    """

    home: Path
    cwd: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    search_path: tuple[Path, ...] = ()
    extra_roots: tuple[Path, ...] = ()
    extra_aliases: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def this(cls) -> "Environment":
        """The environment of this process."""
        variables = {name: value for name in VARIABLES if (value := os.environ.get(name))}
        secrets = tuple(name for name in SECRETS if os.environ.get(name))
        search_path = tuple(Path(entry) for entry in sys.path if entry)
        home = Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is no home
        try:
            cwd = Path.cwd()
        except FileNotFoundError:  # it was removed under us: what is relative is absent, all else is as it was
            cwd = Path(os.environ.get("PWD", "/"))
        return cls(home, cwd, variables, secrets, search_path)

    def extended(self, roots: tuple[Path, ...] = (), aliases: Mapping[str, str] | None = None) -> "Environment":
        """The same with more search roots, asked before those already there, and more aliases."""
        return self.replaced(
            extra_roots=(*roots, *self.extra_roots),
            extra_aliases={**self.extra_aliases, **(aliases or {})},
        )

    def inherited(self, overrides: Mapping[str, str]) -> dict[str, str]:
        """The variables for a child process: this process's own without any credential, and those given over them."""
        kept = {name: value for name, value in os.environ.items() if name not in SECRETS}
        return {**kept, **overrides}

    def with_credentials(self, overrides: Mapping[str, str]) -> dict[str, str]:
        """As `inherited`, credentials too: for the one child process that asks a site in the user's name."""
        return {**os.environ, **overrides}

    def get(self, name: str) -> str | None:
        """A variable's value; None where it is unset or empty."""
        return self.variables.get(name)

    def expand(self, text: str) -> Path:
        """A path of a text: "~" and known variables expanded, relative to `cwd`, trailing slashes dropped."""
        if text == "~" or text.startswith("~/"):
            text = str(self.home) + text[1:]
        if "$" in text:
            for name, value in self.variables.items():
                text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
            text = text.replace("${HOME}", str(self.home)).replace("$HOME", str(self.home))
        return Path(os.path.normpath(os.path.join(self.cwd, text)))  # noqa: PTH118 - one normalisation, no disk

    @property
    def kaggle_mount(self) -> Path:
        """Where Kaggle mounts inputs, on Colab too."""
        return self.expand(
            self.get("KAGGLE_CACHE_MOUNT_FOLDER") or self.get("COLAB_CACHE_MOUNT_FOLDER") or "/kaggle/input"
        )

    @property
    def hf_home(self) -> Path:
        """Where the Hugging Face libraries keep what they keep."""
        text = self.get("HF_HOME")
        return self.expand(text) if text else self._xdg("huggingface")

    @property
    def modules_cache(self) -> Path:
        """Where transformers copies a model's own code to before it imports it."""
        text = self.get("HF_MODULES_CACHE")
        return self.expand(text) if text else self.hf_home / "modules"

    @property
    def hub_caches(self) -> tuple[Path, ...]:
        """Hugging Face caches in the order of precedence; the first is the one that the library would use."""
        named = [self.get("HF_HUB_CACHE"), self.get("HUGGINGFACE_HUB_CACHE")]
        places = [self.expand(text) for text in named if text] + [self.hf_home / "hub"]
        return tuple(dict.fromkeys(places))

    @property
    def sentence_transformers_cache(self) -> Path | None:
        """SENTENCE_TRANSFORMERS_HOME, laid out as a Hugging Face cache; None where it is unset."""
        text = self.get("SENTENCE_TRANSFORMERS_HOME")
        return self.expand(text) if text else None

    @property
    def kagglehub_cache(self) -> Path:
        """Where kagglehub downloads to."""
        text = self.get("KAGGLEHUB_CACHE")
        return self.expand(text) if text else self.home / ".cache" / "kagglehub"

    @property
    def modelscope_caches(self) -> tuple[Path, ...]:
        """Where ModelScope downloads to, of both of its layouts."""
        text = self.get("MODELSCOPE_CACHE") or self.get("MS_CACHE_HOME")
        base = self.expand(text) if text else self.home / ".cache" / "modelscope"
        return (base, base / "hub")

    @property
    def roots(self) -> tuple[Path, ...]:
        """Further directories to search: given ones first, then RESOLVER_ROOTS."""
        named = tuple(self.expand(text) for text in (self.get("RESOLVER_ROOTS") or "").split(os.pathsep) if text)
        return tuple(dict.fromkeys((*self.extra_roots, *named)))

    @property
    def aliases(self) -> Mapping[str, str]:
        """Names that the user maps himself: RESOLVER_ALIASES="name=reference;name=reference" over resolver.toml."""
        pairs = (item.partition("=") for item in (self.get("RESOLVER_ALIASES") or "").split(";") if "=" in item)
        return {**self.extra_aliases, **{name.strip(): target.strip() for name, _, target in pairs}}

    @property
    def on_kaggle(self) -> bool:
        """Whether this is a Kaggle notebook."""
        return self.get("KAGGLE_KERNEL_RUN_TYPE") is not None

    @property
    def is_offline_set(self) -> bool:
        """Whether the hub library will stay offline: HF_HUB_OFFLINE, and only where that is unset the other one.

        Source: huggingface_hub 2.4 constants.py; "0" is a non-empty string and masks TRANSFORMERS_OFFLINE=1.
        """
        text = self.get("HF_HUB_OFFLINE") or self.get("TRANSFORMERS_OFFLINE") or ""
        return text.upper() in _TRUE

    @property
    def is_offline_masked(self) -> bool:
        """Whether TRANSFORMERS_OFFLINE asks for what HF_HUB_OFFLINE, by being set to something false, takes back."""
        first, second = self.get("HF_HUB_OFFLINE"), self.get("TRANSFORMERS_OFFLINE")
        return first is not None and first.upper() not in _TRUE and (second or "").upper() in _TRUE

    @property
    def is_autoload_off(self) -> bool:
        """Whether `import torch` is told to leave the device backends that are installed beside it alone."""
        return is_autoload_off(self.variables)

    @property
    def state_home(self) -> Path:
        """Where what we keep between two runs lies: XDG_STATE_HOME, or ~/.local/state, and our folder in it."""
        base = self.get("XDG_STATE_HOME")
        return (self.expand(base) if base else self.home / ".local" / "state") / "offline-resolver"

    def _xdg(self, name: str) -> Path:
        base = self.get("XDG_CACHE_HOME")
        return (self.expand(base) if base else self.home / ".cache") / name
