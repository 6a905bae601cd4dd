"""C, continued: will the judged transformers turn the positions by the angles that the model was trained with?"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from resolver.finding import Finding, Json, Place, Severity
from resolver.inspection.rope import RopeFacts, number
from resolver.rules.rule import Evidence, Moot, Rule, rule

FIVE = (5, 0, 0)


class Lost(NamedTuple):
    """A number that config.json says in one way and the judged transformers reads in another.

    Attributes:
        kind: the kind of layer; "" where there is only one.
        key: the key that the judged transformers reads.
        written: what rope_parameters says.
        taken: what will be taken instead.
        from_default: it is taken because the key is not there.
    """

    kind: str
    key: str
    written: Any
    taken: Any
    from_default: bool


def _rope_known(evidence: Evidence) -> str | None:
    rope, installed = evidence.model.config.rope, evidence.host.version("transformers")
    if rope is None or not rope.parameters:
        return Moot("config.json has no rope_parameters")
    if installed is None:
        return "transformers is not installed on the machine that is judged for: R801"
    if installed >= FIVE:
        return None
    from resolver.rules.rope_defaults import BY_LAYER, THETA  # noqa: PLC0415 - a table, for a model of 5.x on 4.x

    if "" in rope.parameters:
        return (
            None if rope.model_type in THETA else f"what transformers 4 takes for {rope.model_type} is not known here"
        )
    kinds: Mapping[str, Any] = BY_LAYER.get(rope.model_type or "", {})
    unknown = [kind for kind in rope.parameters if kind not in kinds]
    return (
        f"how transformers 4 turns {rope.model_type} in layers of kind {unknown[0]} is not known here"
        if unknown
        else None
    )


@rule(
    "C305",
    "rope-schema-newer",
    severity="error",
    requires=("C303",),
    applies=_rope_known,
    consequence="it loads without a word, and every position is turned by the wrong angle: the answers are worse",
)
def rope_schema_newer(evidence: Evidence) -> Iterator[Finding]:
    """The rotary numbers stand where the judged transformers does not read them.

    transformers 5 writes them into `rope_parameters` and no longer at the top. Version 4 does not know that key: it
    loads, says nothing, and takes the default of the class, a theta of 10000 instead of Llama 3's 500000, and no
    scaling at all. Version 5 loses them where an old `rope_scaling` stands beside `rope_parameters`: that one wins,
    and its theta is looked for at the top.

    Example: Llama 3 saved by transformers 5.2, `{"rope_parameters": {"rope_theta": 500000.0, "rope_type": "default"}}`,
    loaded with 4.57. Where both ways are written and differ, that is a warning: nothing tells which one was trained.

    To mend it, write both: every version then reads the same numbers. Where the files cannot be written, give them to
    `from_pretrained(path, rope_theta=500000.0)`.
    """
    rope, installed = evidence.model.config.rope, evidence.host.version("transformers")
    if rope is None or installed is None:
        return
    lost = [*_lost(rope)] if installed < FIVE else [*_overridden(rope)]
    silent = [each for each in lost if each.from_default]
    if silent:
        yield _finding(evidence, rope, silent)
    contradicted = [each for each in lost if not each.from_default]
    if contradicted:
        yield _finding(evidence, rope, contradicted, "warning")


def _finding(evidence: Evidence, rope: RopeFacts, lost: list[Lost], severity: Severity | None = None) -> Finding:
    version = evidence.host.packages["transformers"]
    before_5 = (evidence.host.version("transformers") or FIVE) < FIVE
    said = ", ".join(f"{each.key} {_shown(each.taken)} instead of {_shown(each.written)}" for each in lost)
    both = _both(rope, lost)
    return rope_schema_newer.finding(
        f"transformers {version} takes {said}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer=f"{rope.pointer}/rope_parameters"),
        evidence={
            "model_type": rope.model_type,
            "written_by": evidence.model.config.transformers_version,
            "lost": [f"{each.kind + ': ' if each.kind else ''}{each.key}" for each in lost],
        },
        consequence=None if severity is None else "which of the two numbers was trained, nothing tells",
        fix=f"write both ways{f' into {rope.pointer[1:]}' if rope.pointer else ''}: {both} beside rope_parameters; "
        + ("or take transformers 5, which reads rope_parameters" if before_5 else "or take rope_scaling out")
        + (_for_a_mount(rope, lost) if before_5 else ""),
        command="pip install --no-index --find-links WHEELS 'transformers>=5.0.0'" if before_5 else None,
        severity=severity,
    )


def _for_a_mount(rope: RopeFacts, lost: list[Lost]) -> str:
    """What does without writing: in 4.x a keyword of from_pretrained overrides the key of that name."""
    if rope.pointer or [each.key for each in lost] != ["rope_theta"]:
        return ""
    return f"; or, where nothing can be written, from_pretrained(path, rope_theta={lost[0].written})"


def _lost(rope: RopeFacts) -> Iterator[Lost]:
    """What 4.x does not take out of rope_parameters."""
    from resolver.rules.rope_defaults import BY_LAYER, PARTIAL, PARTIAL_KEYS, THETA, THETA_KEYS  # noqa: PLC0415 - above

    name = rope.model_type or ""
    for kind, settings in rope.parameters.items():
        key, default = BY_LAYER[name][kind] if kind else (THETA_KEYS.get(name, "rope_theta"), THETA[name])
        taken = rope.numbers.get(key, rope.numbers.get("rope_theta", default) if not kind else default)
        written = number(settings.get("rope_theta"))
        if written is not None and taken != written:
            yield Lost(kind, key, written, taken, key not in rope.numbers and "rope_theta" not in rope.numbers)
        part, key = number(settings.get("partial_rotary_factor")), PARTIAL_KEYS.get(name, "partial_rotary_factor")
        if part is not None and name in PARTIAL and rope.numbers.get(key, PARTIAL[name]) != part:
            yield Lost(kind, key, part, rope.numbers.get(key, PARTIAL[name]), key not in rope.numbers)
        if kind in ("", "full_attention") and _unscaled(rope, settings):
            yield Lost(kind, "rope_scaling", _scaling(settings)["rope_type"], None, from_default=True)


def _unscaled(rope: RopeFacts, settings: Mapping[str, Any]) -> bool:
    from resolver.rules.rope_defaults import REQUIRED, SCALES_OF_ITSELF  # noqa: PLC0415 - as above

    kind = settings.get("rope_type", settings.get("type", "default"))
    if rope.scaling is not None or kind == "default" or kind not in REQUIRED:
        return False
    return bool(SCALES_OF_ITSELF.get(rope.model_type or "") != kind)


def _overridden(rope: RopeFacts) -> Iterator[Lost]:
    """What 5.x loses: a rope_scaling that is not empty replaces rope_parameters altogether."""
    written = number(rope.parameters.get("", {}).get("rope_theta"))
    if rope.scaling is None or written is None or number(rope.scaling.get("rope_theta")) is not None:
        return
    from resolver.rules.rope_defaults import TEN_THOUSAND_IN_5  # noqa: PLC0415 - a rare model

    if rope.model_type in TEN_THOUSAND_IN_5 and rope.numbers.get("rope_theta", 10_000.0) != written:
        taken = rope.numbers.get("rope_theta", 10_000.0)
        yield Lost("", "rope_theta", written, taken, "rope_theta" not in rope.numbers)


def _both(rope: RopeFacts, lost: list[Lost]) -> str:
    """The keys to add, as JSON."""
    import json  # noqa: PLC0415 - only for a fix that is shown

    keys: dict[str, Any] = {each.key: each.written for each in lost if each.key != "rope_scaling"}
    if any(each.key == "rope_scaling" for each in lost):
        keys["rope_scaling"] = _scaling(rope.parameters.get("") or rope.parameters["full_attention"])
    return json.dumps(keys)[1:-1]


def _scaling(settings: Mapping[str, Any]) -> dict[str, Any]:
    """rope_parameters in the way of 4.x: without theta."""
    kept = {key: value for key, value in settings.items() if key not in ("rope_theta", "partial_rotary_factor", "type")}
    return {**kept, "rope_type": settings.get("rope_type", settings.get("type"))}


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}" if abs(value) < 1e6 else f"{value:.0f}"  # noqa: PLR2004 - 1000000, not 1e+06
    return "none" if value is None else str(value)


def _scaling_judged(evidence: Evidence) -> str | None:
    rope, installed = evidence.model.config.rope, evidence.host.version("transformers")
    if rope is None or _read_scaling(rope, installed or FIVE) is None:
        return Moot("config.json scales no rotary positions")
    if installed is None:
        return "transformers is not installed on the machine that is judged for: R801"
    from resolver.rules.rope_defaults import SHARED_FUNCTIONS, SHARED_SINCE, STRICT_BEFORE  # noqa: PLC0415 - a table

    strict = STRICT_BEFORE.get(rope.model_type or "")
    if strict is not None and installed < strict:
        return None
    if rope.model_type in SHARED_FUNCTIONS and installed >= SHARED_SINCE:
        return None
    return (
        f"how transformers {evidence.host.packages['transformers']} checks it for {rope.model_type} is not known here"
    )


def _read_scaling(rope: RopeFacts, installed: tuple[int, ...]) -> Mapping[str, Any] | None:
    """The object that this version takes the scaling from."""
    if rope.scaling is not None or installed < FIVE:
        return rope.scaling
    return rope.parameters.get("")


@rule(
    "C306",
    "rope-scaling-rejected",
    severity="error",
    requires=("C303",),
    applies=_scaling_judged,
    consequence="transformers stops at the configuration, before it opens the weights",
)
def rope_scaling_rejected(evidence: Evidence) -> Iterator[Finding]:
    """The judged transformers does not take this rope_scaling.

    Llama 3.1 came with a scaling of six fields. Before 4.43 transformers knew two: "`rope_scaling` must be a dictionary
    with two fields, `type` and `factor`, got {…}". Later versions know kinds by name and stop at one that they do not
    know (KeyError: 'su'), or at one without its numbers: "Missing required keys in `rope_scaling` for
    'rope_type'='llama3': {'low_freq_factor'}".

    Example: Llama 3.1 8B in an image with transformers 4.41.

    To mend it, attach a wheel of a version that knows it, or correct the kind or the number that is named.
    """
    rope, installed = evidence.model.config.rope, evidence.host.version("transformers")
    scaling = None if rope is None or installed is None else _read_scaling(rope, installed)
    if rope is None or installed is None or scaling is None:
        return
    from resolver.rules.rope_defaults import STRICT_BEFORE  # noqa: PLC0415 - as above

    since = STRICT_BEFORE.get(rope.model_type or "")
    old = since is not None and installed < since
    why = _strict(scaling) if old else _unknown(scaling)
    if why is None:
        return
    key = "rope_scaling" if rope.scaling is not None else "rope_parameters"
    newer = since if old and _unknown(scaling) is None else None
    yield rope_scaling_rejected.finding(
        f"transformers {evidence.host.packages['transformers']} does not take this {key}: {why}",
        path=evidence.model.files.path(evidence.model.config.file),
        place=Place(pointer=f"{rope.pointer}/{key}"),
        evidence={"model_type": rope.model_type, "fields": [str(each) for each in list(scaling)[:10]], **_since(newer)},
        fix=f"install transformers {_dotted(newer)} or newer (offline: attach its wheel as a dataset)"
        if newer
        else "correct it there; the model's publisher has the right one",
        command=f"pip install --no-index --find-links WHEELS 'transformers>={_dotted(newer)}'" if newer else None,
    )


def _since(version: tuple[int, ...] | None) -> dict[str, Json]:
    return {"taken_since": _dotted(version)} if version else {}


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _strict(scaling: Mapping[str, Any]) -> str | None:
    """Two fields to the letter, as Llama's class before 4.43 wants them."""
    if len(scaling) != 2:  # noqa: PLR2004 - `type` and `factor`
        return f"it has {len(scaling)} fields; this version takes two, type and factor"
    if scaling.get("type") not in ("linear", "dynamic"):
        return f"its type is {scaling.get('type')!r}; this version takes linear and dynamic"
    factor = scaling.get("factor")
    if not isinstance(factor, float) or factor <= 1.0:
        return "its factor is no fraction above 1.0"
    return None


def _unknown(scaling: Mapping[str, Any]) -> str | None:
    """A kind that no version knows, or one without its numbers."""
    from resolver.rules.rope_defaults import NEWER_KINDS, REQUIRED  # noqa: PLC0415 - as above

    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if not isinstance(kind, str) or kind in NEWER_KINDS:
        return None
    if kind not in REQUIRED:
        return f"it knows no rope_type {kind!r}"
    absent = [key for key in REQUIRED[kind] if key not in scaling]
    return f"{kind} needs {', '.join(absent)}" if absent else None


RULES: tuple[Rule, ...] = (rope_schema_newer, rope_scaling_rejected)
