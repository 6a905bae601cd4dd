"""Add an adapter into the weights of its base, and write the classifier that comes of it, checked and in shards.

Every sum is taken in float32 and rounded once, to the dtype that is written. One tensor is in memory at a time.
"""

import argparse
import re
from pathlib import Path
from typing import Final

from pipeline.cli.options import add_report, add_roots, check_report, note, tell
from pipeline.merging.merge import Merge, MergeRequest, merge, values_of
from pipeline.merging.plan import MERGE_DTYPES

EXAMPLES: Final = """\
examples:
  arena merge --adapter ./adapter --output ./merged
  arena merge --model google/gemma-2-9b-it --adapter ./adapter --output ./merged --dtype bfloat16 --max-shard-size 2GB
  arena merge --adapter ./adapter --output ./merged --dtype float32 --verify --format json
"""
UNITS: Final = {"": 1, "B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "KIB": 1024, "MIB": 1024**2, "GIB": 1024**3}
SIZE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([A-Za-z]{0,3})", re.ASCII)
LEAST_BYTES: Final = 1000


def size(text: str) -> int:
    """Bytes of a size such as 5GB, 200MB or 1GiB, for argparse."""
    found = SIZE.fullmatch(text.strip())
    if found is None or found[2].upper() not in UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no size such as 5GB, 200MB or 1GiB")
    number = int(float(found[1]) * UNITS[found[2].upper()])
    if number < LEAST_BYTES:
        raise argparse.ArgumentTypeError(f"{text!r} is below 1KB")
    return number


def add_options(command: argparse.ArgumentParser) -> None:
    """The options of `arena merge`."""
    command.add_argument("--adapter", required=True, metavar="A", help="a LoRA adapter that carries its head")
    command.add_argument(
        "--model",
        metavar="M",
        help="hub id, Kaggle handle, package:NAME or directory of the base (what the adapter names)",
    )
    command.add_argument("--output", type=Path, required=True, metavar="DIR", help="the directory to make")
    command.add_argument(
        "--dtype",
        choices=MERGE_DTYPES,
        default="auto",
        help="of what is written (that of the base); float32 forecasts what base and adapter do, to the last rounding",
    )
    command.add_argument(
        "--max-shard-size", type=size, default=size("5GB"), metavar="SIZE", help="tensors in a file at most (5GB)"
    )
    command.add_argument(
        "--verify",
        action="store_true",
        help="compare logits with those of base and adapter, each whole in memory in float32 for it",
    )
    command.add_argument(
        "--force",
        action="store_true",
        help="replace a model that is there; go on although the adapter's record differs",
    )
    add_roots(command)
    add_report(command)


def carry_out(options: argparse.Namespace) -> int:
    """Merge; returns the exit code."""
    check_report(options)
    request = MergeRequest(
        adapter=options.adapter,
        output=options.output,
        model=options.model,
        dtype=options.dtype,
        shard_bytes=options.max_shard_size,
        verify=options.verify,
        force=options.force,
        roots=tuple(options.root),
        config=options.config,
    )
    made = merge(request, note)
    note(made.report)
    tell(options, _text(made, request), values_of(made, request))
    return 0


def _text(made: Merge, request: MergeRequest) -> str:
    values = values_of(made, request)
    text = (
        f"{request.output}: {values['tensors']:,} tensors in {len(made.files)} files, {values['bytes']:,} bytes;"
        f" {values['changed']:,} changed, {values['replaced']:,} from the adapter;"
        f" columns {', '.join(values['labels'])}"
    )
    if made.difference is not None:
        text += f"\nlogits differ by at most {made.difference:.3g} from those of base and adapter"
    return text
