"""What the real libraries make of a directory, said as plain JSON: the child's half of `oracle_process`.

Imports torch, transformers and peft when it is imported; nobody but that child does so.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from typing import TYPE_CHECKING, Any

import peft
import torch
import transformers as t

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = ("which answer is better?", "the first or the second one? both answers are equally good", "a 42")
DIALOGUE = ({"role": "user", "content": "which?"}, {"role": "assistant", "content": "both"})
SAID = 600
ADDRESS_SPACE = 12 * 2**30  # a config that asks for more fails instead of filling the machine


def load(request: dict[str, Any]) -> dict[str, Any]:
    """Load model, tokenizer and adapter as their user does, and run a few rows.

    Args:
        request: root, auto (the class of transformers that is asked), labels (None for what the config says),
            adapter (a directory or None), batch (pad the rows to one batch, as scoring does).

    Returns:
        ids of the rows; logits of the last token (or of the classes); names that were missing, unexpected or did not
        fit; whether all logits are finite; the dialogue as the chat template renders it, or why it does not.
    """
    root, adapter = request["root"], request.get("adapter")
    tokens = t.AutoTokenizer.from_pretrained(root)
    chosen = {} if request.get("labels") is None else {"num_labels": request["labels"]}
    model, info = getattr(t, request["auto"]).from_pretrained(root, output_loading_info=True, **chosen)
    if adapter is not None:
        model = peft.PeftModel.from_pretrained(model, adapter)
    model.eval()
    ids, rows = _run(model, tokens, batch=bool(request.get("batch")))
    return {
        "ids": ids,
        "logits": rows.tolist(),
        "finite": bool(torch.isfinite(rows).all()),
        **{name: sorted(str(key) for key in info.get(f"{name}_keys", ())) for name in ("missing", "unexpected")},
        "mismatched": sorted(str(each[0]) for each in info.get("mismatched_keys", ())),
        "prompt": _prompt(tokens),
    }


def tokens(request: dict[str, Any]) -> dict[str, Any]:
    """Load the tokenizer alone: its class, its size and the ids of the rows."""
    loaded = t.AutoTokenizer.from_pretrained(request["root"])
    ids = [loaded(row)["input_ids"] for row in ROWS]
    return {"class": type(loaded).__name__, "size": len(loaded), "ids": ids, "prompt": _prompt(loaded)}


def ask(request: dict[str, Any]) -> Any:
    """Put a question to a module of `resolver.probe`, as its own child process would."""
    module = __import__(f"resolver.probe.{request['module']}", fromlist=["answer"])
    return module.answer(request["request"])


def _run(model: Any, tokens: Any, *, batch: bool) -> tuple[list[list[int]], torch.Tensor]:
    ids = [tokens(row)["input_ids"] for row in ROWS]
    with torch.no_grad():
        _last(model, [max(tokens.get_vocab().values()), *ids[0][-1:]])  # a token without a row stops here
        if batch:
            padded = tokens(list(ROWS), padding=True, return_tensors="pt")
            kept = {name: padded[name] for name in ("input_ids", "attention_mask")}
            return ids, model(**kept).logits.float()
        return ids, torch.cat([_last(model, row) for row in ids])


def _last(model: Any, ids: list[int]) -> torch.Tensor:
    row = torch.tensor([ids])
    both = {"decoder_input_ids": row} if model.config.is_encoder_decoder and not _is_classifier(model) else {}
    logits = model(input_ids=row, **both).logits.float()
    return logits if logits.dim() == 2 else logits[:, -1]


def _is_classifier(model: Any) -> bool:
    return "SequenceClassification" in type(getattr(model, "base_model", model)).__name__ or (
        "SequenceClassification" in type(model).__name__
    )


def _prompt(tokens: Any) -> str | None:
    if getattr(tokens, "chat_template", None) is None:
        return None
    try:
        return str(tokens.apply_chat_template(list(DIALOGUE), tokenize=False))
    except Exception as error:  # noqa: BLE001 - a template that fails is an answer
        return f"refused: {type(error).__name__}"


ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {"load": load, "tokens": tokens, "ask": ask}


def serve() -> None:
    """Answer one request a line, on the stream that was stdout; what libraries print goes to stderr."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    t.logging.set_verbosity_error()
    t.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"outcome": "answered", "value": ANSWERS[request["do"]](request)}
        except Exception as error:  # noqa: BLE001 - whatever a library raises is its answer
            answer = {"outcome": "refused", "value": f"{type(error).__name__}: {error}"[:SAID]}
        except BaseException as error:  # noqa: BLE001 - tokenizers panics with a BaseException
            answer = {"outcome": "refused", "value": f"panic: {type(error).__name__}: {error}"[:SAID]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve()
