"""What requests a device ignores, and which key of its table would spare the time-outs. Pure."""

from collections.abc import Hashable

_OFTEN = 2
_SOON_SECONDS = 0.1


class Habits:
    """Learns from requests that were ignored and answered once they were repeated."""

    def __init__(self) -> None:
        self._ignored: tuple[Hashable, ...] = ()  # the last request that was, and what was special
        self._after_connect = 0
        self._after_answer = 0

    def note_ignored(
        self, unit: int, request: Hashable, since_answer: float, is_fresh: bool
    ) -> None:
        """Take note of a time-out; since_answer: from the last answer to the request."""
        self._ignored = (unit, request, is_fresh, since_answer)

    def note_answered(self, unit: int, request: Hashable) -> None:
        """Take note of an answer."""
        if self._ignored[:2] == (unit, request):
            _, _, is_fresh, since_answer = self._ignored
            if is_fresh:
                self._after_connect += 1
            elif isinstance(since_answer, float) and since_answer < _SOON_SECONDS:
                self._after_answer += 1
        self._ignored = ()

    def describe(self) -> str:
        """Return what the device ignores and the key that would help, "" where there is nothing."""
        if self._after_connect >= _OFTEN:
            return (
                "it ignores what comes right after the connection: connect_delay would help, "
                'try "500ms"'
            )
        if self._after_answer >= _OFTEN:
            return (
                "it ignores requests that come right after an answer: request_delay would help, "
                'try "100ms"'
            )
        return ""
