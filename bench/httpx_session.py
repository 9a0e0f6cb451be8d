"""What one would write with httpx: the reference for a session that is kept alive.

`python -m bench.httpx_session PAGE INTERVAL`
"""

import sys
import time

import httpx
from sdnotify import SystemdNotifier


def main(page: str, interval: float) -> None:
    client = httpx.Client(cookies={"JSESSIONID": "made-up"}, timeout=10)
    while True:
        if client.get(page).status_code == 200:
            SystemdNotifier().notify("READY=1")
        time.sleep(interval)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
