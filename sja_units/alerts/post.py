"""One POST of a document, in a process of its own: nothing in it can outlast its end.

It reads {"url": …, "format": …, "secret": …, "document": …} from stdin, so that the address,
which may be a secret, shows up in no list of processes; without a document it only asks for the
page. It ends with 0 if the other side took it, else says why.
"""

import json
import sys
import time

from sja_units.alerts.formats import Document, judge_answer, make_post
from sja_units.config.host import Format
from sja_units.runtime.http import HttpError, ask_once
from sja_units.url import Address, parse_address

_SECONDS = 25.0
_MAX_ANSWER = 65536
_HEADERS = (("Content-Type", "application/json"),)


def send(address: Address, form: Format, document: Document | None, secret: str) -> str:
    """Send an event in the form that a service takes, or ask for a page if it is None.

    Returns "" if that was taken, else one sentence that holds no secret. Redirects are not
    followed: an alert goes where it was told to go.
    """
    method, body = "GET", b""
    if document is not None:
        method = "POST"
        address, body = make_post(form, address, document, secret, time.time())
    headers = _HEADERS if body else ()
    try:
        response = ask_once(address, method, headers, body, seconds=_SECONDS, max_body=_MAX_ANSWER)
    except HttpError as error:
        return str(error)
    if 300 <= response.status < 400:
        return f"{address.site} redirects (HTTP {response.status}): give the address it leads to"
    if not 200 <= response.status < 300:
        return f"{address.site} answers HTTP {response.status}"
    fault = judge_answer(form, response.body) if document is not None else ""
    return f"{address.site}: {fault}" if fault else ""


def main() -> int:
    """Send what stdin holds; return the exit status."""
    given = json.load(sys.stdin.buffer)
    address = parse_address(given["url"])
    assert address is not None
    fault = send(address, given["format"], given["document"], given["secret"])
    print(fault, end="")
    return 1 if fault else 0


if __name__ == "__main__":
    sys.exit(main())
