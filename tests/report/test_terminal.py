"""The five parts of a message, in their order and their look."""

import subprocess
import sys
from pathlib import Path

import pytest
from told_reports import DIAGNOSIS, LICENCE, NESTED, SHARD, TRAIL, not_found_report, report

from resolver.finding import Finding, Fix, Identity, NotFound, Place, TrailStep
from resolver.report.terminal import render, render_not_found

HOSTILE = "\x1b[2J\u202e\n::error::owned\udc80##[error]"
PROJECT = Path(__file__).resolve().parents[2]


def test_render_shows_a_finding_in_five_parts() -> None:
    assert render((report(SHARD),)).startswith(
        """\
error[W102] shard-missing: model-00003-of-00004.safetensors is not in the snapshot
 --> gemma-2-9b-it/model.safetensors.index.json:150
  = evidence: tensors missing 134, tensors 464, missing 4.96 GB
  = consequence: layers 21-31 have no weights; the model cannot be loaded
  = fix: fetch that one file where there is a network, then check again
      hf download google/gemma-2-9b-it model-00003-of-00004.safetensors --local-dir gemma-2-9b-it
      resolver check gemma-2-9b-it

"""
    )


def test_render_ends_with_what_the_model_came_to() -> None:
    assert render((report(SHARD, LICENCE),)).endswith(
        """\

unusable: google/gemma-2-9b-it (exact, hf cache) /hub/gemma-2-9b-it
  1 error, 1 warning, 0 infos; 3 rules at level quick to load on host; judged with transformers 5.23.0, torch \
2.13.0+cpu; 12 ms
  not judged: W110 (W102 has to be mended first)
"""
    )


def test_render_puts_errors_first_then_warnings_then_infos() -> None:
    text = render((report(NESTED, LICENCE, SHARD),))
    assert text.index("error[W102]") < text.index("warning[L501]") < text.index("info[F008]") < text.index("unusable:")


def test_render_says_what_was_not_judged_with() -> None:
    assert "judged without transformers, which is not installed" in render((report(judged_with={}),))


def test_render_names_the_candidates_that_were_passed_over() -> None:
    step = TrailStep("kaggle mount", "/kaggle/input/x", "rejected", "W102 a shard is missing")
    assert "  passed over: /kaggle/input/x (W102 a shard is missing)\n" in render((report(trail=(step,)),))


def test_render_shows_each_of_several_models() -> None:
    text = render((report(SHARD), report(), not_found_report()), places=("a", "b", "command line, argument 3"))
    assert [text.count(word) for word in ("unusable: ", "\nusable: ", "error: meta-llama/Llama-3 is not")] == [1, 1, 1]
    assert " --> command line, argument 3\n" in text


def test_render_not_found_groups_the_trail_by_source() -> None:
    assert (
        render_not_found(DIAGNOSIS, TRAIL, place="command line, argument 1")
        == """\
error: meta-llama/Llama-3 is not attached to this notebook
 --> command line, argument 1
  = evidence: 2 sources asked; the catalog knows it on Kaggle as metaresearch/llama-3/transformers/8b-chat-hf
      kaggle mount   /kaggle/input/llama-3 is absent
                     near: /kaggle/input/llama-3.1/8b/1 is attached, another model
      hf cache       /root/.cache/huggingface/hub: no models--meta-llama--Llama-3
  = consequence: no path to return
  = fix: accept the licence, attach it, then
      kaggle kernels push -p .
"""
    )


@pytest.mark.parametrize(
    ("place", "shown"),
    [
        (Place(line=7), " --> notebook.ipynb:7\n"),
        (Place(cell=3, line=7), " --> notebook.ipynb cell 3:7\n"),
        (Place(pointer="/weight_map"), " --> notebook.ipynb at /weight_map\n"),
        (None, " --> notebook.ipynb\n"),
    ],
)
def test_render_shows_where(place: Place | None, shown: str) -> None:
    assert shown in render((report(SHARD.replaced(path="notebook.ipynb", place=place)),))


def test_no_text_of_others_reaches_the_terminal_as_an_order() -> None:
    finding = Finding(
        "W102", "shard-missing", "error", HOSTILE, HOSTILE, Place(pointer=HOSTILE),
        {HOSTILE: HOSTILE, "list": [HOSTILE], "map": {HOSTILE: HOSTILE}}, HOSTILE, Fix(HOSTILE, HOSTILE),
    )  # fmt: skip
    trail = (TrailStep(HOSTILE, HOSTILE, "rejected", HOSTILE), TrailStep("s", HOSTILE, "near", HOSTILE))
    missing = NotFound(HOSTILE, (HOSTILE,), HOSTILE, Fix(HOSTILE, HOSTILE))
    model = Identity(HOSTILE, Path("/" + HOSTILE), HOSTILE, "exact")
    shown = render(
        (
            report(finding, model=model, adapter=model, trail=trail, accelerator=HOSTILE),
            report(model=Identity(HOSTILE), verdict="not-found", not_found=missing, trail=trail),
        )
    )
    assert all(line.isprintable() for line in shown.split("\n"))
    assert not any(line.lstrip().startswith("::") for line in shown.split("\n"))
    assert "##[" not in shown


def test_huge_numbers_and_long_texts_do_not_break_the_evidence() -> None:
    finding = SHARD.replaced(evidence={"n": 10**5000, "total_bytes": 10**5000, "t": "x" * 1000, "f": float("nan")})
    shown = render((report(finding),))
    assert "n about 2**16610, total about 2**16610" in shown
    assert max(map(len, shown.split("\n"))) < 400


def test_evidence_leaves_out_what_is_unknown() -> None:
    finding = SHARD.replaced(evidence={"a": None, "b": [], "c": 0, "d": False, "e": ["x", "y", "z", "v", "w"]})
    assert "  = evidence: c 0, d no, e [x, y, z, v and 1 more]\n" in render((report(finding),))


def test_colour_changes_no_word() -> None:
    reports = (report(SHARD, LICENCE, NESTED), not_found_report())
    coloured = render(reports, colour=True)
    assert "\x1b[1;31merror[W102]\x1b[0m" in coloured
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == render(reports)


def test_plain_text_needs_no_third_party_package() -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from told_reports import *\nfrom resolver.report.terminal import render\n"
        "render((report(SHARD), not_found_report()))\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in {'rich', 'pydantic', 'resolver.cli'}))"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(PROJECT), str(PROJECT / "tests")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"
