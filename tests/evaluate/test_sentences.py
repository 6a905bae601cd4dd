"""Sentences say what the interval bears out, and no more."""

from made_up_forecasts import made_up, table_of

from pipeline.evaluate.evaluation import Other, evaluate
from pipeline.evaluate.sentences import sentences_of


def said(battles, rows, **more):
    return sentences_of(evaluate(table_of(battles), rows, draws=300, **more))


def tone(sentences, words):
    (found,) = [tone for tone, text in sentences if text.startswith(words)]
    return found


def test_good_forecasts_are_called_better_and_no_bias_is_no_praise() -> None:
    battles, rows = made_up(2000)
    sentences = said(battles, rows, other=Other("bent.csv", made_up(2000, sharpness=3.0)[1]))
    assert tone(sentences, "Better than the best constant: log loss lower by 0.") == "usable"
    assert tone(sentences, "Better than length alone") == "usable"
    assert tone(sentences, "Better than bent.csv") == "usable"
    assert tone(sentences, "No side is seen to be favoured") == "plain"
    assert tone(sentences, "Length is not seen to count") == "plain"


def test_what_is_wrong_is_said_in_the_direction_that_it_has() -> None:
    bent = said(*made_up(2000, side=0.8, said_length=1.5, sharpness=2.0))
    assert tone(bent, "Side A is favoured") == "doubtful"
    assert tone(bent, "Longer answers are favoured") == "doubtful"
    assert tone(bent, "Too sure: a temperature of ") == "doubtful"
    assert tone(bent, "The favourites' probabilities are not how often they win") == "doubtful"
    other = said(*made_up(2000, side=-0.8, said_length=-0.5, sharpness=0.4))
    assert tone(other, "Side B is favoured") == "doubtful"
    assert tone(other, "Shorter answers are favoured") == "doubtful"
    assert tone(said(*made_up(2000, sharpness=0.4)), "Not sure enough") == "doubtful"


def test_forecasts_that_are_worse_than_none_are_called_so() -> None:
    battles, rows = made_up(600)
    sentences = said(battles, [row[::-1] for row in rows], other=Other("right.csv", rows))
    assert tone(sentences, "Worse than the best constant: log loss higher by 0.") == "unusable"
    assert tone(sentences, "Worse than right.csv") == "unusable"


def test_where_there_is_no_interval_nothing_is_called_anything() -> None:
    battles, rows = made_up(1)
    sentences = said(battles, rows, other=Other("x", rows))
    assert {tone for tone, _ in sentences} <= {"plain", "doubtful"}
    assert not [text for _, text in sentences if text.startswith(("Better", "Worse", "Side", "Longer", "Shorter"))]
    assert "All battles have one prompt: there are no intervals, and nothing can be held out." in [
        t for _, t in sentences
    ]
