"""The text of `list`, `inspect`, `explain`, `rules` and `doctor`."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from resolver.finding import Identity
from resolver.host import ALSO, PACKAGES
from resolver.inspection.description import ModelDescription
from resolver.report import facts
from resolver.report.blocks import ListedModel, Machine
from resolver.report.evidence import number
from resolver.report.lines import Line, Part, coloured, line, plain
from resolver.report.tables import pairs, size, table
from resolver.rules.rule import Rule

if TYPE_CHECKING:
    from resolver.duplicates import Duplicates

SHOWN_FILES = 60
SAME = {"files": "same files", "bytes": "same bytes", "headers": "same headers"}


def render_models(
    models: Sequence[ListedModel], duplicates: "Sequence[Duplicates]" = (), *, colour: bool = False
) -> str:
    """One row a model; below them the copies, where there are some."""
    header = ("REFERENCE", "SOURCE", "SIZE", "ARCHITECTURE", "LICENCE", "VERDICT")
    lines = table(header, [_row(each) for each in models])
    return _text([*lines, *(_copies(duplicates) if duplicates else ())], colour=colour)


def _copies(duplicates: "Sequence[Duplicates]") -> list[Line]:
    """Each group of copies, what they cost, and on what ground they are called the same."""
    extra = sum(each.extra_bytes for each in duplicates)
    total = sum(len(each.copies) for each in duplicates)
    rows = [
        (SAME[each.same], size(each.extra_bytes) if first else "", copy.source or "-", str(copy.path))
        for each in duplicates
        for first, copy in zip((True, *(False,) * len(each.copies)), each.copies, strict=False)
    ]
    models = f"{len(duplicates)} model{'' if len(duplicates) == 1 else 's'}"
    told = f"{total} directories hold {models}; the copies take {size(extra)} more than one of each"
    lines: list[Line] = [(), line(told)]
    lines += table(("SAME", "EXTRA", "SOURCE", "PATH"), rows)
    if any(each.same == "headers" for each in duplicates):
        lines.append(line(f"{SAME['headers']}: bytes not compared; a lock of one and resolver verify tell"))
    return lines


def _row(each: ListedModel) -> tuple[str, ...]:
    model = each.report.model
    return (
        model.reference,
        model.source or "-",
        size(facts.size_bytes(each.description)),
        facts.architecture(each.description) or "-",
        facts.licence(each.description) or "-",
        each.report.verdict,
    )


def render_description(model: Identity, told: ModelDescription, *, colour: bool = False) -> str:
    """All that was read of one directory."""
    lines = [
        *pairs([*_identity(model, told), *_config(told), *_weights(told), *_tokenizer(told), *_others(told)]),
        (),
        *_files(told),
    ]
    return _text(lines, colour=colour)


def _identity(model: Identity, told: ModelDescription) -> list[tuple[str, str | None]]:
    return [
        ("reference", model.reference),
        ("path", str(told.root)),
        ("found in", f"{model.source} ({model.confidence})" if model.source else None),
        ("hub id", model.hub_id),
        ("kaggle handle", model.kaggle_handle),
        ("revision", model.revision),
    ]


def _config(told: ModelDescription) -> list[tuple[str, str | None]]:
    config = told.config
    shape = [
        ("layers", config.num_hidden_layers),
        ("hidden size", config.hidden_size),
        ("vocabulary", config.vocab_size),
        ("positions", config.max_position_embeddings),
        ("labels", config.num_labels),
    ]
    declared = config.quantization
    bits = "" if declared is None or declared.bits is None else f", {declared.bits} bits"
    return [
        ("architecture", facts.architecture(told) or "unknown: config.json does not say"),
        ("model type", config.model_type),
        ("shape", ", ".join(f"{name} {number(value)}" for name, value in shape if value is not None)),
        ("quantisation", "none declared" if declared is None else f"{declared.method or 'unnamed'}{bits}"),
        ("custom code", ", ".join(config.auto_map.values())),
        ("written by", config.transformers_version and f"transformers {config.transformers_version}"),
    ]


def _weights(told: ModelDescription) -> list[tuple[str, str | None]]:
    count = facts.parameters(told)
    packed = ", as stored (packed)" if told.config.quantization is not None else ""
    known = "unknown: not every weight file is there and has a header that can be read"
    weights = told.weights
    stored = [f"{name} {number(each.elements)} in {size(each.bytes)}" for name, each in facts.dtypes(told).items()]
    return [
        ("parameters", known if count is None else f"{number(count)}{packed}"),
        ("dtypes", ", ".join(stored)),
        ("weights", ", ".join(_formats(told)) or "none"),
        ("opened", _some(weights.opened)),
        ("missing", _some(weights.missing)),
    ]


def _formats(told: ModelDescription) -> list[str]:
    """The kinds of weights; shards are part of the index that stands beside them."""
    formats = list(told.weights.formats)
    return [each for each in formats if each != "shards-without-index" or told.weights.index is None]


def _tokenizer(told: ModelDescription) -> list[tuple[str, str | None]]:
    tokenizer = told.tokenizer
    if tokenizer is None:
        return []
    kind = [
        tokenizer.declared_class,
        tokenizer.model,
        tokenizer.size is not None and f"{number(tokenizer.size)} tokens",
    ]
    told_ = [each for each in kind if each]
    specials = [f"{each.role} {each.text!r}" for each in tokenizer.specials]
    return [
        ("tokenizer", f"{tokenizer.source or 'no file'}{': ' if told_ else ''}{', '.join(told_)}"),
        ("special tokens", _some(specials, 8)),
        ("chat template", "yes" if tokenizer.has_chat_template else "no"),
    ]


def _others(told: ModelDescription) -> list[tuple[str, str | None]]:
    licence, adapter = told.licence, told.adapter
    unread = [f"{each.file}: {each.message}" for each in facts.faults(told)]
    return [
        ("licence", facts.licence(told) or "nothing says"),
        ("licence files", ", ".join(each.name for each in licence.files) if licence else None),
        ("base models", ", ".join(licence.base_models) if licence else None),
        (
            "adapter",
            f"{adapter.peft_type or 'unnamed'}, rank {adapter.r}, task {adapter.task_type}" if adapter else None,
        ),
        ("base", adapter.base_model_name_or_path if adapter else None),
        ("unread", "; ".join(unread)),
        ("size", f"{size(facts.size_bytes(told))} in {len(told.files.files)} files"),
    ]


def _files(told: ModelDescription) -> list[Line]:
    opened = told.opened()
    files = list(told.files.files.values())
    rows = [
        (each.name, size(each.size_bytes), each.content, "opened by a loader" if each.name in opened else "")
        for each in files[:SHOWN_FILES]
    ]
    lines = table(("FILE", "SIZE", "CONTENT", ""), rows) if rows else []
    if len(files) > SHOWN_FILES:
        lines.append(line(f"and {len(files) - SHOWN_FILES} more; --format json lists them all"))
    return lines


def render_rules(rules: Iterable[Rule], *, colour: bool = False) -> str:
    """One row a rule."""
    rows = [(each.code, each.name, each.severity, each.level, each.title) for each in rules]
    return _text(table(("CODE", "NAME", "SEVERITY", "LEVEL", "WHAT IS WRONG"), rows), colour=colour)


def render_rule(rule: Rule, *, colour: bool = False) -> str:
    """A rule's page."""
    head = line(Part(f"{rule.code} {rule.name}", "label"), f"  {rule.severity}, level {rule.level}")
    lines = [head, line(f"{rule.title}."), ()]
    lines += [line(text) for text in rule.explanation.splitlines()]
    lines += [(), line(Part("consequence: ", "label"), rule.consequence)]
    if rule.requires:
        lines.append(line(Part("judged after: ", "label"), ", ".join(rule.requires)))
    return _text(lines, colour=colour)


