import json
from http.cookiejar import MozillaCookieJar
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.keepalive.cookie import Cookie, Jar, JarError, check_cookie, dump, load
from sja_units.keepalive.jar import (
    decode_jar,
    format_json,
    format_netscape,
    keep_for_host,
    parse_jar,
)
from tests.unit.keepalive.strategies import jars, utf8_jars

HOST = "sports.example.edu"


def without(jar: Jar, **fields: Any) -> set[Cookie]:
    """Return the cookies without what a format cannot say."""
    return {cookie._replace(**fields) for cookie in jar}


# What only the job itself knows of a cookie.
OURS = {"assumed": False, "refreshed": False, "outlived": False}


@given(jars)
def test_own_file_round_trip(jar: Jar) -> None:
    assert load(dump(jar)) == jar


@given(jars.filter(bool))
def test_netscape_round_trip(jar: Jar) -> None:
    text = decode_jar(format_netscape(jar))
    assert without(parse_jar(text, HOST), same_site="", **OURS) == without(
        jar, same_site="", **OURS
    )


def test_a_value_of_the_last_line_keeps_its_space() -> None:
    line = "example.edu\tFALSE\t/\tFALSE\t0\tSID\t \n"
    (cookie,) = parse_jar(line, HOST)
    assert cookie.value == " "


@given(utf8_jars.filter(bool))
def test_storage_state_round_trip(jar: Jar) -> None:
    again = parse_jar(format_json(jar), HOST)
    assert without(again, same_site="", **OURS) == without(jar, same_site="", **OURS)


@given(jars)
def test_no_cookie_forges_a_line_or_a_field(jar: Jar) -> None:
    lines = format_netscape(jar).split(b"\n")[2:-1]
    assert len(lines) == len(jar)
    assert all(line.count(b"\t") == 6 for line in lines)


@pytest.mark.parametrize("value", ["v\n.bank.example\tTRUE\t/\tFALSE\t0\tforged\t1", "a\tb", "a;b"])
@pytest.mark.parametrize("field", ["name", "value", "path", "domain"])
def test_a_jar_refuses_what_could_forge(value: str, field: str) -> None:
    row = {"name": "a", "value": "b", "domain": "example.edu", "path": "/"}
    row[field] = ("/" if field == "path" else "") + value
    with pytest.raises(JarError) as fault:
        parse_jar(json.dumps([row]), HOST)
    assert "\n" not in str(fault.value)
    with pytest.raises(JarError):
        check_cookie(Cookie(row["name"], row["value"], row["domain"], row["path"]))


def test_another_reader_understands_our_cookies_txt(tmp_path: Path) -> None:
    jar = parse_jar("Cookie: a=1; b=2=3", HOST)
    path = tmp_path / "cookies.txt"
    path.write_bytes(format_netscape(jar))
    reader = MozillaCookieJar(str(path))
    reader.load(ignore_discard=True, ignore_expires=True)
    assert {(c.name, c.value, c.domain) for c in reader} == {("a", "1", HOST), ("b", "2=3", HOST)}


NETSCAPE = f"""# Netscape HTTP Cookie File
# a comment

.example.edu\tTRUE\t/\tTRUE\t1893456000\tsid\tabc
#HttpOnly_{HOST}\tFALSE\t/api\tFALSE\t0\ttoken\tx=y\r
{HOST}\tFALSE\t/\tFALSE\t0\tempty
.example.edu\tFALSE\t/\tFALSE\t\tdotted\tz
"""


def test_netscape() -> None:
    assert parse_jar(NETSCAPE, HOST) == (
        Cookie("sid", "abc", "example.edu", "/", 1893456000, True, False, False),
        Cookie("token", "x=y", HOST, "/api", None, False, True, True),
        Cookie("empty", "", HOST),
        Cookie("dotted", "z", "example.edu", host_only=False),
    )


def test_of_two_of_one_name_in_a_header_the_first_is_the_pages_own() -> None:
    jar = parse_jar("sid=of-the-page; t=1; sid=of-the-root", HOST)
    assert [(cookie.name, cookie.value) for cookie in jar] == [("sid", "of-the-page"), ("t", "1")]


