"""Every page below tests/cases/ is true: through the command line and through the library, to the last word.

`CASES=write pytest tests/test_cases.py -k W102` writes the reports into the page; then they want reading.
"""

import os

import pytest
from case_pages import built, pages, read_page, rewritten, through_the_api, through_the_command_line

from resolver.rules.rulebook import RULES

WRITE = os.environ.get("CASES") == "write"
PAGES = pages()
CASES = [pytest.param(page, case, id=case.name) for page in PAGES for case in page.cases]


@pytest.mark.parametrize(("page", "case"), CASES)
def test_the_report_is_what_the_page_says(page, case, tmp_path):
    with built(case, tmp_path):
        told = through_the_command_line(case, tmp_path)
        if WRITE:
            rewritten(page, next(each for each in read_page(page.path).cases if each.name == case.name), told)
            return
        assert told.rstrip() == case.blocks["report"].rstrip()
        if "command" not in case.blocks:
            assert through_the_api(case, tmp_path).rstrip() == case.blocks["report"].rstrip()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.code)
def test_a_page_shows_the_rule_and_something_near_it(page):
    """A rule that always speaks would pass a page that only breaks it."""
    (rule,) = [each for each in RULES if each.code == page.code]
    assert (page.path.stem, page.name) == (rule.code, rule.name)
    assert page.why
    spoken = [f"[{page.code}]" in case.blocks.get("report", "") for case in page.cases]
    assert any(spoken), "no case breaks the rule"
    assert not all(spoken), "no case nearly breaks it"


def test_every_rule_has_its_page():
    assert [rule.code for rule in RULES if rule.code not in {page.code for page in PAGES}] == []
