"""How weights are quantised, as the files declare it. Does not know which package or device that needs."""

from collections.abc import Mapping
from typing import Any

from resolver.inspection.files import Listing
from resolver.inspection.listed import read_listed
from resolver.record import Record

LEGACY_FILE = "quantize_config.json"  # auto-gptq and auto-awq before they wrote into config.json
SMALL_BYTES = 4 * 1024 * 1024


class QuantizationFacts(Record):
    """A declared quantisation.

    Attributes:
        method: "bitsandbytes", "gptq", "awq", "fp8", "mlx" …, as written; None where none is named.
        bits: bits a weight; None where the method does not say.
        file: the file that declares it.
        pointer: where in it.
    """

    method: str | None
    bits: int | None
    file: str
    pointer: str = ""


def read_quantization(config: Mapping[str, Any], files: Listing) -> QuantizationFacts | None:
    """The quantisation that config.json declares, else the one in quantize_config.json, else None.

    A loader of transformers looks at `quantization_config` alone; MLX writes `quantization` (and a copy under the
    other key, without a method).
    """
    nested = config.get("text_config")
    for pointer, holder in (("", config), ("/text_config", nested if isinstance(nested, dict) else {})):
        declared = holder.get("quantization_config")
        if isinstance(declared, dict) and declared:
            is_mlx = "quant_method" not in declared and isinstance(holder.get("quantization"), dict)
            return _facts(declared, "config.json", f"{pointer}/quantization_config", "mlx" if is_mlx else None)
        mlx = holder.get("quantization")
        if isinstance(mlx, dict) and "group_size" in mlx:
            return _facts(mlx, "config.json", f"{pointer}/quantization", "mlx")
    legacy = read_listed(files, LEGACY_FILE, max_bytes=SMALL_BYTES).value
    return _facts(legacy, LEGACY_FILE, "", "gptq") if isinstance(legacy, dict) and "bits" in legacy else None


def _facts(declared: Mapping[str, Any], file: str, pointer: str, otherwise: str | None) -> QuantizationFacts:
    method = declared.get("quant_method", otherwise)
    if isinstance(method, str):
        method = method.lower()
    else:
        method = "bitsandbytes" if _bitsandbytes_bits(declared) else otherwise
    return QuantizationFacts(method, _bits(declared), file, pointer)


def _bits(declared: Mapping[str, Any]) -> int | None:
    for key in ("bits", "w_bit", "weight_bits"):
        value = declared.get(key)
        if type(value) is int:
            return value
    return _bitsandbytes_bits(declared)


def _bitsandbytes_bits(declared: Mapping[str, Any]) -> int | None:
    if declared.get("load_in_4bit") is True or declared.get("_load_in_4bit") is True:
        return 4
    return 8 if declared.get("load_in_8bit") is True or declared.get("_load_in_8bit") is True else None