@pytest.mark.parametrize(
    "text", ["Cookie: sid=abc; t=1", "cookie:sid=abc;t=1;", "sid=abc; t=1\n", "\ufeffsid=abc; t=1"]
)
def test_header(text: str) -> None:
    jar = parse_jar(text, "Sports.example.edu")
    assert [(c.name, c.value) for c in jar] == [("sid", "abc"), ("t", "1")]
    assert all((c.domain, c.path, c.host_only, c.assumed) == (HOST, "/", True, True) for c in jar)


STORAGE_STATE = {
    "cookies": [
        {
            "name": "sid",
            "value": "abc",
            "domain": ".example.edu",
            "path": "/",
            "expires": 1893456000.5,
            "httpOnly": True,
            "secure": True,
            "sameSite": "None",
        },
        {"name": "t", "value": "", "domain": HOST, "path": "/x", "expires": -1},
    ],
    "origins": [],
}
EXTENSION = [
    {
        "domain": ".example.edu",
        "expirationDate": 1893456000.123,
        "hostOnly": False,
        "httpOnly": True,
        "name": "sid",
        "path": "/",
        "sameSite": "no_restriction",
        "secure": True,
        "session": False,
        "storeId": "0",
        "value": "abc",
        "id": 1,
    },
    {
        "domain": HOST,
        "hostOnly": True,
        "httpOnly": False,
        "name": "t",
        "path": "/x",
        "sameSite": None,
        "secure": False,
        "session": True,
        "value": "",
    },
]


@pytest.mark.parametrize("document", [STORAGE_STATE, EXTENSION, {"url": "x", "cookies": EXTENSION}])
def test_browsers_json(document: object) -> None:
    assert parse_jar(json.dumps(document), HOST) == (
        Cookie("sid", "abc", "example.edu", "/", 1893456000, True, True, False, "None"),
        Cookie("t", "", HOST, "/x"),
    )


def test_text_of_other_scripts_goes_out_as_a_browser_would_send_it() -> None:
    jar = parse_jar("name=预订", HOST)
    assert jar[0].value.encode("latin-1").decode("utf-8") == "预订"
    assert "预订".encode() in format_netscape(jar)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# Netscape HTTP Cookie File\n", "no cookie"),
        ("a b c", "NAME=VALUE"),
        ("a=1\nb=2", "neither"),
        ("example.edu\tTRUE\t/", "line 1"),
        (NETSCAPE + f"{HOST}\tFALSE\t/\tFALSE\tnever\tx\ty", "line 8"),
        ("{", "JSON"),
        ("[]", "no cookie"),
        ("{}", "no list"),
        ('["a=b"]', "cookie 1"),
        ('[{"name": "a", "value": 1, "domain": "x"}]', "value"),
        ('[{"name": "a", "value": "b"}]', "domain"),
        ('[{"name": "", "value": "b", "domain": "x"}]', "name"),
        ('[{"name": "a", "value": "b", "domain": "x y"}]', "host"),
        ('{"cookies": [], "origins": [{"origin": "x", "localStorage": []}]}', "local storage"),
        ("[" * 100_000, "JSON"),
        ("a=" + "x" * 20_000, "longer"),
        ("a=1;" * 300_000, "longer"),
        (";".join(f"a{n}=1" for n in range(5001)), "5000"),
    ],
)
def test_what_is_no_jar_is_told_in_one_line_without_values(text: str, words: str) -> None:
    with pytest.raises(JarError, match=words) as fault:
        parse_jar(text, HOST)
    assert len(str(fault.value)) < 200
    assert "\n" not in str(fault.value)


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "replace")))
def test_any_text_is_a_jar_or_a_fault(text: str) -> None:
    try:
        assert parse_jar(text, HOST)
    except JarError:
        return


@given(jars.filter(bool), st.data())
def test_a_torn_file_is_never_taken_for_a_jar(jar: Jar, data: st.DataObject) -> None:
    whole = dump(jar)
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(JarError):
        load(torn)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2, "cookies": []},
        {"version": 1},
        {"version": 1, "cookies": [{"name": "a"}]},
        {"version": 1, "cookies": [{"name": "a", "value": "b", "domain": "x", "more": 1}]},
        {"version": 1, "cookies": [{"name": "a", "value": 1, "domain": "x"}]},
        {"version": 1, "cookies": [{"name": "a", "value": "b", "domain": "x", "secure": 1}]},
        {"version": 1, "cookies": [{"name": "a", "value": "b\n", "domain": "x"}]},
        [],
    ],
)
def test_a_file_of_another_shape_is_no_jar(document: object) -> None:
    with pytest.raises(JarError):
        load(json.dumps(document).encode())


