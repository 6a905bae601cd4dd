"""The page that one wants before pressing Submit: what will be mounted, what each cell needs, what is missing.

What it does not know: how a page is framed (`html`), or what a finding looks like (`html_parts`).
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.accelerators import KAGGLE_SECONDS, of_kernel, profile_of
from resolver.finding import Place
from resolver.notebook.facts import AttachedSource, Metadata
from resolver.notebook.standing import mount_forms
from resolver.notebook_fix import sentences
from resolver.report.html_parts import finding_part, infos_part, number_of, text_of
from resolver.report.notebook import REACHES, meets, once, place_of
from resolver.report.summary import counts
from resolver.rules.rulebook import find_rule
from resolver.rules.words import size

if TYPE_CHECKING:
    from resolver.notebook_fix import Made
    from resolver.notebook_preflight import NotebookReport

WILL: Final = {"usable": "ready", "unusable": "not ready"}
FAILS: Final = ("missing", "hub", "layout")
DOUBTS: Final = ("version", "unknown")


def runbook(told: "NotebookReport", made: "Made | None") -> Iterator[str]:
    """The parts of the page, in the order in which one works through them."""
    report = told.report
    yield f"<article>\n<h2>{text_of(told.code.path.name)}</h2>\n"
    yield f'<p class="path code">{text_of(told.code.path)}</p>\n'
    yield f'<p class="verdict {report.verdict}"><strong>{WILL[report.verdict]}</strong>'
    yield f"<span>{_where(told)}</span><span>{text_of(counts(report))}</span></p>\n"
    if made is not None:
        yield from _made(made)
    yield from _checklist(told)
    yield from _session(told)
    yield from _sources(told)
    yield from _cells(told)
    grave = [each for each in report.findings if each.severity != "info"]
    if grave:
        yield "<h3>What is wrong</h3>\n"
    for finding in grave:
        yield from finding_part(finding)
    yield from infos_part(each for each in report.findings if each.severity == "info")
    yield from _unknown(told)
    yield "</article>\n"


def _where(told: "NotebookReport") -> str:
    metadata = told.metadata
    if metadata is None:
        return "no kernel-metadata.json: what will be mounted is not known"
    internet = "on" if metadata.internet else "off"
    return f"internet {internet}, {text_of(told.report.accelerator)}"


def _made(made: "Made") -> Iterator[str]:
    yield "<h3>What was written</h3>\n<ul>\n"
    yield from (f"<li>{_linked(each.strip())}</li>\n" for each in sentences(made))
    yield "</ul>\n"


def _checklist(told: "NotebookReport") -> Iterator[str]:
    """What a person has to do, the gravest first; nothing where nothing is to do."""
    steps = list(dict.fromkeys(_steps(told)))
    if steps:
        yield '<h3>Before you press Submit</h3>\n<ol class="todo">\n'
        yield from (f"<li>{step}</li>\n" for step in steps)
        yield "</ol>\n"


def _steps(told: "NotebookReport") -> Iterator[str]:
    for finding in told.report.findings:
        if finding.severity == "info" and finding.code != "N010":
            continue
        command = f" <code>{text_of(finding.fix.command)}</code>" if finding.fix.command else ""
        place = finding.place
        # Beside its cell a step needs no more words; of the metadata or the whole notebook it says what it is about.
        where = f"{text_of(finding.message)}: " if place is None or place.cell is None else _cell_of(place)
        yield f'{where}{_linked(finding.fix.text)}{command} <span class="rule">{text_of(finding.code)}</span>'


def _cell_of(place: Place) -> str:
    return f"cell {place.cell}, line {place.line}: "


def _linked(text: str) -> str:
    """Text with its addresses of Kaggle as links."""
    words = []
    for word in text.split(" "):
        bare = word.rstrip(",.;)")
        if bare.startswith("https://www.kaggle.com/"):
            words.append(f'<a href="{text_of(bare)}" rel="noreferrer">{text_of(bare)}</a>{text_of(word[len(bare) :])}')
        else:
            words.append(text_of(word))
    return " ".join(words)


def _session(told: "NotebookReport") -> Iterator[str]:
    metadata = told.metadata
    rows = [*_machine(metadata), ("Submission", _submission(told))]
    packages = ", ".join(f"{name} {version}" for name, version in told.report.judged_with.items())
    rows.append(("Versions", text_of(f"{packages} of {told.report.versions_from}") if packages else ""))
    yield '<h3>The session</h3>\n<dl class="facts">\n'
    yield from (f"<dt>{name}</dt><dd>{value}</dd>\n" for name, value in rows if value)
    yield "</dl>\n"


def _machine(metadata: Metadata | None) -> Iterator[tuple[str, str]]:
    if metadata is None:
        return
    name = of_kernel(metadata.machine_shape, gpu=metadata.gpu, tpu=metadata.tpu)
    yield "Internet", {True: "on", False: "off", None: "off, where nothing says so"}[metadata.internet]
    if name is None:
        yield "Accelerator", text_of(metadata.machine_shape or "not said")
    else:
        profile = profile_of(name, {})
        device = profile.devices[0] if profile.devices else None
        memory = f", {size(device.memory_bytes)} each" if device is not None and device.memory_bytes else ""
        told = "none: CPU" if device is None else f"{len(profile.devices)} x {device.name}{memory}"
        yield "Accelerator", text_of(told)
        disk = profile.disk_bytes
        yield "Disk", text_of(f"{size(disk)} in /kaggle/working") if disk else ""
    yield "Time", f"{KAGGLE_SECONDS // 3600} hours for a code competition of this kind; check its page"
    yield "Image", text_of(metadata.docker or "")


def _submission(told: "NotebookReport") -> str:
    names = [each.rpartition("/")[2] for each in told.code.written if each is not None]
    found = [name for name in names if name.startswith("submission.")]
    return text_of(f"{', '.join(dict.fromkeys(found))} is written" if found else "")


def _sources(told: "NotebookReport") -> Iterator[str]:
    if told.metadata is None:
        return
    used = {each.source.pointer for each in told.references if each.source is not None}
    yield "<h3>What will be mounted</h3>\n"
    if not told.metadata.sources:
        yield "<p>Nothing: the metadata lists no source.</p>\n"
        return
    yield from _table_head("source", "kind", "below /kaggle/input, one of", "read")
    for source in told.metadata.sources:
        places = "<br>".join(f"<code>{text_of('/'.join(form))}</code>" for form in _forms(source))
        read = "yes" if source.pointer in used else "no"
        kind = f'<td class="word">{source.kind}</td>'
        yield f"<tr><td>{_page(source)}</td>{kind}<td>{places}</td><td>{read}</td></tr>\n"
    yield "</table></div>\n"


def _forms(source: AttachedSource) -> list[tuple[str, ...]]:
    version = () if source.handle is None else (str(source.version or "version"),)
    return [(*form, *version) for form in mount_forms(source)[:2]]


def _page(source: AttachedSource) -> str:
    """The source with a link to its page, where its terms are accepted."""
    if source.handle is not None:
        page = source.handle.licence_page
    elif source.dataset is not None:
        kind = "code" if source.kind == "kernel" else "datasets"
        page = f"https://www.kaggle.com/{kind}/{source.dataset.owner}/{source.dataset.slug}"
    else:
        page = f"https://www.kaggle.com/competitions/{source.slug}"
    shown = text_of(source.text)
    return shown if page is None else f'<a href="{text_of(page)}" rel="noreferrer">{shown}</a>'


def _table_head(*names: str) -> Iterator[str]:
    yield '<div class="wide"><table>\n<tr>' + "".join(f"<th>{name}</th>" for name in names) + "</tr>\n"


Row = tuple[tuple[int, int], str, str, str, str, str]


def _cells(told: "NotebookReport") -> Iterator[str]:
    """What each cell needs, in the order of the notebook."""
    rows = sorted([*_reference_rows(told), *_network_rows(told)])
    if not rows:
        return
    yield "<h3>What each cell needs</h3>\n"
    yield from _table_head("cell:line", "meets", "read by", "what")
    for _, place, call, text, style, met in rows:
        yield f'<tr><td>{text_of(place)}</td><td class="{style}">{text_of(met)}</td>'
        yield f"<td><code>{text_of(call)}</code></td><td><code>{text_of(text)}</code></td></tr>\n"
    yield "</table></div>\n"


def _reference_rows(told: "NotebookReport") -> Iterator[Row]:
    for each in once(told.references):
        use = each.use
        order = (use.origin.cell or 0, use.origin.line)
        yield order, place_of(use.origin), use.call, use.text, _style(each.state, use.reach), meets(each)


def _network_rows(told: "NotebookReport") -> Iterator[Row]:
    online = told.metadata is not None and told.metadata.internet is True
    for call in told.code.network:
        fails = call.reach == "runs" and not online
        met = "no network" if fails else REACHES.get(call.reach, "needs the network")
        order = (call.at.cell or 0, call.at.line)
        yield order, place_of(call.at), "network", call.what, "unusable" if fails else "", met


def _style(state: str, reach: str) -> str:
    if reach != "runs":
        return ""
    return "unusable" if state in FAILS else "doubtful" if state in DOUBTS else "usable"


def _unknown(told: "NotebookReport") -> Iterator[str]:
    unknown = [each for each in told.report.skipped if not each.moot]
    if unknown:
        yield f"<details><summary>{number_of(len(unknown), 'rule')} could not be judged</summary><ul>\n"
        for each in unknown:
            rule = find_rule(each.code)
            name = "" if rule is None else f" {rule.name}"
            yield f"<li><code>{text_of(each.code)}</code>{text_of(name)}: {text_of(each.reason)}</li>\n"
        yield "</ul></details>\n"
