"""What holds for every test."""

import os

from hypothesis import settings

# A slow or busy machine must not fail a test, so no example has a deadline.
settings.register_profile("sja", deadline=None)
settings.load_profile("sja")

# What a test starts must not depend on how colours or pagers are set where the tests run.
for _name in ("FORCE_COLOR", "CLICOLOR_FORCE", "SYSTEMD_PAGER", "SYSTEMD_COLORS"):
    os.environ.pop(_name, None)