CURL_BASH = """curl 'https://sports.example.edu/api/user/current' \\
  -H 'accept: */*' \\
  -H 'cookie: lang=zh' \\
  -b 'sid=ab"c; t=it'\\''s' \\
  -H $'referer: https://x/\\'y' \\
  --compressed"""
CURL_ANSI = r"curl 'https://x/' -b $'sid=ab\u0021c; t=it\'s'"
CURL_CMD = """curl ^"https://sports.example.edu/api^" ^
  -H ^"accept: */*^" ^
  -b ^"sid=ab^%^20c; t=a^\\^"b^" ^
  -H ^"priority: u=1, i^" """
REQUEST = """GET /api/user/current HTTP/1.1
Host: sports.example.edu
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)
Cookie: sid=abc; t=1
Accept: */*
"""
REQUEST_2 = """:authority:
sports.example.edu
:method:
GET
accept:
*/*
cookie:
sid=abc; t=1
user-agent:
Mozilla/5.0
"""
TABLE = (
    f"sid\tabc\t.example.edu\t/\t2030-01-01T00:00:00.000Z\t6\t✓\t✓\tLax\t\tMedium\n"
    f"t\t1\t{HOST}\t/x\tSession\t2\t\t\t\t\tMedium\n"
)
FIREFOX = (
    "Name\tValue\tDomain\tPath\tExpires / Max-Age\tSize\tHttpOnly\tSecure\tSameSite\n"
    f"sid\tabc\t.example.edu\t/\tTue, 01 Jan 2030 00:00:00 GMT\t6\ttrue\ttrue\tLax\n"
    f"t\t1\t{HOST}\t/x\tSession\t2\tfalse\tfalse\tNone\n"
)
QUICK_MANAGER = [
    {
        "Host raw": "https://.example.edu/",
        "Name raw": "sid",
        "Path raw": "/",
        "Content raw": "abc",
        "Expires": "01-01-2030 00:00:00",
        "Expires raw": "1893456000",
        "Send for": "Encrypted connections only",
        "Send for raw": "true",
        "HTTP only raw": "true",
        "SameSite raw": "lax",
        "This domain only": "Valid for subdomains",
        "This domain only raw": "false",
    }
]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (CURL_BASH, {"lang": "zh", "sid": 'ab"c', "t": "it's"}),
        (CURL_ANSI, {"sid": "ab!c", "t": "it's"}),
        (CURL_CMD, {"sid": "ab%20c", "t": 'a"b'}),
        ("curl.exe -bsid=abc https://x/", {"sid": "abc"}),
        ('curl --header "Cookie: sid=abc" https://x/', {"sid": "abc"}),
        (REQUEST, {"sid": "abc", "t": "1"}),
        (REQUEST.replace("\n", "\r\n"), {"sid": "abc", "t": "1"}),
        (REQUEST_2, {"sid": "abc", "t": "1"}),
        ("cookie: sid=abc\ncookie: t=1", {"sid": "abc", "t": "1"}),
        ('{"SID": "abc", "t": "1"}', {"SID": "abc", "t": "1"}),
        ('{"cookies": {"SID": "abc"}}', {"SID": "abc"}),
        ("'sid=abc; t=1'", {"sid": "abc", "t": "1"}),
        ('"sid=abc; t=1"', {"sid": "abc", "t": "1"}),
    ],
)
def test_what_developer_tools_copy_is_the_hosts(text: str, values: dict[str, str]) -> None:
    jar = parse_jar(text, HOST)
    assert {cookie.name: cookie.value for cookie in jar} == values
    assert all((cookie.domain, cookie.assumed) == (HOST, True) for cookie in jar)


