"""S, continued: does the model bring code of its own that has to run, and is all of it here?"""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from resolver.finding import Finding, Json, Place, Severity
from resolver.rules.config import knows_type
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import few, quoted, some

if TYPE_CHECKING:
    from resolver.inspection.remote_code import CodeFacts, Entry

# Import name to distribution, where a missing distribution surely means that the import fails.
DISTRIBUTIONS: Final = {
    "PIL": "pillow",
    "accelerate": "accelerate",
    "bitsandbytes": "bitsandbytes",
    "causal_conv1d": "causal-conv1d",
    "einops": "einops",
    "flash_attn": "flash-attn",
    "mamba_ssm": "mamba-ssm",
    "numpy": "numpy",
    "open_clip": "open-clip-torch",
    "peft": "peft",
    "rotary_embedding_torch": "rotary-embedding-torch",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sentencepiece": "sentencepiece",
    "tiktoken": "tiktoken",
    "timm": "timm",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "torchaudio": "torchaudio",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "transformers_stream_generator": "transformers-stream-generator",
    "triton": "triton",
    "xformers": "xformers",
}

PLAIN_TOKENIZERS: Final = frozenset({"PreTrainedTokenizerFast", "PreTrainedTokenizer", "TokenizersBackend"})


def _code_named(evidence: Evidence) -> str | None:
    config = evidence.model.config
    tokenizer = evidence.model.tokenizer
    if not config.auto_map and not (tokenizer is not None and tokenizer.auto_map):
        return Moot("no auto_map names code of the model's own")
    if config.auto_map and knows_type(evidence) is None:
        return "whether the judged transformers has this model_type itself is not known"
    return None


@rule(
    "S603",
    "remote-code-required",
    severity="error",
    requires=("C302",),
    applies=_code_named,
    consequence="the model does not load: its own code is needed and cannot run here",
)
def remote_code_required(evidence: Evidence) -> Iterator[Finding]:
    """The model names code of its own (auto_map), which transformers would have to run.

    Unless trust_remote_code=True is given it asks on stdin, "Do you wish to run the custom code? [y/N]", and after 15 s
    raises "The repository X contains custom code which must be executed to correctly load the model." With the argument
    it runs whatever stands there: "X does not appear to have a file named own.py" where the file is absent, "This
    modeling file requires the following packages that were not found in your environment: …" where a package is, and
    "We couldn't connect to 'https://huggingface.co'" where the class lives in another repository (`other/repo--file.
    Class`). Those are errors. Code that is here and must run is a warning: read it first. Where the installed
    transformers has the class itself, nothing of it runs and nothing is needed (info).

    Example: "auto_map": {"AutoConfig": "configuration_own.OwnConfig"} in a copy of the weights alone.

    To mend it, copy the .py files beside config.json, read them, attach wheels of what they import.
    """
    config = evidence.model.config
    if config.auto_map and knows_type(evidence):
        yield _not_needed(evidence)
    elif "AutoConfig" in config.auto_map and config.code is not None:
        yield _needed(evidence, config.code)
    if evidence.model.tokenizer is not None and evidence.model.tokenizer.auto_map:
        yield from _tokenizer(evidence, evidence.model.tokenizer.auto_map)


def _not_needed(evidence: Evidence) -> Finding:
    from resolver.inspection.remote_code import entries_of  # noqa: PLC0415 - few models bring code of their own

    config = evidence.model.config
    elsewhere = sorted({each.repository for each in entries_of(config.auto_map) if each.repository})
    absent = [*config.code.absent] if config.code is not None else []
    facts: dict[str, Json] = {"classes": few(config.auto_map.values())}
    if elsewhere:
        facts["elsewhere"] = few(elsewhere)
    if absent:
        facts["absent"] = few(absent)
    return remote_code_required.finding(
        f"code of its own is named and not needed: transformers {evidence.host.packages['transformers']} has "
        f"{config.model_type}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/auto_map"),
        evidence=facts,
        consequence="none, as long as trust_remote_code is not set"
        + ("; with it, the code that is not here is looked for and the load fails" if elsewhere or absent else ""),
        fix="load it without trust_remote_code",
        severity="info",
    )


