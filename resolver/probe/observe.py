"""What a level adds to the evidence: which questions are put to which child, and what comes of the answers."""

from collections.abc import Callable

from resolver.environment import Environment
from resolver.finding import Level
from resolver.probe.observed import Observed
from resolver.rules.rule import Evidence


def observe(
    evidence: Evidence, environment: Environment, level: Level, progress: Callable[[int, int], None] | None = None
) -> Observed:
    """Everything that `level` adds; raises nothing: what could not be observed says why in its own part.

    Args:
        evidence: what the quick level has read.
        environment: where packages lie, for the children.
        level: "standard" or "deep".
        progress: told the bytes read so far and the bytes that there are, while the deep level reads them.
    """
    del environment
    observed = Observed()
    if level == "deep":
        from resolver.integrity.contents import read_contents  # noqa: PLC0415 - only this level reads whole files

        observed = observed.replaced(contents=read_contents(evidence.described(), progress))
    return observed
