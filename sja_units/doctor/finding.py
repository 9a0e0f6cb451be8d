"""What a check finds, and how it asks the host's own programs."""

import os
import subprocess
from typing import NamedTuple

from sja_units.errors import SjaError

OK, WARNING, PROBLEM, UNKNOWN = "ok", "warning", "problem", "unknown"

_SECONDS = 60


class Finding(NamedTuple):
    """How something is, and what to do about it."""

    result: str  # OK, WARNING, PROBLEM or UNKNOWN
    message: str
    advice: str = ""


def ask(*command: str) -> subprocess.CompletedProcess[str]:
    """Return what a program of the host says. Raises SjaError if it cannot be asked."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0"}
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            env=environment,
            check=False,
        )
    except FileNotFoundError:
        raise SjaError(f"there is no {command[0]} here") from None
    except subprocess.TimeoutExpired:
        raise SjaError(f"{' '.join(command[:2])} did not end within {_SECONDS} s") from None
