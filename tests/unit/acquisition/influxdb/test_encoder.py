import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.encoder import LineEncoder
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.poll.device import Answer
from sja_units.acquisition.timestamps import EARLIEST, ClockStepDetector, Timestamps, is_plausible
from sja_units.config.job_file import parse
from tests.unit.acquisition.line_parser import parse_line

CONFIG = """
[sink]
type = "local"
[[device]]
name = "press 1"
host = "192.0.2.10"
tags = { site = "hall a" }
[[device.point]]
name = "temperature"
table = "holding"
address = 100
type = "float32"
unit = "°C"
[[device.point]]
name = "on"
table = "coil"
address = 7
"""
OFFSET = EARLIEST
ANSWERS = (
    Answer(ReadRequest("coil", 7, 1, (1,)), b"\x01", 1_000),
    Answer(ReadRequest("holding", 98, 4, (0,)), b"\0\0\0\0" + struct.pack(">f", 21.5), 2_000),
)


def make_recorder(layout: str) -> LineEncoder:
    settings = parse("acquisition", CONFIG, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    return LineEncoder(settings.devices[0], layout)


def test_wide_is_one_line_a_device_and_cycle() -> None:
    made = make_recorder("wide").make_lines(ANSWERS, OFFSET)
    (line,) = map(parse_line, made.lines)
    assert line.measurement == "press 1"
    assert line.tags == {"site": "hall a"}
    assert line.fields == {"temperature": 21.5, "on": True}
    assert line.time == made.time_ns == OFFSET + 2_000
    assert made.samples == 2


def test_narrow_is_one_line_a_point_at_the_time_of_its_own_read() -> None:
    made = make_recorder("narrow").make_lines(ANSWERS, OFFSET)
    on, temperature = map(parse_line, made.lines)
    shared = {"site": "hall a", "device": "press 1", "quality": "good"}
    assert on.tags == {**shared, "point": "on"}
    assert on.fields == {"on": True}
    assert on.time == OFFSET + 1_000
    assert temperature.tags == {**shared, "point": "temperature", "unit": "°C"}
    assert temperature.time == OFFSET + 2_000
    assert made.samples == 2


def test_narrow_is_what_the_older_edge_system_writes() -> None:
    text = CONFIG.replace('unit = "°C"', 'unit = "°C"\ncn_name = "一区 温度"')
    settings = parse("acquisition", text.replace('name = "press 1"', 'name = "P01"'), "x").settings
    assert isinstance(settings, AcquisitionConfig)
    made = LineEncoder(settings.devices[0], "narrow").make_lines(ANSWERS[1:], 0)
    # Measurement, tags and the one field as its InfluxDB client has put them together.
    tags = r"cn_name=一区\ 温度,device=P01,point=temperature,quality=good,site=hall\ a,unit=°C"
    assert made.lines == [f"P01,{tags} temperature=21.5 2000"]


def test_a_text_that_is_none_is_uncertain() -> None:
    text = CONFIG.replace("float32", "string").replace('unit = "°C"', "registers = 2")
    settings = parse("acquisition", text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    recorder = LineEncoder(settings.devices[0], "narrow")
    for data, quality in ((b"PET ", "good"), (b"PE\xff\0", "uncertain"), (b"P\1ET", "uncertain")):
        answer = Answer(ReadRequest("holding", 100, 2, (0,)), data, 1_000)
        (line,) = recorder.make_lines((answer,), OFFSET).lines
        assert parse_line(line).tags["quality"] == quality


def test_no_number_no_line() -> None:
    nan = (Answer(ReadRequest("holding", 100, 2, (0,)), b"\x7f\xc0\0\0", 1_000),)
    for layout in ("wide", "narrow"):
        assert make_recorder(layout).make_lines(nan, OFFSET).lines == []


def test_a_cycle_in_part_is_written_in_part() -> None:
    made = make_recorder("wide").make_lines(ANSWERS[:1], OFFSET)
    assert parse_line(made.lines[0]).fields == {"on": True}


SECOND = 10**9
STEPS = st.lists(st.tuples(st.integers(0, 10 * SECOND), st.integers(-(10**13), 10**13)), min_size=2)


@pytest.mark.slow
@given(STEPS)
def test_stamps_are_near_the_clock_and_never_twice_the_same(steps: list[tuple[int, int]]) -> None:
    stamps = Timestamps()
    made = []
    monotonic = 0
    for passed, offset in steps:
        monotonic += passed
        made.append(stamps.make(monotonic, EARLIEST + offset))
        assert 0 <= made[-1] - (monotonic + EARLIEST + offset) <= 2 * SECOND
    assert all(a != b for a, b in pairwise(made))


@given(st.lists(st.tuples(st.integers(0, 10 * SECOND), st.integers(100, 2 * SECOND))))
def test_stamps_only_grow_while_the_clock_is_set_back_by_a_few_seconds(
    steps: list[tuple[int, int]],
) -> None:
    stamps = Timestamps()
    monotonic = 0
    made = [stamps.make(0, EARLIEST + 2 * SECOND)]
    for passed, offset in steps:
        monotonic += passed
        made.append(stamps.make(monotonic, EARLIEST + offset))
    assert all(a < b for a, b in pairwise(made))


def test_a_clock_that_was_set_back_a_little_is_caught_up_with() -> None:
    stamps = Timestamps()
    stamps.make(0, EARLIEST + 2 * SECOND)
    made = [stamps.make(second * SECOND, EARLIEST) for second in range(1, 6)]
    assert made[0] == EARLIEST + 5 * SECOND // 2
    assert made[-1] == EARLIEST + 5 * SECOND


def test_a_clock_that_was_hours_ahead_is_followed_back_at_once() -> None:
    """A machine whose clock kept local time, until the network told it that of the world."""
    stamps = Timestamps()
    stamps.make(0, EARLIEST + 8 * 3600 * SECOND)
    for second in range(1, 4):
        assert stamps.make(second * SECOND, EARLIEST) == EARLIEST + second * SECOND


def test_a_step_of_the_clock_is_told_once() -> None:
    steps = ClockStepDetector()
    hours = 8 * 3600 * SECOND
    told = [steps.note(offset) for offset in (hours, hours + 10**6, 0, 10, SECOND, hours)]
    assert told[:2] == ["", ""]
    assert "back by 28,800.0 s" in told[2]
    assert told[3:5] == ["", ""]
    assert "ahead by 28,799.0 s" in told[5]


def test_the_year_1970_is_no_time() -> None:
    assert not is_plausible(0)
    assert is_plausible(EARLIEST)
