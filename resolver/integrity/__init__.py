"""Reads every byte of a model's files: hashes to compare with what is on record, and values that can be true."""
