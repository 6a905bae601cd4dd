"""The pinned names are those that the installed torch allows; a newer torch shows here first."""

import torch
from torch._weights_only_unpickler import _get_allowed_globals

from resolver.inspection.pickle_allowlist import ALLOWED, TORCH_VERSION


def test_pinned_names_are_torchs_own() -> None:
    assert torch.__version__.split("+")[0] == TORCH_VERSION
    assert set(_get_allowed_globals()) == ALLOWED
    assert len(ALLOWED) == 144
