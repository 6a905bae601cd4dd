"""TELL: a report in, text out. Only `cli/` writes to a stream."""
