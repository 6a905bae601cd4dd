"""Load a classifier from a directory that the preflight has passed: every weight in place, or an error.

transformers puts random weights where a checkpoint has none and prints a table; here that is an error, except for
the head that training is about to learn.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.errors import MissingPackageError, ModelUnusableError, SettingsError
from pipeline.model.quantise import Quantize, is_quantised, loading_options, require_runnable, settle
from pipeline.model.transfer import to_device
from pipeline.text.batch import collate
from pipeline.text.prompt import Ids

if TYPE_CHECKING:
    import torch

Dtype = Literal["auto", "float32", "bfloat16", "float16"]
Device = Literal["auto", "cpu", "cuda"]
DTYPES: Final[tuple[Dtype, ...]] = ("auto", "float32", "bfloat16", "float16")
DEVICES: Final[tuple[Device, ...]] = ("auto", "cpu", "cuda")
# Longer rows gain little for their cost; the contest's better entries used 1,024 to 3,072.
DEFAULT_LENGTH: Final = 1024
# A tokenizer without a limit says 1e30.
NO_LIMIT: Final = 1_000_000
# What `resolver check` is to judge for.
SCORE: Final = "--for score"


@dataclass(frozen=True, slots=True)
class Classifier:
    """A model in memory with its tokenizer.

    Attributes:
        model: a transformers sequence classifier, perhaps wrapped by PEFT.
        tokenizer: its tokenizer.
        device: where the model is.
        dtype: of the base's weights; an adapter over it keeps its own.
        labels: columns of the logits.
        missing: names of the weights that the checkpoint does not hold; only the head's, and only for training.
        quantised: whether its weights have fewer bits, so that nothing can be added to them.
    """

    model: Any
    tokenizer: Any
    device: "torch.device"
    dtype: "torch.dtype"
    labels: int
    missing: tuple[str, ...] = field(default=())
    quantised: bool = False

    def logits(self, rows: Sequence[Ids]) -> "torch.Tensor":
        """Logits [rows, labels] in float32, whatever the model computes in; `batch.pad_id` says how rows are padded."""
        config = self.model.config
        batch = collate(rows, self.tokenizer.pad_token_id, vocab_size(config))
        config.pad_token_id = batch.pad
        with self.precision():
            output = self.model(
                input_ids=to_device(batch.ids_BT, self.device), attention_mask=to_device(batch.mask_BT, self.device)
            )
        logits_BC: torch.Tensor = output.logits.float()
        return logits_BC

    def precision(self) -> "torch.autocast":
        """What the model computes in, also where an adapter over it keeps another dtype."""
        return precision(self.device, self.dtype)


def precision(device: "torch.device", dtype: "torch.dtype") -> "torch.autocast":
    """Computes in a dtype, also where an adapter keeps another one than the model under it."""
    import torch

    return torch.autocast(device.type, dtype=dtype, enabled=dtype != torch.float32)


def vocab_size(config: Any) -> int:
    """Rows of the embedding that the config claims, also where it is a config of text and images."""
    return int(config.get_text_config().vocab_size)


def require_packages() -> None:
    """Say which extra is missing, instead of an ImportError from the depths.

    Raises:
        MissingPackageError: torch, transformers or peft is not installed.
    """
    from importlib.util import find_spec

    absent = [name for name in ("torch", "transformers", "peft", "safetensors") if find_spec(name) is None]
    if absent:
        raise MissingPackageError(
            f"{', '.join(absent)} is not installed", fix="pip install 'offline-resolver[pipeline]'"
        )


def choose_device(device: Device) -> "torch.device":
    """The device to use.

    Raises:
        SettingsError: cuda was asked for and is not there.
    """
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise SettingsError("there is no CUDA device that torch can use", fix="say --device cpu")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def choose_dtype(dtype: Dtype, device: "torch.device") -> "torch.dtype":
    """What to compute in: float32 on a CPU, bfloat16 on a TPU; on a GPU bfloat16 where it is native, else float16."""
    import torch

    if dtype != "auto":
        named: torch.dtype = getattr(torch, dtype)
        return named
    if device.type == "cpu":
        return torch.float32
    if device.type != "cuda":
        return torch.bfloat16
    return torch.bfloat16 if torch.cuda.get_device_capability(device) >= (8, 0) else torch.float16


def load_classifier(
    path: Path,
    *,
    labels: int,
    dtype: "torch.dtype",
    device: "torch.device",
    head_may_be_new: bool = False,
    quantize: Quantize = "none",
) -> Classifier:
    """Load base and tokenizer; nothing is looked for outside the directory.

    Args:
        path: a directory that passed the preflight.
        labels: columns of the head.
        dtype: of the weights.
        device: where to put them.
        head_may_be_new: the head need not be in the checkpoint: an adapter brings it, or training learns it.
        quantize: make the weights of all but the head so; "fp8" is made later, of whole weights (see `fp8`).

    Raises:
        ModelUnusableError: the libraries refuse it, or weights other than the head's would be random.
    """
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    with quiet(), refused_as_model(path):
        tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False)
    auto = AutoModelForSequenceClassification
    options = quantising(auto, path, quantize, dtype=dtype, device=device)
    model, missing = open_model(auto, path, dtype=dtype, num_labels=labels, **options)
    require_runnable(model, path, quantize, device)
    with quiet(), refused_as_model(path):
        settle(model)
    random = [name for name in missing if not (head_may_be_new and _belongs_to_head(model, name))]
    if random:
        raise ModelUnusableError(
            f"{path} lacks {len(random)} weights that would be random: {', '.join(random[:3])}",
            fix="give a classifier that was trained, or --adapter with one that carries its head",
        )
    placed = model if options else model.to(device)
    quantised = is_quantised(placed)
    # AWQ's kernels want float16 whatever was asked for, and transformers sees to it.
    return Classifier(
        placed.eval(), tokenizer, device, placed.dtype if quantised else dtype, labels, missing, quantised=quantised
    )


def load_text_side(path: Path) -> tuple[Any, Any]:
    """The tokenizer and the config alone, for a process that has rows made and does not run the model.

    Raises:
        ModelUnusableError: the libraries refuse them.
    """
    from transformers import AutoConfig, AutoTokenizer

    with quiet(), refused_as_model(path):
        return (
            AutoTokenizer.from_pretrained(path, local_files_only=True, trust_remote_code=False),
            AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False),
        )


def open_model(
    auto: Any, path: Path, *, dtype: "torch.dtype", check: str = SCORE, **more: Any
) -> tuple[Any, tuple[str, ...]]:
    """What transformers makes of a directory, and of nothing outside it.

    Args:
        auto: the auto class that is asked for.
        path: the directory.
        dtype: of the weights.
        check: the options of `resolver check` that say more where it fails.
        more: for the class.

    Returns:
        The model, and the names of the weights that the checkpoint does not hold.

    Raises:
        ModelUnusableError: the libraries refuse it.
    """
    with quiet(), refused_as_model(path, check):
        model, info = auto.from_pretrained(
            path, dtype=dtype, local_files_only=True, trust_remote_code=False, output_loading_info=True, **more
        )
    return model, tuple(sorted(info["missing_keys"]))


def quantising(
    auto: Any, path: Path, quantize: Quantize, *, dtype: "torch.dtype", device: "torch.device", check: str = SCORE
) -> dict[str, Any]:
    """What `open_model` is given beside, for weights of fewer bits than `dtype` has; {} where they have as many.

    Raises:
        ModelUnusableError: the libraries refuse the config.
    """
    from transformers import AutoConfig

    with quiet(), refused_as_model(path, check):
        config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        return loading_options(config, quantize, lambda: _whole_of_empty(auto, config), dtype=dtype, device=device)


def _whole_of_empty(auto: Any, config: Any) -> tuple[str, ...]:
    import torch

    with torch.device("meta"):
        return whole_modules(auto.from_config(config, trust_remote_code=False))


def whole_modules(model: Any) -> tuple[str, ...]:
    """What the forecasts come out of, whatever the other weights are made of: head and pooler."""
    output = model.get_output_embeddings()
    head = tuple(name for name, module in model.named_modules() if module is output)
    poolers = (name for name, _ in model.named_modules() if name.split(".")[-1] == "pooler")
    return (*(head or head_modules(model)), *poolers)


@contextmanager
def refused_as_model(path: Path, check: str = SCORE) -> Iterator[None]:
    """Tell what the libraries raise as one error about the model."""
    try:
        yield
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelUnusableError(
            f"{path} cannot be loaded: {first_line(error)}", fix=f"resolver check {path} {check}"
        ) from error


def head_modules(model: Any) -> tuple[str, ...]:
    """The classifier's own modules: what stands beside the encoder and has weights (`score`, `classifier`, ...)."""
    prefix = model.base_model_prefix
    return tuple(
        name for name, module in model.named_children() if name != prefix and any(True for _ in module.parameters())
    )


