"""What sja-alert.service runs: one round of all jobs, and what follows from it."""

import sys

from sja_units.alerts.round import TIMER, enter, run_round
from sja_units.alerts.store import forget, read_records, read_transient, write_transient
from sja_units.config.host import Alert, read_host_config
from sja_units.errors import ConfigError, SjaError
from sja_units.runtime import log
from sja_units.systemd import journal_send
from sja_units.systemd.client import Systemd
from sja_units.systemd.orders import run_order


def main() -> int:
    """Tell what is to be told; return the exit status."""
    try:
        alert = read_host_config().alert
        _note_fault("")
        _run(alert)
    except ConfigError as error:
        # No failure of the unit, which would be told again in each round.
        _note_fault(str(error))
    except (SjaError, OSError) as error:
        log.error(f"cannot look at the jobs: {error}")
        return 1
    return 0


def _run(alert: Alert | None) -> None:
    if alert is None:
        forget()
        with Systemd() as systemd:
            run_order(systemd, "stop", TIMER)
    else:
        run_round(alert, read_records())


def _note_fault(fault: str) -> None:
    transient = read_transient()
    if fault == transient.fault:
        return
    write_transient(transient._replace(fault=fault))
    for line in fault.splitlines():
        enter(journal_send.HOST_FILE_WRONG, f"nobody is alerted: {line}")


if __name__ == "__main__":
    sys.exit(main())
