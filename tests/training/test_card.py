"""The terms of a base travel with the adapter and with the merged model, so that `resolver check` has nothing to say."""

from pathlib import Path

import pytest
from adapter_factory import peft_adapter
from tiny_classifier import save_classifier

from pipeline.training.card import carry_terms

CARD = """\
---
license: other
license_name: "house: of # cards"
license_link: https://example.org/licence
extra_gated_prompt: please
---
# A base
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = save_classifier(tmp_path_factory.mktemp("card") / "base", family="llama", head=False)
    (made / "README.md").write_text(CARD)
    (made / "LICENSE.txt").write_text("House licence\n")
    (made / "USE_POLICY.md").write_text("# Use policy\n")
    return made


def carried(base: Path, target: Path) -> tuple[str, ...]:
    peft_adapter(base, target)
    return carry_terms(base, target, base_name="org/base", text="# An adapter\n", adapter=True)


def test_an_adapter_with_the_terms_of_its_base_is_clean(base: Path, tmp_path: Path) -> None:
    from resolver import check_model

    assert carried(base, tmp_path / "adapter") == ("LICENSE.txt", "README.md", "USE_POLICY.md")
    report = check_model(tmp_path / "adapter")
    assert report.verdict == "usable"
    assert [each.code for each in report.findings if each.severity != "info"] == []
    over = check_model(base, purpose="score", adapter=tmp_path / "adapter")
    assert [each.code for each in over.findings if each.severity != "info"] == []


def test_the_card_declares_the_licence_as_the_bases_does(base: Path, tmp_path: Path) -> None:
    from resolver import describe_model

    carried(base, tmp_path / "adapter")
    said, before = describe_model(tmp_path / "adapter").licence, describe_model(base).licence
    assert said is not None
    assert before is not None
    assert (said.declared, said.declared_name, said.declared_link) == (
        before.declared,
        before.declared_name,
        before.declared_link,
    )
    assert said.declared_name == "house: of # cards"
    assert said.base_models == ("org/base",)
    assert (tmp_path / "adapter" / "LICENSE.txt").read_bytes() == (base / "LICENSE.txt").read_bytes()


def test_a_base_without_terms_has_none_claimed_for_it(tmp_path: Path) -> None:
    from resolver import check_model

    base = save_classifier(tmp_path / "base", family="llama", head=False)
    peft_adapter(base, tmp_path / "adapter")
    assert carry_terms(base, tmp_path / "adapter", base_name=None, text="# An adapter", adapter=True) == ("README.md",)
    assert "L501" in [each.code for each in check_model(tmp_path / "adapter").findings]
