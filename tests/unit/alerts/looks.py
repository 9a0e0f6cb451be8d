"""A row of looks at a job, and what they find."""

from datetime import UTC, datetime

from sja_units.alerts.decide import Moment, decide
from sja_units.alerts.record import Record, Streak
from sja_units.config.host import Alert
from sja_units.job import Job
from sja_units.jobs.failure import Failure
from sja_units.jobs.snapshot import JobStatus

START = 1_800_000_000.0
ALERT = Alert(("/bin/tell",), None, 3, 86400.0)


def failure(failures: int = 1, exit_code: int = 1) -> Failure:
    return Failure("it broke", "2026-01-02T03:04:05Z", exit_code, "exit-code", failures)


def clock(seconds: float) -> str:
    """Return a view's `since`: so many seconds after the start."""
    return datetime.fromtimestamp(START + seconds, UTC).isoformat()


class Looks:
    """Looks at one job, one after the other, with what is remembered between them."""

    def __init__(self, alert: Alert = ALERT) -> None:
        self.alert = alert
        self.records: dict[Job, Record] = {}
        self.streaks: dict[Job, Streak] = {}
        self.pending = False
        self.told: list[tuple[float, str]] = []

    def look(self, seconds: float, *views: JobStatus) -> list[str]:
        """Look, so many seconds after the start; return the events that are told now."""
        now = Moment(START + seconds, 1000 + seconds)
        decision = decide(views, self.records, self.streaks, self.alert, now)
        self.records, self.streaks, told, self.pending = decision
        events: list[str] = [event for _, event in told]
        self.told += [(seconds, event) for event in events]
        return events

    def reboot(self) -> None:
        self.streaks = {}

    @property
    def record(self) -> Record:
        (record,) = self.records.values()
        return record
