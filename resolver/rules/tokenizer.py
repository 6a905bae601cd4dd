"""T: is there a tokenizer that the declared class can load, and does every token have a row in the embeddings?"""

from collections.abc import Iterator
from typing import Final

from resolver.finding import Finding, Json, Place
from resolver.inspection.description import ModelDescription
from resolver.inspection.special_tokens import SpecialToken
from resolver.inspection.tokenizer import SETTINGS_FILE, TokenizerFacts
from resolver.rules.embeddings import Rows, embedding_rows
from resolver.rules.foreign import foreign
from resolver.rules.rule import Evidence, Rule, rule
from resolver.rules.tokens import file_of, loaded, refusals, size_of, tokenizers
from resolver.rules.words import quoted

TEXT_ARCHITECTURES: Final = ("ForCausalLM", "LMHeadModel", "ForMaskedLM", "ForSequenceClassification")
SHOWN: Final = 10
WRONG_ROWS: Final = "index error in the forward pass (on CUDA a device-side assert) at the first row that holds it"


def _not_read(evidence: Evidence) -> str | None:
    return None if any(True for _ in tokenizers(evidence)) else "the tokenizer was not read"


def _takes_text(evidence: Evidence) -> str | None:
    model = evidence.model
    facts = model.tokenizer
    if facts is None:
        return "the tokenizer was not read"
    if facts.auto_map:
        return "auto_map brings the tokenizer's own code, which decides what it reads: S603"
    named = any(name.endswith(TEXT_ARCHITECTURES) for name in model.config.architectures)
    if model.config.vocab_size is None and not named and not model.files.get(SETTINGS_FILE):
        return "config.json names no vocabulary: it cannot be known whether this model takes text"
    return None


@rule(
    "T201",
    "tokenizer-missing",
    severity="error",
    requires=("C301",),
    applies=_takes_text,
    consequence="no text can be encoded; transformers 5 may build a tokenizer of its special tokens alone, silently",
)
def tokenizer_missing(evidence: Evidence) -> Iterator[Finding]:
    """There are no tokenizer files that the declared class can load.

    transformers says "Couldn't instantiate the backend tokenizer from one of: (1) a `tokenizers` library serialization
    file, (2) a slow tokenizer instance to convert or (3) an equivalent slow tokenizer class to instantiate and
    convert." (4.x: "Can't load tokenizer for 'X'."). Worse, transformers 5 with a class of its own (BertTokenizer,
    GPT2Tokenizer, Qwen2Tokenizer …) says nothing and returns a tokenizer of one to seven tokens.

    The class that is declared is not always the one that is taken: for a family without a class of its own,
    transformers 5 takes the plain backend, which reads tokenizer.json and no vocab.json, where 4.x reads both.

    Example: weights fetched with `--include "*.safetensors" "config.json"`.

    To mend it, add tokenizer.json (alone it is enough) and tokenizer_config.json of this model or of its base.
    """
    facts = evidence.model.tokenizer
    if facts is None or facts.source is not None or facts.self_contained:
        return
    if any(other is not facts and other.source for _, other in tokenizers(evidence)):
        return
    installed = evidence.host.version("transformers")
    if facts.source_before_5 is not None and installed is not None and installed < (5,):
        return
    lone_vocab = evidence.model.files.get("vocab.json") is not None and "merges.txt" in facts.wanted
    found = [*facts.files, *(["vocab.json without merges.txt"] if lone_vocab else [])]
    yield tokenizer_missing.finding(
        "there is no tokenizer that transformers can load",
        path=evidence.model.root,
        evidence={
            "declared_class": facts.declared_class,
            "wanted": list(facts.wanted),
            "found": [name for name in found if not (lone_vocab and name == "vocab.json")],
        },
        fix="add tokenizer.json and tokenizer_config.json of this model or of its base",
        command=f"hf download REPO_ID tokenizer.json tokenizer_config.json --local-dir {quoted(evidence.model.root)}",
    )


