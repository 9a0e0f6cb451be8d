"""Whether alerts reach anybody."""

from collections.abc import Iterator

from sja_units.alerts.channels import count_undelivered
from sja_units.config.host import PATH, read_host_config
from sja_units.doctor.finding import OK, PROBLEM, WARNING, Finding
from sja_units.errors import ConfigError
from sja_units.runtime.programs import check_program
from sja_units.text import count


def check_alerts() -> Iterator[Finding]:
    try:
        alert = read_host_config().alert
    except ConfigError:
        yield Finding(PROBLEM, f"nobody is alerted: {PATH} is not valid", f"sjactl validate {PATH}")
        return
    if alert is None:
        yield Finding(OK, f"nobody is alerted: {PATH} has no [alert]")
        return
    findings = [
        Finding(PROBLEM, f"[alert] command: {fault.message}", f"edit {PATH}")
        for fault in check_program(("command",), alert.command)
    ]
    for channel, number in count_undelivered().items():
        if number:
            words = f"{count(number, 'alert')} not delivered by {channel}"
            findings.append(Finding(WARNING, words, "sjactl alert --test"))
    yield from findings or [Finding(OK, "alerts get through; sjactl alert --test tries it")]
