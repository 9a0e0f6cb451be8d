"""Makes, stops, changes and removes jobs through the door as fast as it goes, from four threads."""

import json
import socket
import threading
from itertools import count

SOCKET = "/run/sja-units/api.sock"


def send(method: str, target: str, body: object = None) -> None:
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(SOCKET)
        door.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        while door.recv(65536):
            pass


def work(number: int) -> None:
    path = f"/v1/jobs/acquisition/line-{number}"
    for turn in count():
        send("PUT", path, {"template": "line", "set": {"title": f"turn {turn} " * 400}})
        send("POST", f"{path}/stop")
        send("PUT", path, {"template": "line", "start": False})
        send("DELETE", path)


for number in range(4):
    threading.Thread(target=work, args=(number,)).start()
