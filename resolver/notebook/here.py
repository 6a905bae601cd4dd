"""Which of a notebook's paths lie on this machine, where its mount folder is Kaggle's."""

from pathlib import Path

from resolver.notebook.facts import Code
from resolver.notebook.standing import MOUNT


def present(code: Code, mount: Path) -> frozenset[str]:
    """The texts of the code's references below the mount folder that exist on this machine.

    Args:
        code: what was read.
        mount: where Kaggle's inputs lie here.
    """
    found: set[str] = set()
    for use in code.uses:
        below = use.text.replace("../input", MOUNT, 1) if use.text.startswith("../input") else use.text
        if below.startswith(f"{MOUNT}/") and "\0" not in below and _is_there(mount / below[len(MOUNT) + 1 :]):
            found.add(use.text)
    return frozenset(found)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
