"""How far a spool is sent: whatever happens to the cursor, nothing unsent is lost."""

import os
import shutil
from pathlib import Path

import pytest

from sja_units.acquisition.spool.cursor import Cursor, SavedCursor, format_slot
from tests.unit.acquisition.spooling import BOUNDS, opened, put, take


def slot(number: int, offset: int) -> bytes:
    return format_slot(SavedCursor(99, Cursor(number, offset, 0), 0))


@pytest.mark.parametrize(
    "cursor",
    [
        *(b"", b"x y z", b"1", b"99 0 0", b"-1 -5 0", b"\0" * 256, b"\xff" * 4096),
        *(slot(99, 0), slot(1, 99999999), slot(1, 7), slot(10**17, 10**17), slot(0, 5)),
    ],
)
def test_a_cursor_that_is_wrong_loses_nothing_and_stops_nothing(
    tmp_path: Path, cursor: bytes
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2)
    (tmp_path / "cursor").write_bytes(cursor)
    for number in (3, 4):
        with opened(tmp_path) as spool:
            put(spool, number)
            assert take(spool) == ([1, 2, 3] if number == 3 else [4])


@pytest.mark.parametrize("kind", ["folder", "link", "fifo", "sparse"])
def test_what_stands_in_place_of_the_cursor_loses_nothing_and_stops_nothing(
    tmp_path: Path, kind: str
) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2)
    cursor = tmp_path / "cursor"
    cursor.unlink()
    if kind == "folder":
        cursor.mkdir()
    elif kind == "link":
        cursor.symlink_to("/dev/zero")
    elif kind == "fifo":
        os.mkfifo(cursor)
    else:
        cursor.touch()
        os.truncate(cursor, 2**40)
    with opened(tmp_path) as spool:
        put(spool, 3)
        assert take(spool) == [1, 2, 3]


@pytest.mark.slow
def test_no_bit_that_flips_in_the_cursor_loses_anything(tmp_path: Path) -> None:
    """`1 0 0` that became `8 0 0` has deleted all that was unsent, without a word."""
    with opened(tmp_path / "spool", BOUNDS._replace(max_bytes=2**20)) as spool:
        put(spool, *range(6), padding=100_000)
        assert take(spool, 2) == [0, 1]
        assert take(spool, 1) == [2]
    whole = (tmp_path / "spool/cursor").read_bytes()
    for bit in range(0, len(whole) * 8, 5):
        folder = tmp_path / "copy"
        shutil.copytree(tmp_path / "spool", folder)
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        (folder / "cursor").write_bytes(damaged)
        with opened(folder) as spool:
            put(spool, 6)
            taken = take(spool)
            assert taken in ([3, 4, 5, 6], [2, 3, 4, 5, 6]), bit
            assert spool.state().dropped == 0
        shutil.rmtree(folder)


def test_the_cursor_is_written_in_place(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, 1, 2)
        take(spool, 1)
        before = (tmp_path / "cursor").stat().st_ino
        take(spool, 1)
        assert (tmp_path / "cursor").stat().st_ino == before
        # Somebody removes it: it comes back with the next batch.
        (tmp_path / "cursor").unlink()
        put(spool, 3)
        take(spool)
    with opened(tmp_path) as spool:
        assert take(spool) == []


def test_a_lost_cursor_only_sends_again(tmp_path: Path) -> None:
    with opened(tmp_path) as spool:
        put(spool, *range(5))
        take(spool, 2)
    (tmp_path / "cursor").unlink()
    with opened(tmp_path) as spool:
        assert take(spool) == [0, 1, 2, 3, 4]
