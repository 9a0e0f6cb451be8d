"""What the disk has no room for: in memory, and in a folder of tmpfs for the next worker.

The folder outlives the worker, not the machine; what is in it are segments, as on the disk.
"""

import os
from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress

from sja_units.acquisition.spool import segment as segments
from sja_units.fs.safe_open import read_regular
from sja_units.runtime import log
from sja_units.text import count

CHUNK_BYTES = 256 * 1024


class Chunk:
    """Batches that go to the disk together, and leave the folder together."""

    __slots__ = ("batches", "data", "lines", "number", "saved", "saved_lines")

    def __init__(self, number: int) -> None:
        self.number = number  # of its file
        self.data = bytearray()
        self.batches = 0
        self.lines = 0
        self.saved = 0  # bytes that the folder has
        self.saved_lines = 0

    def add(self, record: bytes, lines: int) -> None:
        self.data += record
        self.batches += 1
        self.lines += lines


class Overflow:
    """A queue of chunks; only the main thread uses it. `folder` need not exist."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._fault = ""  # why the folder takes nothing, "" while it does
        self._chunks: deque[Chunk] = deque()
        self._open: Chunk | None = None  # the one that still grows
        self._number = 0

    def __len__(self) -> int:
        """Return the number of chunks."""
        return len(self._chunks)

    @property
    def size(self) -> int:
        """Return the bytes of all chunks."""
        return sum(len(chunk.data) for chunk in self._chunks)

    @property
    def batches(self) -> int:
        return sum(chunk.batches for chunk in self._chunks)

    @property
    def lines(self) -> int:
        return sum(chunk.lines for chunk in self._chunks)

    @property
    def volatile_lines(self) -> int:
        """Return how many of the lines a kill would lose."""
        return sum(chunk.lines - chunk.saved_lines for chunk in self._chunks)

    def load(self, list_stored: Callable[[], Collection[bytes]]) -> None:
        """Take up what a worker before has left.

        list_stored: gives the last records on the disk. A kill may have come when some of the
        overflow was there, and had not left the folder yet.
        """
        numbers = self._list_files()
        stored = list_stored() if numbers else ()
        for number in numbers:
            self._number = number
            try:
                data = read_regular(self._path(number), segments.LARGEST)
            except OSError as error:
                log.error(f"spool: cannot read {self._path(number)}: {error.strerror}")
                continue
            chunk = Chunk(number)
            for batch in segments.find_batches(data):
                record = data[batch.start : batch.end]
                if record not in stored:
                    chunk.add(record, batch.lines)
            chunk.saved, chunk.saved_lines = len(data), chunk.lines
            if chunk.batches:
                self._chunks.append(chunk)
            else:
                self._forget(chunk)
        if self.lines:
            lines = count(self.lines, "line")
            log.notice(f"spool: {lines} in {self.folder} are not on the disk yet")

    def add(self, record: bytes, lines: int) -> None:
        """Add a batch, in memory."""
        if self._open is None or len(self._open.data) + len(record) > CHUNK_BYTES:
            self._number += 1
            self._open = Chunk(self._number)
            self._chunks.append(self._open)
        self._open.add(record, lines)

    def first(self) -> Chunk:
        return self._chunks[0]

    def pop(self) -> Chunk:
        """Remove and return the first chunk."""
        return self._forget(self._chunks.popleft())

    def _forget(self, chunk: Chunk) -> Chunk:
        if chunk is self._open:
            self._open = None
        if chunk.saved:
            with suppress(FileNotFoundError):
                os.unlink(self._path(chunk.number))
        return chunk

    def save(self) -> None:
        """Put into the folder what it does not have yet; where it takes nothing, say so once."""
        fault = "" if self.folder else "there is no folder for them"
        try:
            for chunk in self._chunks if self.folder else ():
                if chunk.saved < len(chunk.data):
                    self._write(chunk)
        except OSError as error:
            fault = error.strerror or str(error)
        if fault and fault != self._fault:
            log.error(f"spool: new values are in memory only, where a kill loses them: {fault}")
        self._fault = fault

    def _write(self, chunk: Chunk) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(self._path(chunk.number), flags, 0o600)
        try:
            view = memoryview(bytes(chunk.data))
            at = chunk.saved
            while at < len(view):
                at += os.pwrite(fd, view[at:], at)
        finally:
            os.close(fd)
        chunk.saved, chunk.saved_lines = len(chunk.data), chunk.lines

    def _path(self, number: int) -> str:
        return f"{self.folder}/{segments.name_segment(number)}"

    def _list_files(self) -> list[int]:
        try:
            return segments.list_segments(self.folder) if self.folder else []
        except OSError:
            return []
