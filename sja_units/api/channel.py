"""What the two processes of the door say to each other, as frames on a pair of sockets. Pure.

The root side gives each connection a number and hands it over; the reader names the number, never
who is there.
"""

from enum import IntEnum
from typing import NamedTuple

LARGEST = 64 * 2**20  # bytes of a frame: an answer with many samples
LARGEST_REQUEST = 2**20  # bytes; a request's body is a quarter of that


class Word(IntEnum):
    """What a frame is about."""

    REQUEST = 1  # to the root side: a request of that connection
    CLOSED = 2  # the connection has ended
    RESTING = 3  # all connections are closed, as was asked for
    BUSY = 4  # they are not: a request is on its way
    ANSWER = 5  # to the reader: the answer to a request
    PART = 6  # the next part of an answer that goes on
    END = 7  # no part follows
    REST = 8  # close all connections that wait for a request


class Frame(NamedTuple):
    """One message."""

    word: Word
    connection: int = 0
    data: bytes = b""


class Answer(NamedTuple):
    """What a request gets."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    goes_on: bool = False  # parts follow


_HEAD = 13


def encode_frame(frame: Frame) -> bytes:
    """Return a frame as bytes."""
    head = len(frame.data).to_bytes(4, "big") + bytes([frame.word])
    return head + frame.connection.to_bytes(8, "big") + frame.data


def take_frame(buffer: bytearray, limit: int) -> Frame | None:
    """Take the first frame out of a buffer, None where it is not whole yet.

    Raises ValueError for what is no frame.
    """
    if len(buffer) < _HEAD:
        return None
    size = int.from_bytes(buffer[:4], "big")
    if size > limit:
        raise ValueError("a frame is too large")
    if len(buffer) < _HEAD + size:
        return None
    frame = Frame(
        Word(buffer[4]), int.from_bytes(buffer[5:_HEAD], "big"), bytes(buffer[_HEAD : _HEAD + size])
    )
    del buffer[: _HEAD + size]
    return frame


def encode_answer(answer: Answer) -> bytes:
    """Return an answer as bytes, for the reader."""
    head = [str(answer.status), "1" if answer.goes_on else "0", answer.content_type]
    head += [f"{name}: {value}" for name, value in answer.headers]
    return "\n".join(head).encode() + b"\n\n" + answer.body


def decode_answer(data: bytes) -> Answer:
    """Return what `encode_answer` was given."""
    head, _, body = data.partition(b"\n\n")
    status, goes_on, content_type, *lines = head.decode().split("\n")
    pairs = (line.partition(": ") for line in lines)
    headers = tuple((name, value) for name, _, value in pairs)
    return Answer(int(status), body, content_type, headers, goes_on == "1")
