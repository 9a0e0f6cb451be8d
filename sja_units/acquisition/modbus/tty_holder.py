"""Which job holds a serial port: told by an empty file in the holder's own folder under /run.

The lock itself is the kernel's; this only gives it a name, which nobody else could tell: jobs do
not see each other's processes.
"""

import os
from contextlib import suppress

from sja_units.job import RUN_ROOT

_UNKNOWN = "another program or job"


def is_job() -> bool:
    """Tell whether systemd runs this process, with a folder under /run."""
    return "RUNTIME_DIRECTORY" in os.environ


def is_shut_out() -> bool:
    """Tell whether this process has a /dev of its own, where no real device is."""
    return is_job() and not os.path.lexists("/dev/console")


def claim(device: int) -> str:
    """Let others know that this job holds a device; return the file's path, "" where none is."""
    if not is_job():
        return ""
    path = f"{os.environ['RUNTIME_DIRECTORY']}/{_name(device)}"
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
    return path


def drop_claim(path: str) -> None:
    if path:
        with suppress(OSError):
            os.unlink(path)


def find_holder(path: str) -> str:
    """Return the job that holds a serial port, as a person calls it."""
    folder = os.path.dirname(os.environ.get("RUNTIME_DIRECTORY", f"{RUN_ROOT}/acquisition/x"))
    with suppress(OSError):
        name = _name(os.stat(path).st_rdev)
        for job in sorted(os.listdir(folder)):
            if os.path.exists(f"{folder}/{job}/{name}"):
                return f"acquisition/{job}"
    return _UNKNOWN


def _name(device: int) -> str:
    return f"holds-{os.major(device)}:{os.minor(device)}"
