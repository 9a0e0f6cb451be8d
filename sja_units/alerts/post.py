"""One POST of a document, in a process of its own: nothing in it can outlast its end.

It reads {"url": …, "document": …} from stdin, so that the address, which may be a secret, shows
up in no list of processes; it ends with 0 if the other side took it, else says why.
"""

import json
import sys

from sja_units.runtime.http import HttpError, ask_once
from sja_units.url import Address, parse_address

_SECONDS = 25.0
_MAX_ANSWER = 65536
_HEADERS = (("Content-Type", "application/json"),)


def post(address: Address, body: bytes) -> str:
    """Send a JSON document; return "" for any 2xx, else one sentence that holds no secret.

    Redirects are not followed: an alert goes where it was told to go.
    """
    try:
        response = ask_once(address, "POST", _HEADERS, body, seconds=_SECONDS, max_body=_MAX_ANSWER)
    except HttpError as error:
        return str(error)
    if 300 <= response.status < 400:
        return f"{address.site} redirects (HTTP {response.status}): give the address it leads to"
    return "" if 200 <= response.status < 300 else f"{address.site} answers HTTP {response.status}"


def main() -> int:
    """Send what stdin holds; return the exit status."""
    given = json.load(sys.stdin.buffer)
    address = parse_address(given["url"])
    assert address is not None
    fault = post(address, json.dumps(given["document"], ensure_ascii=False).encode())
    print(fault, end="")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