@pytest.mark.parametrize("text", [TABLE, FIREFOX])
def test_tables_of_developer_tools(text: str) -> None:
    first, second = parse_jar(text, HOST)
    assert first == Cookie("sid", "abc", "example.edu", "/", 1893456000, True, True, False, "Lax")
    assert second._replace(same_site="") == Cookie("t", "1", HOST, "/x")


def test_other_exports_in_json() -> None:
    selenium = [{"name": "sid", "value": "abc", "domain": HOST, "path": "/", "expiry": 1893456000}]
    assert parse_jar(json.dumps(selenium), HOST)[0].expires == 1893456000
    (cookie,) = parse_jar(json.dumps(QUICK_MANAGER), HOST)
    assert cookie == Cookie("sid", "abc", "example.edu", "/", 1893456000, True, True, False, "Lax")
    for expires in (1893456000123, "2030-01-01T00:00:00Z", "Tue, 01 Jan 2030 00:00:00 GMT"):
        row = selenium[0] | {"expires": expires}
        assert parse_jar(json.dumps([row]), HOST)[0].expires == 1893456000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_what_windows_writes(encoding: str) -> None:
    for text in ("sid=abc", json.dumps(EXTENSION), NETSCAPE):
        assert parse_jar(decode_jar(text.encode(encoding)), HOST) == parse_jar(text, HOST)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<html><body>a=b</body></html>", "HTML"),
        ("<a href=x>", "HTML"),
        ("Set-Cookie: sid=abc; Path=/", "set-cookie"),
        ("set-cookie:sid=abc", "NAME=VALUE"),
        ("Authorization: Bearer abc=", "authorization"),
        ("Host: example.edu\nAccept: */*", "host, accept"),
        (NETSCAPE.replace("\t", "    "), "blanks"),
        (NETSCAPE.partition("\n\n")[2].replace("\t", " "), "blanks"),
        ("curl 'https://x/' -H 'accept: */*'", "without cookies"),
        ("curl https://x/ -b cookies.txt", "file"),
        ('Invoke-WebRequest -Uri "https://x/"', "PowerShell"),
        ('fetch("https://x/", {})', "fetch"),
        ('{"log": {"entries": []}}', "HAR"),
        ('{"error": "x"}', "no list"),
        ('{"SID": 1}', "no list"),
        ("if a == b: return", "NAME=VALUE"),
        ("hello world = 1", "NAME=VALUE"),
        ("SQLite format 3", "database"),
    ],
)
def test_what_else_people_paste_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(JarError, match=words):
        parse_jar(text, HOST)


ODD = [
    {"name": "", "value": "x"},
    {"name": "a\tb", "value": "x"},
    {"name": "a", "value": "b;c"},
    {"name": "a", "value": "b", "domain": "bücher.example"},
    {"name": "a", "value": "b", "domain": "x y"},
    {"name": "a", "value": "x" * 17_000},
    {"name": "a", "value": "b", "path": "x"},
]


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_cookie_of_another_site_costs_no_export(odd: dict[str, str]) -> None:
    rows = [{"domain": "other.example", "path": "/"} | odd, *EXTENSION]
    kept = keep_for_host(parse_jar(json.dumps(rows), HOST), HOST)
    assert [cookie.name for cookie in kept] == ["sid", "t"]


def test_of_a_browsers_export_the_hosts_cookies_are_kept() -> None:
    others = [{"name": f"c{n}", "value": "x" * 300, "domain": "x.example"} for n in range(6000)]
    jar = parse_jar(json.dumps([*others, *EXTENSION]), HOST)
    assert [cookie.name for cookie in keep_for_host(jar, HOST)] == ["sid", "t"]
    assert len(keep_for_host(parse_jar(json.dumps(others[:3]), HOST), HOST)) == 3


@pytest.mark.parametrize(
    ("domain", "host"),
    [("example.edu:8080", "example.edu"), ("::1", "[::1]"), ("[::1]", "[::1]")],
)
def test_hosts_as_wget_and_curl_write_them(domain: str, host: str) -> None:
    assert parse_jar(f"{domain}\tFALSE\t/\tFALSE\t0\tsid\tabc", host)[0].domain == host


def test_an_ipv6_host_as_curl_reads_it() -> None:
    assert b"\n::1\tFALSE\t" in format_netscape((Cookie("sid", "abc", "[::1]"),))
