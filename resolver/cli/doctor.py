"""`resolver doctor`: this machine."""

import argparse
import platform
from typing import Final

from resolver.cli.exit_codes import USABLE
from resolver.cli.output import deliver
from resolver.cli.session import Session
from resolver.environment import Environment
from resolver.host import this_host
from resolver.inspection.model_types import installed_model_types
from resolver.report.blocks import Location, Machine, Told

DESCRIPTION: Final = """\
Show this machine: caches, mounts, variables, versions, accelerators, network.
Of secrets only the names of those that are set. Opens no socket, loads no driver.
Its JSON has every package, and is what `resolver check --environment FILE` judges against elsewhere."""
EXAMPLES: Final = """\
  resolver doctor
  resolver doctor --format json --report machine.json"""


def define(_: argparse.ArgumentParser) -> None:
    """No flags of its own."""


def execute(session: Session) -> int:
    """Show the machine as the resolver sees it."""
    machine = _machine(session)
    from resolver.report.pages import render_machine

    deliver(session, lambda colour: render_machine(machine, colour=colour), Told(machine=machine))
    return session.exit_code(USABLE)


def _machine(session: Session) -> Machine:
    environment = session.environment
    host = this_host(environment)
    if session.is_json:
        host = host.replaced(model_types=_model_types(environment))
    return Machine(
        python=platform.python_version(),
        platform=platform.platform(),
        host=host,
        packages=dict(sorted(host.packages.items())),
        places=_places(environment),
        variables=environment.variables,
        secrets=environment.secrets,
        on_kaggle=environment.on_kaggle,
        settings=session.settings.path,
    )


def _model_types(environment: Environment) -> frozenset[str] | None:
    """What the installed transformers lists: only for the record of this machine, since it takes a while."""
    package = next(
        (place / "transformers" for place in environment.search_path if (place / "transformers").is_dir()), None
    )
    return None if package is None else installed_model_types(package)


def _places(environment: Environment) -> tuple[Location, ...]:
    named = [
        ("kaggle mount", environment.kaggle_mount),
        *(("hf cache", path) for path in environment.hub_caches),
        ("sentence-transformers cache", environment.sentence_transformers_cache),
        ("kagglehub cache", environment.kagglehub_cache),
        *(("modelscope cache", path) for path in environment.modelscope_caches),
        *(("search root", path) for path in environment.roots),
        *(("packages", path) for path in environment.search_path),
    ]
    return tuple(Location(name, path, path.is_dir()) for name, path in named if path is not None)
