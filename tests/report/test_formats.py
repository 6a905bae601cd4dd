"""SARIF, JUnit, GitHub and HTML: each read by a reader of its own, and by nobody tricked."""

import contextlib
import html.parser
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import unquote

import pytest
from browser import browse, needs_browser
from hypothesis import given, settings
from hypothesis import strategies as st
from told_reports import LICENCE, NESTED, SHARD, not_found_report, report

from resolver.finding import Finding, Fix, Identity, Place, Skipped, TrailStep
from resolver.report import github, junit, sarif
from resolver.report import html as page
from resolver.report.blocks import Told
from resolver.rules.rulebook import RULES

ALL = Told(reports=(report(SHARD, LICENCE, NESTED), not_found_report(), report()))
INSIDE = SHARD.__class__("W103", "weights-truncated", "error", "short", path="/hub/gemma-2-9b-it/a b/ü#1.safetensors")
NASTY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b\r\n\0\u202e\ud800<>&'\"%:,]")), max_size=40) | (
    st.sampled_from(["::error::x", "]]>", "</script><script>alert(1)</script>", "\x1b[2J", "\n::set-output name=a::b", "-->",
                     "<!--", "&#x0;", "%0A::error::", "\ufffe", "##[error]x", "hf_" + "a" * 30])
)  # fmt: skip


@st.composite
def nasty_reports(draw):
    text = draw(NASTY)
    finding = Finding(
        "W102",
        "shard-missing",
        draw(st.sampled_from(["error", "warning", "info"])),
        draw(NASTY),
        path=draw(NASTY),
        place=Place(line=3, pointer=draw(NASTY)),
        evidence={"which": text, "names": [draw(NASTY)]},
        consequence=draw(NASTY),
        fix=Fix(draw(NASTY), draw(NASTY)),
    )
    return report(
        finding,
        model=Identity(draw(NASTY), Path("/m") / (text.replace("\0", "") or "x"), draw(NASTY)),
        skipped=(Skipped("W110", draw(NASTY)),),
        trail=(TrailStep(draw(NASTY), draw(NASTY), "near", draw(NASTY)),),
        judged_with={"torch": draw(NASTY)},
    )


# --- SARIF: the structure as the standard's sections have it -------------------------------------------------------

