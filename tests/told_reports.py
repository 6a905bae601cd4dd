"""Reports made by hand: what the renderers are shown."""

from pathlib import Path

from resolver.finding import Finding, Fix, Identity, NotFound, Place, Report, Skipped, TrailStep

SHARD = Finding(
    code="W102",
    name="shard-missing",
    severity="error",
    message="model-00003-of-00004.safetensors is not in the snapshot",
    path="gemma-2-9b-it/model.safetensors.index.json",
    place=Place(line=150),
    evidence={"tensors_missing": 134, "tensors": 464, "missing_bytes": 4_960_000_000},
    consequence="layers 21-31 have no weights; the model cannot be loaded",
    fix=Fix(
        "fetch that one file where there is a network, then check again",
        "hf download google/gemma-2-9b-it model-00003-of-00004.safetensors --local-dir gemma-2-9b-it\n"
        "resolver check gemma-2-9b-it",
    ),
)
LICENCE = Finding("L501", "licence-missing", "warning", "no licence lies here", path="gemma-2-9b-it")
NESTED = Finding("F008", "nested-model", "info", "the model lies one directory below")
TRAIL = (
    TrailStep("kaggle mount", "/kaggle/input/llama-3", "absent", "absent"),
    TrailStep("kaggle mount", "/kaggle/input/llama-3.1/8b/1", "near", "is attached, another model"),
    TrailStep("hf cache", "/root/.cache/huggingface/hub", "absent", "no models--meta-llama--Llama-3"),
)
DIAGNOSIS = NotFound(
    message="meta-llama/Llama-3 is not attached to this notebook",
    evidence=("2 sources asked", "the catalog knows it on Kaggle as metaresearch/llama-3/transformers/8b-chat-hf"),
    consequence="no path to return",
    fix=Fix("accept the licence, attach it, then", "kaggle kernels push -p ."),
)


def report(*findings: Finding, **changes: object) -> Report:
    """A report with these findings, of a model that was found."""
    fields: dict[str, object] = {
        "level": "quick",
        "purpose": "load",
        "accelerator": "host",
        "judged_with": {"transformers": "5.23.0", "torch": "2.13.0+cpu"},
        "model": Identity("google/gemma-2-9b-it", Path("/hub/gemma-2-9b-it"), "hf cache", "exact", ("asked for",)),
        "verdict": "unusable" if any(each.severity == "error" for each in findings) else "usable",
        "findings": findings,
        "run": ("F001", "W101", "W102"),
        "skipped": (Skipped("A403", "there is no adapter", moot=True), Skipped("W110", "W102 has to be mended first")),
        "elapsed_ms": 12.3456,
        **changes,
    }
    return Report(**fields)  # type: ignore[arg-type]


def not_found_report() -> Report:
    """A report of a reference that nothing answers to."""
    return report(model=Identity("meta-llama/Llama-3"), verdict="not-found", not_found=DIAGNOSIS, trail=TRAIL, run=())
