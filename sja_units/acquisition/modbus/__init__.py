"""Modbus."""
