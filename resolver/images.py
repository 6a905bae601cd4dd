"""Kaggle's notebook images by date: what is installed in them, as facts for judging without being there.

The GPU image (the CPU one shares it) is built on Colab's; a row holds from the day on which Kaggle took that base until
the next one. Sources: Kaggle/docker-python says which base was taken when, googlecolab/backend-info what that base had
installed. Kaggle's own requirements come on top, so a row is exact for torch and a lower bound for transformers and
kagglehub since 2026. bitsandbytes, vllm, flash-attn, auto-gptq and torch_tpu are in no image.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

from resolver.errors import ConfigurationError
from resolver.record import Record


class Image(Record):
    """One image.

    Attributes:
        date: from when on Kaggle uses it, ISO.
        kind: "GPU" or "TPU".
        python: the version of its interpreter.
        packages: versions by distribution name; absent means not installed.
    """

    date: str
    kind: str
    python: str
    packages: Mapping[str, str]

    @property
    def source(self) -> str:
        """Where the versions come from, as a report says it."""
        return f"Kaggle's {self.kind} image of {self.date}"


_PACKAGES: Final = (
    "torch", "torchvision", "triton", "transformers", "tokenizers", "safetensors", "huggingface-hub", "hf-xet",
    "kagglehub", "peft", "accelerate", "bitsandbytes", "sentence-transformers", "torchao", "sentencepiece",
    "tiktoken", "protobuf", "jinja2", "numpy", "pandas", "pyarrow", "polars", "pydantic", "rich", "click", "typer",
    "ipython", "datasets", "jax",
)  # fmt: skip
# Date, Python, and a version for each of `_PACKAGES`; "-" where it is not installed.
_ROWS: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "2024-12-17", "3.10.12",
        ("2.4.1+cu121 0.19.1+cu121 - 4.44.2 0.19.1 0.4.5 0.24.7 - 0.3.0 - 0.34.2 - - - 0.2.0 - 3.20.3 3.1.4 1.26.4 "
        "2.1.4 14.0.2 1.6.0 2.9.2 13.8.1 8.1.7 0.12.5 7.34.0 - 0.4.26"),
    ),
    (
        "2025-02-18", "3.10.12",
        ("2.5.1+cu121 0.20.1+cu121 - 4.47.0 0.21.0 0.4.5 0.27.0 - 0.3.5 0.14.0 1.2.1 - 3.3.1 - 0.2.0 - 4.25.5 "
        "3.1.4 1.26.4 2.2.2 17.0.0 1.9.0 2.10.3 13.9.4 8.1.7 0.15.1 7.34.0 - 0.4.33"),
    ),
    (
        "2025-05-06", "3.11.11",
        ("2.5.1+cu124 0.20.1+cu124 3.1.0 4.48.3 0.21.0 0.5.2 0.28.1 - 0.3.9 0.14.0 1.3.0 - 3.4.1 - 0.2.0 - 4.25.6 "
        "3.1.5 1.26.4 2.2.2 17.0.0 1.9.0 2.10.6 13.9.4 8.1.8 0.15.1 7.34.0 - 0.4.33"),
    ),
    (
        "2025-05-07", "3.11.11",
        ("2.6.0+cu124 0.21.0+cu124 3.2.0 4.50.3 0.21.1 0.5.3 0.30.1 - 0.3.11 0.14.0 1.5.2 - 3.4.1 - 0.2.0 - 5.29.4 "
        "3.1.6 2.0.2 2.2.2 18.1.0 1.21.0 2.11.2 13.9.4 8.1.8 0.15.2 7.34.0 - 0.5.2"),
    ),
    (
        "2025-06-27", "3.11.12",
        ("2.6.0+cu124 0.21.0+cu124 3.2.0 4.52.3 0.21.1 0.5.3 0.32.2 1.1.2 0.3.12 0.15.2 1.7.0 - 4.1.0 0.10.0 0.2.0 "
        "0.9.0 5.29.5 3.1.6 2.0.2 2.2.2 18.1.0 1.21.0 2.11.5 13.9.4 8.2.1 0.16.0 7.34.0 2.14.4 0.5.2"),
    ),
    (
        "2025-07-01", "3.11.13",
        ("2.6.0+cu124 0.21.0+cu124 3.2.0 4.53.0 0.21.2 0.5.3 0.33.1 1.1.5 0.3.12 0.15.2 1.8.1 - 4.1.0 0.10.0 0.2.0 "
        "0.9.0 5.29.5 3.1.6 2.0.2 2.2.2 18.1.0 1.21.0 2.11.7 13.9.4 8.2.1 0.16.0 7.34.0 2.14.4 0.5.2"),
    ),
    (
        "2025-09-25", "3.11.13",
        ("2.6.0+cu124 0.21.0+cu124 3.2.0 4.54.0 0.21.2 0.5.3 0.34.1 1.1.5 0.3.12 0.16.0 1.9.0 - 4.1.0 0.10.0 0.2.0 "
        "0.9.0 5.29.5 3.1.6 2.0.2 2.2.2 18.1.0 1.25.0 2.11.7 13.9.4 8.2.1 0.16.0 7.34.0 4.0.0 0.5.2"),
    ),
    (
        "2025-12-12", "3.12.12",
        ("2.8.0+cu126 0.23.0+cu126 3.4.0 4.57.1 0.22.1 0.6.2 0.36.0 1.2.0 0.3.13 0.17.1 1.11.0 - 5.1.2 0.10.0 "
        "0.2.1 0.12.0 5.29.5 3.1.6 2.0.2 2.2.2 18.1.0 1.25.2 2.11.10 13.9.4 8.3.0 0.20.0 7.34.0 4.0.0 0.7.2"),
    ),
    (
        "2026-02-02", "3.12.12",
        ("2.9.0+cu126 0.24.0+cu126 3.5.0 4.57.6 0.22.2 0.7.0 0.36.0 1.2.0 0.3.13 0.18.1 1.12.0 - 5.2.0 0.10.0 "
        "0.2.1 0.12.0 5.29.5 3.1.6 2.0.2 2.2.2 18.1.0 1.31.0 2.12.3 13.9.4 8.3.1 0.21.1 7.34.0 4.0.0 0.7.2"),
    ),
    (
        "2026-03-17", "3.12.12",
        ("2.10.0+cu128 0.25.0+cu128 3.6.0 5.0.0 0.22.2 0.7.0 1.4.1 1.3.0 0.3.13 0.18.1 1.12.0 - 5.2.3 0.10.0 0.2.1 "
        "0.12.0 5.29.6 3.1.6 2.0.2 2.2.2 18.1.0 1.35.2 2.12.3 13.9.4 8.3.1 0.24.1 7.34.0 4.0.0 0.7.2"),
    ),
    (
        "2026-04-27", "3.12.13",
        ("2.10.0+cu128 0.25.0+cu128 3.6.0 5.0.0 0.22.2 0.7.0 1.10.1 1.4.3 1.0.0 0.18.1 1.13.0 - 5.4.0 0.10.0 0.2.1 "
        "0.12.0 5.29.6 3.1.6 2.0.2 2.2.2 18.1.0 1.35.2 2.12.3 13.9.4 8.3.2 0.24.1 7.34.0 4.0.0 0.7.2"),
    ),
    (
        "2026-06-22", "3.12.13",
        ("2.10.0+cu128 0.25.0+cu128 3.6.0 5.0.0 0.22.2 0.7.0 1.11.0 1.4.3 1.0.0 0.19.1 1.13.0 - 5.4.1 0.10.0 0.2.1 "
        "0.12.0 5.29.6 3.1.6 2.0.2 2.2.2 18.1.0 1.35.2 2.12.3 13.9.4 8.3.3 0.24.2 7.34.0 4.0.0 0.7.2"),
    ),
)  # fmt: skip
# The TPU image pins these; what it leaves open is taken from the GPU image of its time. peft is in none of them.
_TPU_DATE: Final = "2026-03-16"
_TPU_PYTHON: Final = "3.12"
_TPU_PINNED: Final = {"torch": "2.8.0+cpu", "torch-xla": "2.8.0", "libtpu": "0.0.17"}
_TPU_OPEN: Final = (
    "transformers", "tokenizers", "safetensors", "huggingface-hub", "hf-xet", "kagglehub", "accelerate",
    "sentencepiece", "protobuf", "jinja2", "numpy", "pandas",
)  # fmt: skip


def image_of(kind: str, date: str | None = None) -> Image:
    """The image of a day: the newest that is not after it; the newest of all where no day is said.

    Raises:
        ConfigurationError: no date, or one before the first image that is known; lists those that are.
    """
    dates = known_dates(kind)
    if date is None:
        return _image(kind, dates[-1])
    try:
        asked = dt.date.fromisoformat(date).isoformat()
    except ValueError:
        raise ConfigurationError(f"{date!r} is no date; images are known of {', '.join(dates)}") from None
    found = [each for each in dates if each <= asked]
    if not found:
        raise ConfigurationError(f"no {kind} image of {asked} is known; known are {', '.join(dates)}")
    return _image(kind, found[-1])


def known_dates(kind: str) -> tuple[str, ...]:
    """The days from which on an image was used, the oldest first."""
    return (_TPU_DATE,) if kind == "TPU" else tuple(date for date, _, _ in _ROWS)


def _image(kind: str, date: str) -> Image:
    if kind == "TPU":
        beside = _image("GPU", max(each for each in known_dates("GPU") if each <= date)).packages
        open_ = {name: beside[name] for name in _TPU_OPEN if name in beside}
        return Image(date, kind, _TPU_PYTHON, {**open_, **_TPU_PINNED})
    python, versions = next((python, versions) for known, python, versions in _ROWS if known == date)
    pairs = zip(_PACKAGES, versions.split(), strict=True)
    return Image(date, kind, python, {name: version for name, version in pairs if version != "-"})
