"""Bring a classifier and its adapter into memory, whole or not at all."""
