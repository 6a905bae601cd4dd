"""What a call asks of the accelerator."""

import re
from typing import Final

from resolver.notebook.reading import Reading
from resolver.notebook.site import Site
from resolver.notebook.values import (
    DEVICE,
    Arguments,
    Constant,
    Exists,
    Imported,
    Text,
    Value,
    Values,
    unknown,
)

_DEVICE: Final = re.compile(r"cuda(?::(\d+))?")


def asks(reading: Reading, arguments: Arguments, site: Site) -> None:
    """What the arguments say of the accelerator."""
    spot = None
    for key, values in (*(("", each) for each in arguments.positional), *arguments.named.items()):
        for value in values:
            what = _asked(key, value)
            if what:
                spot = spot or reading.spot(site.node)
                reading.asks(what, spot, value.conditions if isinstance(value, Text) else ())


def _asked(key: str, value: Value) -> str:
    if isinstance(value, Imported):
        return "bfloat16" if value.name in ("torch.bfloat16", "jax.numpy.bfloat16") else ""
    if key in ("tensor_parallel_size", "data_parallel_size"):
        return "two devices" if isinstance(value, Constant) and (value.value or 0) > 1 else ""
    if not isinstance(value, Text):
        return ""
    if key in ("dtype", "torch_dtype") and value.text in ("bfloat16", "auto"):
        return "bfloat16" if value.text == "bfloat16" else ""
    if key == "attn_implementation":
        return "flash-attention" if value.text.startswith("flash_attention") else ""
    device = _DEVICE.fullmatch(value.text)
    return "" if device is None else "two devices" if int(device[1] or 0) > 0 else "cuda"


def cuda(reading: Reading, _: Arguments, site: Site) -> Values:
    """A call that takes a GPU."""
    reading.asks("cuda", reading.spot(site.node))
    return unknown(f"what {site.name}() gives")


def has_device(_: Reading, __: Arguments, ___: Site) -> Values:
    """Whether an accelerator is there."""
    return (Exists(DEVICE),)


def tpu(reading: Reading, _: Arguments, site: Site) -> Values:
    """A call that takes a TPU."""
    reading.asks("tpu", reading.spot(site.node))
    return (Imported(site.name, is_instance=True),)
