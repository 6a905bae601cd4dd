"""The libraries' own switch to stay offline, thrown while a guard is open, so that no call waits for a dead network.

They read their variables once, when they are imported; so the variables are set for what is imported later, and the
constants that were already read are changed where they lie. Both are put back.
"""

import sys
from types import ModuleType
from typing import Any, Final

from resolver.environment import set_variables

VARIABLES: Final = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
# As huggingface_hub.constants, transformers.utils.hub (4.x) and datasets.config hold what they have read.
CONSTANTS: Final = ("HF_HUB_OFFLINE", "_is_offline_mode", "HF_DATASETS_OFFLINE")
LIBRARIES: Final = ("huggingface_hub", "transformers", "datasets", "peft", "sentence_transformers", "diffusers", "vllm")


class OfflineSwitch:
    """The switch, and what it has to put back."""

    def __init__(self) -> None:
        """Not thrown yet."""
        self._variables: dict[str, str | None] = {}
        self._constants: dict[tuple[str, str], bool] = {}
        self._were_read: set[str] = set()

    def throw(self) -> None:
        """Set the variables and every constant that was read from them."""
        self._variables = set_variables(VARIABLES)
        for module, name in _constants():
            self._were_read.add(module.__name__)
            value = vars(module)[name]
            if value is not True:
                self._constants[module.__name__, name] = value
                setattr(module, name, True)
        _forget_sessions()

    def put_back(self) -> None:
        """As it was; what was imported meanwhile reads as if it had been imported without the guard."""
        set_variables(self._variables)
        was_offline = any((value or "").upper() in {"1", "ON", "YES", "TRUE"} for value in self._variables.values())
        for module, name in _constants():
            if (module.__name__, name) in self._constants:
                setattr(module, name, self._constants[module.__name__, name])
            elif module.__name__ not in self._were_read and not was_offline:
                setattr(module, name, False)
        _forget_sessions()


def _constants() -> list[tuple[ModuleType, str]]:
    found = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in LIBRARIES and isinstance(module, ModuleType):
            space = vars(module)  # never getattr: a lazy module would import what it is asked for
            found += [(module, each) for each in CONSTANTS if isinstance(space.get(each), bool)]
    return found


def _forget_sessions() -> None:
    """huggingface_hub below 1.0 decides when a session is made whether it is offline; the next call makes another."""
    http: Any = sys.modules.get("huggingface_hub.utils._http")
    reset = None if http is None else vars(http).get("reset_sessions")
    if callable(reset):
        reset()
