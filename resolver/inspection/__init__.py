"""READ: bytes to facts. Never executes, never judges, never raises on a bad file, writes nothing."""
