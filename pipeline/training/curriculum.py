"""Put together what a run learns from and what it is measured on, out of labelled tables; refuse what would mislead.

All of it happens before any model is loaded. No question stands on both sides of the split, no battle is learned from
twice because two files hold it, and none of the test's battles is learned from at all.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.arena.battle import Battle, Contest
from pipeline.arena.folds import fold_of_each, holdout
from pipeline.arena.outcome import Row
from pipeline.arena.table import SUBMISSION_COLUMNS, Table, read_table
from pipeline.errors import SettingsError
from pipeline.preflight import columns_of, read_forecasts
from pipeline.training.examples import Example, examples_of, named
from pipeline.training.plan import Plan

TOLERANCE = 1e-6
TWO_WAY, THREE_WAY = 2, 3
MORE = "give more battles, or say --holdout 0"

Key = tuple[tuple[str, ...], frozenset[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of a run, and how they are split.

    Attributes:
        train: labelled battles; held-out battles are taken from these.
        extra: more battles, each file with its weight; trained on, never held out.
        teacher: forecasts by id, as a submission, to learn from beside or instead of winners.
        test: battles that must not be learned from.
        contest: whose columns these are, None for what the files look like.
        limit: the first so many of `train` only.
        share: of `train` that is held out; 0 for none.
        folds, fold: hold out this fold (from 0) of so many instead; None for `share`.
    """

    train: Path
    extra: tuple[tuple[Path, float], ...] = ()
    teacher: Path | None = None
    test: tuple[Path, ...] = ()
    contest: Contest | None = None
    limit: int | None = None
    share: float = 0.1
    folds: int | None = None
    fold: int | None = None


@dataclass(frozen=True, slots=True)
class Curriculum:
    """What is learned from and what is held out.

    Attributes:
        contest: of the battles.
        labels: columns of the head: 3, or 2 where nobody ties.
        examples: to learn from.
        held_out: to measure on, in the order of their file.
        left_out: sentences about battles that are not used, and why.
    """

    contest: Contest
    labels: int
    examples: tuple[Example, ...]
    held_out: tuple[Battle, ...]
    left_out: tuple[str, ...] = field(default=())


def read_curriculum(sources: Sources, plan: Plan) -> Curriculum:
    """Read and check all of it.

    Raises:
        TableError: a file cannot be used; names rows and ids.
        SettingsError: the split is none, a teacher's forecasts are none, a battle has neither winner nor forecast, the
            test's battles are among those to learn from; names ids.
    """
    table = read_table(sources.train, contest=sources.contest, labelled=True)
    labels = TWO_WAY if table.contest == "wsdm" else THREE_WAY
    teacher = {} if sources.teacher is None else read_teacher(sources.teacher, labels)
    kept, held_out = _split(table.battles[: sources.limit], sources, plan.seed)
    examples = list(examples_of(kept, plan, labels=labels, teacher=teacher))
    used, left_out = [*kept, *held_out], list[str]()
    for path, weight in sources.extra:
        more = read_table(path, contest=sources.contest, labelled=sources.teacher is None)
        fresh, told = _fresh(more, used, held_out)
        examples += examples_of(fresh, plan, labels=labels, teacher=teacher, weight=weight)
        used += fresh
        left_out += told
    if sources.teacher is not None:
        _require_taught(sources.teacher, teacher, [each.battle for each in examples])
    _require_apart([each.battle for each in examples], sources)
    return Curriculum(table.contest, labels, tuple(examples), held_out, tuple(left_out))


def read_teacher(path: Path, labels: int) -> dict[str, Row]:
    """Forecasts by id, each a distribution over the labels.

    Raises:
        SettingsError: it is no file of probabilities; names ids.
    """
    if labels != THREE_WAY:
        raise SettingsError(
            f"{path}: a teacher's probabilities are of three outcomes, and nobody ties in these battles",
            fix="leave --teacher out",
        )
    if columns_of(path) != SUBMISSION_COLUMNS["lmsys"]:
        raise SettingsError(
            f"{path}: a teacher's forecasts have the columns {', '.join(SUBMISSION_COLUMNS['lmsys'])}",
            fix="write them with arena score, over battles with the columns of LMSYS",
        )
    found: dict[str, Row] = {}
    bad: list[str] = []
    for identifier, cells in read_forecasts(path).items():
        try:
            row = tuple(map(float, cells))
        except ValueError:
            row = ()
        if len(row) == labels and all(0 <= each <= 1 for each in row) and abs(sum(row) - 1) <= TOLERANCE:
            found[identifier] = row
        else:
            bad.append(identifier)
    if bad:
        raise SettingsError(f"{path}: {named(bad)} no probabilities that sum to 1", fix="arena validate says more")
    return found


