"""Set-Cookie lines as sites write them, read as browsers read them: RFC 6265bis, 5.6 to 5.8."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive.cookie import Cookie
from sja_units.keepalive.cookie_policy import cookie_header, merge
from sja_units.url import parse_address

HOST = "www.example.edu"
NOW = 1_700_000_000
OLD = Cookie("old", "1", HOST)


def sent(*lines: str, first: str = "", then: str = "") -> str:
    """Return the Cookie header that goes to `then` after an answer of `first`."""
    page = parse_address(first or f"https://{HOST}/app/page?x=/y/z")
    other = parse_address(then) if then else page
    assert page is not None
    assert other is not None
    return cookie_header(merge((), page, lines, NOW).jar, other)


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("a=b", "a=b"),
        ("a=b;", "a=b"),
        ("a=b; c", "a=b"),
        ("a=b; ; ;=;,,", "a=b"),
        ("  a  =  b  ; x", "a=b"),
        ("\ta\t=\tb\t;\tPath\t=\t/\t", "a=b"),
        ("a=", "a="),
        ("a==b=", "a==b="),
        ("a b=c d", "a b=c d"),
        ('a="b c"', 'a="b c"'),
        ('a="b;c"', 'a="b'),
        ('"a=b"=c', '"a=b"=c'),
        ("a=b,c=d", "a=b,c=d"),
        ("$Version=1; a=b", "$Version=1"),
        ('a=b; Version=1; Port="80,8080"; Comment=x; Discard', "a=b"),
        ("a=\xe7\x99\xbb", "a=\xe7\x99\xbb"),
        ("\xa0a=b", "\xa0a=b"),
        ("%41=b", "%41=b"),
        ("a", ""),
        ("=a", ""),
        ("=", ""),
        ("", ""),
        (";a=b", ""),
        ("a;b=c", ""),
        ("a=b\0c", ""),
        ("a=b\rc", ""),
        ("a=b; Path=/\x01", ""),
        ("a=" + "b" * 4095, "a=" + "b" * 4095),
        ("a=" + "b" * 4096, ""),
    ],
)
def test_names_and_values(line: str, header: str) -> None:
    assert sent(line) == header


FUTURE, PAST = "Wed, 05 Oct 2050 08:04:19 GMT", "Wed, 05 Oct 2011 08:04:19 GMT"


@pytest.mark.parametrize(
    ("attributes", "expires"),
    [
        ("", None),
        (f"Expires={FUTURE}", 2548569859),
        (f"expires = {FUTURE} ", 2548569859),
        ("Expires=Sen, 05 Okt 2037 08:04:19 GMT", None),  # no month: no date, but a cookie
        ("Expires=Mon, 05-Oct-50 08:04:19 GMT", 2548569859),
        ("Expires=Wed Oct  5 08:04:19 2050", 2548569859),
        ("Expires=Wed Oct 05 2050 08:04:19 GMT+0800 (China Standard Time)", 2548569859),
        ("Expires=Wed, 05 Oct 2050 8:4:19", 2548569859),
        ("Expires=0", None),
        ("Expires=-1", None),
        ("Expires=Session", None),
        ("Expires", None),
        ("Max-Age=60", NOW + 60),
        ("max-age=60", NOW + 60),
        (f"Max-Age=60; Expires={PAST}", NOW + 60),
        (f"Expires={PAST}; Max-Age=60", NOW + 60),
        ("Max-Age=5; Max-Age=60", NOW + 60),
        (f"Expires={PAST}; Expires={FUTURE}", 2548569859),
        (f"Max-Age=60.0; Expires={FUTURE}", 2548569859),
        (f"Max-Age=+60; Expires={FUTURE}", 2548569859),
        ('Max-Age="60"', None),
        ("Max-Age=", None),
        ("Max-Age=one", None),
        ("Max-Age=" + "9" * 500, 253402300799),
        ("Max-Age=" + "9" * 2000, None),
    ],
)
def test_when_a_cookie_ends(attributes: str, expires: int | None) -> None:
    page = parse_address(f"https://{HOST}/")
    assert page is not None
    (cookie,) = merge((), page, [f"a=b; {attributes}"], NOW).jar
    assert (cookie.value, cookie.expires) == ("b", expires)


@pytest.mark.parametrize(
    "attributes",
    [
        "Max-Age=0",
        "Max-Age=-1",
        f"Max-Age=0; Expires={FUTURE}",
        f"Expires={PAST}",
        "Expires=Thu, 01-Jan-70 0:00:00 GMT",
        "Expires=Thu Jan 01 1970 00:00:00 GMT+0000",
        "Expires=Mon, 1 Jan 1601 00:00:00",
    ],
)
def test_a_deletion(attributes: str) -> None:
    assert sent("a=b", "c=d", f"a=x; {attributes}") == "c=d"
    assert sent(f"a=x; {attributes}", "a=b", "c=d") == "a=b; c=d"


@pytest.mark.parametrize(
    ("attributes", "goes_to"),
    [
        ("", ("/app/page", "/app/", "/app/x/y", "/app")),
        ("Path=/", ("/", "/x", "/app")),
        ("Path=/app", ("/app", "/app/x", "/app?x")),
        ("Path=/app/", ("/app/", "/app/x")),
        ("Path=/x; Path=/app", ("/app/x",)),
        ("Path=/x; Path=", ("/app/page",)),
        ("Path=/x; Path=app", ("/app/page",)),
        ("PATH = /", ("/",)),
        ('Path="/x"', ("/app/page",)),
        ("Path=/" + "x" * 1024, ("/app/page",)),
    ],
)
def test_paths_it_goes_to(attributes: str, goes_to: tuple[str, ...]) -> None:
    for path in goes_to:
        assert sent(f"a=b; {attributes}", then=f"https://{HOST}{path}") == "a=b"


@pytest.mark.parametrize(
    ("attributes", "path"),
    [
        ("", "/other"),
        ("", "/apple"),
        ("Path=/app/", "/app"),
        ("Path=/app", "/apple"),
        ("Path=/APP", "/app/page"),
        ("Path=/app; Path=/x", "/app/page"),
        ("Path=/app?", "/app"),
        ("Path=/%61pp", "/app/page"),
    ],
)
def test_paths_it_does_not_go_to(attributes: str, path: str) -> None:
    assert sent(f"a=b; {attributes}", then=f"https://{HOST}{path}") == ""


@pytest.mark.parametrize(
    ("attributes", "goes_to", "stays_from"),
    [
        ("", [HOST], ["example.edu", f"a.{HOST}"]),
        ("Domain=", [HOST], [f"a.{HOST}"]),
        ("Domain=www.example.edu", [HOST, f"a.{HOST}"], ["example.edu", "x.example.edu"]),
        ("Domain=.Example.EDU", [HOST, "example.edu", "x.example.edu"], ["badexample.edu"]),
        ("Domain=example.org; Domain=example.edu", [HOST], []),
        ("Domain=example.edu; Domain=example.org", [], [HOST]),
        ("Domain=example.edu; Domain=", [HOST, "x.example.edu"], []),
        ("Domain=..example.edu", [], [HOST]),
        ("Domain=example..edu", [], [HOST]),
        ("Domain=example.edu.", [], [HOST]),
        ('Domain="example.edu"', [], [HOST]),
        ("Domain=example.edu:443", [], [HOST]),
        ("Domain=edu", [], [HOST]),
        ("Domain=.edu", [], [HOST]),
        ("Domain=a.www.example.edu", [], [HOST, f"a.{HOST}"]),
    ],
)
def test_hosts(attributes: str, goes_to: list[str], stays_from: list[str]) -> None:
    for host in [*goes_to, *stays_from]:
        header = "a=b" if host in goes_to else ""
        assert sent(f"a=b; Path=/; {attributes}", then=f"https://{host}/") == header


def test_an_address_is_no_domain() -> None:
    assert sent("a=b; Domain=2.1", first="http://192.0.2.1/") == ""
    assert sent("a=b; Domain=192.0.2.1", first="http://192.0.2.1/") == "a=b"


def test_a_domain_in_another_script() -> None:
    domain = "bücher.example".encode().decode("latin-1")
    assert sent(f"a=b; Domain={domain}", first="https://www.xn--bcher-kva.example/") == "a=b"


@pytest.mark.parametrize("secure", ["Secure", "secure", "Secure=", "Secure=true", "SECURE = 0"])
def test_secure_is_secure_whatever_it_is_given(secure: str) -> None:
    line = f"a=b; Path=/; {secure}"
    assert sent(line) == "a=b"
    assert sent(line, then=f"http://{HOST}/") == ""
    assert sent(line, first=f"http://{HOST}/") == ""


@pytest.mark.parametrize("host", ["localhost", "app.localhost", "127.0.0.1", "127.1.2.3", "[::1]"])
def test_this_machine_is_secure(host: str) -> None:
    assert sent("a=b; Secure", first=f"http://{host}:8080/") == "a=b"


@pytest.mark.parametrize("host", ["localhost.example.edu", "128.0.0.1", "127.example.edu", "pc"])
def test_other_machines_are_not(host: str) -> None:
    assert sent("a=b; Secure", first=f"http://{host}:8080/") == ""


@pytest.mark.parametrize(
    "same_site", ["Lax", "strict", "NONE", "", "=", "=unknown", '="Lax"', "=Lax; SameSite=x"]
)
def test_same_site_costs_no_session(same_site: str) -> None:
    assert sent(f"a=b; SameSite{same_site}", f"c=d; SameSite={same_site}") == "a=b; c=d"


@pytest.mark.parametrize(
    ("line", "is_kept"),
    [
        ("__Secure-a=b; Secure", True),
        ("__Secure-a=b", False),
        ("__SECURE-a=b", False),
        ("__Host-a=b; Secure; Path=/", True),
        ("__host-a=b; Secure; Path=/", True),
        ("__Host-a=b; Secure", False),
        ("__Host-a=b; Path=/", False),
        ("__Host-a=b; Secure; Path=/; Domain=www.example.edu", False),
        ("__Host-a=b; Secure; Path=/app", False),
        ("__Hosta=b", True),
    ],
)
def test_prefixes_promise_something(line: str, is_kept: bool) -> None:
    assert bool(sent(line)) is is_kept


def test_a_cookie_in_clear_replaces_none_that_is_secure() -> None:
    page = parse_address(f"http://{HOST}/app")
    assert page is not None
    secure = Cookie("a", "1", "example.edu", secure=True, host_only=False)
    jar = (secure, OLD)
    for line in ("a=2; Path=/", "a=2; Path=/app", "a=; Max-Age=0; Path=/; Domain=example.edu"):
        assert merge(jar, page, [line], NOW) == (jar, 1)
    assert merge(jar, page, ["b=2; Path=/"], NOW).refused == 0
    # What lies beside its path does not stand before it.
    below = secure._replace(path="/other")
    assert merge((below,), page, ["a=2; Path=/app"], NOW).refused == 0


def test_longer_paths_go_first_and_older_cookies_before_younger() -> None:
    lines = ["a=1; Path=/", "b=2; Path=/app", "c=3; Path=/", "a=4; Path=/"]
    assert sent(*lines) == "b=2; a=4; c=3"


ODD = st.text(st.characters(max_codepoint=255)) | st.from_regex(
    r"[a-z]{0,3}=?[^;]*(; ?(Domain|Path|Expires|Max-Age|Secure|SameSite|HttpOnly|x)(=[^;]*)?)*"
)


@given(st.lists(ODD, max_size=4), st.data())
def test_whatever_lines_hold_the_others_mean_what_they_mean(
    odd: list[str], data: st.DataObject
) -> None:
    page = parse_address(f"https://{HOST}/")
    assert page is not None
    lines = data.draw(st.permutations([*odd, "SID=new; Path=/; HttpOnly", "gone=; Max-Age=0"]))
    names = {line.partition(";")[0].partition("=")[0].strip(" \t") for line in odd}
    jar = (OLD, Cookie("gone", "1", HOST))
    after = {c.name: c.value for c in merge(jar, page, lines, NOW).jar}
    for name, value in {"old": "1", "SID": "new", "gone": None}.items():
        assert name in names or after.get(name) == value


def test_the_order_of_cookies_does_not_matter() -> None:
    lines = ("a=1; Path=/", "b=2; Path=/", "c=3; Path=/; Expires=Sen, 05 Okt 2037")
    for order in permutations(lines):
        assert sorted(sent(*order).split("; ")) == ["a=1", "b=2", "c=3"]
