"""Reads HTTP/1.1 responses from a stream of bytes. Pure but for the stream.

Source: RFC 9112. It is lenient where a site may err and only a reader would suffer: a line that is
no header is passed over, and the others count.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

_MAX_HEAD = 256 * 1024
_PIECE = 16384
_STATUS_LINE = re.compile(rb"HTTP/1\.(\d)[ \t]+([1-9]\d\d)(?:[ \t].*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_SWITCHING_PROTOCOLS = 101
_BEGINNING = b"HTTP/1."
_NO_STATUS = "no status line of HTTP/1.1"


class Response(NamedTuple):
    """What a server answered."""

    status: int
    headers: tuple[tuple[str, str], ...]  # names in lower case; a character is a byte
    body: bytes
    cut: bool  # there was more of the body

    def header(self, name: str) -> str:
        """Return the first header of that name, in lower case; "" for none."""
        return next((value for key, value in self.headers if key == name), "")


class ProtocolError(Exception):
    """The stream is not HTTP/1.1, or ended too early; its text quotes nothing of it."""


class StreamEnded(ProtocolError):
    """The stream ended before the first byte of a response."""


class ResponseReader:
    """Reads one response after another; `receive` returns some bytes, none at the end."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self.can_go_on = True  # the stream may bring another response

    def read(self, limit: int) -> Response:
        """Return the next final response, with at most `limit` bytes of its body."""
        minor, status, headers = self._read_final_head()
        tokens = {part.strip().lower() for part in _join(headers, "connection").split(",")}
        if "close" in tokens or (minor == b"0" and "keep-alive" not in tokens):
            self.can_go_on = False
        body, cut = self._read_body(status, headers, limit)
        return Response(status, headers, body, cut)

    def read_status(self) -> int:
        """Return the status of the next final response; what follows its head is left there."""
        return self._read_final_head()[1]

    def _read_final_head(self) -> tuple[bytes, int, tuple[tuple[str, str], ...]]:
        """Pass over interim responses: RFC 9110, 15.2."""
        while True:
            head = self._read_head()
            if head[1] >= 200 or head[1] == _SWITCHING_PROTOCOLS:
                return head

    def _read_head(self) -> tuple[bytes, int, tuple[tuple[str, str], ...]]:
        if not self._buffer and not self._fill():
            raise StreamEnded("closed without an answer")
        if not _BEGINNING.startswith(self._buffer[: len(_BEGINNING)]):
            # RFC 9113, 3.4: a server of HTTP/2 begins with a frame of settings.
            is_settings = self._buffer[:2] == b"\0\0" and self._buffer[3:4] == b"\x04"
            raise ProtocolError("it speaks HTTP/2 only" if is_settings else _NO_STATUS)
        budget = [_MAX_HEAD]
        match = _STATUS_LINE.fullmatch(self._read_line(budget))
        if match is None:
            raise ProtocolError(_NO_STATUS)
        lines: list[bytes] = []
        while line := self._read_line(budget):
            if line[:1] in (b" ", b"\t") and lines:  # RFC 9112, 5.2: the line before goes on
                lines[-1] += b" " + line.strip(b" \t")
            else:
                lines.append(line)
        return match[1], int(match[2]), tuple(filter(None, map(_read_header, lines)))

    def _read_body(
        self, status: int, headers: tuple[tuple[str, str], ...], limit: int
    ) -> tuple[bytes, bool]:
        if status < 200 or status in (204, 304):
            return b"", False
        codings = _join(headers, "transfer-encoding").lower()
        if codings.rpartition(",")[2].strip() == "chunked":
            return self._read_chunks(limit)
        lengths = {value.strip() for value in _join(headers, "content-length").split(",")} - {""}
        if codings or not lengths:
            return self._read_rest(limit)
        length = lengths.pop()
        if lengths or not (length.isascii() and length.isdigit()):
            raise ProtocolError("a Content-Length that is no length")
        wanted = min(int(length[:18]), limit)
        cut = int(length[:18]) > limit
        self.can_go_on &= not cut
        return self._read_exactly(wanted), cut

    def _read_chunks(self, limit: int) -> tuple[bytes, bool]:
        body = bytearray()
        while True:
            match = _SIZE.fullmatch(self._read_line([_PIECE]))
            if match is None:
                raise ProtocolError("a chunk without a size")
            size = int(match[1], 16)
            if size == 0:
                break
            body += self._read_exactly(min(size, limit + 1 - len(body)))
            if len(body) > limit:
                self.can_go_on = False
                return bytes(body[:limit]), True
            if self._read_line([_PIECE]):
                raise ProtocolError("a chunk longer than its size")
        budget = [_MAX_HEAD]
        while self._read_line(budget):  # the trailers
            pass
        return bytes(body), False

    def _read_rest(self, limit: int) -> tuple[bytes, bool]:
        self.can_go_on = False
        while len(self._buffer) <= limit and self._fill():
            pass
        return bytes(self._buffer[:limit]), len(self._buffer) > limit

    def _read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill_or_fail()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _read_line(self, budget: list[int]) -> bytes:
        """Return a line without its end; `budget` holds the bytes that may still come."""
        looked = 0
        while (end := self._buffer.find(b"\n", looked)) < 0:
            looked = len(self._buffer)
            if looked > budget[0]:
                raise ProtocolError("a line or a head too long")
            self._fill_or_fail()
        budget[0] -= end + 1
        if budget[0] < 0:
            raise ProtocolError("a line or a head too long")
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.removesuffix(b"\r")

    def _fill_or_fail(self) -> None:
        if not self._fill():
            raise ProtocolError("the answer was cut off")

    def _fill(self) -> bool:
        piece = self._receive(_PIECE)
        self._buffer += piece
        return bool(piece)


def _read_header(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.partition(b":")
    name = name.rstrip(b" \t")
    if not colon or not _NAME.fullmatch(name):
        return None
    return name.decode("ascii").lower(), value.strip(b" \t").decode("latin-1")


def _join(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return ",".join(value for key, value in headers if key == name)
