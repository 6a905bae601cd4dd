"""The page of an evaluation: everything that the JSON has of it, for eyes.

No script, nothing from a network, every text of others escaped; each plot has its numbers in a table.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from pipeline.evaluate.calibration import WIDTHS
from pipeline.evaluate.figures import by_length, reliability, sureness
from pipeline.evaluate.page_style import STYLE
from pipeline.evaluate.sentences import sentences_of
from pipeline.evaluate.tables import Row, cell, figures
from pipeline.preflight import framed, marked_up

if TYPE_CHECKING:
    from pipeline.evaluate.calibration import Calibration, Reliability
    from pipeline.evaluate.comparison import Comparison
    from pipeline.evaluate.evaluation import Evaluation, Outcome
    from pipeline.evaluate.length import LengthBias, LengthBin
    from pipeline.evaluate.plot import Plot
    from pipeline.evaluate.position import PositionBias
    from pipeline.evaluate.slices import SlicedBy

SHARE: Final = ".1%"
METHOD: Final = """\
Log loss is the mean of minus the natural logarithm of what was given to what came true, in nats, with probabilities
held to [2^-52, 1 - 2^-52]. Accuracy is the share of battles whose favourite won, the first of equals.

Intervals are percentile intervals of a bootstrap that draws prompts with all their battles. All figures are taken
from the same draws, so differences are paired.

The best constant is the mix of outcomes of these very battles, known only afterwards. Length only is a logistic
regression on the log ratio of the answers' characters, symmetric in A and B; each battle is forecast by the battles
of other prompts.

Calibration errors: battles are sorted by forecast into ten bins of equally many, equal forecasts in one bin; the
error is the mean distance of a bin's forecast from its observed share (Guo et al. 2017, there with bins of equal
width; by outcome Nixon et al. 2019, adaptive calibration error). By chance is the same with outcomes drawn from the
forecasts themselves.

The temperature has the least log loss for p ** (1 / temperature); its gain is measured with a temperature of other
prompts for each battle.