def _split(battles: tuple[Battle, ...], sources: Sources, seed: int) -> tuple[tuple[Battle, ...], tuple[Battle, ...]]:
    try:
        kept, held = _places(battles, sources, seed)
    except SettingsError:
        raise
    except ValueError as error:
        raise SettingsError(str(error), fix=MORE) from None
    return tuple(battles[place] for place in kept), tuple(battles[place] for place in held)


def _places(battles: Sequence[Battle], sources: Sources, seed: int) -> tuple[Sequence[int], Sequence[int]]:
    everything = range(len(battles))
    if sources.folds is None or sources.fold is None:
        return (everything, ()) if sources.share == 0 else holdout(battles, sources.share, seed=seed)
    if sources.folds < 2:  # noqa: PLR2004 - one fold is no split
        raise SettingsError(f"{sources.folds} fold is no split", fix="say --folds 2 or more, or --holdout 0")
    if not 0 <= sources.fold < sources.folds:
        raise SettingsError(
            f"there is no fold {sources.fold} of {sources.folds}; they count from 0",
            fix=f"say --fold 0 to {sources.folds - 1}",
        )
    folds = fold_of_each(battles, sources.folds, seed=seed)
    held = [place for place in everything if folds[place] == sources.fold]
    kept = [place for place in everything if folds[place] != sources.fold]
    if not held or not kept:
        raise ValueError(f"{len(battles)} battles cannot be split into {sources.folds} folds by their prompts")
    return kept, held


def _fresh(
    more: Table, used: Sequence[Battle], held_out: Sequence[Battle]
) -> tuple[tuple[Battle, ...], tuple[str, ...]]:
    """The battles of another file that may be learned from too, and what is said of the rest."""
    known = {content_key(battle) for battle in used}
    questions = {battle.prompt_key() for battle in held_out}
    twice = [battle for battle in more.battles if content_key(battle) in known]
    asked = [battle for battle in more.battles if content_key(battle) not in known and battle.prompt_key() in questions]
    gone = {battle.id for battle in (*twice, *asked)}
    told = [f"{more.path}: {len(twice):,} battles stand in an earlier file too"] if twice else []
    told += [f"{more.path}: {len(asked):,} battles ask what a held-out battle asks"] if asked else []
    return tuple(battle for battle in more.battles if battle.id not in gone), tuple(told)


def _require_taught(path: Path, teacher: Mapping[str, Row], learned: Sequence[Battle]) -> None:
    """A teacher of other battles would teach nothing, and one id of two battles would teach one of them wrongly."""
    taught = [battle.id for battle in learned if battle.id in teacher]
    if not taught:
        raise SettingsError(
            f"{path}: it forecasts none of the {len(learned):,} battles that are learned from",
            fix="give forecasts with the ids of --train or --extra",
        )
    twice = sorted(identifier for identifier, count in Counter(taught).items() if count > 1)
    if twice:
        raise SettingsError(
            f"{named(twice)} a forecast in {path}, and the id is that of different battles in several files",
            fix="give the battles of --extra ids of their own",
        )


def _require_apart(learned: Sequence[Battle], sources: Sources) -> None:
    for path in sources.test:
        table = read_table(path, contest=sources.contest)
        tested = {content_key(battle) for battle in table.battles if any(battle.answers_a) or any(battle.answers_b)}
        both = [battle.id for battle in learned if content_key(battle) in tested]
        if both:
            raise SettingsError(
                f"{named(both)} the texts of a test battle of {path}",
                fix="take them out of what is trained on: a model that has seen the test is measured by nothing",
            )


def content_key(battle: Battle) -> Key:
    """What makes two battles the same whatever their ids and sides: the prompts, and the two answers as a set."""
    return battle.prompts, frozenset((battle.answers_a, battle.answers_b))
