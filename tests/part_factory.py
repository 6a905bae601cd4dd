"""Parquet parts of battles, for what reads more than fits in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.arena.battle import Battle


def write_parts(directory: Path, battles: Sequence[Battle], *sizes: int, group: int = 64, whole: bool = True) -> Path:
    """Plain-text parts of these sizes (one of all, where none are given) with row groups of `group` rows."""
    import pyarrow as pa
    from pyarrow import parquet

    directory.mkdir(exist_ok=True)
    before = 0
    for number, size in enumerate(sizes or (len(battles),)):
        some = battles[before : before + size]
        columns = {
            "id": [int(each.id) if whole else each.id for each in some],
            "prompt": [each.prompts[0] for each in some],
            "response_a": [each.answers_a[0] for each in some],
            "response_b": [each.answers_b[0] for each in some],
        }
        parquet.write_table(pa.table(columns), directory / f"battles-{number}.parquet", row_group_size=group)
        before += size
    return directory
