"""The command `arena`: `run` is its entry; one file a command."""

from pipeline.cli.main import run

__all__ = ["run"]
