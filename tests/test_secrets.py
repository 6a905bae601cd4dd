"""Tokens are found by their form, masked, and nothing that only looks like one is."""

import pytest

from resolver.secrets import find_secrets, mask

HF = "hf_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3f"
HEX = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (f'login(token="{HF}")', "Hugging Face token"),
        (f'os.environ["HF_TOKEN"] = "{HF}"', "Hugging Face token"),
        (f"!hf auth login --token {HF}", "Hugging Face token"),
        (f'wandb.login(key="{HEX}")', "Weights & Biases key"),
        (f'os.environ["KAGGLE_KEY"] = "{HEX[:32]}"', "Kaggle key"),
        ('token = "ghp_' + "a1B2" * 9 + '"', "GitHub token"),
    ],
)
def test_a_literal_token_is_found_and_masked(line: str, kind: str) -> None:
    assert [each.kind for each in find_secrets(line, in_code=True)] == [kind]
    assert HF[5:] not in mask(line, in_code=True)
    assert HEX[:32] not in mask(line, in_code=True)


@pytest.mark.parametrize(
    "line",
    [
        'login(token="hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")',
        'token = os.environ["HF_TOKEN"]',
        'model = "hf_internal_testing/tiny-random-bert"',
        f'sha = "{HEX}"',
        "wandb.init(project='x')",
    ],
)
def test_what_only_looks_like_a_token_is_none(line: str) -> None:
    assert not [each for each in find_secrets(line, in_code=True) if not each.placeholder]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hf_abcdefghijklmnopqrstuvwxyz", "hf_***"),
        ("token=KGAT_0123456789abcdef0123456789abcdef", "token=KGAT_***"),
        ("https://user:secret@huggingface.co/org/name", "https://***@huggingface.co/org/name"),
        ("https://huggingface.co/org/name@main", "https://huggingface.co/org/name@main"),
        ("hf://gpt2@main", "hf://gpt2@main"),
        ("hf://user:secret@org/name", "hf://***@org/name"),
        ("hf_cache", "hf_cache"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct"),
    ],
)
def test_mask_hides_secrets_and_nothing_else(text: str, shown: str) -> None:
    assert mask(text) == shown


def test_a_token_within_the_credentials_of_an_address_is_masked_once() -> None:
    assert mask(f"https://user:{HF}@huggingface.co/org") == "https://***@huggingface.co/org"


def test_forty_digits_in_a_report_are_a_commit_and_in_code_a_key() -> None:
    line = f'kaggle = "{HEX}"'
    assert (mask(line), mask(line, in_code=True)) == (line, 'kaggle = "***"')
