"""vLLM's classification of rows of ids, in a process of its own: a request on stdin, an answer on stdout, both JSON.

    {"model": DIRECTORY, "rows": [[id, ...], ...], "max_length": N, "rounds": N, "dtype": "float32"}
    {"seconds": S, "probabilities": [[p, ...], ...], "device": NAME, "version": V}    or    {"unusable": WHY}

It runs in the interpreter that has vLLM, which need not be the one of the other ways: its pins and ours exclude each
other. The fastest round counts, and the time to load and to compile is not in it.
"""

import json
import os
import sys
import time
from typing import Any


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Classify the rows, or say why not."""
    try:
        import vllm
        from vllm.inputs import TokensPrompt
        from vllm.platforms import current_platform
    except ImportError as error:
        return {"unusable": f"vllm is not installed in {sys.executable} ({error})"}
    if not current_platform.device_type:
        return {"unusable": f"vllm {vllm.__version__} finds no device that it was built for"}
    model = vllm.LLM(
        model=request["model"],
        runner="pooling",
        convert="classify",
        dtype=request["dtype"],
        max_model_len=request["max_length"],
        skip_tokenizer_init=True,
        enable_prefix_caching=False,
    )
    prompts = [TokensPrompt(prompt_token_ids=row) for row in request["rows"]]
    model.classify(prompts[:2], use_tqdm=False)
    best, told = float("inf"), []
    for _ in range(request["rounds"]):
        began = time.perf_counter()
        told = [each.outputs.probs for each in model.classify(prompts, use_tqdm=False)]
        best = min(best, time.perf_counter() - began)
    return {
        "seconds": best,
        "probabilities": told,
        "device": current_platform.get_device_name(),
        "version": vllm.__version__,
    }


def main() -> None:
    """Answer one request; what libraries print goes to stderr, so that stdout is the answer alone."""
    stdout = os.dup(1)
    os.dup2(2, 1)
    told = json.dumps(answer(json.load(sys.stdin)))
    with os.fdopen(stdout, "w", encoding="utf-8") as file:
        file.write(told)


if __name__ == "__main__":
    main()
