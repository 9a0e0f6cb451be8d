"""sjactl in a terminal of a machine, and what a person then sees on it."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata
from types import TracebackType
from typing import Self

from tests.machines.machine import Machine

_TOKEN = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])|\x1b.|.", re.DOTALL)
_CUT_SHORT = re.compile(r"\x1b(\[[?0-9;]*)?$")


class Screen:
    """A terminal, with a program of the machine in it. What it shows is kept line by line."""

    def __init__(
        self, machine: Machine, *argv: str, columns: int = 80, lines: int = 24, term: str = "xterm"
    ) -> None:
        self.raw = ""
        self._columns, self._lines = columns, lines
        self._rows: list[list[str]] = []
        self._clear()
        self._left = self._rows, 0, 0  # what full-screen programs give back
        self.is_other = False  # the screen that full-screen programs use
        self._unread = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.master, slave = pty.openpty()
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(slave)
        # A session of its own: what the keys mean is for the program, not for the way to it.
        words = [*machine.entrance, "setsid", "--ctty", "env", f"TERM={term}", *argv]
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            for fd in (0, 1, 2):
                os.dup2(slave, fd)
            os.closerange(3, 1000)
            os.execvpe(words[0], words, {**os.environ, "LANG": "C.UTF-8"})
        self._slave = slave

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"the screen:\n{self.text}")
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)
        os.close(self._slave)

    def resize(self, columns: int, lines: int) -> None:
        self._columns, self._lines = columns, lines
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def resume(self) -> None:
        """Let a program that has stopped itself go on, as a shell does."""
        os.kill(self.pid, signal.SIGCONT)

    @property
    def text(self) -> str:
        """What is to be seen; a character that had no room shows as #."""
        self._take()
        rows = [[*row, *[" "] * self._columns][: self._columns] for row in self._rows]
        return "\n".join("".join(row).rstrip() for row in rows)

    @property
    def has_old_modes(self) -> bool:
        """Whether the terminal is set as it was before."""
        return termios.tcgetattr(self._slave) == self.modes

    def wait_end(self, seconds: float = 60) -> int:
        """Wait until the program has ended; return its exit status."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._take()
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                self._take()
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.05)
        raise AssertionError("the program has not ended")

    def _take(self) -> None:
        text = self._unread
        while select.select([self.master], [], [], 0)[0]:
            text += self._decoder.decode(os.read(self.master, 65536))
        cut = _CUT_SHORT.search(text)
        whole = text[: cut.start()] if cut else text
        self._unread = text[len(whole) :]
        self.raw += whole
        for token in _TOKEN.finditer(whole):
            self._show(token)

    def _show(self, token: re.Match[str]) -> None:
        text, command = token[0], token[2]
        if command == "H":
            row, column = (token[1] or "1;1").split(";")
            self._row, self._column = int(row) - 1, int(column) - 1
        elif command == "K":
            row_now = self._rows[self._row]
            row_now[self._column :] = [" "] * (self._columns - self._column)
        elif command == "J":
            self._clear()
        elif command in ("h", "l") and token[1] == "?1049":
            self.is_other = command == "h"
            if self.is_other:
                self._left = self._rows, self._row, self._column
                self._clear()
            else:
                self._rows, self._row, self._column = self._left
        elif command:
            return
        elif text == "\r":
            self._column = 0
        elif text == "\n":
            self._feed_line()
        elif text.isprintable():
            self._put(text)

    def _clear(self) -> None:
        self._rows = [[" "] * self._columns for _ in range(self._lines)]
        self._row = self._column = 0

    def _feed_line(self) -> None:
        self._row += 1
        if self._row >= self._lines:
            self._rows = [*self._rows[1:], [" "] * self._columns]
            self._row = self._lines - 1

    def _put(self, c: str) -> None:
        if unicodedata.combining(c):
            return
        wide = unicodedata.east_asian_width(c) in "WF"
        row = self._rows[self._row]
        if self._column + 1 + wide > self._columns:
            row[-1] = "#"
            return
        row[self._column : self._column + 1 + wide] = [c, *[""] * wide]
        self._column += 1 + wide
