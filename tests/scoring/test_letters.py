import pickle
from pathlib import Path

import pytest
from families import build

from pipeline.errors import ModelUnusableError, SettingsError
from pipeline.model.load import load_text_side
from pipeline.scoring.letters import LoadLetters, ask_for_letters
from pipeline.text.truncate import Truncation


def test_the_halves_meet_though_the_model_is_loaded_from_a_value_that_was_sent(tmp_path: Path) -> None:
    import torch

    torch.set_num_threads(1)
    path = build(tmp_path / "m", "qwen2")
    tokenizer, config = load_text_side(path)
    assert config.model_type == "qwen2"
    encoder, letters = ask_for_letters(tokenizer, config, labels=2, length=500, truncation=Truncation("tail"))
    assert encoder.truncation.way == "tail"
    sent = pickle.loads(pickle.dumps(LoadLetters(path, None, letters, "float32")))
    runner = sent("cpu")
    with torch.inference_mode():
        assert tuple(runner.logits([(5, 6), (7,)]).shape) == (2, runner.labels)
    assert runner.labels == 2


def test_a_length_without_room_is_a_setting(tmp_path: Path) -> None:
    tokenizer, config = load_text_side(build(tmp_path / "m", "qwen2"))
    with pytest.raises(SettingsError, match="leaves no room for both answers"):
        ask_for_letters(tokenizer, config, labels=3, length=40, truncation=Truncation())


def test_a_classifier_is_refused_by_its_config_before_it_is_loaded(tmp_path: Path) -> None:
    tokenizer, config = load_text_side(build(tmp_path / "m", "qwen2", classifier=True))
    with pytest.raises(ModelUnusableError, match="is a Qwen2ForSequenceClassification, which answers with no letters"):
        ask_for_letters(tokenizer, config, labels=3, length=500, truncation=Truncation())
