"""Load a tokenizer with the real AutoTokenizer, in the child: what ids do its tokens get, and does it encode?

Runs no code of the model's: `trust_remote_code` is False. Catches what a library panics with too, for a panic of
tokenizers is no Exception.
"""

from collections.abc import Iterator
from typing import Any, Final

from resolver.finding import Json

LONGEST: Final = 400
LONG_TEXT: Final = 20_000
PLAIN: Final = "Which answer is better, the first or the second one? 0123456789"
# No blanks in front: there transformers 5 differs from the file of every Llama 2, in one token that means nothing.
LINES: Final = "A first line,\nand a second: 'naïve' café!"
ROLES: Final = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


def answer(request: dict[str, Any]) -> Json:
    """Load the tokenizer of a directory.

    Args:
        request: "path", the directory.

    Returns:
        "version" of transformers, "class", "same" (true, null, or the first ids of the tokenizer and those of
        tokenizer.json), "size", "highest" (token and id), "ids" (role to id), "texts" (role to text), "encoded" (name
        of a text to its highest id or what was raised); or "kind" and "said" of what loading raised.
        `{"absent": …}` where transformers is not installed here.
    """
    try:
        import transformers  # noqa: PLC0415 - only the child imports it
    except ImportError as error:
        return {"absent": f"transformers cannot be imported here: {error}"[:LONGEST]}
    transformers.logging.set_verbosity_error()
    version = transformers.__version__
    try:
        loaded = transformers.AutoTokenizer.from_pretrained(
            request["path"], local_files_only=True, trust_remote_code=False
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a library's panic is no Exception
        return {"version": version, **_raised(error)}
    same = _same_ids(loaded, request["path"])
    return {"version": version, "class": type(loaded).__name__, "same": same, **_tokens(loaded)}


def _tokens(loaded: Any) -> dict[str, Json]:
    ids = dict(loaded.get_vocab())
    highest = max(ids, key=ids.__getitem__, default=None)
    texts = {role: str(getattr(loaded, role)) for role in ROLES if getattr(loaded, role, None) is not None}
    return {
        "size": len(loaded),
        "highest": None if highest is None else [highest, int(ids[highest])],
        "ids": {role: number for role, text in texts.items() if (number := _id(loaded, text)) is not None},
        "texts": {**texts},
        "encoded": {name: _encoded(loaded, text) for name, text in _texts()},
    }


def _same_ids(loaded: Any, path: str) -> Json:
    """Whether tokenizer.json alone gives the same ids; None where there is none, or it cannot say."""
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - only the child imports it

        file = Tokenizer.from_file(f"{path}/tokenizer.json")
        file.no_truncation()
        file.no_padding()
        pairs = [
            (list(loaded(text, add_special_tokens=False)["input_ids"]), file.encode(text, add_special_tokens=False).ids)
            for text in (PLAIN, LINES)
        ]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - as above: T201 and T202 tell what is wrong with the file
        return None
    differ: Any = next(([one[:12], list(other[:12])] for one, other in pairs if one != list(other)), None)
    return differ or True


def _id(loaded: Any, text: str) -> int | None:
    """A token's id; None where the library loses itself over it, as over an empty unk_token (RecursionError)."""
    try:
        return int(loaded.convert_tokens_to_ids(text))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 - as above; the tokenizer has loaded, which is what was asked
        return None


def _texts() -> Iterator[tuple[str, str]]:
    yield "plain", PLAIN
    yield "empty", ""
    # Half a character, as json.loads makes it of a broken escape, put right as scoring puts it right.
    yield "hostile", "\ud83d \x00 \u202e \U0010ffff".encode("utf-8", "replace").decode("utf-8")
    yield "long", "answer " * (LONG_TEXT // 7)


def _encoded(loaded: Any, text: str) -> Json:
    try:
        ids = loaded(text)["input_ids"]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - as above
        return _raised(error)
    return {"tokens": len(ids), "highest": max(map(int, ids), default=None)}


def _raised(error: BaseException) -> dict[str, Json]:
    said = " ".join(str(error).split())
    return {"kind": type(error).__name__, "said": said[:LONGEST]}
