"""One request of the page, within limits: nothing is followed, nothing can take for ever."""

import re
import time

from sja_units.keepalive.config import KeepaliveConfig
from sja_units.keepalive.response import NoResponse, SiteResponse
from sja_units.runtime.http import HttpError, ask_once
from sja_units.runtime.http_date import parse_retry_after
from sja_units.runtime.http_response import Response

MAX_BODY = 1024 * 1024
_GB = "gb18030"
_CHARSET = re.compile(
    rb"""<(?:meta[^>]{0,200}charset|\?xml[^>]{0,200}encoding)\s*=\s*["']?([A-Za-z0-9_-]{1,40})""",
    re.IGNORECASE,
)
_DECLARED = re.compile(r""";\s*charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)


# Other words are no encoding of bytes: sites put "none" or "UTF-8" there.
_PACKED_OTHERWISE = ("br", "zstd", "compress", "x-compress", "dcb", "dcz", "exi", "pack200-gzip")


class _Unreadable(Exception):
    """The body is in a form that nobody asked for."""


def fetch(config: KeepaliveConfig, cookie_header: str) -> SiteResponse | NoResponse:
    """Ask for the page once and return what came within `config.timeout`."""
    headers = {"Cache-Control": "no-cache"}
    if config.body and not any(name.lower() == "content-type" for name, _ in config.headers):
        is_json = config.body.lstrip()[:1] in ("{", "[")
        kind = "application/json" if is_json else "application/x-www-form-urlencoded"
        headers["Content-Type"] = kind
    headers |= dict(config.headers)
    if cookie_header:
        headers["Cookie"] = cookie_header
    try:
        response = ask_once(
            config.address,
            config.method,
            headers.items(),
            config.body.encode(),
            seconds=config.timeout,
            max_body=MAX_BODY,
            proxy=config.proxy,
            ca_file=config.ca_file,
        )
        return _read(response)
    except HttpError as error:
        return NoResponse(str(error))
    except _Unreadable as error:
        return NoResponse(f"{config.address.site}: {error}")
    except OSError as error:  # the authorities' file
        return NoResponse(error.strerror or type(error).__name__)


def _read(response: Response) -> SiteResponse:
    data, cut = _unpack(response)
    declared = _DECLARED.search(response.header("content-type"))
    return SiteResponse(
        status=response.status,
        location=response.header("location"),
        body=_decode(data, declared[1] if declared else None),
        cut=cut,
        headers=response.headers,
        set_cookies=tuple(value for name, value in response.headers if name == "set-cookie"),
        retry_after=parse_retry_after(response.header("retry-after"), time.time()),
    )


def _unpack(response: Response) -> tuple[bytes, bool]:
    """Return at most MAX_BODY bytes of the page, and whether there were more."""
    data, cut = response.body, response.cut
    encodings = ",".join(value for name, value in response.headers if name == "content-encoding")
    for encoding in reversed([word.strip().lower() for word in encodings.split(",")]):
        if encoding in _PACKED_OTHERWISE:
            raise _Unreadable(f"the page is packed as {encoding!r}, which nobody asked for")
        if encoding in ("gzip", "x-gzip", "deflate") and data:
            data, cut = _inflate(data, encoding, cut=cut)
    return data, cut


def _inflate(packed: bytes, encoding: str, *, cut: bool) -> tuple[bytes, bool]:
    import zlib

    # Either format, by its header; deflate without one is what some servers send: RFC 9110, 8.4.1.
    for window in (47, -15) if encoding == "deflate" else (47,):
        unpacker = zlib.decompressobj(window)
        try:
            data = unpacker.decompress(packed, MAX_BODY)
        except zlib.error:
            continue
        return data, cut or not unpacker.eof
    raise _Unreadable(f"the page is not packed as it says ({encoding})")


def _decode(data: bytes, declared: str | None) -> str:
    written = _CHARSET.search(data[:2048])
    charset = declared or (written[1].decode() if written else "")
    if charset.lower() in ("gb2312", "gbk", "x-gbk"):
        charset = _GB  # what browsers take them for
    try:
        text = data.decode(charset, "replace") if charset else _guess(data)
    except (LookupError, UnicodeError):  # not a text's encoding
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _guess(data: bytes) -> str:
    """Return the text of a page that does not say how it is encoded."""
    for charset in ("utf-8", _GB):
        try:
            return data.decode(charset)
        except UnicodeDecodeError as error:
            if error.start >= len(data) - 4:  # cut off within a character
                return data.decode(charset, "replace")
    return data.decode("utf-8", "replace")
