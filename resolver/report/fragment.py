"""A diagnosis as a piece of HTML that stands under a traceback in Jupyter, VS Code or on Kaggle.

The front end owns the page: the style is held to this piece, takes the page's own ink, and paints no background.
"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, NotFound, TrailStep
from resolver.report.html_parts import finding_part, not_found_part, text_of, trail_part

STYLE: Final = """\
.resolver-diagnosis { --error: #d1242f; --warning: #9a6700; --info: #0969da; border-left: 4px solid var(--error);
  padding: 4px 0 4px 16px; margin: 8px 0; max-width: 60rem; font-family: system-ui, sans-serif; font-size: 14px;
  line-height: 1.5; }
.resolver-diagnosis * { overflow-wrap: anywhere; }
.resolver-diagnosis .asked { opacity: 0.7; margin: 0 0 4px; }
.resolver-diagnosis section h3 { font-size: 15px; font-weight: 600; line-height: 1.4; margin: 4px 0 8px;
  color: inherit; }
.resolver-diagnosis .error { --tone: var(--error); } .resolver-diagnosis .warning { --tone: var(--warning); }
.resolver-diagnosis .info { --tone: var(--info); }
.resolver-diagnosis .tag { color: var(--tone); font-weight: 700; margin-right: 8px; }
.resolver-diagnosis .rule { opacity: 0.6; font-weight: 400; }
.resolver-diagnosis dl { display: grid; grid-template-columns: 7.5rem 1fr; gap: 4px 16px; margin: 0 0 12px; }
.resolver-diagnosis section dl dt, .resolver-diagnosis section dl dd { float: none; width: auto; margin: 0;
  padding: 0; min-width: 0; font-weight: 400; }  /* Jupyter floats the labels of a list, a fifth wide */
.resolver-diagnosis section dl dt { opacity: 0.7; }
.resolver-diagnosis code, .resolver-diagnosis pre { font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: 13px; background: none; color: inherit; padding: 0; }
.resolver-diagnosis pre { margin: 4px 0 0; padding: 6px 10px; border: 1px solid rgba(128, 128, 128, 0.45);
  border-radius: 4px; white-space: pre-wrap; }
.resolver-diagnosis details { margin-top: 4px; opacity: 0.85; } .resolver-diagnosis summary { cursor: pointer; }
.resolver-diagnosis ul { margin: 4px 0 0; padding-left: 20px; }
@media (prefers-color-scheme: dark) {
  .resolver-diagnosis { --error: #ff7b72; --warning: #e3b341; --info: #79b8ff; }
}
"""


def render_fragment(
    asked: str,
    *,
    not_found: NotFound | None = None,
    findings: tuple[Finding, ...] = (),
    trail: tuple[TrailStep, ...] = (),
    says: str = "",
) -> str:
    """The piece, ASCII only, everything in it escaped.

    Args:
        asked: what the failing call asked for.
        not_found: why there is no directory, where there is none.
        findings: what is wrong with the directory, where there is one.
        trail: where was looked.
        says: a diagnosis that is neither, as text.
    """
    parts = _parts(asked, not_found, findings, trail, says)
    return "".join(parts).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _parts(
    asked: str, not_found: NotFound | None, findings: tuple[Finding, ...], trail: tuple[TrailStep, ...], says: str
) -> Iterator[str]:
    yield f'<div class="resolver-diagnosis">\n<style>{STYLE}</style>\n'
    yield f'<p class="asked">asked for <code>{text_of(asked)}</code></p>\n'
    if not_found is not None:
        yield from not_found_part(not_found)
    for finding in findings:
        yield from finding_part(finding)
    if says:
        yield f"<pre>{text_of(says)}</pre>\n"
    yield from trail_part(trail)
    yield "</div>\n"
