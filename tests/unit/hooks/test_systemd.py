"""What `systemctl show` prints, as systemd 252 and 257 print it."""

from sja_units.hooks.systemd import make_view, parse_blocks

UNIT = """Job=17
ExecStartPre={ path=/usr/bin/true ; argv[]=/usr/bin/true ; code=exited ; status=3 }
ExecStartPre={ path=/usr/local/lib/sja-units/begin ; argv[]=/usr/local/lib/sja-units/begin x ; \
ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=exited ; status=0 }
StatusText=2/3 devices · a=b = c
ActiveState=deactivating
InactiveExitTimestampMonotonic=100
ActiveEnterTimestampMonotonic=200
ActiveExitTimestampMonotonic=300
InactiveEnterTimestampMonotonic=0
"""
TARGET = "ActiveState=active\nInactiveEnterTimestampMonotonic=5\n"
SHUTDOWN = "Job=18\nActiveState=inactive\n"


def test_each_value_is_found() -> None:
    seen = make_view(parse_blocks("\n".join((UNIT, TARGET, SHUTDOWN))), ["stop", "", "start"])
    assert (seen.job_type, seen.target_job_type, seen.shutdown_job_type) == ("stop", "", "start")
    assert (seen.began, seen.active_since, seen.active_until) == (100, 200, 300)
    assert (seen.target_ended, seen.shutdown) == (5, "inactive")
    assert (seen.status_text, seen.begin_status) == ("2/3 devices · a=b = c", "0")


def test_a_begin_hook_that_has_not_ended_has_no_status() -> None:
    running = UNIT.replace("code=exited ; status=0 }", "code=(null) ; status=0/0 }")
    killed = UNIT.replace("code=exited ; status=0 }", "code=killed ; status=9/KILL }")
    for text in (running, killed):
        assert make_view(parse_blocks(f"{text}\n{TARGET}\n{SHUTDOWN}"), [""] * 3).begin_status == ""


def test_a_systemd_that_does_not_answer_shows_nothing() -> None:
    seen = make_view([{}] * 3, [""] * 3)
    assert (seen.job_type, seen.began, seen.shutdown) == ("", 0, "inactive")
