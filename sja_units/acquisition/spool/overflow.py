"""What waits while the disk takes nothing: in memory, and in a folder of tmpfs for the next worker.

The folder outlives the worker, not the machine; what is in it are segments, as on the disk.
"""

import os
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress

from sja_units.acquisition.spool import segment as segments
from sja_units.runtime import log
from sja_units.text import count

CHUNK_BYTES = 256 * 1024


class Chunk:
    """Batches that go to the disk together, and leave the folder together."""

    __slots__ = ("batches", "data", "kept", "kept_lines", "lines", "number")

    def __init__(self, number: int) -> None:
        self.number = number  # of its file
        self.data = bytearray()
        self.batches = 0
        self.lines = 0
        self.kept = 0  # bytes that the folder has
        self.kept_lines = 0

    def add(self, record: bytes, lines: int) -> None:
        self.data += record
        self.batches += 1
        self.lines += lines


class Waiting:
    """A queue of chunks; only the main thread uses it. `folder` need not exist."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.fault = ""  # why the folder takes nothing, "" while it does
        self._chunks: deque[Chunk] = deque()
        self._open: Chunk | None = None  # the one that still grows
        self._number = 0

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self._chunks)

    @property
    def size(self) -> int:
        """Return the bytes of all that waits."""
        return sum(len(chunk.data) for chunk in self._chunks)

    @property
    def batches(self) -> int:
        return sum(chunk.batches for chunk in self._chunks)

    @property
    def lines(self) -> int:
        return sum(chunk.lines for chunk in self._chunks)

    @property
    def kept_lines(self) -> int:
        """Return how many of the lines the next worker will find."""
        return sum(chunk.kept_lines for chunk in self._chunks)

    def load(self, list_stored: Callable[[], Collection[bytes]]) -> None:
        """Take up what a worker before has left.

        list_stored: gives the last records on the disk. A kill may have come when some of what
        waited was there, and had not left the folder yet.
        """
        numbers = self._list_files()
        stored = list_stored() if numbers else ()
        for number in numbers:
            self._number = number
            try:
                data = self._read(number)
            except OSError as error:
                log.error(f"spool: {self._path(number)} cannot be read: {error.strerror}")
                continue
            chunk = Chunk(number)
            for batch in segments.find_batches(data):
                record = data[batch.start : batch.end]
                if record not in stored:
                    chunk.add(record, batch.lines)
            chunk.kept, chunk.kept_lines = len(data), chunk.lines
            if chunk.batches:
                self._chunks.append(chunk)
            else:
                self._drop(chunk)
        if self.lines:
            lines = count(self.lines, "line")
            log.notice(f"spool: {lines} waited in {self.folder} for the disk")

    def add(self, record: bytes, lines: int) -> None:
        """Add a batch, in memory."""
        if self._open is None or len(self._open.data) + len(record) > CHUNK_BYTES:
            self._number += 1
            self._open = Chunk(self._number)
            self._chunks.append(self._open)
        self._open.add(record, lines)

    def first(self) -> Chunk:
        return self._chunks[0]

    def let_go(self) -> Chunk:
        """Remove and return the first chunk."""
        return self._drop(self._chunks.popleft())

    def _drop(self, chunk: Chunk) -> Chunk:
        if chunk is self._open:
            self._open = None
        if chunk.kept:
            with suppress(FileNotFoundError):
                os.unlink(self._path(chunk.number))
        return chunk

    def keep(self) -> None:
        """Put into the folder what it does not have yet; where it takes nothing, say so once."""
        fault = "" if self.folder else "there is no folder for it"
        try:
            for chunk in self._chunks if self.folder else ():
                if chunk.kept < len(chunk.data):
                    self._write(chunk)
        except OSError as error:
            fault = error.strerror or str(error)
        if fault and fault != self.fault:
            log.error(f"spool: values wait in memory only, where a kill loses them: {fault}")
        self.fault = fault

    def _write(self, chunk: Chunk) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path(chunk.number), flags, 0o600)
        try:
            view = memoryview(bytes(chunk.data))
            at = chunk.kept
            while at < len(view):
                at += os.pwrite(fd, view[at:], at)
        finally:
            os.close(fd)
        chunk.kept, chunk.kept_lines = len(chunk.data), chunk.lines

    def _path(self, number: int) -> str:
        return f"{self.folder}/{segments.name_segment(number)}"

    def _list_files(self) -> list[int]:
        try:
            found = map(segments.parse_segment_name, os.listdir(self.folder))
            return sorted(number for number in found if number is not None)
        except OSError:
            return []

    def _read(self, number: int) -> bytes:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        with open(os.open(self._path(number), flags), "rb") as file:
            return file.read()
