"""The page: well formed, without anything from elsewhere, hostile text escaped, and looked at in a real browser."""

import html.parser
import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from browser import browse, needs_browser
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_forecasts import made_up, table_of

from pipeline.arena.table import Origin
from pipeline.evaluate.evaluation import Other, evaluate
from pipeline.evaluate.page import render

BATTLES, ROWS = made_up(400, side=0.3, sharpness=1.6)
OTHER = Other("other.csv", made_up(400)[1])
VOID = {"meta", "br"}
NASTY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\r\n\0\u202e\ud800<>&'\"%:")), max_size=30) | (
    st.sampled_from(["</title><script>alert(1)</script>", "\x1b[2J", "<img src=x onerror=alert(1)>", "&#x0;", "https://x.y/z"])
)  # fmt: skip


@pytest.fixture(scope="module")
def found():
    looks = {each.id: (row, row[::-1]) for each, row in zip(BATTLES, ROWS, strict=True)}
    return evaluate(table_of(BATTLES, origins=True), ROWS, looks=looks, other=OTHER, draws=200)


@pytest.fixture(scope="module")
def page(found) -> str:
    return render(found, "submission.csv", "solution.csv")


class Reader(html.parser.HTMLParser):
    """Reads a page and holds that its tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.text += " " if tag == "small" else ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.text += " " if tag in ("td", "th", "small", "text", "li") else ""

    def handle_data(self, data):
        self.text += data if self.open[-1:] != ["style"] else ""


def read(page):
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    names = {name for name, _ in reader.attributes}
    assert names & {"src", "href", "style", "srcset", "data", "action"} == set()
    assert not {name for name in names if name.startswith("on")}
    assert not {"script", "img", "link", "iframe", "object", "image", "use"} & set(reader.tags)
    return reader


def test_the_page_is_whole_and_asks_for_nothing(page: str) -> None:
    reader = read(page)
    assert page.isascii()
    assert not re.search(r"(?:https?:)?//|url\s*\(|@import", page)
    assert reader.tags.count("svg") > 20
    assert reader.tags.count("title") == 1 + len([each for each in reader.attributes if each == ("role", "img")])
    ids = [value for name, value in reader.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    for title in (
        "Beside forecasts that need no model",
        "Against other.csv",
        "Calibration",
        "Position",
        "Length",
        "By turns",
    ):
        assert title in reader.text
    assert reader.tags.count("caption") == 6


def shown(value) -> set[str]:
    """A number as the page may show it."""
    forms = (".4f", "+.4f", ".3f", "+.3f", ".2f", ".1%")
    return {f"{number:{form}}" for number in (value, abs(value)) for form in forms}


def numbers_in(value) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(numbers_in, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(numbers_in, value))
    return shown(value) if isinstance(value, float) else set()


def test_every_figure_of_the_page_stands_in_the_json(page: str, found) -> None:
    known = numbers_in(json.loads(json.dumps(asdict(found))))
    told = re.findall(r"(?<![\w.])[+-]?\d+\.\d{3,4}(?![\d%])|(?<![\w.])\d+\.\d%", read(page).text)
    assert len(told) > 200
    ticks = {"0.000", "1.000"}
    assert [each for each in told if each not in known | ticks and each.lstrip("+-") not in known] == []


@settings(max_examples=40, deadline=None)
@given(NASTY, NASTY, NASTY)
def test_the_text_of_others_stays_text(name: str, file: str, model: str) -> None:
    battles, rows = made_up(3)
    table = replace(table_of(battles), origins=(Origin((model or "m", name or "n"), file or None),) * 3)
    told = evaluate(table, rows, other=Other(name, rows), draws=3)
    page = render(told, name, file)
    read(page)
    assert not {"\x1b", "\0", "\u202e"} & set(page)


PROBE = """<!DOCTYPE html><meta charset="utf-8"><body><iframe id="f" width="WIDE" height="900"></iframe><script>
const f = document.getElementById("f");
f.onload = () => {
  const d = f.contentDocument, root = d.documentElement;
  d.querySelectorAll("details").forEach(each => { each.open = true; });
  const boxes = [...d.querySelectorAll("figure svg")].map(each => each.getBoundingClientRect());
  const strips = [...d.querySelectorAll("svg.strip")].map(each => each.getBoundingClientRect());
  const fills = [...d.querySelectorAll("figure svg circle")].map(each => f.contentWindow.getComputedStyle(each).fill);
  document.title = JSON.stringify({wide: root.scrollWidth, high: root.scrollHeight, plots: boxes.length,
    narrowest: Math.min(...boxes.map(each => each.width)), lowest: Math.min(...boxes.map(each => each.height)),
    strip: Math.min(...strips.map(each => each.width)), fills: [...new Set(fills)],
    letters: f.contentWindow.getComputedStyle(d.querySelector("figure svg text")).fontSize,
    cut: [...d.querySelectorAll("td, th, p, h3, li")].filter(each => each.scrollWidth > each.clientWidth + 1
      && each.clientWidth > 0).length});
};
f.srcdoc = PAGE;
</script>"""


@needs_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1280])
def test_in_a_browser_the_plots_are_there_and_nothing_is_wider_than_the_screen(
    width: int, page: str, tmp_path: Path
) -> None:
    probe = tmp_path / "probe.html"
    quoted = json.dumps(page).replace("</", "<\\/")
    probe.write_text(PROBE.replace("WIDE", str(width)).replace("PAGE", quoted))
    done = browse(tmp_path, probe.as_uri(), "--dump-dom", "--virtual-time-budget=5000", "--window-size=1400,1000")
    seen = json.loads(re.search(r"<title>(.*?)</title>", done.stdout)[1])
    assert seen["wide"] <= width
    assert seen["plots"] == 6
    assert seen["narrowest"] > 300
    assert seen["lowest"] > 200
    assert seen["strip"] > 60
    assert seen["letters"] == "12px"
    assert seen["cut"] == 0
    assert seen["fills"] == ["rgb(179, 84, 10)"]


@needs_browser
@pytest.mark.slow
def test_in_a_browser_both_schemes_are_painted_and_the_console_is_silent(page: str, tmp_path: Path) -> None:
    """The policy knows the style by its hash: a fault there would stand in the console, and the colours be gone."""
    path = tmp_path / "page.html"
    path.write_text(page, encoding="ascii")
    pictures = []
    for scheme in ("1", "0"):
        target = tmp_path / f"{scheme}.png"
        scheme_option = f"--blink-settings=preferredColorScheme={scheme}"
        options = (scheme_option, "--window-size=1280,4000", f"--screenshot={target}", "--enable-logging=stderr")
        done = browse(tmp_path, path.as_uri(), *options)
        assert ":CONSOLE" not in done.stderr
        pictures.append(target.read_bytes())
        assert pictures[-1][:8] == b"\x89PNG\r\n\x1a\n"
    assert pictures[0] != pictures[1]


@needs_browser
@pytest.mark.slow
def test_a_fault_of_the_page_would_stand_in_the_console(page: str, tmp_path: Path) -> None:
    """So that its silence above says something."""
    path = tmp_path / "page.html"
    path.write_text(page.replace("<style>", "<style>b{}"), encoding="ascii")
    done = browse(tmp_path, path.as_uri(), f"--screenshot={tmp_path / 'x.png'}", "--enable-logging=stderr")
    assert ":CONSOLE" in done.stderr
