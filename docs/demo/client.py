"""What people and applications do in the demo's machine: log in, open a page, ask the database.

Usage: demo login FILE | demo visit FILE | demo query INFLUXQL
"""

import json
import sys
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

from tests.peers.site import PASSWORD, USER

SITE = "http://127.0.0.1:8000"
PAGE = f"{SITE}/api/user/current"
DATABASE = "http://127.0.0.1:8086"


def log_in(path: str) -> str:
    """Log in at the site and save its cookies; return what was done."""
    jar = MozillaCookieJar(path)
    form = urlencode({"user": USER, "password": PASSWORD}).encode()
    with build_opener(HTTPCookieProcessor(jar)).open(f"{SITE}/login", form, timeout=10):
        jar.save(ignore_discard=True)
    return f"logged in as {USER}, cookies saved in {path}"


def visit(path: str) -> str:
    """Open the page with the cookies of a file; return the site's answer."""
    # Python's own reader takes the 0 of a cookie without an end for 1970.
    lines = Path(path).read_text().replace("#HttpOnly_", "").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    header = "; ".join(f"{row[5]}={row[6]}" for row in rows)
    try:
        with urlopen(Request(PAGE, headers={"Cookie": header}), timeout=10) as answer:
            return f"{answer.status} {answer.read().decode()}"
    except HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def query(text: str) -> str:
    """Ask the database; return the rows, a line each."""
    form = urlencode({"q": text, "db": "edge"}).encode()
    with urlopen(f"{DATABASE}/query", form, timeout=30) as answer:
        (result,) = json.load(answer)["results"]
    rows = [row for series in result.get("series", []) for row in series["values"]]
    return "\n".join(" ".join(map(str, row)) for row in rows)


def main() -> None:
    verb, argument = sys.argv[1:]
    sys.stdout.write({"login": log_in, "visit": visit, "query": query}[verb](argument) + "\n")


if __name__ == "__main__":
    main()
