"""T, continued: is the tokenizer's class known, are its packages there, and is it the tokenizer of these weights?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Place
from resolver.rules.embeddings import embedding_rows
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.tokens import file_of, size_of, tokenizers
from resolver.rules.words import quoted

TABLE_ENDS: Final = (5, 24)  # the table of classes was read from 5.23
# Rows that nobody's tokenizer fills: padding to 64, 128 or 512 and reserved ids. The most that is known are 2,384 of
# 102,400 (DeepSeek LLM) and, of small ones, 125 of 384 (ByT5).
SPARE_ROWS: Final = 1_024
SPARE_PART: Final = 0.04


def _class_judged(evidence: Evidence) -> str | None:
    if not any(True for _ in tokenizers(evidence)):
        return "the tokenizer was not read"
    if all(facts.class_known is None for _, facts in tokenizers(evidence)):
        return Moot("no tokenizer_class is declared, or the model brings its own (auto_map): S603")
    installed = evidence.host.version("transformers")
    if installed is None:
        return "transformers is not installed: R801"
    if installed >= TABLE_ENDS:
        return "the installed transformers is newer than the table of its tokenizer classes (5.23)"
    return None


@rule(
    "T203",
    "tokenizer-class-unknown",
    severity="error",
    applies=_class_judged,
    consequence="transformers 5 takes its plain backend instead, silently; 4.x stops with a ValueError",
)
def tokenizer_class_unknown(evidence: Evidence) -> Iterator[Finding]:
    """The tokenizer_class that is declared is none that the installed transformers knows.

    4.x stops: "ValueError: Tokenizer class TokenizersBackend does not exist or is not currently imported." That very
    name is what transformers 5 writes, so every tokenizer that it has saved fails there. 5.x says nothing and reads
    tokenizer.json with its plain backend: right for most, wrong for a class that did more than its file says. Named
    in config.json alone, for a family without a class of its own, an unknown one stops 5.x too: "AttributeError:
    'NoneType' object has no attribute 'from_pretrained'".

    Example: a model that was fine-tuned with transformers 5 and is scored in an image with 4.57.

    To mend it, declare "tokenizer_class": "PreTrainedTokenizerFast", which both know, or upgrade transformers.
    """
    before_5 = (evidence.host.version("transformers") or (5,)) < (5,)
    for description, facts in tokenizers(evidence):
        known = facts.class_known_before_5 if before_5 else facts.class_known
        if known is not False:
            continue
        version = evidence.host.packages["transformers"]
        stops = before_5 or facts.class_in_config
        file = description.config.file if facts.class_in_config else "tokenizer_config.json"
        yield tokenizer_class_unknown.finding(
            f"transformers {version} has no tokenizer class {facts.declared_class!r}",
            path=description.files.path(file) if description.files.get(file) else description.root,
            place=Place(pointer="/tokenizer_class"),
            severity="error" if stops else "warning",
            evidence={"tokenizer_class": facts.declared_class, "transformers": version, "reads": facts.source},
            consequence=(
                f"AutoTokenizer stops with {'a ValueError' if before_5 else 'an AttributeError'}"
                if stops
                else "the plain backend is taken instead, silently; in transformers 4 the model does not load"
            ),
            fix='set "tokenizer_class": "PreTrainedTokenizerFast", which transformers 4 and 5 know',
        )


def _packages_judged(evidence: Evidence) -> str | None:
    if not any(True for _ in tokenizers(evidence)):
        return "the tokenizer was not read"
    if all(facts.source is None for _, facts in tokenizers(evidence)):
        return Moot("there is no tokenizer file: T201")
    return None


@rule(
    "T204",
    "tokenizer-needs-package",
    severity="error",
    applies=_packages_judged,
    consequence="AutoTokenizer stops, in words that blame the files",
)
def tokenizer_needs_package(evidence: Evidence) -> Iterator[Finding]:
    """There is only a sentencepiece or tiktoken file, and the package that reads it is not installed.

    transformers 5 says "Couldn't instantiate the backend tokenizer from one of: (1) a `tokenizers` library
    serialization file, (2) a slow tokenizer instance to convert …  You need to have sentencepiece or tiktoken
    installed", 4.57 "requires the protobuf library but it was not found in your environment". sentencepiece files
    take both: the package sentencepiece and protobuf.

    Example: a LlamaTokenizer with tokenizer.model alone, in an image without sentencepiece.

    To mend it, install the packages (offline, from attached wheels), or add tokenizer.json, which needs none.
    """
    for description, facts in tokenizers(evidence):
        if facts.source is None:
            continue
        missing = [name for name in facts.packages if name not in evidence.host.packages]
        if not missing:
            continue
        yield tokenizer_needs_package.finding(
            f"{facts.source} is all there is, and {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} "
            "not installed to read it",
            path=description.files.path(facts.source),
            evidence={"source": facts.source, "needs": list(facts.packages), "missing": list(missing)},
            fix="install what is missing, offline from attached wheels; or add tokenizer.json, which needs no package",
            command=f"pip install --no-index --find-links WHEELS {' '.join(missing)}",
        )


def _sizes_known(evidence: Evidence) -> str | None:
    if all(size_of(evidence, each, facts) is None for each, facts in tokenizers(evidence)):
        return "the tokenizer's size is not known: there is none, or only another library reads it"
    if embedding_rows(evidence) is None:
        return "the rows of the embeddings are not known"
    return None


@rule(
    "T214",
    "tokenizer-differs-from-model",
    severity="warning",
    requires=("T202", "T205"),
    applies=_sizes_known,
    consequence="if it is another model's tokenizer, every word means another one to the weights: output is noise",
)
def tokenizer_differs_from_model(evidence: Evidence) -> Iterator[Finding]:
    """The tokenizer has far fewer tokens than the embeddings have rows: it looks like that of another model.

    Nothing checks it: ids below the number of rows all load and run, and the model answers nonsense. Some rows without
    a token are normal (embeddings are padded to a multiple of 64 or 128, and families keep ids in reserve); up to
    1,024 of them, or 4 %, are not spoken of. A tokenizer with too many tokens is T205.

    Example: the 32,000 tokens of Llama 2 beside weights of Llama 3, which have 128,256 rows.

    To mend it, copy the tokenizer of the model that these weights come from.
    """
    rows = embedding_rows(evidence)
    if rows is None:
        return
    for description, facts in tokenizers(evidence):
        size = size_of(evidence, description, facts)
        if size is None or rows.number - size <= max(SPARE_ROWS, SPARE_PART * rows.number):
            continue
        yield tokenizer_differs_from_model.finding(
            f"the tokenizer has {size:,} tokens, the embeddings have {rows.number:,} rows",
            path=file_of(description, facts),
            evidence={"tokens": size, "rows": rows.number, "rows_from": rows.written, "model": facts.model},
            fix="use the tokenizer that belongs to these weights",
            command=f"hf download REPO_ID tokenizer.json tokenizer_config.json --local-dir {quoted(description.root)}",
        )


RULES: tuple[Rule, ...] = (tokenizer_class_unknown, tokenizer_needs_package, tokenizer_differs_from_model)
