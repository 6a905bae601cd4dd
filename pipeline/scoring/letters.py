"""Open a generative model that is asked for a letter: model, adapter, question and runner."""

from typing import TYPE_CHECKING

from pipeline.errors import SettingsError
from pipeline.model.language import attach_to_language, letters_runner, load_language_model
from pipeline.model.load import choose_length
from pipeline.model.runner import Runner
from pipeline.preflight import Preflight
from pipeline.text.chat import question_of
from pipeline.text.encode import Encoder
from pipeline.text.truncate import Truncation

if TYPE_CHECKING:
    import torch


def open_letters(
    checked: Preflight,
    *,
    labels: int,
    max_length: int | None,
    truncation: Truncation,
    device: "torch.device",
    dtype: "torch.dtype",
) -> tuple[Runner, Encoder]:
    """A model that has passed the preflight, ready to be asked; engines run it as they run a classifier.

    Raises:
        ModelUnusableError: it, its adapter or its chat template cannot be used so.
        SettingsError: the length is beyond the model, or leaves no room for both answers.
    """
    language = load_language_model(checked.path, dtype=dtype, device=device)
    length = choose_length(max_length, language.tokenizer, language.model.config)
    question = question_of(language.tokenizer, labels)
    if checked.adapter_path is not None:
        language = attach_to_language(language, checked.adapter_path)
    try:
        encoder = question.encoder(language.tokenizer, length, truncation)
    except ValueError as error:
        raise SettingsError(str(error), fix="say a larger --max-length") from None
    return letters_runner(language, question.letters), encoder
