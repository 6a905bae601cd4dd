"""What the levels above quick have seen, as one value; a part is None where it was not asked."""

from typing import TYPE_CHECKING

from resolver.record import Record

if TYPE_CHECKING:
    from resolver.integrity.contents import Contents


class Observed(Record):
    """What was observed of a model beyond its files' headers.

    Attributes:
        contents: what the opened files hold, of each directory of `Evidence.described()` in its order; None below deep.
    """

    contents: "tuple[Contents, ...] | None" = None
