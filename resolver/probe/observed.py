"""What the levels above quick have seen, as one value; a part is None where it was not asked."""

from typing import TYPE_CHECKING

from resolver.record import Record

if TYPE_CHECKING:
    from resolver.integrity.contents import Contents
    from resolver.probe.loading import Loading
    from resolver.probe.templates import RenderedTemplate
    from resolver.probe.tokenizers import LoadedTokenizer


class Observed(Record):
    """What was observed of a model beyond its files' headers.

    Attributes:
        contents: what the opened files hold, of each directory of `Evidence.described()` in its order; None below deep.
        loading: what the real loader made of the model on the meta device.
        tokenizers: what the real AutoTokenizer made of each directory that holds a tokenizer's files.
        templates: what came of rendering each chat template.
    """

    contents: "tuple[Contents, ...] | None" = None
    loading: "Loading | None" = None
    tokenizers: "tuple[LoadedTokenizer, ...]" = ()
    templates: "tuple[RenderedTemplate, ...]" = ()
