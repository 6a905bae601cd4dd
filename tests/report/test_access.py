"""What the sites said, told: five parts a site, whatever a site wrote in its answer."""

import json
import re

from resolver.online.advice import site_access
from resolver.online.answers import AccessReport, Answer, Token
from resolver.report.access import one_line, render_access
from resolver.report.blocks import Told
from resolver.report.json_v1 import render

HOSTILE = "\x1b[2J::error::\u202e hf_" + "a1B2" * 8
REPORT = AccessReport(
    "org/name",
    (
        site_access(
            Answer("huggingface", "org/name", "main", named=True, host="huggingface.co", exists="yes",
                   token=Token("valid", "HF_TOKEN", HOSTILE, "read"), gate="manual", grant="refused", said=HOSTILE),
            "org/name",
        ),
        site_access(Answer("kaggle", "org/name/pytorch/8b", None, named=True, grant="granted"), "org/name"),
    ),
    ("one thing", HOSTILE),
)  # fmt: skip


def test_each_site_is_told_in_five_parts_and_then_what_it_comes_to() -> None:
    text = render_access(REPORT)
    assert [line.split(":")[0] for line in text.splitlines() if line] == [
        "to do huggingface",
        " --> https",
        "  = evidence",
        "  = consequence",
        "  = fix",
        "      resolver access org/name --site huggingface",
        "granted kaggle",
        " --> https",
        "  = evidence",
        "note",
        "note",
        "to do",
    ]
    assert one_line(REPORT) == "to do: org/name, 1 of 2 sites grant it"


def test_what_a_site_wrote_does_no_harm() -> None:
    for text in (render_access(REPORT), render(Told(access=REPORT))):
        assert "a1B2" not in text
        assert not re.search("[\x1b\u202e]", text)
    assert json.loads(render(Told(access=REPORT)))["access"]["sites"][0]["token"]["account"].endswith("hf_***")


def test_with_colour_the_text_is_the_same() -> None:
    coloured = render_access(REPORT, colour=True)
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == render_access(REPORT)
    assert coloured != render_access(REPORT)
