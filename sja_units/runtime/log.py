"""Log lines as journald reads them: a level in angle brackets, see sd-daemon(3)."""

import sys


def _write(level: int, text: str) -> None:
    # Each line carries its level: journald splits at newlines, a traceback must not lose its rank.
    lines = text.splitlines() or [""]
    sys.stderr.write("".join(f"<{level}>{line}\n" for line in lines))
    sys.stderr.flush()


def error(text: str) -> None:
    _write(3, text)


def warning(text: str) -> None:
    _write(4, text)


def notice(text: str) -> None:
    _write(5, text)


def info(text: str) -> None:
    _write(6, text)
