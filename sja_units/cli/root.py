"""What only root can do."""

import os

from sja_units.errors import NotAllowed


def need_root(what: str) -> None:
    """Raise NotAllowed if somebody else asks."""
    if os.geteuid() != 0:
        raise NotAllowed(f"only root can {what}: jobs' state is nobody else's", "try sudo")
