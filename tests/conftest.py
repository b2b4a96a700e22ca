"""One fixed profile for all laws: the same examples in every run, and few enough to stay fast."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "fixed",
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# For looking for trouble: PLAFOND_HYPOTHESIS=search pytest tests/property
settings.register_profile(
    "search", settings.get_profile("fixed"), max_examples=2000, derandomize=False
)
settings.load_profile(os.environ.get("PLAFOND_HYPOTHESIS", "fixed"))