def _belongs_to_head(model: Any, weight: str) -> bool:
    """Whether a weight is the head's, or the pooler's that some encoders are shipped without."""
    parts = weight.split(".")
    return parts[0] in head_modules(model) or "pooler" in parts


def length_limit(tokenizer: Any, config: Any) -> int | None:
    """The longest row, in tokens, that model and tokenizer are made for; None where neither says."""
    text = config.get_text_config()
    limits = [int(tokenizer.model_max_length)] if tokenizer.model_max_length < NO_LIMIT else []
    positions = getattr(text, "max_position_embeddings", None)
    if isinstance(positions, int) and positions > 0:
        # RoBERTa and its kin count positions from the pad id + 1.
        offset = (text.pad_token_id or 0) + 1 if "roberta" in text.model_type or text.model_type == "camembert" else 0
        limits.append(positions - offset)
    return min(limits) if limits else None


def choose_length(asked: int | None, tokenizer: Any, config: Any) -> int:
    """The length of a row: what was asked, else the default, within what the model is made for.

    Raises:
        SettingsError: more was asked than the model has positions.
    """
    limit = length_limit(tokenizer, config)
    if asked is None:
        return DEFAULT_LENGTH if limit is None else min(DEFAULT_LENGTH, limit)
    if limit is not None and asked > limit:
        raise SettingsError(
            f"a length of {asked} tokens was asked; the model is made for {limit}", fix=f"say --max-length {limit}"
        )
    return asked


def first_line(error: BaseException) -> str:
    """What an exception says, in one line of bearable length."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


@contextmanager
def quiet() -> Iterator[None]:
    """Without the tables and bars of transformers, whose content is judged here instead; the setting is put back."""
    import warnings
    from logging import ERROR, getLogger

    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    getLogger("bitsandbytes").setLevel(ERROR)  # it warns of kernels for 4 bits whoever imports it
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