MESSAGE = {"text": str, "markdown": str}
REQUIRED = {"log": {"version", "runs"}, "run": {"tool"}, "driver": {"name"}, "rule": {"id"}, "result": {"message"}}
URI = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?(?:%[0-9A-F]{2}|[A-Za-z0-9._~/!$&'()*+,;=@-])*$")


def uri(text, *, relative=False):
    assert URI.match(text), text
    assert not relative or not re.match(r"^(?:[a-z]+:|/)", text), text


def check_log(log):
    """Sections 3.13, 3.14, 3.18, 3.19, 3.20, 3.27, 3.28, 3.29, 3.30, 3.49 and 3.58 of SARIF 2.1.0."""
    assert REQUIRED["log"] <= set(log) <= {"$schema", "version", "runs"}
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    assert set(run) == {"tool", "columnKind", "originalUriBaseIds", "invocations", "results"}
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    driver = run["tool"]["driver"]
    assert isinstance(driver["name"], str)
    ids = [each["id"] for each in driver["rules"]]
    assert len(set(ids)) == len(ids)
    for each in driver["rules"]:
        assert each["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        for key in ("shortDescription", "fullDescription", "help"):
            assert key not in each or (each[key]["text"] and set(each[key]) <= set(MESSAGE))
    for base in run["originalUriBaseIds"].values():
        uri(base["uri"])
        assert base["uri"].endswith("/")
    for invocation in run["invocations"]:
        assert isinstance(invocation["executionSuccessful"], bool)
        for note in invocation["toolExecutionNotifications"]:
            assert note["level"] in ("none", "note", "warning", "error")
            assert isinstance(note["message"]["text"], str)
    for result in run["results"]:
        check_result(result, ids, run["originalUriBaseIds"])
    return run


def check_result(result, ids, bases):
    assert ids[result["ruleIndex"]] == result["ruleId"]
    assert result["level"] in ("none", "note", "warning", "error")
    assert isinstance(result["message"]["text"], str)
    assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
    for location in result.get("locations", ()):
        artifact = location["physicalLocation"]["artifactLocation"]
        uri(artifact["uri"], relative="uriBaseId" in artifact)
        assert artifact.get("uriBaseId") in {*bases, None}
        assert location["physicalLocation"].get("region", {"startLine": 1})["startLine"] >= 1
        assert all(each["fullyQualifiedName"] for each in location.get("logicalLocations", ()))


def test_sarif_has_the_structure_of_the_standard_and_every_finding() -> None:
    run = check_log(json.loads(sarif.render(ALL)))
    assert [each["ruleId"] for each in run["results"]] == ["W102", "L501", "F008", "model-not-found"]
    assert [each["level"] for each in run["results"]] == ["error", "warning", "note", "error"]
    texts = [each["message"]["text"] for each in run["invocations"][0]["toolExecutionNotifications"]]
    assert [text.partition(": ")[2] for text in texts] == ["W110 was not judged: W102 has to be mended first"] * 3


def test_sarif_names_a_file_relative_to_its_model_and_encodes_it() -> None:
    run = check_log(json.loads(sarif.render(Told(reports=(report(INSIDE),)))))
    artifact = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uriBaseId"] == "MODEL0"
    assert unquote(artifact["uri"]) == "a b/ü#1.safetensors"
    assert run["originalUriBaseIds"]["MODEL0"]["uri"] == "file:///hub/gemma-2-9b-it/"


def test_sarif_fingerprint_is_the_same_in_another_place() -> None:
    there = report(INSIDE.replaced(path="/mnt/x/w"), model=Identity("google/gemma-2-9b-it", Path("/mnt/x")))
    here = report(INSIDE.replaced(path="/hub/y/w"), model=Identity("google/gemma-2-9b-it", Path("/hub/y")))
    prints = [
        json.loads(sarif.render(Told(reports=(each,))))["runs"][0]["results"][0]["partialFingerprints"]
        for each in (there, here)
    ]
    assert prints[0] == prints[1]


def test_sarif_rules_carry_their_own_text() -> None:
    rules = {each["id"]: each for each in json.loads(sarif.render(ALL))["runs"][0]["tool"]["driver"]["rules"]}
    for rule in RULES:
        if not rule.code.startswith("P"):
            assert rules[rule.code]["help"]["text"] == rule.explanation


def test_sarif_tools_reads_it_and_counts_what_we_count(tmp_path: Path) -> None:
    """A reader of other people's."""
    loader = pytest.importorskip("sarif.loader")
    path = tmp_path / "log.sarif"
    path.write_text(sarif.render(ALL))
    read = loader.load_sarif_file(str(path))
    assert read.get_distinct_tool_names() == ["offline-resolver"]
    records = read.get_records()
    assert sorted(record["Severity"] for record in records) == ["error", "error", "note", "warning"]


# --- JUnit ---------------------------------------------------------------------------------------------------------


def test_junit_counts_what_it_holds() -> None:
    root = ET.fromstring(junit.render(ALL))  # noqa: S314 - our own text
    assert root.tag == "testsuites"
    for suite in [root, *root]:
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures")) == len(list(suite.iter("failure")))
        assert int(suite.get("errors")) == len(list(suite.iter("error")))
        assert int(suite.get("skipped")) == len(list(suite.iter("skipped")))
        assert float(suite.get("time")) >= 0
    assert [each.get("message") for each in root.iter("failure")] == [SHARD.message]
    assert all(each.get("classname") and each.get("name") for each in root.iter("testcase"))


def test_junit_failures_follow_fail_on() -> None:
    root = ET.fromstring(junit.render(Told(reports=(report(SHARD, LICENCE),), fail_on="warning")))  # noqa: S314 - as above
    assert [each.get("type") for each in root.iter("failure")] == ["L501", "W102"]


# --- GitHub --------------------------------------------------------------------------------------------------------

COMMAND = re.compile(r"^::(error|warning|notice) ((?:[a-zA-Z]+=[^,:\r\n]*)(?:,[a-zA-Z]+=[^,:\r\n]*)*)::(.*)$")


def commands(text):
    """As the runner reads a log: a line is a command where it begins with two colons."""
    found = []
    for line in text.split("\n"):
        if "::" in line and line.lstrip().startswith("::"):
            match = COMMAND.match(line)
            assert match, line
            found.append((match[1], dict(each.split("=", 1) for each in match[2].split(",")), match[3]))
    return found


def test_github_gives_a_command_a_finding_and_a_line_a_model() -> None:
    text = github.render(ALL)
    kinds = [(kind, where["title"]) for kind, where, _ in commands(text)]
    assert kinds == [
        ("error", "W102 shard-missing"),
        ("warning", "L501 licence-missing"),
        ("notice", "F008 nested-model"),
        ("error", "model-not-found"),
    ]
    assert commands(text)[0][1]["line"] == "150"
    assert [line for line in text.splitlines() if not line.startswith("::")] == [
        "unusable: google/gemma-2-9b-it /hub/gemma-2-9b-it (1 error, 1 warning, 1 info)",
        "not-found: meta-llama/Llama-3 (0 errors, 0 warnings, 0 infos)",
        "usable: google/gemma-2-9b-it /hub/gemma-2-9b-it (0 errors, 0 warnings, 0 infos)",
    ]


# --- HTML ----------------------------------------------------------------------------------------------------------

ALLOWED = {"html", "head", "meta", "title", "style", "body", "header", "main", "article", "section", "h1", "h2", "h3", "p",
           "dl", "dt", "dd", "span", "strong", "code", "pre", "div", "details", "summary", "ul", "li", "br"}  # fmt: skip


class Page(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        assert set(dict(attrs)) <= {"lang", "charset", "http-equiv", "content", "name", "class"}, attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def read_page(text):
    read = Page()
    read.feed(text)
    read.close()
    assert read.open == []
    assert set(read.tags) <= ALLOWED
    return read


def test_html_tells_everything_and_asks_for_nothing() -> None:
    text = page.render(ALL)
    read = read_page(text)
    for told in (
        SHARD.message,
        "tensors 464",
        SHARD.consequence,
        SHARD.fix.text,
        "not attached to this notebook",
        "W110",
    ):
        assert told in read.text
    assert not re.search(r"(?:src|href|url)\s*[=(]", text)
    assert text.isascii()


@pytest.mark.parametrize("render", [sarif.render, junit.render, github.render, page.render])
@settings(max_examples=60, deadline=None)
@given(nasty=nasty_reports())
def test_hostile_text_stays_text(render, nasty) -> None:
    text = render(Told(reports=(nasty,)))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "hf_aaaa" not in text
    text.encode("utf-8")
    if render is sarif.render:
        check_log(json.loads(text))
    elif render is junit.render:
        root = ET.fromstring(text)  # noqa: S314 - our own text
        assert len(list(root.iter("testcase"))) == int(root.get("tests"))
    elif render is github.render:
        assert len(commands(text)) == 1
        assert text.count("\n") == 2
        assert "##[" not in text
    else:
        read_page(text)


# --- in a browser --------------------------------------------------------------------------------------------------

PROBE = """<!DOCTYPE html><meta charset="utf-8"><body><iframe id="f" width="390" height="900"></iframe><script>
const f = document.getElementById("f");
f.onload = () => {
  const d = f.contentDocument.documentElement;
  const style = f.contentWindow.getComputedStyle(f.contentDocument.body);
  document.title = JSON.stringify({wide: d.scrollWidth, font: style.fontFamily.includes("system-ui"),
    findings: f.contentDocument.querySelectorAll("section").length, text: d.innerText.length});
};
f.srcdoc = PAGE;
</script>"""


@needs_browser
@pytest.mark.slow
def test_html_in_a_real_browser_fits_a_phone_and_applies_its_own_style(tmp_path: Path) -> None:
    """The style is applied, so its hash in the policy is right; nothing is wider than the screen of a phone."""
    long = SHARD.replaced(path="/" + "x" * 300, message="y" * 200, fix=Fix("z" * 200, "w" * 300))
    probe = tmp_path / "probe.html"
    text = page.render(Told(reports=(report(long, LICENCE, NESTED), not_found_report())))
    probe.write_text(PROBE.replace("PAGE", json.dumps(text).replace("</", "<\\/")))
    dumped = browse(tmp_path, probe.as_uri(), "--dump-dom", "--virtual-time-budget=5000").stdout
    seen = json.loads(re.search(r"<title>(.*?)</title>", dumped)[1])
    assert seen["wide"] <= 390
    assert seen["font"]
    assert seen["findings"] == 4
    assert seen["text"] > 500


@needs_browser
@pytest.mark.slow
def test_html_is_painted_in_both_schemes(tmp_path: Path) -> None:
    """A picture of each; the dark one is dark."""
    path = tmp_path / "page.html"
    path.write_text(page.render(ALL))
    sizes = []
    for scheme in ("1", "0"):
        target = tmp_path / f"{scheme}.png"
        browse(tmp_path, path.as_uri(), f"--blink-settings=preferredColorScheme={scheme}", "--window-size=800,1000",
               f"--screenshot={target}")  # fmt: skip
        sizes.append(target.read_bytes())
        assert sizes[-1][:8] == b"\x89PNG\r\n\x1a\n"
    assert sizes[0] != sizes[1]


# --- through the command line --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sarif", "junit", "github", "html"])
def test_every_format_comes_out_of_check_with_the_same_exit_code(name: str, tmp_path: Path) -> None:
    from resolver.cli import main

    (tmp_path / "m").mkdir()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["check", str(tmp_path / "m"), "--format", name]) == 1
    assert "C301" in out.getvalue()
    target = tmp_path / "report"
    with contextlib.redirect_stderr(io.StringIO()):
        assert main(["check", str(tmp_path / "m"), "--format", name, "--report", str(target)]) == 1
        assert main(["list", "--format", name]) == 2
    assert "C301" in target.read_text()
