"""Somebody at a terminal who presses TAB: `python3 typist.py SHELL TEXT WORD...`.

It types the text and TAB into an interactive shell until the terminal has shown all the words, and
prints how many seconds the shell took to show them; ends with 1 after a minute in vain.
"""

import os
import pty
import re
import select
import sys
import time

PATIENCE = 60.0
ESCAPES = re.compile(
    r"\x1b(?:\[[0-9;?>=]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][A-Z0-9]|[=>])"
)
STARTS = {
    "bash": ["bash", "--rcfile", "/usr/share/bash-completion/bash_completion", "-i"],
    "zsh": ["zsh", "-i"],
    "fish": ["fish", "-i"],
}


class Terminal:
    """An interactive shell and what it has shown."""

    def __init__(self, shell: str) -> None:
        pid, self._fd = pty.fork()
        if pid == 0:
            os.environ.update(HOME="/root", TERM="xterm", LC_ALL="C.UTF-8", COLUMNS="200")
            os.execvp(STARTS[shell][0], STARTS[shell])
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def has_shown(self, words: list[str], seconds: float) -> bool:
        """Read what comes for so long, or until all the words are there."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", self.shown) for word in words):
                return True
            if select.select([self._fd], [], [], left)[0]:
                data = os.read(self._fd, 65536)
                self.shown = ESCAPES.sub("", self.shown + data.decode(errors="replace"))
        return False


def main() -> int:
    shell, text, *words = sys.argv[1:]
    terminal = Terminal(shell)
    # Whatever the prompt is, the shell is ready when it has run this.
    terminal.type("echo RE''ADY\n")
    assert terminal.has_shown(["READY"], PATIENCE), terminal.shown
    terminal.shown = ""
    began = time.monotonic()
    terminal.type(text + "\t")
    while time.monotonic() < began + PATIENCE:
        # bash shows a choice at the second TAB only.
        if terminal.has_shown(words, 1.0):
            print(f"{time.monotonic() - began:.3f}")
            return 0
        terminal.type("\t")
    print(terminal.shown, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
