"""Lines for the shell with names of the notebook in them: `!python train.py {PATH}`."""

import ast

from resolver.notebook.evaluate import Evaluator
from resolver.notebook.values import Text, Values, joined, texts_of


def with_names(evaluator: Evaluator, line: str) -> tuple[str, ...]:
    """A shell line with `{expression}` and `$name` put in, as far as they are known."""
    parts: list[Values] = []
    rest = line
    while "{" in rest or "$" in rest:
        at = min(each for each in (rest.find("{"), rest.find("$")) if each >= 0)
        parts.append((Text(rest[:at]),))
        expression, raw, rest = _interpolated(rest[at:])
        values = _interpolation(evaluator, expression)
        parts.append(values if texts_of(values) and len(texts_of(values)) == len(values) else (Text(raw),))
    made = texts_of(joined([*parts, (Text(rest),)]))
    return made or (line,)


def _interpolation(evaluator: Evaluator, expression: str) -> Values:
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    if isinstance(node, ast.Name) and evaluator.scope.find(node.id) is None:
        return evaluator.reading.environ.get(node.id, ())
    return evaluator.values(node)


def _interpolated(text: str) -> tuple[str, str, str]:
    """The expression that a `{…}` or a `$name` at the beginning holds, its raw text, and what follows."""
    if text[0] == "{":
        end = text.find("}")
        return (text[1:end], text[: end + 1], text[end + 1 :]) if end > 0 else ("", text, "")
    end = 1
    while end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end += 1
    return text[1:end], text[:end], text[end:]
