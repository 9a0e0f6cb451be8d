"""Jobs that stay alive, with systemd as their manager."""

TYPE_CHECKING = False  # who checks types takes it for true; a worker is spared the import
if TYPE_CHECKING:
    from sja_units.client import AsyncManager, Manager

__version__ = "0.1.0"
__all__ = ["AsyncManager", "Manager", "__version__"]


def __getattr__(name: str) -> object:
    # For programs that name them; they are loaded then.
    if name in ("Manager", "AsyncManager"):
        from importlib import import_module

        return getattr(import_module("sja_units.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
