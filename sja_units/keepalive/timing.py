"""When to look next. Pure but for its dice."""

import os

FIRST_RETRY = 5.0  # seconds


def spread(low: float, high: float) -> float:
    """Return a random number between the two; `random` would cost 0.4 MiB a worker."""
    return low + (high - low) * int.from_bytes(os.urandom(4)) / 0xFFFFFFFF


def delay_refresh(interval: float) -> float:
    """Return the seconds until the next look at a live session."""
    return interval * spread(0.9, 1.1)


def delay_confirmation(interval: float) -> float:
    """Return the seconds until the second look, which shows whether a session is really gone."""
    return min(interval, spread(2, 5))


def delay_retry(failures: int, interval: float, retry_after: float | None) -> float:
    """Return the seconds until the next look after so many uncertain ones in a row.

    Never more than the interval: a session dies of waiting, too.
    """
    backoff = FIRST_RETRY * 2.0 ** min(failures - 1, 20) * spread(0.75, 1.25)
    return min(interval, max(backoff, retry_after or 0.0))


def delay_first(interval: float, uptime: float) -> float:
    """Return the seconds before the first look: after a boot, not all jobs at once."""
    return spread(0, min(interval / 10, 30)) if uptime < 600 else 0.0


def delay_login(attempts: int, interval: float) -> float:
    """Return the seconds between the last login and the next, after so many attempts."""
    return min(interval, 30.0 * 4.0 ** min(attempts - 1, 10)) if attempts else 0.0
