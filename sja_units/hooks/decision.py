"""What an end of a job means, of what systemd shows and what is noted of it. Pure.

The table of what is wanted after which end is the contract's.
"""

from sja_units.hooks.record import HUNG, MAX_RECENT, RECENT_SECONDS, Record
from sja_units.hooks.systemd import View

DONE = "79"  # exit status of a worker whose command did its work
NEEDS_OPERATOR = ("77", "78")  # not tried again by systemd, and of no use to

# What an end was.
STOPPED = "stopped"  # by order: it is not wanted any more
TAKEN_ALONG = "taken along"  # by a shutdown or by sja-jobs.target: nothing changes
RESTARTED = "restarted"
STARTED_AGAIN = "started again"  # by an order that came while it still stopped
COMPLETED = "completed"
FAILED = "failed"
NOTHING = "nothing"  # that counts here

STOPS = ("stop", "restart", "try-restart")  # jobs of systemd

_WELL_MICROS = 60_000_000  # so long of being well begins a new count
# Before the next try after so many failures in a row: at once, then seldom enough that a crash
# loop costs nothing, and never more than five minutes.
_PAUSES = (0, 1, 2, 4, 8, 9, 9, 9, 9, 9, 15, 30, 60, 120)
_LONGEST_PAUSE = 300


class Ended:
    """What systemd tells of an end, see $SERVICE_RESULT in systemd.exec(5)."""

    __slots__ = ("code", "is_program", "result", "status")

    def __init__(
        self, result: str = "", code: str = "", status: str = "", is_program: bool = False
    ) -> None:
        self.result = result
        self.code = code  # "" where the worker was not run
        self.status = status
        self.is_program = is_program  # it is a program that ended, not the worker


class Notes:
    """What is noted of the job's earlier runs."""

    __slots__ = ("failures", "is_relaunched", "recent")

    def __init__(
        self, failures: int = 0, recent: "tuple[int, ...]" = (), is_relaunched: bool = False
    ) -> None:
        self.failures = failures  # in a row
        self.recent = recent  # Unix times of the last ones
        self.is_relaunched = is_relaunched  # sja-relaunch started it, and it was not up since


class Decision:
    """What an end was, and all that follows of a failure."""

    __slots__ = (
        "forgets_relaunch",
        "is_tried_again",
        "needs_start",
        "outcome",
        "pause",
        "record",
        "waits_here",
    )

    def __init__(
        self,
        outcome: str,
        record: "Record | None" = None,
        pause: int = 0,
        is_tried_again: bool = False,
        waits_here: bool = False,
        forgets_relaunch: bool = False,
        needs_start: bool = False,
    ) -> None:
        self.outcome = outcome
        self.record = record  # where it failed
        self.pause = pause  # seconds before the next try
        self.is_tried_again = is_tried_again
        self.waits_here = waits_here  # as the begin hook, which waits otherwise, cannot run
        self.forgets_relaunch = forgets_relaunch
        self.needs_start = needs_start  # as systemd takes its status for that of a worker


def decide_stop(view: View) -> str:
    """Return what a stop that begins, of a job that runs or of a schedule, is."""
    if view.job_type != "stop":
        return NOTHING
    return STOPPED if is_order(view) else TAKEN_ALONG


def decide_end(ended: Ended, view: View, notes: Notes, at: str, now: int) -> Decision:
    """Return what an end was. at, now: the moment, as RFC 3339 and as Unix time."""
    if view.job_type == "stop":
        return Decision(decide_stop(view))
    if view.job_type in ("restart", "try-restart"):
        return Decision(RESTARTED)
    if _is_done(ended) and not ended.is_program:
        return Decision(COMPLETED)
    # It was active in this run if it became active after the run began.
    was_active = view.active_since > view.began
    if view.job_type == "start" and ended.result == "success" and was_active:
        return Decision(STARTED_AGAIN)
    return _decide_failure(ended, view, notes, was_active, at, now)


def decide_while_waiting(view: View) -> str:
    """Return what came while the end hook waits. A start is the one that has just failed."""
    if view.job_type in ("restart", "try-restart"):
        return RESTARTED
    return decide_stop(view)


def is_order(view: View) -> bool:
    """Tell whether somebody stopped this one job.

    A shutdown stops every job, sja-jobs.target takes its jobs along: neither is an order to this
    job. The target stops before its jobs, so one that ended after this job began took it along;
    and so does one that is about to stop, where this job has just ended by itself.
    """
    if view.shutdown.startswith("activ") or view.shutdown_job_type in ("start", "restart"):
        return False
    return view.target_job_type != "stop" and view.target_ended < view.began


def find_pause(failures: int) -> int:
    """Return the seconds before the next try after so many failures in a row."""
    return _PAUSES[failures - 1] if failures <= len(_PAUSES) else _LONGEST_PAUSE


def _decide_failure(
    ended: Ended, view: View, notes: Notes, was_active: bool, at: str, now: int
) -> Decision:
    # A suspended machine's time is none of it: the monotonic clock stands still.
    was_well = was_active and view.active_until - view.active_since >= _WELL_MICROS
    failures = 1 if was_well else notes.failures + 1
    code = ended.code or ("exited" if view.begin_status else "")
    status = ended.status or view.begin_status
    ended_for_good = code == "exited" and status in NEEDS_OPERATOR
    has_not_recovered = notes.is_relaunched and ended_for_good and not was_active
    recent = [time for time in notes.recent if now - RECENT_SECONDS < time <= now]
    record = Record(
        at,
        ended.result,
        code,
        status,
        failures,
        (*recent[1 - MAX_RECENT :], now),
        has_not_recovered,
        _find_last_words(ended, view.status_text),
    )
    return Decision(
        FAILED,
        record,
        find_pause(failures),
        is_tried_again=not ended_for_good,
        waits_here=not ended_for_good and not ended.code and view.begin_status != "0",
        forgets_relaunch=was_active or has_not_recovered,
        needs_start=_is_done(ended) and not view.job_type,
    )


def _is_done(ended: Ended) -> bool:
    return (ended.code, ended.status) == ("exited", DONE)


def _find_last_words(ended: Ended, status_text: str) -> str:
    """Return the worker's last words: one that was killed had none, its status is from before.

    But one that asks for the watchdog itself says why.
    """
    asked = ended.result == "watchdog" and status_text.startswith(HUNG)
    return status_text if ended.code == "exited" or asked else ""
