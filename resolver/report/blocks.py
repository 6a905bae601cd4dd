"""The values that the commands besides `check` tell: one listed model, and this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resolver.finding import Identity, Report
from resolver.host import Host
from resolver.inspection.description import ModelDescription
from resolver.record import Record, field
from resolver.resolve import Resolution
from resolver.rules.rule import Rule

if TYPE_CHECKING:
    from resolver.integrity.verdicts import Verification
    from resolver.locking import Written
    from resolver.notebook_fix import Made
    from resolver.notebook_preflight import NotebookReport
    from resolver.online.answers import AccessReport
    from resolver.repair.place import Repair


class ListedModel(Record):
    """One model of this machine: what was read of its directory, and how it was judged for loading."""

    description: ModelDescription
    report: Report


class Location(Record):
    """A place that is searched: what it is called, where it is, whether it is there."""

    name: str
    path: Path
    present: bool


class Machine(Record):
    """What `doctor` knows of a machine; no secret, only the names of those that are set."""

    python: str
    platform: str
    host: Host
    packages: Mapping[str, str] = field(default_factory=dict)
    places: tuple[Location, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    on_kaggle: bool = False
    settings: Path | None = None


class Told(Record):
    """All that one command has to tell; None for a block that is another command's.

    `fail_on` is the least severity that makes a failure of a finding, for the formats that know failures;
    `verifications` are beside `reports`, None where there is no directory.
    """

    reports: tuple[Report, ...] = ()
    fail_on: Literal["error", "warning"] = "error"
    resolutions: tuple[Resolution, ...] | None = None
    models: tuple[ListedModel, ...] | None = None
    descriptions: tuple[tuple[Identity, ModelDescription], ...] | None = None
    rules: tuple[Rule, ...] | None = None
    machine: Machine | None = None
    repair: "Repair | None" = None
    notebook: "NotebookReport | None" = None
    fix: "Made | None" = None
    lock: "Written | None" = None
    verifications: "tuple[Verification | None, ...] | None" = None
    access: "AccessReport | None" = None
