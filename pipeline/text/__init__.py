"""From a battle to batches of token ids; the same code for training and for scoring."""
