"""How many lines go into one request: fewer after a 413, more again after successes. Pure."""

MAX_LINES = 5000
_FIRST_PATIENCE = 4
_LONGEST_PATIENCE = 1024


class RequestSize:
    """Halves at once and doubles slowly: a limit that stays is met again more and more rarely."""

    def __init__(self) -> None:
        self.lines = MAX_LINES
        self._patience = _FIRST_PATIENCE  # full requests before it grows
        self._successes = 0
        self._has_grown = False

    def note_too_large(self, lines: int) -> None:
        """Take note that so many lines were too many."""
        self.lines = max(1, min(self.lines, lines) // 2)
        if self._has_grown:
            self._patience = min(self._patience * 2, _LONGEST_PATIENCE)
        self._has_grown = False
        self._successes = 0

    def note_written(self, lines: int) -> None:
        """Take note that so many lines were taken."""
        if lines < self.lines or self.lines == MAX_LINES:
            return
        self._successes += 1
        if self._successes >= self._patience:
            self._successes = 0
            self.lines = min(self.lines * 2, MAX_LINES)
            self._has_grown = True
            if self.lines == MAX_LINES:
                self._patience = _FIRST_PATIENCE
