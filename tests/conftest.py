"""Hypothesis without deadlines: these machines are noisy, and no test here is about time."""

from hypothesis import settings

settings.register_profile("noisy", deadline=None)
settings.load_profile("noisy")
