"""Where the older edge system wrote its values, as its own settings say. Pure.

It read INFLUXDB_HOST, _PORT, _TOKEN, _ORG and _BUCKET from the environment or from backend/.env,
and knew no INFLUXDB_URL.
"""

import re
from collections.abc import Mapping

from sja_units.errors import ConfigError
from sja_units.importers.takeover import quote
from sja_units.url import parse_address

LOCAL = '[sink]\ntype = "local"\n'

_PREFIX = "INFLUXDB_"
_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_QUOTED = re.compile(r"""(?:"([^"]*)"|'([^']*)')\s*(?:#.*)?""")


def parse_env(text: str) -> dict[str, str]:
    """Return the variables of a .env file; what is no assignment is passed over, as there."""
    values = {}
    for line in text.splitlines():
        if (match := _LINE.fullmatch(line)) and not line.lstrip().startswith("#"):
            values[match[1]] = _unquote(match[2])
    return values


def _unquote(value: str) -> str:
    if match := _QUOTED.fullmatch(value):
        return match[1] if match[1] is not None else match[2]
    return re.sub(r"(?:^|\s)#.*", "", value).rstrip()


def compose_sink(settings: Mapping[str, str]) -> str | None:
    """Return [sink] as the older system's settings say it, None where they say nothing.

    What they leave out has its defaults of there: localhost, 8086, the bucket `default`. Raises
    ConfigError where they make no address.
    """
    given = {key.removeprefix(_PREFIX): value for key, value in settings.items() if value}
    known = ("HOST", "PORT", "TOKEN", "ORG", "BUCKET")
    if not any(_PREFIX + key in settings for key in known):
        return None
    host = given.get("HOST", "localhost")
    url = host if "://" in host else f"http://{host}:{given.get('PORT', '8086')}"
    if (address := parse_address(url)) is None or address.user:
        raise ConfigError("INFLUXDB_HOST", [f"{url!r} is not the address of a database"])
    lines = ["[sink]", f"url = {quote(url)}", f"bucket = {quote(given.get('BUCKET', 'default'))}"]
    lines += [f"{key.lower()} = {quote(given[key])}" for key in ("ORG", "TOKEN") if key in given]
    return "\n".join(lines) + "\n"
