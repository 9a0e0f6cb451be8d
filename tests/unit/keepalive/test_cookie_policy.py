"""Which cookies are sent and kept: RFC 6265 with the site's answers as they come."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive.cookie import Cookie, Jar
from sja_units.keepalive.cookie_policy import cookie_header, find_expiry, merge, note_outlived
from sja_units.url import Address, parse_address
from tests.unit.keepalive.strategies import jars

HOST = "sports.example.edu"


def page_of(url: str) -> Address:
    address = parse_address(url)
    assert address is not None
    return address


URL = f"https://{HOST}:443/api/user"
PAGE = page_of(URL)
SID = Cookie("sid", "old", HOST)


def after(jar: Jar, *set_cookies: str, url: str = URL) -> dict[str, str]:
    merged = merge(jar, page_of(url), set_cookies).jar
    return {cookie.name: cookie.value for cookie in merged}


@pytest.mark.parametrize(
    ("cookie", "url", "is_sent"),
    [
        (SID, URL, True),
        (SID, f"http://{HOST}:80/", True),
        (SID, "https://example.edu/", False),
        (SID, f"https://www.{HOST}/", False),
        (SID, "https://example.org/", False),
        (SID._replace(domain="example.edu"), URL, False),
        (SID._replace(domain="example.edu", host_only=False), URL, True),
        (SID._replace(domain="example.edu", host_only=False), "https://badexample.edu/", False),
        (SID._replace(domain="edu", host_only=False), "https://192.0.2.1/", False),
        (SID._replace(secure=True), URL, True),
        (SID._replace(secure=True), f"http://{HOST}/", False),
        (SID._replace(path="/api"), URL, True),
        (SID._replace(path="/api/"), URL, True),
        (SID._replace(path="/ap"), URL, False),
        (SID._replace(path="/other"), URL, False),
        (SID._replace(expires=1), URL, True),
        (SID._replace(http_only=True), URL, True),
        (SID._replace(domain="pc"), "http://pc:80/", True),
        (SID._replace(domain="pc"), "http://other:80/", False),
        (SID._replace(domain="192.0.2.1"), "http://192.0.2.1:8080/x", True),
        (SID._replace(domain="[2001:db8::1]"), "http://[2001:db8::1]:80/", True),
    ],
)
def test_what_is_sent_where(cookie: Cookie, url: str, is_sent: bool) -> None:
    assert cookie_header((cookie,), page_of(url)) == ("sid=old" if is_sent else "")


@pytest.mark.slow
@given(jars)
def test_the_header_is_always_one_that_can_be_sent(jar: Jar) -> None:
    header = cookie_header(jar, page_of("https://www.example.edu:443/"))
    assert not set(header) & set("\r\n\0")
    header.encode("latin-1")


@pytest.mark.slow
@given(jars, st.lists(st.text() | st.from_regex(r"[a-z]{1,3}=[^;]*(; [A-Za-z-]+(=[^;]*)?)*")))
def test_no_answer_empties_or_breaks_a_jar(jar: Jar, set_cookies: list[str]) -> None:
    merged = merge(jar, page_of("https://www.example.edu:443/"), tuple(set_cookies)).jar
    assert merged or not jar


def test_a_newer_value_wins_whatever_the_date() -> None:
    assert after((SID._replace(expires=1),), "sid=new; Path=/") == {"sid": "new"}
    assert after((SID,), "sid=new; Path=/; Max-Age=60") == {"sid": "new"}
    far = "Fri, 31 Dec 9999 23:59:59 GMT"
    assert after((SID,), f"sid=new; Path=/; Expires={far}") == {"sid": "new"}
    assert after((SID,), "sid=new; Path=/; Expires=one day") == {"sid": "new"}


def test_what_a_site_says_is_kept() -> None:
    line = "a=b=c; Path=/api; Domain=example.edu; Max-Age=1000; Secure; httponly; samesite=strict"
    (cookie,) = merge((), PAGE, (line,)).jar
    assert cookie.expires is not None
    assert abs(cookie.expires - time.time() - 1000) < 60
    assert cookie == Cookie(
        *("a", "b=c", "example.edu", "/api", cookie.expires, True, True, False, "Strict"),
        refreshed=True,
    )


@pytest.mark.parametrize("host", ["pc", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("domain", ["", "; Domain={}", "; domain=.{}"])
def test_hosts_without_a_domain_keep_their_sessions(host: str, domain: str) -> None:
    page = page_of(f"http://{host}:8080/api/user")
    jar = merge((), page, (f"sid=1; Path=/{domain.format(host)}",)).jar
    assert [cookie.domain for cookie in jar] == [host]
    assert cookie_header(jar, page) == "sid=1"
    assert cookie_header(merge(jar, page, ("sid=2; Path=/",)).jar, page).endswith("sid=2")
    assert not merge((), page, ("sid=1; Domain=example.edu",)).jar


@pytest.mark.parametrize(
    "line",
    [
        "x=1; Domain=edu",
        "x=1; Domain=.edu",
        "x=1; Domain=other.example.edu",
        "x=1; Domain=example.org",
        "x=1; Domain=bad-example.edu",
        "=1",
        "nonsense",
        "",
        "x=1\n; Path=/",
        "x=1\t2",
        "x=\x7f",
        "x=" + "y" * 20_000,
    ],
)
def test_what_no_jar_takes(line: str) -> None:
    assert after((SID,), line) == {"sid": "old"}


def test_a_suffix_of_a_country_is_refused() -> None:
    assert after((SID,), "x=1; Domain=.edu.cn", url="https://www.example.edu.cn/") == {"sid": "old"}


@pytest.mark.parametrize(
    "end", ["Max-Age=0", "Max-Age=-1", "Expires=Thu, 01 Jan 1970 00:00:00 GMT"]
)
def test_a_deletion_counts_but_never_empties_the_jar(end: str) -> None:
    other = Cookie("other", "1", HOST)
    assert after((SID, other), f"sid=; Path=/; {end}") == {"other": "1"}
    assert after((SID,), f"sid=; Path=/; {end}") == {"sid": "old"}


def test_a_deletion_beside_a_new_value_counts_for_its_cookie_alone() -> None:
    names = ("flash", "csrf", "sid", "lang", "seen")
    for order in itertools.permutations(names):
        jar = tuple(Cookie(name, "old", HOST) for name in order)
        merged = after(jar, "flash=; Path=/; Max-Age=0", "sid=new; Path=/", "more=1; Path=/")
        assert merged == {"csrf": "old", "sid": "new", "lang": "old", "seen": "old", "more": "1"}


@pytest.mark.parametrize(
    "attribute",
    [
        *("Domain=", "Domain", "domain = .", "Path=pc", "Path", "Path=", "Expires=", "Expires"),
        *("Max-Age=", "Max-Age", "Max-Age=3600.0", 'Max-Age="3600"', "Max-Age=one; Domain="),
    ],
)
def test_an_attribute_that_says_nothing_costs_no_cookie(attribute: str) -> None:
    page = "https://sports.example.edu/"
    for line in (f"sid=new; Path=/; {attribute}; Secure", f"sid=new; {attribute}"):
        merged = merge((SID,), page_of(page), (line,))
        assert merged.refused == 0
        assert [cookie.value for cookie in merged.jar] == ["new"]
        assert merged.jar[0].path == "/"


@pytest.mark.parametrize("year", ["70", "99", "1970", "1999", "1601"])
def test_a_date_that_has_passed_deletes_however_its_year_is_written(year: str) -> None:
    for date in (f"Thu, 01-Jan-{year} 00:00:01 GMT", f"Thu, 01 Jan {year} 00:00:00 GMT"):
        other = Cookie("other", "1", HOST)
        assert after((SID, other), f"sid=deleted; Path=/; Expires={date}") == {"other": "1"}


def test_a_year_of_two_digits_may_be_to_come() -> None:
    (cookie,) = merge((), PAGE, ("sid=1; Path=/; Expires=Wed, 01-Jan-69 00:00:00 GMT",)).jar
    assert cookie.expires == 3124224000


def test_an_end_beyond_all_calendars_is_the_last_of_them() -> None:
    (cookie,) = merge((), PAGE, (f"sid=1; Path=/; Max-Age={2**63 - 1}",)).jar
    assert cookie.expires == 253402300799


def test_a_deletion_reaches_no_other_domain() -> None:
    other = Cookie("sid", "1", "example.org", host_only=False)
    merged = merge((SID, other), PAGE, ("sid=; Path=/; Domain=example.org; Max-Age=0",)).jar
    assert other in merged


def test_one_name_on_two_paths_stays_two_cookies() -> None:
    merged = merge((SID,), PAGE, ("sid=new; Path=/api",)).jar
    assert cookie_header(merged, PAGE) == "sid=new; sid=old"


def test_a_cookie_of_a_bare_header_gives_way_to_the_one_of_the_site() -> None:
    guess = SID._replace(assumed=True)
    merged = merge((guess,), PAGE, ("sid=new; Path=/api; Domain=example.edu",)).jar
    assert cookie_header(merged, PAGE) == "sid=new"


def test_too_many_newcomers_cost_no_session() -> None:
    lines = tuple(f"c{n}=1" for n in range(6000))
    merged = merge((SID,), PAGE, (*lines, "sid=new; Path=/"))
    assert "sid=new" in cookie_header(merged.jar, PAGE).split("; ")
    assert len(cookie_header(merged.jar, PAGE)) < 8192  # what servers take
    assert merged.refused > 5000


def test_the_first_end_of_the_session() -> None:
    now = int(time.time())
    ours = SID._replace(refreshed=True)
    jar = (
        ours._replace(name="a", expires=now + 500),
        ours._replace(name="b", expires=now + 400),
        ours._replace(name="past", expires=5),
        ours._replace(name="elsewhere", domain="example.org", expires=now + 100),
        SID._replace(name="_gat", expires=now + 40),  # a script of the page makes it
        ours._replace(name="seen", expires=now + 30, outlived=True),
        SID,
    )
    assert find_expiry(jar, PAGE) == now + 400
    assert find_expiry(jar, PAGE, ["_gat"]) == now + 40
    assert find_expiry((SID,), PAGE) is None


def test_a_session_that_lives_on_needs_no_cookie_that_had_ended() -> None:
    now = int(time.time())
    short, long = "seen=1; Path=/; Max-Age=40", "sid=1; Path=/; Max-Age=900"
    jar = merge((), PAGE, (short, long), now).jar
    assert find_expiry(jar, PAGE) == now + 40
    later = note_outlived(merge(jar, PAGE, (short, long), now + 60).jar, jar, PAGE, now + 60)
    assert find_expiry(later, PAGE) == now + 960
    again = merge(later, PAGE, (short,), now + 100).jar
    assert find_expiry(again, PAGE) == now + 960
