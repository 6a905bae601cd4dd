import pytest

from resolver.names import contradiction, same_name, words

LLAMA = "meta-llama/Meta-Llama-3-8B-Instruct"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Meta-Llama-3.1-8B-Instruct", "llama-31-8b-it"),
        ("gemma-2-9b-it", "gemma2_9b_chat"),
        ("Qwen2.5-7B-Instruct", "qwen-2-5-7b-instruct"),
        ("deberta-v3-base", "debertav3base"),
        ("Mixtral-8x7B-Instruct-v0.1", "mixtral_8x7b_instruct_v0.1_hf"),
    ],
)
def test_words_fold_spellings_of_one_model(one, other):
    assert words(one) == words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Meta-Llama-3-8B-Instruct", "Meta-Llama-3-8B"),
        ("Meta-Llama-3-8B", "Meta-Llama-3-70B"),
        ("Meta-Llama-3-8B", "Llama-3.1-8B"),
        ("Qwen3-8B", "Qwen3-8B-AWQ"),
        ("gemma-2-9b-it", "gemma-2-9b-it-4bit"),
        ("gemma-3n-E2B-it", "gemma-3n-E4B-it"),
        ("Qwen3-30B-A3B", "Qwen3-30B"),
        ("gemma-3-270m-it", "gemma-3-1b-it"),
        ("deberta-v3-base", "deberta-v3-large"),
    ],
)
def test_words_keep_different_models_apart(one, other):
    assert words(one) != words(other)


@pytest.mark.parametrize(
    ("folders", "same"),
    [
        (("llama-3", "transformers", "8b-chat-hf", "1"), True),
        (("models", "metaresearch", "llama-3", "transformers", "8b-chat-hf", "1"), True),
        (("any-dataset", "Meta-Llama-3-8B-Instruct"), True),
        (("any-dataset", "meta-llama--Meta-Llama-3-8B-Instruct"), True),
        (("llama-3", "transformers", "8b-hf", "1"), False),
        (("llama-3", "transformers", "70b-chat-hf", "1"), False),
        (("llama-3.1", "transformers", "8b-instruct", "1"), False),
        (("meta-llama-3-8b-instruct", "Meta-Llama-3-8B"), False),
        (("weights",), False),
        ((), False),
    ],
)
def test_same_name_believes_the_innermost_folder_that_speaks(folders, same):
    assert same_name(LLAMA, folders) is same


def test_contradiction_names_what_the_folders_do_not_say():
    assert contradiction(LLAMA, ("llama3instruct",)) is None
    assert "no folder says" in str(contradiction(LLAMA, ("llama-3-8b",)))
    assert "a folder says" in str(contradiction("meta-llama/Meta-Llama-3-8B", ("llama-3-8b-chat",)))
    assert "70b" in str(contradiction(LLAMA, ("llama-3-70b-instruct",)))
