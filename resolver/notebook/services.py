"""Services that a call speaks to: a server of this machine's own, Weights & Biases where it may go online."""

import re
from typing import Final

from resolver.notebook import known_calls
from resolver.notebook.readers import flat
from resolver.notebook.reading import Reading
from resolver.notebook.site import Site
from resolver.notebook.values import Arguments, Text, texts_of

_LOCAL: Final = re.compile(r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)(?=[:/]|$)")
_REPORTS: Final = ("report_to", "log_with")


def is_local(arguments: Arguments) -> bool:
    """Whether an address is this machine's own: a server that the notebook has started."""
    given = (*arguments.positional, *arguments.named.values())
    return any(_LOCAL.match(text) for values in given for text in texts_of(values))


def is_switched_off(reading: Reading, name: str, arguments: Arguments) -> bool:
    """Whether Weights & Biases is told to stay offline."""
    if not name.startswith("wandb."):
        return False
    modes = (*reading.environ.get("WANDB_MODE", ()), *arguments.named.get("mode", ()))
    disabled = reading.environ.get("WANDB_DISABLED", ())
    return any(each in ("offline", "disabled", "dryrun") for each in texts_of(modes)) or bool(disabled)


def reports(reading: Reading, arguments: Arguments, site: Site) -> None:
    """`TrainingArguments(report_to="wandb")`: the trainer logs in there when it starts."""
    for key in _REPORTS:
        named = [each.text for each in flat(arguments.named.get(key, ())) if isinstance(each, Text)]
        if "wandb" in named and not is_switched_off(reading, "wandb.init", arguments):
            what = f"wandb.init by {site.name}({key}='wandb')"
            reading.needs_network(what, reading.spot(site.node), known_calls.NETWORK["wandb.init"])
