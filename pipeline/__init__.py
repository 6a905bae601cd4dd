"""Score and train preference classifiers where there is no network; models come through `preflight` alone."""
