"""From encoded battles to probabilities."""
