"""Strangers fill open keys, and nothing else of a template changes."""

import math
import tomllib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.api.fill import Rule, fill
from sja_units.toml.format import format_toml

JOB: dict[str, Any] = {
    "url": "https://sports.example.edu/api/user/current",
    "command": ["/bin/true"],
    "device": [{"name": "press1", "host": "192.0.2.1", "point": [{"name": "t", "address": 1}]}],
    "service": {"MemoryMax": "64M"},
}
RULES = {
    "title": Rule(),
    "interval": Rule(min="5min", max="1h"),
    "device.0.host": Rule(pattern="192.0.2.*"),
    "device.0.port": Rule(min=1, max=65535),
    "spool.max_bytes": Rule(max="256MiB"),
    "alive.status": Rule(),
}
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
KEYS = st.sampled_from([*RULES, *JOB, "device", "device.0", "device.0.point.0.address", "template"])
LONE = st.text(st.characters(categories=["Cs", "Cc", "L"]), min_size=1)


def fill_one(key: str, value: object) -> tuple[dict[str, Any], list[str]]:
    filled, faults = fill(JOB, RULES, {key: value})
    return filled, [f"{fault.place}: {fault.message}" for fault in faults]


@pytest.mark.slow
@given(st.dictionaries(KEYS | st.text(), JSON | LONE))
def test_whatever_is_sent_only_open_keys_change(values: dict[str, Any]) -> None:
    before = deepcopy(JOB)
    filled, faults = fill(JOB, RULES, values)
    assert before == JOB
    assert {fault.place[0] for fault in faults} >= values.keys() - RULES.keys()
    for key in RULES:
        *path, last = key.split(".")
        place: Any = filled
        for part in path:
            place = place[int(part)] if isinstance(place, list) else place.get(part, {})
        place.pop(last, None)
    filled = {key: value for key, value in filled.items() if value != {}}
    expected = deepcopy(JOB)
    del expected["device"][0]["host"]
    assert filled == expected


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(list(RULES)), JSON | LONE))
def test_what_passes_reads_back_as_it_was_given(values: dict[str, Any]) -> None:
    filled, faults = fill(JOB, RULES, values)
    if not faults:
        assert tomllib.loads(format_toml(filled)) == filled


@pytest.mark.parametrize(
    "value",
    [
        *(None, math.nan, math.inf, -math.inf, 2**64, 2**63, -(2**63) - 1, {}, {"x": 1}, [[1]]),
        *([None], [{}], "a\nb", "a\0", "\x7f", "\x85", "\u2028", "\ud800", "x" * 100_000),
    ],
)
def test_what_no_key_may_hold_is_refused(value: object) -> None:
    filled, faults = fill_one("title", value)
    assert faults
    assert filled == JOB


@pytest.mark.parametrize(
    ("key", "good"),
    [
        ("title", "海天注塑机"),
        ("interval", "5min"),
        ("interval", "3600s"),
        ("device.0.host", "192.0.2.77"),
        ("device.0.port", 65535),
        ("spool.max_bytes", "1MiB"),
        ("alive.status", [200, 204]),
        ("title", 2**63 - 1),
    ],
)
def test_what_a_rule_allows_is_put_in_its_place(key: str, good: object) -> None:
    filled, faults = fill_one(key, good)
    assert faults == []
    place: Any = filled
    for part in key.split("."):
        place = place[int(part)] if isinstance(place, list) else place[part]
    assert place == good


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        *(("interval", bad) for bad in ("299s", "61min", "auto", "", 300, True, "5MiB", ["5min"])),
        *(("device.0.host", bad) for bad in ("198.51.100.1", "", "x192.0.2.1", 192, ["192.0.2.1"])),
        *(("device.0.port", bad) for bad in (0, 65536, "80", 1e9, True)),
        ("spool.max_bytes", "257MiB"),
    ],
)
def test_what_a_rule_does_not_allow_is_refused(key: str, bad: object) -> None:
    filled, faults = fill_one(key, bad)
    assert faults
    assert filled == JOB


@pytest.mark.parametrize(
    "key",
    [
        "url",
        "command",
        "command.0",
        "device",
        "device.0",
        "device.00.host",
        "service.User",
        "",
        ".",
    ],
)
def test_nothing_is_open_that_is_not_named(key: str) -> None:
    filled, faults = fill_one(key, "x")
    assert faults
    assert filled == JOB


def test_all_faults_are_told_at_once() -> None:
    _, faults = fill(JOB, RULES, {"interval": "1s", "url": "x", "title": None, "device.0.port": 1})
    assert {fault.place for fault in faults} == {("interval",), ("url",), ("title",)}
