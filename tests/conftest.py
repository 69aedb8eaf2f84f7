"""What all tests share: how hypothesis works here."""

import os
from datetime import timedelta

from hypothesis import settings

# The same examples on every run, so that a red run is red again; HYPOTHESIS_PROFILE=deep looks further.
settings.register_profile("gate", max_examples=100, derandomize=True, deadline=None, database=None)
settings.register_profile("deep", max_examples=10_000, deadline=timedelta(seconds=10))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))
