"""Cookies that keep-alive jobs publish, for programs that ask the same site.

from sja_units import cookies

session = requests.Session()
session.cookies = cookies.load("/run/sja-units/cookies/alice/cookies.txt")

httpx.Client(cookies=cookies.load(path))
urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies.load(path)))
"""

from http.cookiejar import Cookie, CookieJar

from sja_units.keepalive import cookie as jars
from sja_units.keepalive.jar import decode_jar, parse_jar


def load(path: str) -> CookieJar:
    """Return the jar that is published at a path, to the last cookie.

    The file is replaced at each refresh: load it again where a session goes on for longer. Raises
    OSError, and ValueError for what is no jar.
    """
    with open(path, "rb") as file:
        data = file.read(4 * jars.MAX_BYTES + 1)
    try:
        parsed = parse_jar(decode_jar(data), "")
    except jars.JarError as fault:
        raise ValueError(f"{path}: {fault}") from None
    jar = CookieJar()
    for each in parsed:
        jar.set_cookie(_make_cookie(each))
    return jar


def _make_cookie(cookie: jars.Cookie) -> Cookie:
    # What http.cookiejar calls a host without a dot: it looks cookies up by that.
    domain = cookie.domain if "." in cookie.domain else f"{cookie.domain}.local"
    return Cookie(
        version=0,
        name=cookie.name,
        value=cookie.value,
        port=None,
        port_specified=False,
        domain=domain if cookie.host_only else f".{domain}",
        domain_specified=not cookie.host_only,
        domain_initial_dot=not cookie.host_only,
        path=cookie.path,
        path_specified=True,
        secure=cookie.secure,
        expires=cookie.expires,
        discard=cookie.expires is None,
        comment=None,
        comment_url=None,
        rest={"HttpOnly": ""} if cookie.http_only else {},
    )
