"""Sends the door requests that were good before a few changes, and counts what comes back.

python3 tests/peers/door_fuzzer.py SEED COUNT
"""

import collections
import json
import random
import re
import socket
import sys

SOCKET = "/run/sja-units/api.sock"
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
SECRET = b"secret-of-other"  # stands in the title of a job that the sender must not see
BODY = json.dumps({"template": "line", "set": {"title": "x", "device.0.host": "127.0.0.7"}})
WORDS = (
    *(b"../", b"\0", b"\\u0000", b"%00", b"%2e", b"template", b"other", b"\r\n", b'"', b"{", b"["),
    *(b"1e999", b"NaN", b"\xed\xa0\x80", b"\xff\xfe", b"9" * 400, b"set", b"command", b"null"),
    *(b"-1", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"device.0.host"),
    *(b"template = {}", b"keepalive"),
)


def make(method: str, target: str, body: str = "") -> bytes:
    """Return a request that is good."""
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


GOOD = (
    make("PUT", "/v1/jobs/acquisition/line-7", BODY),
    make("PUT", "/v1/jobs/acquisition/line-8", BODY),
    make("GET", "/v1/jobs/acquisition/other-1"),
    make("POST", "/v1/jobs/acquisition/other-1/stop"),
    make("DELETE", "/v1/jobs/acquisition/other-1"),
    make("GET", "/v1/jobs/acquisition/other-1/log?lines=5"),
    make("GET", "/v1/jobs"),
)


def mutate(dice: random.Random) -> bytes:
    """Return a good request after up to four changes."""
    data = bytearray(dice.choice(GOOD))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data)) if data else 0
        change = dice.randrange(4)
        if change == 0:
            del data[at : at + dice.randint(1, 20)]
        elif change == 1:
            data[at:at] = dice.choice(WORDS)
        elif change == 2:
            data[at:at] = data[at : at + dice.randint(1, 60)]
        else:
            data[at : at + dice.randint(0, 1)] = dice.randbytes(dice.randint(1, 9))
    return bytes(data) or b"x"


def send(data: bytes) -> bytes:
    """Return all that comes back."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as door:
        door.settimeout(60)
        door.connect(SOCKET)
        try:
            door.sendall(data)
            door.shutdown(socket.SHUT_WR)
            while got := door.recv(65536):
                answer += got
        except (BrokenPipeError, ConnectionResetError):
            pass
    return answer


def main() -> None:
    dice = random.Random(int(sys.argv[1]))
    seen: collections.Counter[str] = collections.Counter()
    for _ in range(int(sys.argv[2])):
        answer = send(mutate(dice))
        seen.update(status.decode() for status in STATUS.findall(answer))
        seen["leak"] += SECRET in answer
    print(json.dumps({key: count for key, count in seen.items() if count}))


if __name__ == "__main__":
    main()
