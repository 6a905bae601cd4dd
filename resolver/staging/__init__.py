"""Stage: a directory of checked models to carry somewhere else, with its lock, licences, metadata and wheels.

Reads a source and never writes to it. What is being made lies beside its target, says that it is unfinished, and
becomes the target by one rename. Knows nothing of a network: what is fetched is fetched by `online/`, before.
"""
