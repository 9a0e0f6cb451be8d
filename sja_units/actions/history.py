"""A job's runs, put together from what the journal holds of its unit. Pure.

systemd writes an entry at each step of a unit, known by its MESSAGE_ID, see `journalctl
--catalog` and systemd's sd-messages.h. All entries of one run carry one invocation. What anybody
may write is told from what systemd and our hooks wrote by fields that the journal itself adds: the
sender's number and user.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from signal import Signals

from sja_units.actions.run import WORDS, Moment, Now, Run
from sja_units.hooks import journal
from sja_units.hooks.record import is_number
from sja_units.job import Job
from sja_units.jobs.failure import describe_end
from sja_units.systemd.journal_read import Entry

FIELDS = (
    "MESSAGE",
    "MESSAGE_ID",
    "UNIT",
    "INVOCATION_ID",
    "_SYSTEMD_INVOCATION_ID",
    "_COMM",
    "_PID",
    "_UID",
    "SJA_INVOCATION_ID",
    "SJA_PAUSE",
    "COMMAND",
    "EXIT_CODE",
    "EXIT_STATUS",
    "UNIT_RESULT",
    "JOB_TYPE",
    "JOB_RESULT",
)

_STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"
_STARTED = "39f53479d3a045ac8e11786248231fbf"
_NOT_STARTED = "be02cf6855d2428ba40df7e9d022f03d"
_STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
_STOPPED = "9d1aaa27d60140bd96365438aad20286"
_EXITED = "98e322203f7a4ed290d09fe03c09fe15"
_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
_SUCCEEDED = "7ad2d189f7e94e70a38c781354912448"

_JOBS_TARGET = "sja-jobs.target"
# It stops before sja-jobs.target and the jobs at each shutdown, and else never.
_SYSTEM_TARGET = "multi-user.target"
_SYSTEMD = "1"  # its process
_ROOT = "0"
_MAX_PAUSE = 24 * 3600  # seconds; the begin hook's are five minutes at most


def match_runs(job: Job) -> list[str]:
    """Return what journalctl is to look for, to let `assemble` put together the job's runs."""
    units = [f"UNIT={unit}" for unit in (job.unit, _JOBS_TARGET, _SYSTEM_TARGET)]
    errors = [f"PRIORITY={priority}" for priority in range(4)]
    own = f"_SYSTEMD_UNIT={job.unit}"
    hooks = [f"MESSAGE_ID={number}" for number in (journal.WAITS, journal.COMPLETED)]
    hooks += [f"_UID={_ROOT}", f"OBJECT_SYSTEMD_UNIT={job.unit}"]
    return [f"_PID={_SYSTEMD}", *units, "+", own, *errors, "+", *hooks]


@dataclass
class _Draft:
    """A run of which the end has been read, but not the beginning yet."""

    boot: str
    invocation: str
    newest: Moment
    is_newest: bool  # no later run has been read
    was_down: bool  # the system was shut down later in that boot
    ready: Moment | None = None
    ended: Moment | None = None
    result: str = ""
    exited: bool = False
    status: str = ""
    stopping: bool = False
    restarted: bool = False
    with_jobs: bool = False  # sja-jobs.target stopped while it ran
    with_system: bool = False  # the system went down while it ran
    wait_ns: int = 0


