"""How the demo tells what it does: numbered steps, command lines with their output, findings."""

import os
import re
import shlex
import sys
import textwrap

_COLOUR = re.compile("\033\\[[0-9;]*m")
_WIDTH = 78
_INDENT = "   "
COLUMNS = _WIDTH - len(_INDENT)  # for what programs print


class Screen:
    """Standard output, in colour only where that is a terminal."""

    def __init__(self, first_step: int) -> None:
        self.in_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self._step = first_step - 1

    def step(self, title: str) -> None:
        """Begin the next step."""
        self._step += 1
        _print(f"\n{self._paint('1', f'{self._step}  {title}')}")

    def say(self, text: str) -> None:
        """Print a text, wrapped."""
        _print(textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))

    def found(self, text: str) -> None:
        """Print what has just been proven."""
        head = f"{_INDENT}ok "
        wrapped = textwrap.fill(
            text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
        )
        _print(wrapped.replace("ok", self._paint("32", "ok"), 1))

    def failed(self, text: str) -> None:
        """Print what did not come back, or did not work."""
        lines = f"FAILED: {text}".splitlines()
        folded = "\n".join(textwrap.fill(line, _WIDTH) for line in lines)
        _print("\n" + folded.replace("FAILED:", self._paint("1;31", "FAILED:"), 1))

    def command(self, *words: str) -> None:
        """Print a command as it is typed in the machine."""
        lines = textwrap.wrap(
            shlex.join(words),
            COLUMNS - len("machine# ") - len(" \\"),
            break_long_words=False,
            break_on_hyphens=False,
        )
        line = f" \\\n{_INDENT}    ".join(lines)
        _print(f"{_INDENT}machine# {self._paint('36', line)}")

    def output(self, text: str) -> None:
        """Print what a program said, with its lines folded where they are too long."""
        for line in text.splitlines():
            margin = " " * (len(line) - len(line.lstrip()))
            fits = len(_COLOUR.sub("", line)) <= COLUMNS
            folded = textwrap.wrap(line, COLUMNS, subsequent_indent=margin)
            for part in [line] if fits else folded:
                _print(f"{_INDENT}{part}".rstrip())

    def _paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.in_colour else text


def _print(text: str) -> None:
    print(text, flush=True)
