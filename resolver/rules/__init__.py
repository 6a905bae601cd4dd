"""JUDGE: what the facts mean, on this host, for this intent. One family of codes a file."""
