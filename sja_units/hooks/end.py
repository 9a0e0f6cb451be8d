"""What a unit runs at its end: tells an order from a crash, and keeps what the next start needs.

It asks systemd as seldom as it can: a hundred jobs that are stopped at once must not keep it from
answering in time.
"""

import os
import sys
import time

from sja_units.hooks import decision, systemd
from sja_units.hooks.decision import Decision, Ended
from sja_units.hooks.notes import Folders, UnitNotes
from sja_units.hooks.program import end_program

_LONGEST_WAIT = 30  # seconds, that systemd does not take it for a hang
_POLL_SECONDS = 3


def main(argv: "list[str]") -> int:
    """Do what the end of a unit asks for; return the exit status.

    argv: the unit; its phase: "order" before a job that runs is stopped (ExecStop=+), so that
    an order counts whatever comes while it stops; "end" after each end (ExecStopPost=+);
    "schedule" where a command's schedule ends, which is a unit of its own; and the folders below
    /run/sja-units that the begin hook has given to the job.
    """
    _ignore_sigterm()
    os.umask(0o022)  # operators read what is noted here; the unit's own umask is for its files
    unit, phase, *given = argv
    notes = UnitNotes(Folders(), unit)
    invocation = os.environ.get("INVOCATION_ID", "")
    if phase == "end":
        notes.take_back(given)
        if notes.take_noted_stop(invocation):
            _forget_result(notes)
        else:
            _end(notes, invocation)
        return 0
    view = systemd.ask(notes.schedule_unit if phase == "schedule" else unit)
    outcome = decision.decide_stop(view)
    _apply_stop(notes, outcome)
    if phase == "order":
        if outcome != decision.NOTHING:
            notes.note_stop(invocation)
        if view.job_type in decision.STOPS and notes.is_program():
            end_program(unit)
    return 0


def _ignore_sigterm() -> None:
    """Go on where systemd loses patience, as on a very busy machine: the order still counts."""
    # `signal` itself makes its enumerations, which takes a third of the hook's time.
    import _signal  # type: ignore[import-not-found]

    _signal.signal(_signal.SIGTERM, _signal.SIG_IGN)


def _end(notes: UnitNotes, invocation: str) -> None:
    environment = os.environ.get
    ended = Ended(
        environment("SERVICE_RESULT", ""),
        environment("EXIT_CODE", ""),
        environment("EXIT_STATUS", ""),
        notes.is_program(),
    )
    view = systemd.ask(notes.unit)
    made = decision.decide_end(ended, view, notes.read(), *_now())
    _apply_stop(notes, made.outcome)
    if made.outcome == decision.STARTED_AGAIN:
        notes.forget_pause()
    elif made.outcome == decision.COMPLETED:
        notes.forget_failures()
        notes.note_completed(_now()[0], invocation)
    elif made.outcome == decision.FAILED:
        _apply_failure(notes, made)


def _forget_result(notes: UnitNotes) -> None:
    """What a program answers SIGTERM with is its own business: it was stopped."""
    if notes.is_program() and os.environ.get("SERVICE_RESULT") in ("exit-code", "signal"):
        systemd.forget_result(notes.unit)


def _apply_stop(notes: UnitNotes, outcome: str) -> None:
    if outcome == decision.STOPPED:
        notes.forget_all()
    elif outcome == decision.TAKEN_ALONG:
        notes.forget_pause()
        notes.forget_relaunch()
    elif outcome == decision.RESTARTED:
        notes.forget_failures()


def _apply_failure(notes: UnitNotes, made: Decision) -> None:
    assert made.record is not None
    if made.forgets_relaunch:
        notes.forget_relaunch()
    notes.note_failure(made.record)
    if made.is_tried_again:
        notes.note_pause(made.record.failures, made.pause)
    else:
        notes.forget_pause()
    if made.needs_start:
        systemd.start(notes.unit)
    if made.waits_here:
        _wait(notes, min(made.pause, _LONGEST_WAIT))


def _wait(notes: UnitNotes, seconds: int) -> None:
    """Wait as the begin hook would; no signal tells of an order here."""
    import signal

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while seconds > 0:
        time.sleep(min(seconds, _POLL_SECONDS))
        seconds -= _POLL_SECONDS
        outcome = decision.decide_while_waiting(systemd.ask(notes.unit))
        if outcome != decision.NOTHING:
            _apply_stop(notes, outcome)
            return


def _now() -> "tuple[str, int]":
    """Return the moment as RFC 3339 and as Unix time."""
    seconds, nanos = divmod(time.time_ns(), 10**9)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{at}.{nanos // 1000:06d}Z", seconds
