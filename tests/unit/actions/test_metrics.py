import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sja_units.actions.metrics import FAMILIES, Use, measure
from sja_units.job import Job
from sja_units.jobs.failure import Failure
from sja_units.jobs.state import STATES, State
from sja_units.openmetrics import render
from tests.unit.statuses import make_status

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

AWKWARD = 'a "quoted" \\name\n海天注塑机'
ACQUISITION: dict[str, Any] = {
    "cycles": 12,
    "late_cycles": 1,
    "samples": 240,
    "devices": {
        AWKWARD: {
            "state": "timeout",
            "last_success": "2026-01-02T03:04:05.500000Z",
            "consecutive_failures": 3,
            "bad_registers": ["holding 4 (speed): illegal data address (2)"],
        }
    },
    "spool": {"bytes": 4096, "batches": 2, "oldest": None, "dropped": 5, "write_errors": 0},
    "sink": {"state": "refused", "last_success": None, "message": "no", "parked": 7},
}
KEEPALIVE = {
    "session": "unknown",
    "last_alive": "2026-01-02T03:04:05Z",
    "consecutive_failures": 2,
    "expires_at": None,
    "next_refresh": "2026-01-02T03:19:05Z",
}


def read(text: str) -> Series:
    """Return all samples as a collector reads them; what stands there twice is a fault."""
    series: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in series
            series[key] = sample.value
    return series


def expose(*views: Any, **uses: Use) -> Series:
    named = {f"sja-acquisition@{name}.service": use for name, use in uses.items()}
    return read(render(measure(views, named)))


def get(series: Series, name: str, /, **labels: str) -> float | None:
    return series.get((name, frozenset(labels.items())))


LINE1 = {"kind": "acquisition", "name": "line1"}


def test_a_job_in_full() -> None:
    error = Failure("it broke", "2026-01-02T03:04:05Z", 1, "exit-code", 3)
    since = "2026-01-02T00:00:00.250000Z"
    view = make_status("degraded", title=AWKWARD, since=since, error=error, health=ACQUISITION)
    found = expose(view, line1=Use(4, 2**20, 1.25))
    unit = "sja-acquisition@line1.service"
    assert get(found, "sja_job_info", **LINE1, title=AWKWARD, unit=unit) == 1
    assert get(found, "sja_job_wanted", **LINE1) == 1
    assert get(found, "sja_job_restarts_total", **LINE1) == 4
    assert get(found, "sja_job_memory_bytes", **LINE1) == 2**20
    assert get(found, "sja_job_cpu_seconds_total", **LINE1) == 1.25
    assert get(found, "sja_job_since_timestamp_seconds", **LINE1) == 1767312000.25
    assert get(found, "sja_job_last_error_timestamp_seconds", **LINE1) == 1767323045
    assert get(found, "sja_acquisition_samples_total", **LINE1) == 240
    assert get(found, "sja_acquisition_spool_dropped_lines_total", **LINE1) == 5
    assert get(found, "sja_acquisition_spool_oldest_timestamp_seconds", **LINE1) is None
    assert get(found, "sja_acquisition_sink_parked_lines_total", **LINE1) == 7
    device = {**LINE1, "device": AWKWARD}
    assert get(found, "sja_acquisition_device_consecutive_failures", **device) == 3
    assert get(found, "sja_acquisition_device_bad_registers", **device) == 1
    assert get(found, "sja_acquisition_device_last_success_timestamp_seconds", **device) == (
        1767323045.5
    )
    states = {"healthy": 0, "error": 0, "timeout": 1, "disconnected": 0}
    for state, value in states.items():
        labels = {**device, "sja_acquisition_device_state": state}
        assert get(found, "sja_acquisition_device_state", **labels) == value


@pytest.mark.parametrize("state", STATES)
def test_states_add_up(state: State) -> None:
    other = Job("keepalive", "alice")
    found = expose(make_status(state), make_status("running", job=other, health=KEEPALIVE))
    totals = {name: get(found, "sja_jobs", state=name) for name in STATES}
    expected: dict[str, int] = dict.fromkeys(STATES, 0)
    for each in (state, "running"):
        expected[each] += 1
    assert totals == expected
    for name in STATES:
        labels = {**LINE1, "sja_job_state": name}
        assert get(found, "sja_job_state", **labels) == int(name == state)
    alice = {"kind": "keepalive", "name": "alice"}
    labels = {**alice, "sja_keepalive_session": "unknown"}
    assert get(found, "sja_keepalive_session", **labels) == 1
    assert get(found, "sja_keepalive_next_refresh_timestamp_seconds", **alice) == 1767323945
    assert get(found, "sja_keepalive_expires_timestamp_seconds", **alice) is None


def test_no_job_is_an_exposition_too() -> None:
    found = expose()
    assert all(get(found, "sja_jobs", state=state) == 0 for state in STATES)
    assert render(measure([], {})).endswith("\n# EOF\n")


def test_node_exporter_knows_all_types() -> None:
    """It refuses a whole file for one of OpenMetrics' own types."""
    lines = render(measure([make_status("running", health=ACQUISITION)], {})).splitlines()
    types = {line.split()[3] for line in lines if line.startswith("# TYPE ")}
    assert types == {"counter", "gauge"}


def test_each_family_can_be_told_from_the_others() -> None:
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    for family in FAMILIES:
        assert not family.unit or family.name.endswith(f"_{family.unit}")
        assert family.help.endswith(".")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
TABLES = st.fixed_dictionaries(
    {},
    optional={
        "cycles": JSON,
        "devices": JSON | st.dictionaries(st.text(), JSON | st.just(ACQUISITION), max_size=3),
        "spool": JSON | st.fixed_dictionaries({"bytes": JSON, "oldest": JSON}),
        "sink": JSON | st.fixed_dictionaries({"state": JSON, "parked": JSON}),
        "session": JSON,
        "last_alive": JSON,
    },
)


@pytest.mark.slow
@given(TABLES, st.text(), st.sampled_from(["acquisition", "keepalive"]))
def test_whatever_a_worker_says_can_be_read(health: dict[str, Any], title: str, kind: str) -> None:
    view = make_status("running", job=Job(kind, "x"), title=title, health=health)
    found = expose(view)
    unit = f"sja-{kind}@x.service"
    assert get(found, "sja_job_info", kind=kind, name="x", title=title, unit=unit) == 1