The slope of length is that of a logistic regression of A over B on the log ratio, fitted once to the forecasts and
once to what came true; 1 means that twice the length doubles the odds. Its intervals take one Newton step a draw."""


def render(told: "Evaluation", name: str, labelled: str) -> str:
    """The page.

    Args:
        told: the evaluation.
        name: what was evaluated.
        labelled: the file of the battles.
    """
    return framed(f"{name}: evaluation", "Evaluation", tuple(_article(told, name, labelled)), STYLE)


def _article(told: "Evaluation", name: str, labelled: str) -> Iterator[str]:
    yield f'<article>\n<h2>{marked_up(name)}</h2>\n<p class="path code">{marked_up(labelled)}</p>\n'
    yield _headline(told)
    yield '<ul class="said-list">\n'
    yield from (f'<li class="{tone}">{marked_up(text)}</li>\n' for tone, text in sentences_of(told))
    yield "</ul>\n"
    yield from _baselines(told)
    if told.against is not None:
        yield from _against(told.against)
    yield from _confusion(told.confusion)
    if told.calibration is not None:
        yield from _calibration(told.calibration)
    yield from _position(told.position)
    yield from _length(told.length)
    for sliced in told.slices:
        yield from _sliced(sliced, told)
    yield from _method(told)
    yield "</article>\n"


def _headline(told: "Evaluation") -> str:
    main, form, what = told.accuracy, SHARE, "accuracy"
    if told.log_loss is not None:
        main, form, what = told.log_loss, ".4f", "log loss"
    ends = "" if main.low is None else f"<span>{main.low:{form}} to {main.high:{form}}</span>"
    accuracy = told.accuracy
    spread = "" if accuracy.low is None else f" ({accuracy.low:{SHARE}} to {accuracy.high:{SHARE}})"
    second = "" if told.log_loss is None else f"<span>accuracy {accuracy.value:{SHARE}}{spread}</span>"
    count = f"<span>{_counted(told.battles, 'battle')}, {_counted(told.prompts, 'prompt')}</span>"
    first = f"<strong>{main.value:{form}}</strong><span>{what}</span>{ends}"
    return f'<p class="verdict number">{first}{second}{count}</p>\n'


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _baselines(told: "Evaluation") -> Iterator[str]:
    is_scored = told.log_loss is not None
    metric = "log loss" if is_scored else "accuracy"
    yield "<h3>Beside forecasts that need no model</h3>\n"
    yield f'<p class="note">Ahead: by how much the {metric} here is better; right of the line is better.</p>\n'
    rows = [
        Row(
            each.name,
            (*((cell(each.log_loss),) if is_scored else ()), cell(each.accuracy, SHARE), cell(each.gain, "+.4f")),
            each.gain,
        )
        for each in told.baselines
    ]
    own = (*((cell(told.log_loss),) if is_scored else ()), cell(told.accuracy, SHARE), "")
    heads = ("", *(("log loss",) if is_scored else ()), "accuracy", "ahead", "")
    yield from figures(heads, [Row("these forecasts", own), *rows], mark=0.0)


def _against(told: "Comparison") -> Iterator[str]:
    yield f"<h3>Against {marked_up(told.against)}</h3>\n"
    better = "left" if told.metric == "log loss" else "right"
    drawn = "" if told.draws_better is None else f" Better in {told.draws_better:{SHARE}} of the draws."
    yield (
        f'<p class="note">Battle by battle: better on {told.better:,}, worse on {told.worse:,}, equal on'
        f" {told.equal:,}.{drawn} In the difference {better} of the line is better.</p>\n"
    )
    rows = [
        Row("these forecasts", (cell(told.value),)),
        Row("the other", (cell(told.other),)),
        Row("difference", (cell(told.difference, "+.4f"),), told.difference),
    ]
    yield from figures(("", told.metric, ""), rows, mark=0.0)


def _confusion(told: "tuple[Outcome, ...]") -> Iterator[str]:
    labels = [each.label for each in told]
    yield "<h3>What came true, and what was the favourite</h3>\n"
    yield '<div class="wide"><table class="figures confusion">\n<tr><th scope="col">came true</th>'
    yield "".join(f'<th scope="col">favourite {label}</th>' for label in labels)
    yield '<th scope="col">battles</th><th scope="col">mean forecast</th></tr>\n'
    for each in told:
        cells = "".join(map(_heated, labels, each.forecast, (each.battles,) * len(labels)))
        mean = "" if each.mean is None else " / ".join(f"{share:.3f}" for share in each.mean)
        yield f'<tr><th scope="row">{each.label}</th>{cells}<td data-head="battles">{each.battles:,}</td>'
        yield f'<td data-head="mean forecast">{mean}</td></tr>\n'
    yield "</table></div>\n"


def _heated(label: str, count: int, of: int) -> str:
    share = count / of if of else 0.0
    heat = f'class="heat-{round(10 * share)}" data-head="favourite {label}"'
    return f"<td {heat}>{count:,}<small>{share:.0%}</small></td>"


def _calibration(told: "Calibration") -> Iterator[str]:
    yield "<h3>Calibration</h3>\n"
    yield '<p class="note">A dot is about a tenth of the battles; on the dashed line a forecast of 70 % comes true'
    yield " in 70 %.</p>\n"
    yield '<div class="plots">\n'
    yield from _figure(reliability(told.favourite), "The favourite", _off(told.favourite))
    yield from _figure(sureness(told.histogram), "How sure", "battles by the probability of their favourite")
    for each in told.outcomes:
        yield from _figure(reliability(each), f"Outcome {each.label}", _off(each))
    yield "</div>\n"
    yield f'<p class="note">Outcomes are off by {told.class_wise:.4f} in the mean.</p>\n'
    yield from _temperature(told)
    yield from _folded("The numbers of the plots", (*_bins((told.favourite, *told.outcomes)), *_sure(told.histogram)))


def _off(told: "Reliability") -> str:
    return f"off by {told.error:.3f}; by chance {told.by_chance:.3f}, seldom above {told.by_chance_high:.3f}"


def _figure(plot: "Plot", title: str, caption: str) -> Iterator[str]:
    yield f"<figure>\n<figcaption><strong>{marked_up(title)}</strong> {caption}</figcaption>\n{plot.svg()}</figure>\n"


def _temperature(told: "Calibration") -> Iterator[str]:
    temperature = told.temperature
    bound = ", the end of what is tried" if temperature.is_at_bound else ""
    rows = [Row(f"temperature {temperature.value:.3f}{bound}", (f"{temperature.seen:.4f}", ""))]
    if temperature.held_out is not None:
        gain = cell(temperature.gain, "+.4f")
        rows.append(Row("of other prompts for each battle", (f"{temperature.held_out:.4f}", gain), temperature.gain))
    heads = ("", "log loss", "gain", *(("",) if temperature.gain is not None else ()))
    yield from figures(heads, rows, mark=0.0)


def _bins(told: "Iterable[Reliability]") -> Iterator[str]:
    for each in told:
        rows = [
            Row(
                f"{one.low:.3f} to {one.high:.3f}",
                (f"{one.battles:,}", f"{one.forecast:.3f}", cell(one.observed, ".3f")),
            )
            for one in each.bins
        ]
        caption = "The favourite" if each.label == "favourite" else f"Outcome {each.label}"
        yield from figures(("forecast", "battles", "mean forecast", "came true"), rows, caption=caption)


def _sure(histogram: Sequence[int]) -> Iterator[str]:
    rows = [
        Row(f"{place / WIDTHS:.2f} to {(place + 1) / WIDTHS:.2f}", (f"{count:,}",))
        for place, count in enumerate(histogram)
        if count
    ]
    yield from figures(("probability of the favourite", "battles"), rows, caption="How sure")


def _folded(summary: str, body: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{marked_up(summary)}</summary>\n"
    yield from body
    yield "</details>\n"


def _position(told: "PositionBias") -> Iterator[str]:
    yield "<h3>Position: is a side favoured?</h3>\n"
    yield '<p class="note">A less B; right of the line is towards A.</p>\n'
    rows = [
        Row("mean forecast", (cell(told.forecast, "+.4f"),), told.forecast),
        Row("came true", (cell(told.observed, "+.4f"),), told.observed, "came"),
        Row("forecast less what came true", (cell(told.excess, "+.4f"),), told.excess),
    ]
    yield from figures(("", "A less B", ""), rows, mark=0.0)
    if told.swap is not None:
        swap = told.swap
        yield f'<p class="note">Looked at twice, the second time with A and B exchanged: {swap.battles:,} of the'
        yield " battles.</p>\n"
        rows = [
            Row("the same favourite in both looks", (cell(swap.agree, SHARE),)),
            Row("difference of the looks in a column", (cell(swap.apart),)),
            Row("towards the answer that is read first", (cell(swap.to_first, "+.4f"),)),
        ]
        yield from figures(("", "in the mean"), rows)


def _length(told: "LengthBias") -> Iterator[str]:
    yield "<h3>Length: is the longer answer favoured?</h3>\n"
    rows = [
        Row("forecasts", (cell(told.forecast, "+.3f"),), told.forecast),
        Row("came true", (cell(told.observed, "+.3f"),), told.observed, "came"),
        Row("forecasts less what came true", (cell(told.excess, "+.3f"),), told.excess),
    ]
    yield '<p class="note">Slope of the log odds of A on the log ratio of length; right of the line longer is'
    yield " better.</p>\n"
    yield from figures(("", "slope", ""), rows, mark=0.0)
    keys = '<span class="key came"></span>came true <span class="key said"></span>forecast'
    yield from _figure(by_length(told), "A's share of A and B", keys)
    yield from _folded("The numbers of the plot", _length_bins(told.bins))


def _length_bins(told: "Iterable[LengthBin]") -> Iterator[str]:
    rows = [
        Row(
            _between(each),
            (
                f"{each.ratio:.2f}",
                f"{each.battles:,}",
                f"{each.decided:,}",
                "" if each.forecast is None else f"{each.forecast:.3f}",
                cell(each.observed, ".3f"),
            ),
        )
        for each in told
    ]
    heads = ("ratio", "mean", "battles", "decided", "forecast", "came true")
    yield from figures(heads, rows, caption="Ratio of length, A to B")


def _between(told: "LengthBin") -> str:
    if told.low is None:
        return f"below {told.high:g}"
    return f"{told.low:g} and more" if told.high is None else f"{told.low:g} to {told.high:g}"


def _sliced(told: "SlicedBy", whole: "Evaluation") -> Iterator[str]:
    is_scored = whole.log_loss is not None
    yield f"<h3>By {marked_up(told.name)}</h3>\n"
    small = " Grey: fewer than 30 battles." if any(each.is_small for each in told.slices) else ""
    line = (whole.accuracy if whole.log_loss is None else whole.log_loss).value
    note = marked_up(_begun(told.note))
    yield f'<p class="note">{note}. The line is at {line:.4f}, the figure of all battles.{small}</p>\n'
    rows = []
    for each in told.slices:
        loss, prior = cell(each.log_loss), "" if each.log_loss_prior is None else f"{each.log_loss_prior:.4f}"
        cells = (loss, prior, cell(each.accuracy, SHARE)) if is_scored else (cell(each.accuracy, SHARE),)
        drawn = each.log_loss if is_scored else each.accuracy
        rows.append(Row(each.name, (f"{each.battles:,}", *cells), drawn, is_small=each.is_small))
    heads = ("", "battles", *(("log loss", "best constant") if is_scored else ()), "accuracy", "")
    yield from figures(heads, rows, mark=line)


def _begun(text: str) -> str:
    """As the beginning of a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def _method(told: "Evaluation") -> Iterator[str]:
    drawn = f"Here {told.draws:,} draws of {told.prompts:,} prompts, seed {told.seed}, intervals of {told.level:.0%}."
    yield from _folded(
        "How this is reckoned", (f"<p>{marked_up(each)}</p>\n" for each in (*METHOD.split("\n\n"), drawn))
    )
