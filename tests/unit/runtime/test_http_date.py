"""Dates as servers write them."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.runtime.http_date import parse_date, parse_retry_after

EXAMPLE = 784111777


@given(st.datetimes(datetime(1601, 1, 1), datetime(9999, 12, 31)))
def test_every_second_that_the_standard_writes_is_read(moment: datetime) -> None:
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    assert parse_date(format_datetime(moment, usegmt=True)) == moment.timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE),
        ("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE),
        ("Sun Nov  6 08:49:37 1994", EXAMPLE),
        ("Sen, 06 Nov 1994 08:49:37", EXAMPLE),  # a day in another language
        ("Sun Nov 06 1994 08:49:37 GMT+0000 (Coordinated Universal Time)", EXAMPLE),
        ("Sun, 06 Nov 1994 8:49:37 GMT", EXAMPLE),
        ("06 NOVEMBER 94 08:49:37", EXAMPLE),
        ("Thu, 01-Jan-70 0:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 00:00:00 GMT", 1709164800),
        ("Thu, 29 Feb 2023 00:00:00 GMT", None),
        ("Thu, 29 Feb 1900 00:00:00 GMT", None),
        ("Mon, 31 Apr 2023 00:00:00 GMT", None),
        ("Thu, 01 Jan 1600 00:00:00 GMT", None),
        ("Thu, 01 Jan 1970 24:00:00 GMT", None),
        ("Thu, 01 Jan 1970 00:00:60 GMT", None),
        ("Thu, 01 Jan 1970", None),
        ("00:00:00", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates(text: str, seconds: int | None) -> None:
    assert parse_date(text) == seconds


@given(st.text())
def test_anything_else_is_no_date(text: str) -> None:
    moment = parse_date(text)
    assert moment is None or isinstance(moment, int)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("9" * 400, 999999999999),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("Thu, 99 Foo 2026", None),
    ],
)
def test_retry_after(text: str, seconds: float | None) -> None:
    assert parse_retry_after(text, 100) == seconds
