"""A web address, taken apart. Pure."""

import re
from typing import NamedTuple

_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\]"
# RFC 3986, as far as a page that one can ask for goes. Strict, so that nothing is left to guess.
_URL = re.compile(
    rf"(?P<scheme>https?)://(?:(?P<user>[^\s/?#@]*)@)?(?P<host>{_HOST})(?::(?P<port>\d{{1,5}}))?"
    r"(?P<target>[/?][^\s#]*)?(?:#\S*)?"
)
_NUMERIC = re.compile(r"[0-9.]+|\[.*\]")
# urllib.parse would cost a worker 0.6 MiB for this.
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~%/:?#\[\]@!$&'()*+,;=-]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class Address(NamedTuple):
    """A web address, taken apart."""

    scheme: str
    user: str  # "name:password" of a proxy, as written; always empty for a page
    host: str  # lower case; an IPv6 address stands in brackets
    port: int
    target: str  # path and query

    @property
    def site(self) -> str:
        """Host and, if unusual, port: what people are told, since a path may hold secrets."""
        usual = {"http": 80, "https": 443}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"

    @property
    def hostname(self) -> str:
        """The host as name services and TLS know it."""
        return self.host.strip("[]")

    @property
    def is_numeric(self) -> bool:
        """Whether the host is an address, for which no name service is asked."""
        return _NUMERIC.fullmatch(self.host) is not None

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.site}"

    @property
    def url(self) -> str:
        return f"{self.origin}{self.target}"


def parse_address(text: str) -> Address | None:
    """Return a web address taken apart, None if it is not one of http or https."""
    match = _URL.fullmatch(text)
    if match is None or ".." in match["host"]:
        return None
    scheme = match["scheme"]
    port = int(match["port"] or (80 if scheme == "http" else 443))
    if not 0 < port < 65536:
        return None
    target = match["target"] or "/"
    if target.startswith("?"):
        target = f"/{target}"
    return Address(scheme, match["user"] or "", match["host"].lower(), port, target)


def encode_target(target: str) -> str:
    """Return a target, or a whole URL, as it goes over the wire: RFC 3986, 2.1."""
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], target.encode()).decode()


def decode_percent(data: bytes) -> bytes:
    """Return the bytes that a part of an address stands for: RFC 3986, 2.1."""
    return _ESCAPE.sub(lambda match: bytes((int(match[1], 16),)), data)
