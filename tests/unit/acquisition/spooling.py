"""A spool in a folder of the test, whose batches are numbers; and a disk that takes no more."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sja_units.acquisition.config import SpoolConfig
from sja_units.acquisition.spool.writer import Spool

BOUNDS = SpoolConfig(2**28, 86400.0)


@contextmanager
def opened(
    folder: Path, bounds: SpoolConfig = BOUNDS, overflow: str = "", *, keeps_all: bool = False
) -> Iterator[Spool]:
    spool = Spool(str(folder), bounds, overflow, keeps_all=keeps_all)
    try:
        yield spool
    finally:
        spool.close()


def put(spool: Spool, *numbers: int, padding: int = 0) -> None:
    for number in numbers:
        spool.put(b"m v=%di%b %d\n" % (number, b" " * padding, number), 1, number)


def take(spool: Spool, most: int = 10**9) -> list[int]:
    """Read and acknowledge that many batches, and return their numbers."""
    taken: list[int] = []
    while len(taken) < most and (batches := spool.reader.read(most - len(taken))):
        taken += [batch.time_ns for batch in batches]
        spool.reader.acknowledge(batches)
    return taken


def segments_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.lp"))


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let the kernel refuse to make any file larger, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
