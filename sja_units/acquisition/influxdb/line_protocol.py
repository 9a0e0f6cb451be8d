"""InfluxDB's line protocol. Pure.

Source: https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/ . Escaping
there has no way to write a backslash before a special character: the configuration refuses it.
"""

from collections.abc import Iterable, Mapping

from sja_units.acquisition.points.decode import Value

_MEASUREMENT = str.maketrans({",": r"\,", " ": r"\ "})
_KEY = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
_STRING = str.maketrans({'"': r"\"", "\\": "\\\\"})


def format_series(measurement: str, tags: Mapping[str, str]) -> str:
    """Return measurement and tags as a line begins with them; empty tags are left out."""
    parts = [measurement.translate(_MEASUREMENT)]
    parts += [
        f"{key.translate(_KEY)}={value.translate(_KEY)}"
        for key, value in sorted(tags.items())
        if value
    ]
    return ",".join(parts)


def format_key(name: str) -> str:
    """Return a field's name as it stands before the equals sign."""
    return name.translate(_KEY)


def format_value(value: Value, *, unsigned: bool = False) -> str:
    """Return a field's value; a float has to be finite."""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value}u" if unsigned else f"{value}i"
    if isinstance(value, float):
        return repr(value)
    return f'"{value.translate(_STRING)}"'


def format_line(series: str, fields: Iterable[str], time_ns: int) -> str:
    """Return a whole line without its newline; `fields` are KEY=VALUE."""
    return f"{series} {','.join(fields)} {time_ns}"
