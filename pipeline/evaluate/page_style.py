"""What the page of an evaluation adds to the style that every page has: plots, and tables with intervals in them."""

from typing import Final

STYLE: Final = """\
:root { --said: var(--info); --came: #b3540a; --heat: 11 98 196; }
@media (prefers-color-scheme: dark) { :root { --came: #ffa657; --heat: 121 184 255; } }
.said-list { list-style: none; margin: 1.25rem 0 0; padding: 0; }
.said-list li { margin: 0.375rem 0; padding-left: 1.125rem; text-indent: -1.125rem; }
.said-list li::before {
  content: ""; display: inline-block; width: 0.5rem; height: 0.5rem; margin-right: 0.625rem; border-radius: 50%;
  background: var(--tone, var(--line));
}
.plain { --tone: var(--line); }
.number { --tone: var(--info); }
.number strong { font-size: 1.5rem; color: var(--ink); font-variant-numeric: tabular-nums; }
.note { color: var(--quiet); font-size: 0.9375rem; margin: 0.25rem 0 0.75rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 21rem), 1fr)); gap: 1.25rem 1.5rem; }
figure { margin: 0.5rem 0; min-width: 0; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; max-width: 30rem; }
figcaption { color: var(--quiet); font-size: 0.9375rem; }
figcaption strong { color: var(--ink); font-weight: 600; }
.key { display: inline-block; width: 0.625rem; height: 0.625rem; margin: 0 0.25rem 0 0.5rem; }
.key.came { border-radius: 50%; background: var(--came); }
.key.said { background: var(--said); }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; fill: var(--quiet); }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .ideal { fill: none; stroke: var(--quiet); stroke-width: 1.25; stroke-dasharray: 4 4; }
svg path.came, svg path.said { fill: none; stroke-width: 2; }
svg path.came { stroke: var(--came); } svg path.said { stroke: var(--said); }
svg circle.came { fill: var(--came); } svg circle.said, svg rect.said { fill: var(--said); }
svg polyline.said { fill: none; stroke: var(--said); stroke-width: 2; }
svg .mark { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 2; }
svg.strip { display: block; width: 100%; min-width: 6rem; height: auto; }
table.figures { font-variant-numeric: tabular-nums; min-width: 0; margin: 0.5rem 0 1rem; }
table.figures th, table.figures td { vertical-align: middle; }
caption { text-align: left; color: var(--ink); font-weight: 600; padding: 0.5rem 0 0.25rem; }
table.figures th[scope="row"] { font-size: 0.9375rem; color: var(--ink); min-width: 5rem; overflow-wrap: anywhere; }
table.figures td { white-space: nowrap; }
table.figures td.strip { width: 34%; }
table.figures small { display: block; color: var(--quiet); font-size: 0.8125rem; }
table.figures tr.small > :not(.strip) { color: var(--quiet); }
table.confusion td { text-align: center; padding-right: 0.375rem; padding-left: 0.375rem; }
table.confusion th { text-align: center; }
table.confusion th:first-child { text-align: left; }
.heat-0 { background: rgb(var(--heat) / 0); } .heat-1 { background: rgb(var(--heat) / 0.036); }
.heat-2 { background: rgb(var(--heat) / 0.072); } .heat-3 { background: rgb(var(--heat) / 0.108); }
.heat-4 { background: rgb(var(--heat) / 0.144); } .heat-5 { background: rgb(var(--heat) / 0.18); }
.heat-6 { background: rgb(var(--heat) / 0.216); } .heat-7 { background: rgb(var(--heat) / 0.252); }
.heat-8 { background: rgb(var(--heat) / 0.288); } .heat-9 { background: rgb(var(--heat) / 0.324); }
.heat-10 { background: rgb(var(--heat) / 0.36); }
table.confusion small { color: inherit; }
details table { color: var(--ink); }
@media (max-width: 40rem) {
  /* A row is a block: its name, below it the cells with their heads, below them the interval. */
  table.figures tr { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; padding: 0.5rem 0; }
  table.figures tr { border-bottom: 1px solid var(--line); }
  table.figures tr:has(th[scope="col"]) { display: none; }
  table.figures th, table.figures td, table.confusion td { border: 0; padding: 0; }
  table.figures th[scope="row"] { flex: 1 0 100%; font-weight: 600; }
  table.figures td[data-head]:not(:empty)::before {
    content: attr(data-head); display: block; color: var(--quiet); font-size: 0.75rem;
  }
  table.figures, table.figures tbody, caption { display: block; }
  table.figures td:empty { display: none; }
  table.figures td.strip { flex: 1 0 100%; }
  svg.strip { max-width: 16rem; }
  table.confusion td { padding: 0.25rem; }
}
"""
