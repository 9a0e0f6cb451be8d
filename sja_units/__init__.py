"""Jobs that stay alive, with systemd as their manager."""

__version__ = "0.1.0"