def render_machine(machine: Machine, *, colour: bool = False) -> str:
    """This machine: versions, accelerators, network, places, variables."""
    host = machine.host
    route = {True: "a default route", False: "no default route", None: "unknown"}[host.has_network]
    devices = ", ".join(each.name for each in host.accelerators)
    general: list[tuple[str, str | None]] = [
        ("python", machine.python),
        ("platform", machine.platform),
        ("kaggle notebook", "yes" if machine.on_kaggle else "no"),
        ("accelerators", devices or "none seen"),
        ("memory", "unknown" if host.memory_bytes is None else size(host.memory_bytes)),
        ("network", f"{route}; the hub library is {'' if host.offline_set else 'not '}set to stay offline"),
        ("settings", str(machine.settings) if machine.settings else "no resolver.toml"),
        ("secrets set", ", ".join(machine.secrets) or "none"),
    ]
    places = [(each.name, "present" if each.present else "absent", str(each.path)) for each in machine.places]
    lines = pairs(general)
    versions = [(name, machine.packages[name]) for name in (*PACKAGES, *ALSO) if name in machine.packages]
    lines += [(), *table(("PACKAGE", "VERSION"), versions or [("none of ours", "-")])]
    lines += [(), *table(("PLACE", "", "PATH"), places)]
    if machine.variables:
        lines += [(), *table(("VARIABLE", "VALUE"), list(machine.variables.items()))]
    return _text(lines, colour=colour)


def _some(names: Sequence[str], limit: int = 4) -> str:
    shown = ", ".join(names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def _text(lines: list[Line], *, colour: bool) -> str:
    return coloured(lines) if colour else plain(lines)
