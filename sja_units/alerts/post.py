"""One POST of a document, in a process of its own: nothing in it can outlast its end.

It reads {"url": …, "document": …} from stdin, so that the address, which may be a secret, shows
up in no list of processes; it ends with 0 if the other side took it, else says why.
"""

import json
import socket
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from sja_units import __version__
from sja_units.url import Address, encode_target, parse_address

_SECONDS = 10.0  # for each step


def post(address: Address, body: bytes) -> str:
    """Send a JSON document; return "" for any 2xx, else one sentence that holds no secret.

    Redirects are not followed: an alert goes where it was told to go.
    """
    host = address.host.strip("[]")
    if address.scheme == "https":
        context = ssl.create_default_context()
        connection: HTTPConnection = HTTPSConnection(
            host, address.port, timeout=_SECONDS, context=context
        )
    else:
        connection = HTTPConnection(host, address.port, timeout=_SECONDS)
    headers = {
        "User-Agent": f"sja-units/{__version__}",
        "Content-Type": "application/json",
        "Connection": "close",
    }
    try:
        target = encode_target(address.target)
        connection.request("POST", target, body, headers)
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return _explain(error, address.site)
    finally:
        connection.close()
    if 300 <= status < 400:
        return f"{address.site} redirects (HTTP {status}): name the address where it leads to"
    return "" if 200 <= status < 300 else f"{address.site} answers HTTP {status}"


def _explain(error: Exception, site: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{site}: certificate refused: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return f"the name of {site} cannot be resolved: {error.strerror}"
    if isinstance(error, TimeoutError):
        return f"{site} does not answer within {_SECONDS:g} s"
    if isinstance(error, HTTPException):
        return f"{site} does not answer as HTTP says ({type(error).__name__})"
    return f"{site}: {getattr(error, 'strerror', None) or type(error).__name__}"


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
