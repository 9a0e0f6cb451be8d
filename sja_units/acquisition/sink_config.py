"""Where the values of a job go, as its file says."""

from typing import Literal, NamedTuple, get_args

from sja_units.toml.reader import TableReader
from sja_units.url import parse_address

Api = Literal["1", "2", "3"]
SinkType = Literal["influxdb", "local"]
Layout = Literal["wide", "narrow"]

_TYPES: tuple[SinkType, ...] = get_args(SinkType)
_LAYOUTS: tuple[Layout, ...] = get_args(Layout)


class SinkConfig(NamedTuple):
    """Where the values go."""

    type: SinkType
    layout: Layout
    url: str = ""
    database: str = ""  # InfluxDB 1.x; with a token 3.x
    username: str = ""
    password: str = ""
    org: str = ""  # InfluxDB 2.x and whatever speaks its /api/v2/write
    bucket: str = ""
    token: str = ""
    ca_file: str = ""
    retention_policy: str = ""  # of a 1.x database; "" for its default one

    @property
    def api(self) -> Api:
        """Return the version of InfluxDB whose requests are sent."""
        if self.bucket:
            return "2"
        return "3" if self.token else "1"


def read_sink(table: TableReader) -> SinkConfig:
    """Return what [sink] says; faults go into the table."""
    kind = table.choice("type", _TYPES, "influxdb")
    layout = table.choice("layout", _LAYOUTS, "wide")
    if kind == "local":
        return SinkConfig(kind, layout)
    url = table.text("url")
    if url and (reason := _refuse_url(url)):
        table.fault("url", reason)
    with_bucket = table.has("bucket")
    if with_bucket and table.has("database"):
        table.fault("database", "stands beside a bucket: give one of the two")
        table.text("database")
    sink = SinkConfig(
        kind,
        layout,
        url,
        database="" if with_bucket else table.text("database"),
        username=table.text("username", ""),
        password=table.text("password", ""),
        org=table.text("org", "") if with_bucket else "",
        bucket=table.text("bucket") if with_bucket else "",
        token=table.text("token", ""),
        ca_file=table.path("ca_file", ""),
        retention_policy="" if with_bucket else table.text("retention_policy", ""),
    )
    _check_credentials(table, sink)
    return sink


def _check_credentials(table: TableReader, sink: SinkConfig) -> None:
    if not sink.token.isascii():
        table.fault("token", "holds a character that no token has: only ASCII can be sent")
    if sink.token and sink.username:
        table.fault("token", "stands beside a username: give one of the two")
    if sink.token and sink.retention_policy:
        table.fault("retention_policy", "is one of InfluxDB 1.x, which knows no token")
    if ":" in sink.username:
        table.fault("username", "holds a ':', which no user's name can have in HTTP")


def _refuse_url(url: str) -> str:
    address = parse_address(url)
    if address is None:
        return 'must be a URL such as "http://127.0.0.1:8086"'
    if address.user or "@" in url.partition("://")[2].partition("/")[0]:
        return "holds a user or a password, which have their own keys"
    if "?" in url or "#" in url or not url.isascii():
        return "must end with its path: no '?', no '#', no space"
    return ""