class _Reader:
    """Reads entries, newest first."""

    def __init__(self, job: Job, now: Now, end_of_boot: Callable[[str], Moment]) -> None:
        self._job, self._now, self._end_of_boot = job, now, end_of_boot
        self._draft: _Draft | None = None
        self._last_words: dict[str, str] = {}
        self._waits: dict[str, int] = {}
        self._completed: set[str] = set()
        self._boot = ""
        self._has_gone_down = False
        self._has_read_run = False

    def read(self, entries: Iterable[Entry]) -> Iterator[Run]:
        for entry in entries:
            if entry["_BOOT_ID"] != self._boot:
                yield from self._give_up_draft()
                self._boot, self._has_gone_down = entry["_BOOT_ID"], False
            if entry.get("_PID") != _SYSTEMD:
                self._note_words(entry)
            elif entry.get("UNIT") == self._job.unit:
                yield from self._read_step(entry)
            elif entry.get("MESSAGE_ID") == _STOPPED:
                self._note_target(entry.get("UNIT", ""))
        yield from self._give_up_draft()

    def _note_words(self, entry: Entry) -> None:
        if entry.get("_UID") == _ROOT and "SJA_INVOCATION_ID" in entry:
            self._note_hook(entry["SJA_INVOCATION_ID"], entry)
            return
        message = entry.get("MESSAGE", "").strip()
        if message and not entry.get("_COMM", "").startswith("("):
            # (In brackets: systemd's own process on the way to the program.)
            self._last_words.setdefault(entry.get("_SYSTEMD_INVOCATION_ID", ""), message)

    def _note_hook(self, invocation: str, entry: Entry) -> None:
        number, pause = entry.get("MESSAGE_ID"), entry.get("SJA_PAUSE", "")
        if number == journal.COMPLETED:
            self._completed.add(invocation)
        elif number == journal.WAITS and is_number(pause) and int(pause) <= _MAX_PAUSE:
            self._waits[invocation] = int(pause) * 10**9

    def _note_target(self, unit: str) -> None:
        if unit == _SYSTEM_TARGET:
            self._has_gone_down = True
        if self._draft is not None:
            self._draft.with_jobs |= unit == _JOBS_TARGET
            self._draft.with_system |= unit == _SYSTEM_TARGET

    def _read_step(self, entry: Entry) -> Iterator[Run]:
        step, job_result = entry.get("MESSAGE_ID", ""), entry.get("JOB_RESULT", "")
        moment = parse_moment(entry)
        if step == _NOT_STARTED and job_result in ("assert", "dependency"):
            yield from self._give_up_draft()
            self._has_read_run = True
            words = WORDS[job_result]
            yield Run(moment, None, moment, job_result, words, None, None, self._boot, "")
            return
        if step not in (_STARTING, _STARTED, _STOPPING, _STOPPED, _EXITED, _FAILED, _SUCCEEDED):
            return
        invocation = entry.get("INVOCATION_ID", "")
        if self._draft is None or self._draft.invocation != invocation:
            yield from self._give_up_draft()
            self._draft = _Draft(
                self._boot, invocation, moment, not self._has_read_run, self._has_gone_down
            )
            self._has_read_run = True
        _note(self._draft, step, entry, moment)
        if step == _STARTING:
            yield from self._finish(moment)

    def _give_up_draft(self) -> Iterator[Run]:
        """Give what is known of a run whose beginning is not in the journal."""
        yield from self._finish(None)

    def _finish(self, begun: Moment | None) -> Iterator[Run]:
        draft, self._draft = self._draft, None
        if draft is None:
            return
        words = self._last_words.pop(draft.invocation, "")
        wait_ns = self._waits.pop(draft.invocation, 0)
        ended, result = self._find_end(draft)
        started = begun and Moment(begun.time_ns + wait_ns, begun.uptime_ns + wait_ns)
        until_ns = ended.uptime_ns if ended else self._now.uptime_ns
        if started and wait_ns and draft.ready is None and until_ns < started.uptime_ns:
            return  # it waits for its next try, or did so until somebody stopped it: no run
        exit_code = int(draft.status) if draft.exited and is_number(draft.status) else None
        if result == "success" and draft.invocation in self._completed:
            result, exit_code = "completed", 0  # which is what its program ended with
        signal = None if draft.exited or not draft.status else _name_signal(draft.status)
        message = WORDS.get(result or "", "") or (
            describe_end(result, draft.exited, signal or draft.status, words) if result else ""
        )
        yield Run(
            started,
            draft.ready,
            ended,
            result,
            message,
            exit_code,
            signal,
            draft.boot,
            draft.invocation,
        )

    def _find_end(self, draft: _Draft) -> tuple[Moment | None, str | None]:
        if draft.ended is not None:
            return draft.ended, _decide_result(draft)
        if draft.boot != self._now.boot_id:
            result = "shutdown" if draft.was_down or draft.with_system else "power-cut"
            return self._end_of_boot(draft.boot), result
        return (None, None) if draft.is_newest else (draft.newest, "unknown")


def _note(draft: _Draft, step: str, entry: Entry, moment: Moment) -> None:
    if step == _STARTED:
        draft.ready = moment
    elif step == _STOPPING:
        draft.stopping = True
    elif step == _STOPPED:
        draft.restarted = entry.get("JOB_TYPE") == "restart"
    elif step == _EXITED and entry.get("COMMAND") in ("ExecStart", "ExecStartPre"):
        draft.ended = draft.ended or moment
        draft.exited = entry.get("EXIT_CODE") == "exited"
        draft.status = entry.get("EXIT_STATUS", "")
    elif step in (_FAILED, _SUCCEEDED):
        draft.ended = moment
        draft.result = entry.get("UNIT_RESULT", "") if step == _FAILED else "success"


def _decide_result(draft: _Draft) -> str:
    if draft.result not in ("", "success") or not draft.stopping:
        return draft.result or "unknown"
    if draft.with_system:
        return "shutdown"
    if draft.with_jobs:
        return "maintenance"
    return "restarted" if draft.restarted else "stopped"


def assemble(
    job: Job, entries: Iterable[Entry], now: Now, end_of_boot: Callable[[str], Moment]
) -> Iterator[Run]:
    """Return the job's runs, newest first, from entries, newest first.

    end_of_boot: when a boot's last entry was written, asked where a run has no end of its own.
    """
    return _Reader(job, now, end_of_boot).read(entries)


def parse_moment(entry: Entry) -> Moment:
    """Return when an entry was written."""
    return Moment(
        int(entry["__REALTIME_TIMESTAMP"]) * 1000, int(entry["__MONOTONIC_TIMESTAMP"]) * 1000
    )


def _name_signal(number: str) -> str:
    try:
        return Signals(int(number)).name.removeprefix("SIG")
    except ValueError:
        return number  # a real-time signal has no name