@rule(
    "T202",
    "tokenizer-invalid",
    severity="error",
    applies=_not_read,
    consequence="AutoTokenizer stops with an error that names no file",
)
def tokenizer_invalid(evidence: Evidence) -> Iterator[Finding]:
    """A tokenizer file that the loader opens is broken: no valid JSON, no model, or what tokenizers refuses.

    transformers says "JSONDecodeError: Expecting value: line 1 column 1 (char 0)" and tokenizers "expected value at
    line 1 column 1", "Model missing.", "missing field `vocab`" or "Token `x` out of vocabulary" (a merge of a token
    that does not exist; where the joined token is absent, 0.23 panics): none names the file, and two may be meant.

    At level standard the real AutoTokenizer loads it and encodes four texts (plain, empty, odd, long); what it raises
    is said in its own words.

    Example: a tokenizer.json cut off at 10 MB by an interrupted copy.

    To mend it, fetch that file again.
    """
    for description, facts in tokenizers(evidence):
        for fault in facts.faults:
            if foreign(description.files, fault.file) is not None:
                continue
            place = Place(line=fault.line, pointer=fault.pointer) if fault.line or fault.pointer else None
            where: dict[str, Json] = {"column": fault.column} if fault.column else {}
            size = description.files.files[fault.file].size_bytes
            yield tokenizer_invalid.finding(
                f"{fault.file}: {fault.message}",
                path=description.files.path(fault.file),
                place=place,
                evidence={**where, "bytes": size},
                fix="fetch that file again",
                command=f"hf download REPO_ID {fault.file} --local-dir {quoted(description.root)}",
            )
        if not facts.faults:
            yield from _refused(evidence, description, facts)


def _refused(evidence: Evidence, description: ModelDescription, facts: TokenizerFacts) -> Iterator[Finding]:
    real = loaded(evidence, description)
    if real is None:
        return
    same = evidence.host.packages.get("transformers") == real.version
    for doing, said in refusals(evidence, facts, real):
        yield tokenizer_invalid.finding(
            f"transformers {real.version} cannot {doing}: {said}",
            path=file_of(description, facts),
            severity="error" if same else "warning",
            evidence={"tokenizer": facts.source, "declared_class": facts.declared_class},
            consequence="no text can be encoded" if doing == "load the tokenizer" else "a text like it stops the run",
            fix="fetch the tokenizer's files again",
            command=f"hf download REPO_ID tokenizer.json tokenizer_config.json --local-dir {quoted(description.root)}",
        )


def _rows_known(evidence: Evidence) -> str | None:
    reason = _not_read(evidence)
    if reason is not None:
        return reason
    if all(_highest(evidence, *each) is None for each in tokenizers(evidence)):
        return "the tokenizer's ids are not known: there is none, or only another library reads it"
    if embedding_rows(evidence) is None:
        return "the rows of the embeddings are not known: no header names them, and vocab_size cannot be relied on"
    return None


@rule(
    "T205",
    "token-beyond-embeddings",
    severity="error",
    requires=("T202",),
    applies=_rows_known,
    consequence=WRONG_ROWS,
)
def token_beyond_embeddings(evidence: Evidence) -> Iterator[Finding]:
    """A token's id is as large as the number of embedding rows, or larger.

    Nothing checks it at load. The first text that holds the token ends in "IndexError: index out of range in self" on
    a CPU and in "CUDA error: device-side assert triggered" on a GPU, far from its cause.

    The id is the one that the tokenizers library assigns: an added token whose text is in the vocabulary has that id,
    any other the next free one, whatever the file says. Rows beyond the tokenizer's size are normal (padding to 64).

    Example: a [PAD] that was added to a Llama 2 as id 32000, without resizing its 32,000 embedding rows.

    To mend it, remove the token, use one that exists, or resize the embeddings and train them.
    """
    rows = embedding_rows(evidence)
    for description, facts in tokenizers(evidence):
        highest = _highest(evidence, description, facts)
        if rows is None or highest is None or highest[1] < rows.number:
            continue
        token, number = highest
        beyond = {text: each for text, each in _listed(facts).items() if each >= rows.number}
        shown = dict(sorted(beyond.items(), key=lambda pair: pair[1])[:SHOWN])
        yield token_beyond_embeddings.finding(
            f"token {token!r} has id {number}, the embeddings have {rows.number} rows",
            path=file_of(description, facts),
            evidence={
                "rows": rows.number,
                "rows_from": rows.written,
                "highest_id": number,
                "tokens": list(shown) or [token],
                "tokens_in_the_tokenizer": size_of(evidence, description, facts),
                **_confirmed(evidence, description, token, number),
            },
            fix="use the tokenizer that belongs to these weights, or remove the token; resized rows have to be trained",
        )


