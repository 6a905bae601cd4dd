"""The style of the HTML page: no font, image or script from anywhere; light, dark, narrow and on paper."""

from typing import Final

STYLE: Final = """\
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1c2128; --quiet: #59636e; --line: #d8dee4; --well: #f6f8fa;
  --error: #c4232b; --warning: #8f5d00; --info: #0b62c4; --good: #1a7f37;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #0f1318; --ink: #e4e9ef; --quiet: #9aa5b1; --line: #2d343d; --well: #181d24;
    --error: #ff7b72; --warning: #e3b341; --info: #79b8ff; --good: #56d364;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 56rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
}
code, pre, .code { font: 0.875em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code, pre, dd, h1, h2, h3, p, li, td { overflow-wrap: anywhere; }
header { margin-bottom: 2rem; }
h1 { font-size: 1.125rem; font-weight: 600; margin: 0; }
header p { margin: 0.25rem 0 0; color: var(--quiet); font-size: 0.875rem; }
article { margin-bottom: 3.5rem; }
article > h2 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.25rem; letter-spacing: -0.01em; }
.path { color: var(--quiet); margin: 0 0 1rem; }
.verdict {
  display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline; padding: 0.75rem 1rem; border-radius: 8px;
  border: 1px solid var(--line); border-left: 6px solid var(--tone); background: var(--well);
}
.verdict strong { color: var(--tone); font-size: 1.125rem; }
.verdict span { color: var(--quiet); font-size: 0.9375rem; }
.error { --tone: var(--error); } .warning { --tone: var(--warning); } .info { --tone: var(--info); }
.usable { --tone: var(--good); } .unusable, .not-found { --tone: var(--error); }
.facts {
  display: grid; grid-template-columns: max-content 1fr; gap: 0.125rem 1rem; margin: 1rem 0 2rem; font-size: 0.9375rem;
}
dt { color: var(--quiet); }
dd { margin: 0; min-width: 0; }
section { border-top: 1px solid var(--line); padding: 1.25rem 0; break-inside: avoid; }
h3 { font-size: 1.0625rem; line-height: 1.4; margin: 0 0 0.5rem; font-weight: 600; }
.code.tag {
  display: inline-block; margin-right: 0.5rem; padding: 0 0.4rem; border-radius: 4px; color: var(--paper);
  background: var(--tone); font-weight: 600;
}
.rule { color: var(--quiet); font-weight: 400; }
section dl { display: grid; grid-template-columns: 7.5rem 1fr; gap: 0.375rem 1rem; margin: 0; }
pre {
  margin: 0.375rem 0 0; padding: 0.625rem 0.75rem; background: var(--well); border: 1px solid var(--line);
  border-radius: 6px; white-space: pre-wrap;
}
.infos section { padding: 0.625rem 0; }
.infos h3 { font-size: 1rem; font-weight: 400; margin: 0; }
.infos .fix { margin: 0.125rem 0 0; color: var(--quiet); font-size: 0.9375rem; }
article > h3 { margin: 2rem 0 0.5rem; }
.todo { margin: 0 0 1rem; padding-left: 1.5rem; }
.todo li { margin: 0.375rem 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9375rem; }
th { text-align: left; font-weight: 400; color: var(--quiet); font-size: 0.8125rem; }
th, td { padding: 0.375rem 1rem 0.375rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
td:first-child, td.word { white-space: nowrap; }
td.usable, td.unusable, td.doubtful { color: var(--tone); }
.doubtful { --tone: var(--warning); }
a { color: var(--info); }
details { border-top: 1px solid var(--line); padding: 0.75rem 0; font-size: 0.9375rem; }
summary { cursor: pointer; color: var(--quiet); }
details ul { margin: 0.5rem 0 0; padding-left: 1.25rem; color: var(--quiet); }
details li { margin: 0.125rem 0; }
@media (max-width: 40rem) {
  body { padding: 1.25rem 1rem 3rem; }
  section dl { grid-template-columns: 1fr; gap: 0; }
  section dt { margin-top: 0.5rem; font-size: 0.8125rem; }
  table { min-width: 38rem; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --quiet: #444; --line: #bbb; --well: #fff; }
  body { max-width: none; padding: 0; font-size: 11pt; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""
