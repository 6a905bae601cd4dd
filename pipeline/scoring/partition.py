"""Forecast some battles with a model that is in memory: the engine as a function, without children, files or a clock.

Training asks it for its held-out battles; whoever spreads rows over machines calls it for each part of them.
"""

from collections.abc import Sequence

from pipeline.arena.battle import Battle
from pipeline.model.runner import Runner
from pipeline.scoring.device import Inline
from pipeline.scoring.engine import Engine
from pipeline.scoring.job import Hooks, Job, Scored
from pipeline.scoring.swap import Swap
from pipeline.scoring.work import Encode, Stage


def score_rows(
    runner: Runner,
    encode: Encode,
    battles: Sequence[Battle],
    *,
    length: int,
    batch_tokens: int,
    swap: Swap = "none",
    hooks: Hooks | None = None,
) -> Scored:
    """Forecast battles with one model that is in memory: the engine without children, files and deadline.

    Args:
        runner: the model, and how its rows are put together.
        encode: the template it was trained with.
        battles: in any order; the result keeps it.
        length: the longest row in tokens.
        batch_tokens: of a pack.
        swap: which battles are looked at a second time with A and B exchanged.
        hooks: who is told how far it is.

    Raises:
        NotFiniteError: names the first battle of a pack without a forecast.
    """
    labels = runner.labels
    job = Job(battles, (Stage(encode, length),), batch_tokens, (1 / labels,) * labels, swap)
    return Engine(job, Inline(lambda _: runner), hooks=hooks or Hooks()).run()
