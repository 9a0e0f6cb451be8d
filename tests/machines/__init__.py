"""Disposable machines with a real systemd, for tests and for the demo. Standard library only."""
