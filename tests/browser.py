"""A real browser without a window, for the pages."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--hide-scrollbars")  # fmt: skip

needs_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium is installed here: the page is not opened in a browser"
)


def browse(tmp_path: Path, address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Open an address; what the arguments ask for is in the result's stdout or in a file."""
    command = [CHROMIUM, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *arguments, address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    return done
