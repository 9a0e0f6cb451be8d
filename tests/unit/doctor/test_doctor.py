from collections.abc import Iterator

import pytest

from sja_units.doctor import OK, PROBLEM, UNKNOWN, Check, examine
from sja_units.doctor.finding import Finding
from sja_units.errors import NotAllowed, SjaError


def well() -> Iterator[Finding]:
    yield Finding(OK, "fine")


@pytest.mark.parametrize(
    "fault",
    [
        NotAllowed("not for you"),
        SjaError("D-Bus cannot be reached", "start it"),
        PermissionError(13, "Permission denied", "/etc/x"),
        FileNotFoundError(2, "No such file or directory", "/etc/x"),
        ValueError("what is this"),
        RecursionError(),
    ],
)
def test_no_check_can_stop_another(fault: Exception) -> None:
    def unwell() -> Iterator[Finding]:
        yield Finding(PROBLEM, "seen before")
        raise fault

    checks = [Check("first", well), Check("second", unwell), Check("third", well)]
    found = [(report.check, report.result) for report in examine(checks)]
    assert found == [
        *(("first", OK), ("second", PROBLEM), ("second", UNKNOWN)),
        ("third", OK),
    ]
    (unknown,) = (report for report in examine(checks) if report.result == UNKNOWN)
    assert unknown.message
