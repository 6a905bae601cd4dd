"""`python -m pipeline`: the same as the command `arena`."""

import sys

from pipeline.cli import run

sys.exit(run())
