"""C, continued: does the model or its adapter hold a classifier head, and has it the classes that are asked for?"""

from collections.abc import Iterator, Mapping

from resolver.finding import Finding, Json
from resolver.inspection.heads import HeadFacts, find_head
from resolver.rules.rule import Evidence, Moot, Rule, rule
from resolver.rules.words import quoted


def _head_asked(evidence: Evidence) -> str | None:
    if evidence.intent.purpose != "score":
        return Moot(f"no head is asked for: the purpose is {evidence.intent.purpose}")
    if evidence.intent.head != "classifier":
        return Moot("the letters' logits are scored, not a classifier head")
    return None if _head(evidence) or _all_names(evidence) else _why_unseen(evidence)


def _head(evidence: Evidence) -> HeadFacts | None:
    """The head that scoring would use: the adapter's where it stores one, else the model's."""
    for description in evidence.adapters():
        if description.adapter is not None and description.adapter.head is not None:
            return description.adapter.head
    return find_head({name: stored.shape for name, stored in evidence.model.weights.tensors.items()})


def _weight_map(evidence: Evidence) -> Mapping[str, str]:
    index = evidence.model.weights.index
    return {} if index is None else index.weight_map


def _named_head(evidence: Evidence) -> str | None:
    """A head that the index promises in a shard whose header could not be read."""
    promised = find_head(dict.fromkeys(_weight_map(evidence), (0, 0)))
    return None if promised is None else promised.tensor


def _all_names(evidence: Evidence) -> bool:
    """Whether every tensor's name is known: from the headers, or at least from the index."""
    unread = [each for each in evidence.adapters() if each.adapter is not None and each.adapter.tensors is None]
    return (evidence.model.weights.tensors_known or bool(_weight_map(evidence))) and not unread


def _why_unseen(evidence: Evidence) -> str:
    for description in evidence.adapters():
        if description.adapter is not None and description.adapter.tensors is None:
            return f"the tensors of the adapter are not known: {description.adapter.weights_file or 'no weights'}"
    chosen = evidence.model.weights.chosen
    if chosen is None:
        return "there are no weights that transformers opens: W101"
    return f"the tensors of {chosen} are not known (a pickle is not opened, a broken header says nothing)"


@rule(
    "C307",
    "head-missing",
    severity="error",
    requires=("C302", "A402", "A408"),
    applies=_head_asked,
    consequence="transformers puts a random head in its place and only prints a line: log loss above 1.1",
)
def head_missing(evidence: Evidence) -> Iterator[Finding]:
    """A classifier head is asked for, and neither the weights nor an adapter hold one.

    transformers builds it with random numbers, says "Some weights of LlamaForSequenceClassification were not
    initialized from the model checkpoint and are newly initialized: ['score.weight']" (5.x: a row MISSING in its load
    report) and goes on. The submission is valid and worse than a constant one.

    Example: `arena score` with a base model, or with an adapter that was trained as CAUSAL_LM.

    To mend it, train a head, attach the adapter that holds one, or score the letters' logits of a causal model.
    """
    if _head(evidence) is not None or _named_head(evidence) is not None:
        return
    model = evidence.model
    asked: dict[str, Json] = {"tensors": len(model.weights.tensors) or len(_weight_map(evidence))}
    if evidence.adapters():
        asked["adapter_tensors"] = sum(len(each.adapter.tensors or ()) for each in evidence.adapters() if each.adapter)
    yield head_missing.finding(
        "there is no classifier head (score, classifier)",
        path=model.root,
        evidence={**asked, "architectures": list(model.config.architectures)},
        fix="train one, name the adapter that holds it, or score with --head tokens",
        command=f"arena train --model {quoted(model.root)} --train train.csv --output adapter",
    )


@rule(
    "C308",
    "label-count-differs",
    severity="error",
    requires=("C307",),
    applies=_head_asked,
    consequence="a size mismatch at load, or columns that mean something else",
)
def label_count_differs(evidence: Evidence) -> Iterator[Finding]:
    """The stored head has another number of classes than is asked for.

    transformers 5 says "You set `ignore_mismatched_sizes` to `False`, thus raising an error. For details look at the
    above report!", 4.x "size mismatch for score.weight: copying a param with shape torch.Size([6, 4096])". With that
    check switched off the head becomes random instead.

    Example: an emotion classifier of six classes, asked for the contest's three (A, B, tie).

    To mend it, ask for the classes that the head has, or train one with as many as the contest has.
    """
    head, asked = _head(evidence), evidence.intent.labels
    if head is None or head.rows == asked:
        return
    by_id = evidence.model.config.label_names
    names: tuple[Json, ...] = tuple(by_id[key] for key in sorted(by_id)[:20])
    yield label_count_differs.finding(
        f"the head has {head.rows} classes, {asked} are asked for",
        path=_file_of(evidence, head),
        evidence={
            "tensor": head.tensor,
            "rows": head.rows,
            "asked": asked,
            "id2label": list(names),
        },
        fix=f"ask for {head.rows} classes if those are the ones you mean, or train a head of {asked}",
        command=f"resolver check {quoted(evidence.model.root)} --for score --labels {head.rows}",
    )


def _file_of(evidence: Evidence, head: HeadFacts) -> object:
    for description in evidence.adapters():
        if description.adapter and description.adapter.head == head and description.adapter.weights_file:
            return description.files.path(description.adapter.weights_file)
    stored = evidence.model.weights.tensor(head.tensor)
    return evidence.model.files.path(stored.file) if stored else evidence.model.root


RULES: tuple[Rule, ...] = (head_missing, label_count_differs)
