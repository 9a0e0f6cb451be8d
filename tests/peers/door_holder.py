"""Opens connections to the door that never get anywhere: no byte, half a head, half a body.

    python3 tests/peers/door_holder.py COUNT

Each sends one more byte a second, until it is ended.
"""

import socket
import sys
import time
from contextlib import suppress

SOCKET = "/run/sja-units/api.sock"
BEGINNINGS = (
    b"",
    b"P",
    b"GET /v1/jobs HT",
    b"PUT /v1/jobs/keepalive/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
)


def open_one(number: int) -> socket.socket:
    door = socket.socket(socket.AF_UNIX)
    door.setblocking(False)
    with suppress(OSError):
        door.connect(SOCKET)
        door.send(BEGINNINGS[number % len(BEGINNINGS)])
    return door


def main() -> None:
    held = [open_one(number) for number in range(int(sys.argv[1]))]
    while True:
        for door in held:
            with suppress(OSError):
                door.send(b"x")
        time.sleep(1)


if __name__ == "__main__":
    main()
