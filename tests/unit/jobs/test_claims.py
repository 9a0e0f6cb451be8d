"""Two jobs on one device, or on one login."""

import os

import pytest

from sja_units.config.job_file import parse
from sja_units.job import Job
from sja_units.jobs.claims import Claims, find_conflicts, make_claims
from sja_units.keepalive.cookie import Cookie, Jar
from sja_units.keepalive.jar import format_netscape, parse_jar

A, B, C = (Job("acquisition", name) for name in ("a", "b", "c"))
ALICE, BOB = Job("keepalive", "alice"), Job("keepalive", "bob")
SECRET = "0123456789abcdef"
URL = "https://sports.example.edu/api/me"


def reads(*places: tuple[str, int]) -> Claims:
    devices = "".join(
        f'[[device]]\nname = "d{i}"\nhost = "{host}"\nport = {port}\n'
        f'[[device.point]]\nname = "p{i}"\ntable = "coil"\naddress = 1\n'
        for i, (host, port) in enumerate(places)
    )
    return make_claims(parse("acquisition", f'[sink]\ntype = "local"\n{devices}', "x").settings)


def reads_tty(path: str) -> Claims:
    text = f'[sink]\ntype = "local"\n[[device]]\nname = "d"\ntransport = "rtu"\nport = "{path}"\n'
    text += '[[device.point]]\nname = "p"\ntable = "coil"\naddress = 1\n'
    return make_claims(parse("acquisition", text, "x").settings)


def keeps(jar: Jar, url: str = URL) -> Claims:
    settings = parse("keepalive", f'url = "{url}"', "x").settings
    return make_claims(settings, jar=format_netscape(jar).decode())


def header(text: str) -> Jar:
    return parse_jar(text, "sports.example.edu")


def test_one_endpoint_of_two_jobs() -> None:
    claims = {
        A: reads(("192.0.2.1", 502), ("plc.example.edu", 502)),
        B: reads(("PLC.example.edu", 502)),
        C: reads(("192.0.2.1", 503)),
    }
    (shared,) = find_conflicts(claims)
    assert shared.jobs == (A, B)
    for job, other in ((A, B), (B, A)):
        said = shared.describe(job)
        assert "plc.example.edu:502" in said
        assert str(other) in said
        assert str(job) not in said


def test_two_devices_of_one_job_may_share() -> None:
    assert find_conflicts({A: reads(("192.0.2.1", 502), ("192.0.2.1", 502))}) == []


def test_one_serial_port_by_two_names(monkeypatch: pytest.MonkeyPatch) -> None:
    links = {"/dev/serial/by-id/usb-1": "/dev/ttyUSB0"}
    monkeypatch.setattr(os.path, "realpath", lambda path: links.get(path, path))
    claims = {A: reads_tty("/dev/ttyUSB0"), B: reads_tty(*links), C: reads_tty("/dev/ttyUSB1")}
    (shared,) = find_conflicts(claims)
    assert shared.jobs == (A, B)
    assert "/dev/ttyUSB0" in shared.describe(A)


@pytest.mark.parametrize(
    ("mine", "url", "is_shared"),
    [
        (f"JSESSIONID={SECRET}", URL, True),
        (f"theme=light; JSESSIONID={SECRET}; more=1", URL, True),
        ("JSESSIONID=another-session", URL, False),
        (f"JSESSIONID={SECRET}", URL + "?user=2", True),
        (f"JSESSIONID={SECRET}", "https://sports.example.edu/pc/", True),
        (f"JSESSIONID={SECRET}", "https://other.example.edu/", False),
        ("theme=dark", URL, False),
        ("route=1f38a0b9c7d6e5f4; sid=another-session", URL, False),
    ],
)
def test_one_session_of_two_jobs(mine: str, url: str, is_shared: bool) -> None:
    claims = {
        ALICE: keeps(header(f"JSESSIONID={SECRET}; theme=dark; route=1f38a0b9c7d6e5f4")),
        BOB: keeps(header(mine), url),
    }
    found = find_conflicts(claims)
    assert bool(found) is is_shared
    for shared in found:
        assert shared.jobs == (ALICE, BOB)
        assert SECRET not in shared.describe(ALICE)
    assert SECRET not in str(claims)


def test_what_a_browser_keeps_for_years_is_no_session() -> None:
    host = "sports.example.edu"
    visitor = Cookie("_visitor", "12345.67890.12345", host, expires=4102444800)
    login = Cookie("sid", SECRET, host, expires=4102444800, http_only=True)
    assert find_conflicts({ALICE: keeps((visitor,)), BOB: keeps((visitor,))}) == []
    assert len(find_conflicts({ALICE: keeps((login,)), BOB: keeps((login,))})) == 1


def test_a_cookie_for_another_host_is_no_session_there() -> None:
    other = (Cookie("sid", SECRET, "example.org"),)
    assert find_conflicts({ALICE: keeps(other), BOB: keeps(other)}) == []
