"""What the hooks keep of a unit, below /var/lib and /run. All that fails is said, and goes on."""

import os

from sja_units.hooks import files, journal
from sja_units.hooks.decision import Notes
from sja_units.hooks.record import Record, format_record, is_number, parse_record

_RUN = "/run/sja-units"


class Folders:
    """Where things are."""

    def __init__(
        self,
        state: str = "/var/lib/sja-units",
        run: str = "",
        timers: str = "/etc/systemd/system",
        stamps: str = "/var/lib/systemd/timers",
    ) -> None:
        self.state, self.run, self.timers, self.stamps = state, run or _find_run(), timers, stamps


def _find_run() -> str:
    """Return where the whole of /run/sja-units is.

    The hook sees of it what the job sees, which is its own folder alone.
    """
    return _RUN if os.path.isdir(f"{_RUN}/handed") else f"/proc/1/root{_RUN}"


class UnitNotes:
    """All that is kept of one unit."""

    def __init__(self, folders: Folders, unit: str) -> None:
        self.unit = unit
        kind, _, name = unit.removeprefix("sja-").removesuffix(".service").partition("@")
        self._job = f"{kind}/{name}"
        self._runtime = folders.run
        self.schedule_unit = f"sja-schedule@{name}.service"
        self._wanted = f"{folders.state}/wanted/{unit}"
        self._ended = f"{folders.state}/ended/{unit}"
        self._run = f"{folders.state}/runs/{unit}"
        self._pause = f"{folders.run}/backoff/{unit}"
        self._news = f"{folders.run}/news/{unit}"
        self._stopped = f"{folders.run}/stopped/{unit}"  # the run whose stop was noted already
        self._relaunched = f"{folders.run}/relaunched/{unit}"
        self._program = f"{folders.run}/{kind}/{name}/program"
        # Of one that has a schedule; by the stamp systemd makes up for a run.
        self._timer = f"{folders.timers}/sja-{kind}@{name}.timer"
        self._stamp = f"{folders.stamps}/stamp-sja-{kind}@{name}.timer"

    def read(self) -> Notes:
        """Return what is known of earlier runs."""
        failures = files.read(self._pause).split()[:1]
        record = parse_record(files.read(self._ended))
        return Notes(
            int(failures[0]) if failures and is_number(failures[0]) else 0,
            record.recent,
            os.path.lexists(self._relaunched),
        )

    def is_program(self) -> bool:
        """Tell whether the worker of this run became its program, which has nobody beside it."""
        return os.path.lexists(self._program)

    def take_back(self, given: "list[str]") -> None:
        """Make the folders root's that the job was given below /run/sja-units.

        The number of its user is free now, and systemd gives it to the next unit whose name leads
        to the same one.
        """
        for folder in given:
            files.take_back(f"{self._runtime}/{folder}")

    def take_noted_stop(self, invocation: str) -> bool:
        """Tell whether this run's stop was noted when it began; forget that."""
        noted = files.read(self._stopped).strip()
        files.remove(self._stopped)
        return bool(noted) and noted == invocation

    def note_stop(self, invocation: str) -> None:
        """Let the end of this run know that its stop was noted."""
        files.write(self._stopped, f"{invocation}\n")

    def forget_all(self) -> None:
        """Forget the job's failures and runs, and that it is wanted: somebody stopped it."""
        self.forget_pause()
        self.forget_relaunch()
        files.remove(self._stamp)
        files.remove(self._wanted)
        files.remove(self._ended)
        files.remove(self._run)
        files.sync(os.path.dirname(self._wanted))

    def forget_failures(self) -> None:
        """Forget that it failed."""
        self.forget_pause()
        self.forget_relaunch()
        files.remove(self._ended)

    def forget_pause(self) -> None:
        """Have the next try made at once, as a first one."""
        files.remove(self._pause)

    def forget_relaunch(self) -> None:
        """Forget that sja-relaunch has started it."""
        files.remove(self._relaunched)

    def note_failure(self, record: Record) -> None:
        """Keep how it ended, and let those hear of it who want to."""
        files.replace(self._ended, format_record(record))
        # Starts sja-alert.service, and waits for nothing.
        files.write(self._news, "")

    def note_pause(self, failures: int, seconds: int) -> None:
        """Let the next start wait, after so many failures in a row."""
        # Uptime, as a clock may be set at any moment.
        uptime = int(files.read("/proc/uptime").partition(".")[0] or 0)
        files.write(self._pause, f"{failures} {uptime + seconds}\n")

    def note_completed(self, at: str, invocation: str) -> None:
        """Keep that a command did its work; without a schedule nobody wants it any more.

        A start that was ordered meanwhile notes anew that it is wanted.
        """
        self._tell_completed(invocation)
        files.replace(self._run, f"completed={at}\n")
        if not os.path.lexists(self._timer):
            files.remove(self._wanted)
            files.sync(os.path.dirname(self._wanted))

    def _tell_completed(self, invocation: str) -> None:
        fields = {
            "MESSAGE": "it did its work",
            "MESSAGE_ID": journal.COMPLETED,
            "PRIORITY": "6",
            "SYSLOG_IDENTIFIER": "sja-command",
            "OBJECT_SYSTEMD_UNIT": self.unit,
            "SJA_JOB": self._job,
            "SJA_INVOCATION_ID": invocation,
        }
        try:
            journal.send_entry(fields)
        except OSError as error:
            files.complain("the journal", error)
