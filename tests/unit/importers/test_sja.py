"""What becomes of the older booking system's files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.config.job_file import parse
from sja_units.errors import ConfigError
from sja_units.importers import sja
from sja_units.importers.takeover import Takeover
from sja_units.importers.takeover import derive_name as derive
from sja_units.job import NAME
from sja_units.url import parse_address
from tests.unit.settings import parse_keepalive

URL = "https://sports.example.edu/api/user/current"
KEEP_ALIVE = {"job_type": "keep_alive", "name": "保活", "status": "running"}


def take_over(jobs: dict[str, Any], credentials: dict[str, Any]) -> Takeover:
    page = parse_address(URL)
    assert page
    old = sja.read_jobs(json.dumps(jobs), "jobs.json")
    accounts = sja.read_accounts(json.dumps(credentials), "credentials.json")
    return sja.plan(old, accounts, page)


def account(cookie: object = "JSESSIONID=made-up-1", **more: object) -> dict[str, object]:
    return {"cookie": cookie, "expires_at": "2020-01-01T00:00:00+00:00", **more}


def test_each_account_becomes_a_job() -> None:
    jobs = {"7": KEEP_ALIVE | {"config": {"interval_seconds": 900}}}
    accounts = {
        "alice": account(nickname="小爱", username="alice"),
        "Zhang San@example.edu": account("JSESSIONID=made-up-2; theme=dark"),
    }
    done = take_over(jobs, {"version": 2, "active_user": "alice", "cookies": accounts})
    assert done.left == ()
    alice, zhang = done.imports
    assert (str(alice.job), alice.title, alice.wanted) == ("keepalive/alice", "小爱", True)
    assert zhang.title == "Zhang San@example.edu"
    assert zhang.job.name.startswith("zhang-san-exam")
    assert zhang.jar == "JSESSIONID=made-up-2; theme=dark"
    file = parse("keepalive", alice.text, "x")
    settings = parse_keepalive(alice.text)
    assert (file.title, settings.interval) == ("小爱", 900)
    assert settings.address.url == URL
    headers = dict(settings.headers)
    assert headers["Referer"] == "https://sports.example.edu/pc/"
    assert {*headers} == {"User-Agent", "Accept", "Referer"}
    assert "made-up" not in alice.text


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("running", True),
        ("failed", True),
        ("pending", False),
        ("stopped", False),
        ("completed", False),
    ],
)
def test_what_ran_or_had_failed_is_wanted(status: str, wanted: bool) -> None:
    done = take_over({"1": KEEP_ALIVE | {"status": status}}, {"cookies": {"alice": account()}})
    assert [plan.wanted for plan in done.imports] == [wanted]


def test_other_types_are_named() -> None:
    others = {"2": {"job_type": "auto_booking", "name": "抢场"}, "3": {"job_type": "monitor"}}
    done = take_over(others | {"1": KEEP_ALIVE}, {"cookies": {"alice": account()}})
    assert len(done.imports) == 1
    assert [("抢场" in line, "auto_booking" in line) for line in done.left] == [
        (True, True),
        (False, False),
    ]
    done = take_over(others, {"cookies": {"alice": account()}})
    assert (len(done.imports), len(done.left)) == (0, 3)


def test_of_several_the_most_frequent_that_ran_counts() -> None:
    jobs = {
        str(n): KEEP_ALIVE | {"status": status, "config": {"interval_seconds": seconds}}
        for n, (status, seconds) in enumerate(
            [("stopped", 60), ("failed", 630), ("running", 1200)], start=1
        )
    }
    done = take_over(jobs, {"cookies": {"alice": account()}})
    (plan,) = done.imports
    assert plan.wanted
    assert parse_keepalive(plan.text).interval == 630
    assert len(done.left) == 2


def test_the_older_form_of_the_credentials() -> None:
    done = take_over({"1": KEEP_ALIVE}, account())
    (plan,) = done.imports
    assert plan.jar == "JSESSIONID=made-up-1"
    assert NAME.fullmatch(plan.job.name)


@pytest.mark.parametrize(
    "cookie", ["", "  ", None, 7, "made-up-secret", "a=made-up\nb=c", "a\x00=1"]
)
def test_an_account_without_cookies_is_named_and_its_secret_is_not(cookie: object) -> None:
    accounts = {"alice": account(cookie), "bob": account()}
    done = take_over({"1": KEEP_ALIVE}, {"cookies": accounts})
    assert [plan.job.name for plan in done.imports] == ["bob"]
    (line,) = done.left
    assert "alice" in line
    assert "made-up" not in line


def test_one_session_becomes_one_job() -> None:
    accounts = {"__default__": account(), "alice": account(), "bob": "nonsense"}
    done = take_over({"1": KEEP_ALIVE}, {"cookies": accounts})
    assert [plan.job.name for plan in done.imports] == ["alice"]
    assert len(done.left) == 2


@given(st.lists(st.text() | st.from_regex(NAME, fullmatch=True), unique=True))
def test_names_are_valid_and_unlike(keys: list[str]) -> None:
    names = [derive(key, "account") for key in keys]
    assert all(NAME.fullmatch(name) for name in names)
    assert len(set(names)) == len(keys)
    assert names == [derive(key, "account") for key in keys]


def test_a_name_that_looks_derived_is_not_taken_from_the_key() -> None:
    derived = derive("Alice", "account")
    assert derive(derived, "account") != derived


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "[" * 100_000,
        '{"1": 7}',
        '{"1": {}}',
        '{"1": {"job_type": "keep_alive", "config": {"interval_seconds": 0}}}',
        '{"1": {"job_type": "keep_alive", "config": {"interval_seconds": "900"}}}',
        '{"1": {"job_type": "keep_alive", "config": {"interval_seconds": true}}}',
        '{"1": {"job_type": "keep_alive", "config": {"interval_seconds": 1e999}}}',
        '{"1": {"job_type": "keep_alive", "config": {"interval_seconds": ' + "9" * 5000 + "}}}",
    ],
)
def test_wrong_jobs_are_told(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sja.read_jobs(text, "jobs.json")
    assert len(caught.value.faults) == 1
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("text", ['{"cookie": "made-up-secret', '{"cookies": []}', "{}", "[1]"])
def test_wrong_credentials_are_told_without_their_secrets(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        sja.read_accounts(text, "credentials.json")
    assert "made-up" not in str(caught.value)


_KEYS = st.text() | st.sampled_from(
    ["cookies", "cookie", "nickname", "username", "job_type", "config", "name", "status"]
)
_JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(st.dictionaries(_KEYS, _JSON), st.dictionaries(_KEYS, _JSON))
def test_whatever_the_files_hold_it_is_planned_or_refused(
    jobs: dict[str, Any], credentials: dict[str, Any]
) -> None:
    try:
        done = take_over(jobs | {"1": KEEP_ALIVE}, credentials)
    except ConfigError:
        return
    for plan in done.imports:
        parse("keepalive", plan.text, "x")
        (plan.text + plan.jar).encode()
    for line in done.left:
        line.encode("utf-8", "surrogateescape")
