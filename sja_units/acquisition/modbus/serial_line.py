"""A serial port, held by one job at a time.

Times between frames are those of "MODBUS over Serial Line" V1.02, 2.5.1.1, modbus.org.
"""

import errno
import fcntl
import os
import socket
import stat
import termios
import time

from sja_units.acquisition.modbus import tty_holder
from sja_units.acquisition.modbus.channel import left
from sja_units.acquisition.modbus.endpoint import SerialSettings
from sja_units.acquisition.modbus.steps import READABLE, WRITABLE, Steps, Wait
from sja_units.errors import DescribedError, WorkerError

_FAST_BAUDRATE = 19200
_FAST_SILENCE_SECONDS = 0.00175
_SILENT_CHARACTERS = 3.5
# After a fault: an adapter on USB hands on what it gets in pieces, up to 16 ms apart.
_RESYNC_SECONDS = 0.05
_GONE = (errno.EIO, errno.ENODEV, errno.ENXIO)
_PTY_MAJORS = range(136, 144)


class SerialLine:
    """The one use of a serial port; it opens when it is needed."""

    def __init__(self, path: str, settings: SerialSettings) -> None:
        self._path = path
        self._settings = settings
        self._fd = -1
        self._claim: socket.socket | None = None
        self._was_away = False
        self._busy_until = 0.0
        self._silence = _FAST_SILENCE_SECONDS
        if settings.baudrate <= _FAST_BAUDRATE:
            self._silence = _SILENT_CHARACTERS * settings.character_seconds
        self._gap = self._silence

    def ensure_open(self, timeout: float, not_before: float) -> Steps[bool]:
        is_new = self._fd < 0
        if is_new:
            self._open()
        now = time.monotonic()
        give_up = max(now, not_before) + timeout
        while True:
            silent_at = max(self._busy_until + self._gap, not_before)
            if silent_at > now:
                yield Wait(silent_at, self._fd, READABLE)
            self._read(4096)
            now = time.monotonic()
            if now >= max(self._busy_until + self._gap, not_before):
                self._gap = self._silence
                return is_new
            if now >= give_up:
                raise DescribedError(f"{self._path} is never silent: is the baud rate right?")

    def send(self, data: bytes, deadline: float) -> Steps[None]:
        view = memoryview(data)
        while True:
            try:
                view = view[os.write(self._fd, view) :]
            except BlockingIOError:
                left(deadline, time.monotonic())
            except OSError as error:
                raise self._lose(error) from None
            if not view:
                break
            yield Wait(deadline, self._fd, WRITABLE)
        self._busy_until = time.monotonic() + len(data) * self._settings.character_seconds

    def receive(self, size: int, deadline: float) -> Steps[bytes]:
        while True:
            left(deadline, time.monotonic())
            yield Wait(deadline, self._fd, READABLE)
            if data := self._read(size):
                return data

    def drain(self) -> None:
        # It stays open: the lines to the adapter stay as they are, and the lock with us.
        self._gap = max(self._silence, _RESYNC_SECONDS)

    def close(self) -> None:
        if self._fd >= 0:
            if self._claim:
                self._claim.close()
            os.close(self._fd)
            self._fd = -1

    def _read(self, size: int) -> bytes:
        """Return the bytes that are there, none where nothing has come."""
        try:
            data = os.read(self._fd, size)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._lose(error) from None
        if not data:
            raise self._lose(OSError(errno.EIO, "")) from None
        self._busy_until = time.monotonic()
        return data

    def _lose(self, error: OSError) -> OSError:
        self.close()
        return self._explain(error)

    def _open(self) -> None:
        try:
            flags = os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
            self._fd = os.open(self._path, flags)
            self._take()
        except termios.error as error:
            raise self._lose(OSError(*error.args)) from None
        except OSError as error:
            raise self._lose(error) from None
        self._claim = tty_holder.claim(os.fstat(self._fd).st_rdev)
        self._was_away = False
        self._busy_until = time.monotonic()

    def _take(self) -> None:
        status = os.fstat(self._fd)
        if not stat.S_ISCHR(status.st_mode):
            raise OSError(errno.ENOTTY, "")
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        termios.tcsetattr(self._fd, termios.TCSANOW, _make_attributes(self._fd, self._settings))
        if os.major(status.st_rdev) not in _PTY_MAJORS:
            # A pty would stay exclusive when its holder is gone, as long as the other end lives.
            fcntl.ioctl(self._fd, termios.TIOCEXCL)
        termios.tcflush(self._fd, termios.TCIOFLUSH)

    def _explain(self, error: OSError) -> OSError:
        """Return the error in words; raise WorkerError where only a new start helps."""
        number = error.errno or 0
        path = self._path
        if number in (errno.EBUSY, errno.EAGAIN):
            return OSError(errno.EBUSY, f"{path} is held by {tty_holder.find_holder(path)}")
        if number == errno.ENOENT or number in _GONE:
            self._was_away = True
            words = f"{path} is not there: is it plugged in?"
            if tty_holder.is_shut_out():
                words = f"{path} is not open to this job: run `sjactl apply JOB` and restart it"
            return OSError(number, words)
        if number == errno.EPERM and self._was_away and tty_holder.is_job():
            # systemd resolved the drop-in's device when the unit started, and it was away then.
            raise WorkerError(f"{path} has been plugged in: starting anew to be let in")
        if number in (errno.EPERM, errno.EACCES):
            words = f"{path}: permission denied: run `sjactl apply JOB` and restart it"
            return OSError(number, words)
        if number in (errno.ENOTTY, errno.EINVAL):
            return OSError(number, f"{path} is no serial port that can be set so")
        return OSError(number, f"{path}: {os.strerror(number)}")


def _make_attributes(fd: int, settings: SerialSettings) -> list[int | list[bytes | int]]:
    """Return what tcsetattr takes for bytes as they are, with no flow control."""
    control = termios.CREAD | termios.CLOCAL
    control |= termios.CS8 if settings.bytesize == 8 else termios.CS7
    if settings.stopbits == 2:
        control |= termios.CSTOPB
    if settings.parity != "N":
        control |= termios.PARENB
    if settings.parity == "O":
        control |= termios.PARODD
    characters = termios.tcgetattr(fd)[6]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    speed = getattr(termios, f"B{settings.baudrate}")
    check = termios.INPCK if settings.parity != "N" else 0
    return [check, 0, control, 0, speed, speed, characters]
