"""Influxdb."""
