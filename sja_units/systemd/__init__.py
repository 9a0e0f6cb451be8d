"""Systemd."""
