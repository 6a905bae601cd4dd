"""What loads models: which modules define it, under which names, and which argument says what to load.

Names of transformers 4.41 to 5.23, huggingface_hub 0.2x to 2.4, peft, sentence-transformers, safetensors and torch;
a module or name that a version does not have is passed over.
"""

from typing import Final, Literal

from resolver.record import Record

Shape = Literal["classmethod", "function", "class", "init"]


class Target(Record):
    """One callable that loads.

    Attributes:
        module: the module after whose import it can be patched.
        name: of the attribute; "*" for `from_pretrained` of every class that the module defines.
        shape: how it is patched: a class method, a function, a class that cannot be subclassed, an `__init__`.
        position: of the argument that says what to load, the class or self counted.
        keywords: its names.
        reads: "model" for a reference, "file" for a path of one file.
        aliases: other modules that hold the same object under the same name.
    """

    module: str
    name: str
    shape: Shape
    position: int
    keywords: tuple[str, ...]
    reads: Literal["model", "file", "snapshot"] = "model"
    aliases: tuple[str, ...] = ()


_NAMED: Final = ("pretrained_model_name_or_path",)
_CLASSES: Final = (
    "transformers.modeling_utils",
    "transformers.configuration_utils",
    "transformers.tokenization_utils_base",
    "transformers.generation.configuration_utils",
    "transformers.processing_utils",
    "transformers.feature_extraction_utils",
    "transformers.image_processing_base",
    "transformers.image_processing_utils",
    "transformers.video_processing_utils",
    "transformers.models.auto.auto_factory",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.configuration_auto",
    "transformers.models.auto.tokenization_auto",
    "transformers.models.auto.processing_auto",
    "transformers.models.auto.image_processing_auto",
    "transformers.models.auto.feature_extraction_auto",
    "transformers.models.auto.video_processing_auto",
    "peft.auto",
    "peft.config",
)
_ADAPTERS: Final = ("peft.peft_model", "peft.mixed_model")
_SENTENCES: Final = (
    ("sentence_transformers.SentenceTransformer", "SentenceTransformer"),
    ("sentence_transformers.cross_encoder.CrossEncoder", "CrossEncoder"),
    ("sentence_transformers.sentence_transformer.model", "SentenceTransformer"),
    ("sentence_transformers.cross_encoder.model", "CrossEncoder"),
    ("sentence_transformers", "SentenceTransformer"),
    ("sentence_transformers", "CrossEncoder"),
)

TARGETS: Final = (
    *(Target(module, "*", "classmethod", 1, _NAMED) for module in _CLASSES),
    *(Target(module, "*", "classmethod", 2, ("model_id",)) for module in _ADAPTERS),
    Target("transformers.pipelines", "pipeline", "function", 1, ("model",), aliases=("transformers",)),
    *(Target(module, name, "init", 1, ("model_name_or_path", "model_name")) for module, name in _SENTENCES),
    Target("safetensors", "safe_open", "class", 0, ("filename",), reads="file"),
    Target("safetensors.torch", "load_file", "function", 0, ("filename",), reads="file"),
    Target("safetensors.numpy", "load_file", "function", 0, ("filename",), reads="file"),
    Target("torch.serialization", "load", "function", 0, ("f",), reads="file", aliases=("torch",)),
    Target(
        "huggingface_hub._snapshot_download",
        "snapshot_download",
        "function",
        0,
        ("repo_id",),
        reads="snapshot",
        aliases=("huggingface_hub",),
    ),
    Target(
        "huggingface_hub.file_download", "hf_hub_download", "function", 0, ("repo_id",), aliases=("huggingface_hub",)
    ),
)
# What a call may name that a directory found elsewhere is not proven to be.
PINS: Final = ("revision", "subfolder", "variant", "cache_dir")
