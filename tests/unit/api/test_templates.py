"""Templates and grants as files: what they say, and every fault of one at once."""

import pytest

from sja_units.api.fill import Rule
from sja_units.api.grants import parse_grant
from sja_units.api.templates import get_path, parse_template
from sja_units.errors import ConfigError, UsageError

BOOKING = """
[template]
kind = "keepalive"
names = "booking-*"
[template.open]
title = {}
interval = { min = "5min", max = "1h" }
"device.0.host" = { pattern = "192.0.2.*" }
[job]
url = "https://sports.example.edu/api/user/current"
[[job.device]]
name = "x"
"""
WHERE = "/etc/sja-units/templates/booking.toml"
GRANT = """
group = "root"
templates = ["booking"]
verbs = ["see", "cookies-read"]
max_jobs = 500
creates_per_minute = 60
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse_template(text, WHERE)
    return [fault.key for fault in caught.value.faults]


def test_a_template_says_what_is_open() -> None:
    template = parse_template(BOOKING, WHERE)
    assert template.name == "booking"
    assert template.open == {
        "title": Rule(),
        "interval": Rule("5min", "1h"),
        "device.0.host": Rule(pattern="192.0.2.*"),
    }
    assert template.job["url"].endswith("/current")
    assert template.fits("keepalive", "booking-1")
    assert not template.fits("command", "booking-1")
    assert not template.fits("keepalive", "other-1")


def test_all_faults_of_a_template_are_told_at_once() -> None:
    text = """
[template]
kind = "keepalife"
extra = 1
[template.open]
interval = { min = "1h", max = "5min" }
timeout = { min = "soon", most = 1 }
"device.7.host" = {}
headers = {}
template = {}
[job]
template = "x"
headers = { Referer = "x" }
"""
    assert set(faults_of(text)) == {
        "template.kind",
        "template.extra",
        "template.open.interval",
        "template.open.timeout.min",
        "template.open.timeout.most",
        "template.open.device.7.host",
        "template.open.headers",
        "template.open.template",
        "job.template",
    }


@pytest.mark.parametrize(
    "text", ["", "[job]\nurl = 1", '[template]\nkind = "keepalive"', "job = 1"]
)
def test_what_is_missing_in_a_template_is_told(text: str) -> None:
    assert faults_of(text)


@pytest.mark.parametrize("name", ["", "..", "a/b", "../keepalive/x", "A", "x" * 24, "a.b", "a\0"])
def test_a_template_has_a_plain_name(name: str) -> None:
    with pytest.raises(UsageError):
        get_path(name)


def test_a_grant_says_who_may_do_what() -> None:
    grant = parse_grant(GRANT, "/etc/sja-units/grants.d/booking.toml")
    assert grant == (
        *("booking", None, 0, frozenset({"booking"}), frozenset({"see", "cookies-read"})),
        *(500, 60),
    )


def test_a_grant_for_somebody_who_is_not_there_is_nobodys() -> None:
    grant = parse_grant(GRANT.replace('"root"', '"no-such-group"'), "x.toml")
    assert (grant.uid, grant.gid) == (None, None)


def test_all_faults_of_a_grant_are_told_at_once() -> None:
    who = 'user = "root"\ngroup = "root"\n'
    text = who + 'templates = ["../x"]\nverbs = ["sea"]\nmax_jobs = -1\nx = 1'
    with pytest.raises(ConfigError) as caught:
        parse_grant(text, "x.toml")
    assert {f.key for f in caught.value.faults} == {"", "templates", "verbs", "max_jobs", "x"}


@pytest.mark.parametrize("key", ["templates", "verbs"])
def test_nothing_is_granted_by_leaving_it_out(key: str) -> None:
    lines = [line for line in GRANT.splitlines() if not line.startswith(key)]
    with pytest.raises(ConfigError):
        parse_grant("\n".join(lines), "x.toml")
