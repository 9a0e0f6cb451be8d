"""What the hooks keep of a unit, below /var/lib and /run. All that fails is said, and goes on."""

import os

from sja_units.hooks import journal
from sja_units.hooks.decision import Notes
from sja_units.hooks.record import Record, format_record, is_number, parse_record


class Folders:
    """Where things are."""

    def __init__(
        self,
        state: str = "/var/lib/sja-units",
        run: str = "/run/sja-units",
        timers: str = "/etc/systemd/system",
        stamps: str = "/var/lib/systemd/timers",
    ) -> None:
        self.state, self.run, self.timers, self.stamps = state, run, timers, stamps


class UnitNotes:
    """All that is kept of one unit."""

    def __init__(self, folders: Folders, unit: str) -> None:
        self.unit = unit
        kind, _, name = unit.removeprefix("sja-").removesuffix(".service").partition("@")
        self._job = f"{kind}/{name}"
        self.schedule_unit = f"sja-schedule@{name}.service"
        self._wanted = f"{folders.state}/wanted/{unit}"
        self._ended = f"{folders.state}/ended/{unit}"
        self._run = f"{folders.state}/runs/{unit}"
        self._pause = f"{folders.run}/backoff/{unit}"
        self._news = f"{folders.run}/news/{unit}"
        self._stopped = f"{folders.run}/stopped/{unit}"  # the run whose stop was noted already
        self._relaunched = f"{folders.run}/relaunched/{unit}"
        # Of a command that has a schedule; by the stamp systemd makes up for a run.
        is_command = kind == "command"
        self._timer = f"{folders.timers}/sja-command@{name}.timer" if is_command else ""
        self._stamp = f"{folders.stamps}/stamp-sja-command@{name}.timer" if is_command else ""

    def read(self) -> Notes:
        """Return what is known of earlier runs."""
        failures = _read(self._pause).split()[:1]
        record = parse_record(_read(self._ended))
        return Notes(
            int(failures[0]) if failures and is_number(failures[0]) else 0,
            record.recent,
            os.path.lexists(self._relaunched),
        )

    def take_noted_stop(self, invocation: str) -> bool:
        """Tell whether this run's stop was noted when it began; forget that."""
        noted = _read(self._stopped).strip()
        _remove(self._stopped)
        return bool(noted) and noted == invocation

    def note_stop(self, invocation: str) -> None:
        """Let the end of this run know that its stop was noted."""
        _write(self._stopped, f"{invocation}\n")

    def forget_all(self) -> None:
        """Forget the job's failures and runs, and that it is wanted: somebody stopped it."""
        self.forget_pause()
        self.forget_relaunch()
        _remove(self._stamp)
        _remove(self._wanted)
        _remove(self._ended)
        _remove(self._run)
        _sync(os.path.dirname(self._wanted))

    def forget_failures(self) -> None:
        """Forget that it failed."""
        self.forget_pause()
        self.forget_relaunch()
        _remove(self._ended)

    def forget_pause(self) -> None:
        """Have the next try made at once, as a first one."""
        _remove(self._pause)

    def forget_relaunch(self) -> None:
        """Forget that sja-relaunch has started it."""
        _remove(self._relaunched)

    def note_failure(self, record: Record) -> None:
        """Keep how it ended, and let those hear of it who want to."""
        _replace(self._ended, format_record(record))
        # Starts sja-alert.service, and waits for nothing.
        _write(self._news, "")

    def note_pause(self, failures: int, seconds: int) -> None:
        """Let the next start wait, after so many failures in a row."""
        # Uptime, as a clock may be set at any moment.
        uptime = int(_read("/proc/uptime").partition(".")[0] or 0)
        _write(self._pause, f"{failures} {uptime + seconds}\n")

    def note_completed(self, at: str, invocation: str) -> None:
        """Keep that a command did its work; without a schedule nobody wants it any more.

        A start that was ordered meanwhile notes anew that it is wanted.
        """
        self._tell_completed(invocation)
        _replace(self._run, f"completed={at}\n")
        if not os.path.lexists(self._timer):
            _remove(self._wanted)
            _sync(os.path.dirname(self._wanted))

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
            _complain("the journal", error)


def _complain(what: str, error: OSError) -> None:
    print(f"<3>cannot write {what}: {error.strerror}", flush=True)


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as file:
            return file.read()
    except OSError:
        return ""  # mostly there is none


def _remove(path: str) -> None:
    if not path:
        return
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        _complain(path, error)


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        _complain(path, error)


def _replace(path: str, text: str) -> None:
    """Put a text in a file's place, so that neither a kill nor a power cut tears it."""
    folder, name = os.path.split(path)
    new = f"{folder}/.{name}.new"
    try:
        with open(new, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(new, path)
    except OSError as error:
        _complain(path, error)
    else:
        _sync(folder)


def _sync(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        _complain(folder, error)
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        _complain(folder, error)
    finally:
        os.close(descriptor)
