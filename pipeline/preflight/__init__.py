"""The pipeline's only door to the resolver: which directory is meant, will it do, is a submission valid, what to show.

Nothing heavy is imported here, so a model that cannot be used is refused before torch is loaded.
"""

from pipeline.preflight.asking import locate
from pipeline.preflight.directory import Contents, Stored, contents
from pipeline.preflight.judging import (
    Head,
    Judged,
    Level,
    Preflight,
    Purpose,
    judge_for_training,
    preflight,
    published_names,
)
from pipeline.preflight.machine import Machine, least_activations, machine_of, packed_bytes
from pipeline.preflight.showing import framed, harmless, marked_up, tool_version
from pipeline.preflight.submission import (
    Expected,
    SubmissionVerdict,
    columns_of,
    expected_from_sample,
    expected_from_test,
    judge_submission,
    read_forecasts,
)

__all__ = [
    "Contents",
    "Expected",
    "Head",
    "Judged",
    "Level",
    "Machine",
    "Preflight",
    "Purpose",
    "Stored",
    "SubmissionVerdict",
    "columns_of",
    "contents",
    "expected_from_sample",
    "expected_from_test",
    "framed",
    "harmless",
    "judge_for_training",
    "judge_submission",
    "least_activations",
    "locate",
    "machine_of",
    "marked_up",
    "packed_bytes",
    "preflight",
    "published_names",
    "read_forecasts",
    "tool_version",
]
