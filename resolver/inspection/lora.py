"""The names and shapes of LoRA tensors: over which modules they are laid, of what rank, and how large those are."""

import re
from collections.abc import Mapping
from typing import Final

from resolver.record import Record, field

PREFIX: Final = "base_model.model."
# What peft puts into a name while an adapter is live: its name, and the wrapper of a module that is saved whole.
LIVE: Final = re.compile(
    r"(?<=\.lora_A)\.[^.]+(?=\.weight$)|(?<=\.lora_B)\.[^.]+(?=\.(?:weight|bias)$)"
    r"|(?<=\.lora_embedding_[AB])\.[^.]+$|(?<=\.lora_magnitude_vector)\.[^.]+(?=\.weight$)|\.modules_to_save\.[^.]+"
)
PART: Final = re.compile(r"^(?P<module>.+)\.lora_(?P<part>A|B|embedding_A|embedding_B)(?:\.[^.]+)?(?:\.weight)?$")
MATRIX: Final = 2


class Pair(Record):
    """The two matrices over one module: `a` is rank x in, `b` is out x rank; over an embedding, in is its rows."""

    a: tuple[int, ...]
    b: tuple[int, ...]
    embeds: bool = False

    @property
    def rank(self) -> int:
        """Rows of lora_A."""
        return self.a[0]

    @property
    def in_features(self) -> int:
        """Columns of lora_A."""
        return self.a[1]

    @property
    def out_features(self) -> int:
        """Rows of lora_B."""
        return self.b[0]

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether a stored weight of that shape is of the size, either way round: GPT-2 stores in x out."""
        size = (self.out_features, self.in_features)
        return shape in {size, size[::-1]}

    def is_reversed(self, shape: tuple[int, ...] | None) -> bool:
        """Whether the weight is stored in x out; never true of a square one."""
        return (
            not self.embeds and shape == (self.in_features, self.out_features) and self.in_features != self.out_features
        )


class LoraNames(Record):
    """What the names say.

    Attributes:
        modules: the modules that have both matrices, without `base_model.model.`.
        unpaired: modules that have one of them.
        dora: whether a magnitude is stored beside them.
        prefixed: whether every name begins with `base_model.model.`.
    """

    modules: Mapping[str, Pair] = field(default_factory=dict)
    unpaired: tuple[str, ...] = ()
    dora: bool = False
    prefixed: bool = True


def names_of(shapes: Mapping[str, tuple[int, ...]]) -> LoraNames:
    """Read them; matrices of another number of dimensions (convolutions, stacked experts) are left aside."""
    halves: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        found = PART.match(name)
        if found is not None and len(shape) == MATRIX:
            module = found["module"].removeprefix(PREFIX)
            halves.setdefault(module, {})[found["part"]] = shape
    pairs: dict[str, Pair] = {}
    for module, each in halves.items():
        if {"A", "B"} <= each.keys():
            pairs[module] = Pair(each["A"], each["B"])
        elif {"embedding_A", "embedding_B"} <= each.keys():
            pairs[module] = Pair(each["embedding_A"], each["embedding_B"], embeds=True)
    return LoraNames(
        pairs,
        tuple(module for module in halves if module not in pairs),
        any(".lora_magnitude_vector" in name for name in shapes),
        all(name.startswith(PREFIX) for name in shapes if ".lora_" in name),
    )


def base_module(module: str, shapes: Mapping[str, object]) -> str | None:
    """The base's own name of a module, or None where it has none.

    A base that was saved without its head lacks the first part of every name (`bert.`, `model.`).

    >>> base_module("bert.pooler.dense", {"pooler.dense.weight": ()})
    'pooler.dense'
    >>> base_module("model.model.norm", {"model.norm.weight": ()}) is None
    True
    """
    if f"{module}.weight" in shapes:
        return module
    first, _, rest = module.partition(".")
    if f"{rest}.weight" in shapes and not any(name.startswith(f"{first}.") for name in shapes):
        return rest
    return None
