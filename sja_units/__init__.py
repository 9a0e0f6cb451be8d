"""Jobs that stay alive, with systemd as their manager."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sja_units.client import AsyncManager, Manager

__version__ = "0.1.0"
__all__ = ["AsyncManager", "Manager", "__version__"]


def __getattr__(name: str) -> Any:
    # Named, they are loaded; a worker never names them.
    if name in ("Manager", "AsyncManager"):
        from sja_units import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
