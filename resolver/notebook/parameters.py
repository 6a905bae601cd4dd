"""The parameters of a function of the notebook, and what they are when it is called."""

from resolver.notebook.evaluate import Evaluator
from resolver.notebook.values import Arguments, Function, Items, Scope, Thing, united, unknown


def bind_parameters(outside: Evaluator, scope: Scope, function: Function, arguments: Arguments) -> None:
    """Bind the names of a function's parameters to what it is given, or to their defaults."""
    spec = function.node.args
    names = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    positional = arguments.positional if function.bound is None else ((function.bound,), *arguments.positional)
    defaults = dict(zip(reversed(names), reversed(spec.defaults), strict=False))
    keyword_defaults = zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    defaults.update({each.arg: default for each, default in keyword_defaults if default is not None})
    for number, name in enumerate((*names, *(each.arg for each in spec.kwonlyargs))):
        if name in arguments.named:
            values = arguments.named[name]
        elif number < min(len(positional), len(names)):
            values = positional[number]
        elif name in defaults and not arguments.is_open:
            values = outside.values(defaults[name])
        elif name in defaults:
            values = united(outside.values(defaults[name]), unknown(f"the argument {name}"))
        else:
            values = unknown(f"the argument {name}")
        scope.names[name] = values
    if spec.vararg is not None:
        scope.names[spec.vararg.arg] = (Items(tuple(positional[len(names) :])),)
    if spec.kwarg is not None:
        rest = {name: values for name, values in arguments.named.items() if name not in scope.names}
        scope.names[spec.kwarg.arg] = (Thing("table", rest),)