def _needed(evidence: Evidence, code: "CodeFacts") -> Finding:
    config = evidence.model.config
    reasons = [*_reasons(evidence, code)]
    unsure = [] if reasons else [*_unmatched(evidence, code)]
    whole = "it is all here" if code.complete else "not all of it could be looked into"
    facts: dict[str, Json] = {"model_type": config.model_type, "classes": few(config.auto_map.values())}
    facts |= {"files": few(code.files)} if code.files else {}
    facts |= {"imports_not_matched": few(unsure)} if unsure else {}
    facts |= {"not_looked_into": few(code.unread)} if code.unread else {}
    severity: Severity = "error" if reasons else "warning"
    return remote_code_required.finding(
        f"its own code must run, and {some(reasons, 2)}" if reasons else f"its own code must run, and {whole}",
        path=evidence.model.files.path(config.file),
        place=Place(pointer="/auto_map"),
        evidence=facts,
        consequence=None if reasons else "transformers asks on stdin and stops, unless trust_remote_code=True is given",
        fix=_fix(code, reasons),
        command=f"resolver check {quoted(evidence.model.root)}" if reasons else None,
        severity=severity,
    )


def _fix(code: "CodeFacts", reasons: list[str]) -> str:
    if not reasons:
        return f"read {some(code.files)}; then load it with trust_remote_code=True"
    elsewhere = [each.file for each in code.entries if each.repository]
    files = some([*dict.fromkeys([*code.absent, *elsewhere])])
    if files:
        return f"put {files} beside config.json and read what they do" + (
            "; name them in auto_map without the repository" if elsewhere else ""
        )
    return "attach wheels of what it imports, or mend the file that is named; read the code before it runs"


def _loads(entry: "Entry") -> bool:
    """Whether loading the model runs this class; a processor's or a tokenizer's is another matter."""
    return entry.role == "AutoConfig" or entry.role.startswith("AutoModel")


def _reasons(evidence: Evidence, code: "CodeFacts") -> Iterator[str]:
    """Why the code cannot run here."""
    wanted = [each for each in code.entries if _loads(each)]
    for repository in dict.fromkeys(each.repository for each in wanted if each.repository):
        yield f"it lives in another repository, {repository[:80]}"
    mine = {each.file for each in wanted if not each.repository}
    for name, asked_by in code.absent.items():
        if name in mine or asked_by != "auto_map":
            yield f"{name} is not here" + ("" if asked_by == "auto_map" else f", which {asked_by} imports")
    for name, fault in code.faults.items():
        yield f"{name} {fault}"
    for each in wanted:
        defined = code.classes.get(each.file)
        if not each.repository and defined is not None and each.name not in defined and "*" not in defined:
            yield f"{each.file} has no {each.name[:60]}"
    for package, name in code.packages.items():
        distribution = DISTRIBUTIONS.get(package)
        if distribution is not None and distribution not in evidence.host.packages:
            yield f"{name} imports {package}, which is not installed"


def _unmatched(evidence: Evidence, code: "CodeFacts") -> Iterator[str]:
    """Imports of which nobody can tell from the names of distributions whether they are there."""
    for package in code.packages:
        known = package in sys.stdlib_module_names or package in DISTRIBUTIONS
        if not known and package.lower().replace("_", "-") not in evidence.host.packages:
            yield package


def _tokenizer(evidence: Evidence, names: tuple[str, ...]) -> Iterator[Finding]:
    """The tokenizer's own class; one that transformers has too is taken from there."""
    from resolver.inspection.remote_code import entries_of  # noqa: PLC0415 - as above

    tokenizer, files = evidence.model.tokenizer, evidence.model.files
    declared = (tokenizer.declared_class if tokenizer is not None else None) or ""
    if _class_is_known(declared):
        return
    entries = entries_of({"AutoTokenizer": ",".join(names)})
    folder = evidence.model.config.file.rpartition("/")[0]
    below = f"{folder}/" if folder else ""
    absent = [each.repository or each.file for each in entries if each.repository or not files.get(below + each.file)]
    yield remote_code_required.finding(
        f"the tokenizer's own code must run, and {some(absent)} is not here"
        if absent
        else "the tokenizer's own code must run, and it is here",
        path=files.path(f"{below}tokenizer_config.json"),
        place=Place(pointer="/auto_map"),
        evidence={"declared_class": declared or None, "classes": few(names)},
        consequence="the tokenizer does not load"
        if absent
        else "AutoTokenizer asks on stdin and stops, unless trust_remote_code=True is given",
        fix="put the file beside tokenizer_config.json and read it"
        if absent
        else "read it; then load it with trust_remote_code=True",
        severity="error" if absent else "warning",
    )


def _class_is_known(declared: str) -> bool:
    from resolver.inspection.tokenizer_classes import FALLBACKS, files_of  # noqa: PLC0415 - only for such a tokenizer

    return declared in PLAIN_TOKENIZERS or files_of(declared or None, None).files != FALLBACKS


RULES: tuple[Rule, ...] = (remote_code_required,)