def _highest(evidence: Evidence, description: ModelDescription, facts: TokenizerFacts) -> tuple[str, int] | None:
    """The listed token with the highest id: as the files say, or a higher one that the declared class adds."""
    listed = None
    if facts.highest_listed_token is not None and facts.highest_listed_id is not None:
        listed = facts.highest_listed_token, facts.highest_listed_id
    real = loaded(evidence, description)
    if real is None or real.highest is None or real.highest[0] in {special.text for special in facts.specials}:
        return listed  # a special token that no vocabulary knows is T206
    if listed is None:
        return real.highest if facts.highest_id is None else None
    return max(listed, real.highest, key=lambda pair: pair[1])


def _confirmed(evidence: Evidence, description: ModelDescription, token: str, number: int) -> dict[str, Json]:
    """Whether the real library was seen to give a token that id, or a higher one."""
    real = loaded(evidence, description)
    seen = real is not None and ((real.highest or ("", -1))[1] >= number or number in real.ids.values())
    return {"seen_in": f"transformers {real.version}"} if real is not None and seen and token else {}


def _listed(facts: TokenizerFacts) -> dict[str, int]:
    unlisted = {special.text for special in facts.specials if not special.known}
    return {text: number for text, number in facts.new_ids.items() if text not in unlisted}


def _ids_known(evidence: Evidence) -> str | None:
    reason = _not_read(evidence)
    if reason is not None:
        return reason
    if all(facts.highest_id is None for _, facts in tokenizers(evidence)):
        return "the tokenizer's vocabulary is not known: there is none, or only another library reads it"
    return None


@rule(
    "T206",
    "special-token-unknown",
    severity="error",
    requires=("T202",),
    applies=_ids_known,
    consequence=WRONG_ROWS,
)
def special_token_unknown(evidence: Evidence) -> Iterator[Finding]:
    """A special token's text is in no vocabulary, so the library adds it with a new id.

    It does so without a word. Where that id is as large as the number of embedding rows, padding (or ending) a row
    with it is an index error, as in T205; where it is smaller, it shares a row with another token or takes a spare
    row that was never trained.

    Example: "pad_token": "<|pad|>" in the tokenizer_config.json of a model that has no such token.

    To mend it, set the token to one that exists; for padding, a reserved or unused one of the family.
    """
    rows = embedding_rows(evidence)
    for description, facts in tokenizers(evidence):
        seen: set[str] = set()
        for special in facts.specials:
            if special.known is not False or special.id is None or special.text in seen:
                continue
            seen.add(special.text)
            finding = _unknown(description, special, special.id, rows)
            confirmed = _confirmed(evidence, description, special.text, special.id)
            yield finding.replaced(evidence={**finding.evidence, **confirmed}) if confirmed else finding


def _unknown(description: ModelDescription, special: SpecialToken, number: int, rows: Rows | None) -> Finding:
    beyond = rows is not None and number >= rows.number
    path = description.files.path(special.file) if description.files.get(special.file) else description.root
    if beyond or rows is None:
        consequence = WRONG_ROWS if beyond else "an index error where the embeddings have no more rows than tokens"
    else:
        consequence = f"it takes row {number}, which was trained for another token or for none"
    return special_token_unknown.finding(
        f"{special.role} {special.text!r} is in no vocabulary and gets the new id {number}",
        path=path,
        place=Place(pointer=f"/{special.role}"),
        severity="error" if beyond else "warning",
        evidence={"token": special.text, "id": number, **_rows_evidence(rows)},
        consequence=consequence,
        fix=f"set {special.role} to a token that exists",
    )


def _rows_evidence(rows: Rows | None) -> dict[str, Json]:
    return {"rows": None} if rows is None else {"rows": rows.number, "rows_from": rows.written}


RULES: tuple[Rule, ...] = (tokenizer_missing, tokenizer_invalid, token_beyond_embeddings, special_token_unknown)
