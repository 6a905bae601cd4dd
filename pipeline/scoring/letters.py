"""A generative model that is asked for a letter, in two halves: the rows, and how a process comes to the model.

The first half needs the tokenizer alone and finds the letters' ids; the second is a value that can be sent to another
process and called there.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ModelUnusableError, SettingsError
from pipeline.model.quantise import Quantize
from pipeline.model.runner import Runner
from pipeline.scoring.loading import loading_place, merged_into, rounded, take_device
from pipeline.text.chat import question_of
from pipeline.text.encode import Encoder
from pipeline.text.truncate import Truncation

# How the names of classes with a language head end.
ANSWERS: Final = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


@dataclass(frozen=True, slots=True)
class LoadLetters:
    """Load a language model, its adapter over it, and the best way to ask it.

    Attributes:
        path: a directory that passed the preflight.
        adapter: likewise; None where there is none.
        letters: ids of the letters, in the order of the columns.
        dtype: as torch names it, without "torch.".
        quantize: as in `LoadClassifier`.
    """

    path: Path
    adapter: Path | None
    letters: tuple[int, ...]
    dtype: str
    quantize: Quantize = "none"

    def __call__(self, device: str) -> Runner:
        """The model on a device.

        Raises:
            ModelUnusableError: the libraries refuse it.
        """
        import torch

        from pipeline.model.language import attach_to_language, letters_runner, load_language_model

        place = take_device(device)
        language = load_language_model(
            self.path,
            dtype=getattr(torch, self.dtype),
            device=loading_place(place, self.quantize),
            quantize=self.quantize,
        )
        if self.adapter is not None:
            language = merged_into(attach_to_language(language, self.adapter))
        language = rounded(language, place, self.quantize)
        return letters_runner(language, self.letters)


def ask_for_letters(
    tokenizer: Any, config: Any, *, labels: int, length: int, truncation: Truncation
) -> tuple[Encoder, tuple[int, ...]]:
    """What turns battles into questions, and the ids of the letters that answer them.

    Raises:
        ModelUnusableError: the config names no model that answers, or the chat template or the letters cannot be used.
        SettingsError: the length leaves no room for both answers.
    """
    named = tuple(config.architectures or ())
    if named and not any(name.endswith(ANSWERS) for name in named):
        raise ModelUnusableError(
            f"the model is a {', '.join(named)}, which answers with no letters",
            fix="say --head classifier, or give a model with its language head",
        )
    question = question_of(tokenizer, labels)
    try:
        return question.encoder(tokenizer, length, truncation), question.letters
    except ValueError as error:
        raise SettingsError(str(error), fix="say a larger --max-length") from None
