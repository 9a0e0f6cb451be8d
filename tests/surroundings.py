"""What programs that a test starts find around them."""

import os


def without_coverage() -> dict[str, str]:
    """Return an environment in which coverage, if any, is not measured: it imports much itself."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
