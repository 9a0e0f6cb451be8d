"""A terminal that a verb has for itself for a while, and gives back as it was."""

import os
import re
import signal
import socket
import sys
import termios
import tty
from contextlib import suppress
from itertools import zip_longest
from select import select
from types import FrameType
from typing import Self

_KEYS = {
    b"q": "quit",
    b"Q": "quit",
    b"\x1b[A": "up",
    b"\x1bOA": "up",
    b"\x1b[B": "down",
    b"\x1bOB": "down",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
    b"\x1b[H": "home",
    b"\x1bOH": "home",
    b"\x1b[1~": "home",
    b"\x1b[F": "end",
    b"\x1bOF": "end",
    b"\x1b[4~": "end",
}
_TOKEN = re.compile(rb"\x1b[\[O][0-9;]*[A-Za-z~]|.", re.DOTALL)
# The other screen, no cursor, no wrapping at the right edge: xterm's control sequences.
_ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l"
_LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"


class Ended(KeyboardInterrupt):
    """A signal that ends programs has come."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = 128 + number


def end_by_signals() -> None:
    """Let SIGTERM and SIGHUP raise Ended, so that `finally` runs; SIGINT does so by itself."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _raise_ended)


def _raise_ended(number: int, _frame: FrameType | None) -> None:
    raise Ended(number)


class Terminal:
    """Shows pictures of whole lines, and tells which keys were pressed. Use it in a block."""

    def __init__(self) -> None:
        self._keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._lines: list[str] = []
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            end.setblocking(False)

    @property
    def descriptors(self) -> list[int]:
        """What can be read as soon as `read_keys` has something to tell."""
        keyboard = [] if self._keyboard is None else [self._keyboard]
        return [self._wake_reader.fileno(), *keyboard]

    def __enter__(self) -> Self:
        if self._keyboard is not None:
            self._before = termios.tcgetattr(self._keyboard)
        signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, lambda *_: None)  # the wake-up descriptor tells of it
        self._take()
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)  # nothing may come between
        signal.set_wakeup_fd(-1)
        self._give_back()

    def _take(self) -> None:
        if self._keyboard is not None:
            tty.setcbreak(self._keyboard)
        self._write(_ENTER)
        self._clear()

    def _clear(self) -> None:
        self._lines = []
        self._write("\x1b[2J")

    def _give_back(self) -> None:
        with suppress(OSError, termios.error):  # the terminal may have gone
            self._write(_LEAVE)
            if self._keyboard is not None:
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._before)

    def show(self, lines: list[str]) -> None:
        """Show these lines; only those that differ from what is there are sent."""
        changed = [
            f"\x1b[{i + 1};1H{line}\x1b[0m\x1b[K"
            for i, (line, old) in enumerate(zip_longest(lines, self._lines, fillvalue=""))
            if line != old
        ]
        self._lines = lines
        if changed:
            self._write("".join(changed))

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def read_keys(self) -> list[str]:
        """Return which keys were pressed since the last call; "redraw" stands for a new size.

        Ctrl-Z gives the terminal back until the program goes on. Raises Ended if it has gone.
        """
        return [*self._see_to_signals(), *self._read_keyboard()]

    def _see_to_signals(self) -> list[str]:
        try:
            numbers = self._wake_reader.recv(4096)
        except BlockingIOError:
            return []
        if signal.SIGTSTP in numbers:
            self._give_back()
            os.kill(os.getpid(), signal.SIGSTOP)
        if signal.SIGTSTP in numbers or signal.SIGCONT in numbers:
            self._take()
        elif signal.SIGWINCH in numbers:
            self._clear()
        return ["redraw"]

    def _read_keyboard(self) -> list[str]:
        if self._keyboard is None or not select([self._keyboard], [], [], 0)[0]:
            return []
        data = os.read(self._keyboard, 1024)
        if not data:
            raise Ended(signal.SIGHUP)
        return [_KEYS[token] for token in _TOKEN.findall(data) if token in _KEYS]
