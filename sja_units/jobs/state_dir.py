"""Where a job's durable state stands: one folder of its own, or a link of systemd's to it."""

import os
import stat

from sja_units.job import PRIVATE_ROOT, STATE_ROOT, Job


def find_places(kind: str, name: str) -> list[str]:
    """Return what stands where the state of a job of that name would, the real folder first."""
    places = (f"{PRIVATE_ROOT}/{kind}/{name}", f"{STATE_ROOT}/{kind}/{name}")
    return [place for place in places if os.path.lexists(place)]


def is_ours(place: str, job: Job) -> bool:
    """Tell a job's folder, or systemd's link to it, from what an admin may have put there."""
    status = os.lstat(place)
    if stat.S_ISLNK(status.st_mode):
        target = os.path.normpath(os.path.join(os.path.dirname(place), os.readlink(place)))
        return target == f"{PRIVATE_ROOT}/{job}"
    # Whoever mounts a disk there has their reasons.
    return stat.S_ISDIR(status.st_mode) and not os.path.ismount(place)
