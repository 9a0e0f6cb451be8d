"""What holds for every test."""

import os

import pytest
from hypothesis import settings

# A slow or busy machine must not fail a test, so no example has a deadline.
settings.register_profile("sja", deadline=None)
settings.register_profile("quick", settings.get_profile("sja"), max_examples=20)
settings.load_profile("sja")

# What a test starts must not depend on how colours or pagers are set where the tests run.
for _name in ("FORCE_COLOR", "CLICOLOR_FORCE", "SYSTEMD_PAGER", "SYSTEMD_COLORS"):
    os.environ.pop(_name, None)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the test of random faults go on for longer, or take the same way again."""
    group = parser.getgroup("faults")
    group.addoption("--faults-seconds", type=float, default=60.0, help="of random faults")
    group.addoption("--faults-seed", type=int, help="which a failed run has printed")
