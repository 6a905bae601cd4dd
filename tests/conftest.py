"""What every test shares: property tests without a time limit, because the machine that runs them is busy or slow."""

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
