"""Child processes that ask the real libraries: the only room that starts transformers, and never in our own process."""
