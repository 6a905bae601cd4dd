"""JSON v1, continued: what `stage` tells."""

from typing import Literal

from resolver.inspection.lock import SourceKind
from resolver.report.json_v1_description import Model


class StagedSource(Model):
    """Where the files of a staged model came from; `id` and `revision` where that is known."""

    kind: SourceKind
    id: str | None
    revision: str | None


class StagedModel(Model):
    """One model of a bundle; `folder` is "." where the bundle is the model."""

    reference: str
    folder: str
    source: StagedSource
    files: int
    size_bytes: int
    tree_sha256: str


class Volumes(Model):
    """The volumes of a bundle, beside their receipt."""

    path: str
    count: int


class Stage(Model):
    """A bundle that `stage` made, found unchanged, or joined from volumes."""

    target: str
    state: Literal["made", "unchanged", "joined"]
    models: list[StagedModel]
    files: list[str]
    size_bytes: int
    taken_over: int
    wheels: list[str]
    volumes: Volumes | None
    notes: list[str]
