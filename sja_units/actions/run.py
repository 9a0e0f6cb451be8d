"""One run of a job: when it began and ended, and how."""

from typing import Any, NamedTuple

from sja_units.times import format_moment

_WELL = {
    "completed": "did its work and ended with 0",
    "stopped": "stopped by order",
    "restarted": "restarted by order",
    "maintenance": "stopped with sja-jobs.target",
    "shutdown": "the system was shut down",
}
WORDS = {
    **_WELL,
    "power-cut": "the power was cut, or the system crashed",
    "assert": "not started: its file is missing, empty or a link",
    "dependency": "not started: a unit that it needs failed",
    "unknown": "the journal does not tell how it ended",
}


class Moment(NamedTuple):
    """When an entry was written: a clock can be set, the time since the boot goes on evenly."""

    time_ns: int  # since 1970
    uptime_ns: int


class Now(NamedTuple):
    """The boot that goes on, and how far it has come."""

    boot_id: str
    uptime_ns: int


class Run(NamedTuple):
    """One run of a job, from its start to its end."""

    started: Moment | None  # None: the journal does not reach back so far
    ready: Moment | None  # None: it ended before it did its work
    ended: Moment | None  # None: it goes on
    result: str | None  # systemd's word, or one of WORDS; None: it goes on
    message: str
    exit_code: int | None
    signal: str | None  # "KILL"
    boot_id: str
    invocation_id: str

    @property
    def seconds(self) -> float | None:
        """How long it ran; None if it goes on, or nobody knows its start."""
        if self.started is None or self.ended is None:
            return None
        return max(0, self.ended.uptime_ns - self.started.uptime_ns) / 1e9

    @property
    def is_failure(self) -> bool:
        """Whether it ended, or never began, against somebody's will."""
        return self.result is not None and self.result not in _WELL

    def as_json(self) -> dict[str, Any]:
        """Return the object that `sjactl history --json` prints."""
        return {
            "started": _format(self.started),
            "ready": _format(self.ready),
            "ended": _format(self.ended),
            "seconds": self.seconds,
            "result": self.result,
            "message": self.message,
            "exit_code": self.exit_code,
            "signal": self.signal,
            "boot_id": self.boot_id,
            "invocation_id": self.invocation_id or None,
        }


def _format(moment: Moment | None) -> str | None:
    return moment and format_moment(moment.time_ns, 6)
