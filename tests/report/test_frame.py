"""The frame that all pages share."""

import base64
import hashlib
import re

from resolver.report.frame import framed


def test_the_policy_knows_the_style_with_what_a_page_adds_to_it() -> None:
    page = framed("t", "h", ("<p>body</p>\n",), "p { color: red; }\n")
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style.endswith("p { color: red; }\n")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page


def test_title_and_heading_are_escaped_and_the_page_is_ascii() -> None:
    page = framed("<b>\x1b", "ü & <i>", ("<p>日本</p>",))
    assert "<title>&lt;b&gt;\\x1b</title>" in page
    assert "<h1>&#252; &amp; &lt;i&gt;</h1>" in page
    assert page.isascii()
