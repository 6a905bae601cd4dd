"""Tokens are found by their form, masked, and nothing that only looks like one is."""

import pytest

from resolver.notebook.secrets import masked, secrets

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
    assert [each[0] for each in secrets(line)] == [kind]
    assert HF[5:] not in masked(line)
    assert HEX[:32] not in masked(line)


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
    assert not list(secrets(line))
    assert masked(line) == line
