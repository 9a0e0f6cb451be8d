import pytest

from sja_units.jobs.failure import parse_failure
from sja_units.jobs.state import Facts, decide_state
from sja_units.systemd.unit import UnitRow


def unit(active: str, sub: str = "", job: str = "") -> UnitRow:
    return UnitRow("sja-keepalive@a.service", "loaded", active, sub, job)


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        ("running", Facts(True, True, True, unit("active"), True, False)),
        ("running", Facts(True, False, True, unit("active"), True, False)),
        ("degraded", Facts(True, True, True, unit("active"), False, False)),
        ("degraded", Facts(True, True, True, unit("active"), None, False)),
        ("starting", Facts(True, True, True, unit("activating", "start"), None, False)),
        ("restarting", Facts(True, True, True, unit("activating", "start-pre"), None, True)),
        ("restarting", Facts(True, True, True, unit("activating", "auto-restart"), None, False)),
        ("restarting", Facts(True, True, True, unit("deactivating", "stop-post"), None, False)),
        ("stopping", Facts(True, True, True, unit("deactivating", "", "stop"), True, False)),
        ("failed", Facts(True, True, True, unit("failed"), None, False)),
        ("failed", Facts(True, False, True, unit("failed"), None, False)),
        ("down", Facts(True, True, True, unit("inactive"), None, False)),
        ("down", Facts(True, True, True, None, None, False)),
        ("starting", Facts(True, True, True, None, None, False, True)),
        ("stopped", Facts(True, False, True, None, None, False, True)),
        ("failed", Facts(True, True, True, unit("failed"), None, False, True)),
        ("stopped", Facts(True, True, False, None, None, False)),
        ("stopped", Facts(True, False, True, None, None, False)),
        ("starting", Facts(True, True, True, unit("inactive", "dead", "start"), None, False)),
        ("unconfigured", Facts(False, True, True, None, None, False)),
        ("unconfigured", Facts(False, True, True, unit("active"), True, False)),
    ],
)  # fmt: skip
def test_state(state: str, facts: Facts) -> None:
    assert decide_state(facts) == state


def record(result: str, code: str, status: str, message: str | None = None) -> str:
    text = f"at=2026-01-02T03:04:05.678901Z\nresult={result}\ncode={code}\nstatus={status}\n"
    text += "failures=3\n"
    return text + (f"message={message}\n" if message is not None else "")


def test_a_workers_last_word_is_the_error() -> None:
    failure = parse_failure(record("exit-code", "exited", "78", "url = is missing"))
    assert failure.message == "url = is missing"
    assert failure.as_json() == {
        "message": "url = is missing",
        "at": "2026-01-02T03:04:05.678901Z",
        "exit_code": 78,
        "result": "exit-code",
    }


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (record("signal", "killed", "KILL"), None),
        (record("watchdog", "killed", "ABRT"), None),
        (record("exit-code", "exited", "243"), 243),
        (record("oom-kill", "killed", "KILL"), None),
        (record("timeout", "", ""), None),
        ("at=2026-01-02T03:04:05Z\nres", None),
        ("", None),
    ],
)
def test_every_end_has_words(text: str, code: int | None) -> None:
    failure = parse_failure(text)
    assert failure.exit_code == code
    assert failure.message or not text.count("result=")


def test_a_failed_recovery_says_so() -> None:
    text = record("exit-code", "exited", "77", "session expired") + "recovery=failed\n"
    assert parse_failure(text).message == "failed to recover after restart: session expired"
    assert parse_failure(text).exit_code == 77


def test_recent_failures_are_read_as_far_as_they_are_whole() -> None:
    assert parse_failure("recent=1800000000 1800000060\n").recent == (1800000000.0, 1800000060.0)
    assert parse_failure("recent=18000 x\n").recent == (18000.0,)
    assert parse_failure("recent=\n").recent == ()
