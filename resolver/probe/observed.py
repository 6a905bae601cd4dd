"""What the levels above quick have seen, as one value; a part is None where it was not asked."""

from resolver.record import Record


class Observed(Record):
    """What was observed of a model beyond its files' headers."""
