"""Dates of HTTP. Pure.

The reader is that of RFC 6265bis, 5.1.1, which takes all three forms of RFC 9110, 5.6.7, and what
else sites write; email.utils would cost a worker 1 MiB.
"""

import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_DAY = re.compile(r"([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_YEAR = re.compile(r"([0-9]{2,4})(?:[^0-9].*)?", re.DOTALL)


def parse_date(text: str) -> int | None:
    """Return the Unix time that a date stands for, None if it is not a date."""
    time = day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (match := _TIME.fullmatch(token)):
            time = int(match[1]), int(match[2]), int(match[3])
        elif day is None and (match := _DAY.fullmatch(token)):
            day = int(match[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (match := _YEAR.fullmatch(token)):
            year = int(match[1])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    hour, minute, second = time
    if not (year >= 1601 and 1 <= day <= _days_of(month, year)):
        return None
    if not (hour < 24 and minute < 60 and second < 60):
        return None
    return ((_count_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second


def parse_retry_after(text: str, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, None if it says nothing sane.

    Source: RFC 9110, 10.2.3: seconds or a date.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = parse_date(text)
    return None if moment is None else max(0.0, moment - now)


def _days_of(month: int, year: int) -> int:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def _count_days(year: int, month: int, day: int) -> int:
    """Return the days since the first of 1970, by the Gregorian calendar."""
    if month <= 2:  # a year that begins in March has its odd day at the end
        year, month = year - 1, month + 12
    days = year * 365 + year // 4 - year // 100 + year // 400
    return days + (153 * month - 457) // 5 + day - 719469
