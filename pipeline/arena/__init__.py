"""The contests: tables, battles, folds, the metric and the submission."""
