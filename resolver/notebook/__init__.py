"""READ: a notebook or script and its kernel-metadata.json, as facts; nothing in them is executed or imported."""
