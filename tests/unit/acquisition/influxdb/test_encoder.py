import struct
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.influxdb.encoder import LineEncoder
from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.plan import ReadRequest
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.scaling import explain_scaled, make_scaled_decoder
from sja_units.acquisition.poll.device import Answer
from sja_units.acquisition.timestamps import EARLIEST, ClockStepDetector, Timestamps, is_plausible
from sja_units.config.job_file import parse
from tests.unit.acquisition.line_parser import parse_line
from tests.unit.settings import parse_acquisition

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
    assert line.time == made.time_ns == OFFSET + 1_000
    assert made.samples == 2


def test_a_late_answer_has_a_line_of_its_own() -> None:
    """A slow device: the time of a line would be seconds away from that of its last read."""
    settings = parse("acquisition", CONFIG, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    (device,) = settings.devices
    for interval, window_ms in ((0.1, 100), (5.0, 500), (3600.0, 1000)):
        for passed, expected in ((window_ms, 1), (window_ms + 1, 2)):
            late = ANSWERS[1]._replace(monotonic_ns=ANSWERS[0].monotonic_ns + passed * 10**6)
            made = LineEncoder(device, "wide", interval).make_lines((ANSWERS[0], late), OFFSET)
            times = [parse_line(line).time for line in made.lines]
            assert times == [OFFSET + 1_000, OFFSET + late.monotonic_ns][:expected]
            assert made.samples == 2


KINDS = (
    "bcd16",
    "m10k48",
    "uint48",
    "int16",
    "uint16",
    "int32",
    "uint32",
    "int64",
    "uint64",
    "float16",
    "float32",
    "float64",
)
POINTS = st.lists(
    st.builds(
        lambda kind, order, extra, gap: (kind, order, extra, gap),
        st.sampled_from((*KINDS, "bool", "bit", "string")),
        st.sampled_from(("ABCD", "CDAB", "BADC", "DCBA")),
        st.sampled_from(
            ("", "scale = 0.1", "no_value = 0", "write_as", "offset = 7", "precision = 2")
        ),
        st.integers(-2, 3),
    ),
    min_size=1,
    max_size=12,
)


@given(POINTS, st.binary(min_size=240, max_size=240), st.sampled_from(("wide", "narrow")))
def test_a_request_as_a_whole_is_written_like_its_points_alone(
    points: list[tuple[str, str, str, int]], data: bytes, layout: str
) -> None:
    text, address = "", 2
    for i, (kind, order, extra, gap) in enumerate(points):
        address = max(0, address + gap)
        rest = extra
        if extra == "precision = 2":
            rest = "precision = 2\nscale = 0.1234"
        if extra == "write_as":
            rest = "" if kind.startswith("f") else 'write_as = "float"'
        if kind in ("bool", "bit", "string"):
            rest = {"string": "registers = 2", "bit": "bit = 3"}.get(kind, "")
            order = order if kind != "string" else "BADC"
        text += f"""
[[device.point]]
name = "50% {i}"
table = "holding"
address = {address}
type = "{kind}"
byte_order = "{order}"
{rest}
"""
        address += 4
    head = '[sink]\ntype = "local"\n[[device]]\nname = "d"\nhost = "192.0.2.1"\n'
    settings = parse("acquisition", head + text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    (device,) = settings.devices
    order_of = sorted(range(len(device.points)), key=lambda i: device.points[i].address)
    whole = Answer(ReadRequest("holding", 0, 120, tuple(order_of)), data, 1_000)
    made = LineEncoder(device, layout).make_lines((whole,), OFFSET)
    alone = {}
    for point in device.points:
        value = make_decoder(point)(data, point.address)
        if value is not None:
            alone[point.name] = value
    fields = {}
    for line in map(parse_line, made.lines):
        fields.update(line.fields)
    assert fields == alone
    assert made.samples == len(alone)


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


@pytest.mark.parametrize(
    ("keys", "data", "word"),
    [
        ('type = "float32"', b"\x7f\xc0\0\0", "NaN"),
        ('type = "float32"', b"\xff\x80\0\0", "infinity"),
        ('type = "float32"\nscale = 1e300', b"\x7f\x7f\0\0", "scaled"),
        ('type = "uint64"', b"\xff" * 8, "integer"),
        ('type = "int8"\nno_value = -1', b"\xff" * 2, "the device"),
    ],
)
@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_what_has_no_value_is_told_with_the_reason_until_it_has_one(
    keys: str, data: bytes, word: str, layout: str
) -> None:
    text = CONFIG.replace('type = "float32"', keys)
    settings = parse("acquisition", text, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    encoder = LineEncoder(settings.devices[0], layout)
    request = ReadRequest("holding", 100, len(data) // 2, (0,))
    told = [
        encoder.make_lines((Answer(request, sent, 1_000),), OFFSET).no_value
        for sent in (data, data, bytes(len(data)), bytes(len(data)))
    ]
    assert [len(each) for each in told] == [1, 0, 1, 0]
    assert told[0][0][0] == "temperature"
    assert word in told[0][0][1]
    assert told[2] == (("temperature", ""),)


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


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_several_registers_are_a_text_of_json(layout: str) -> None:
    text = CONFIG + (
        '[[device.point]]\nname = "pair"\ntable = "holding"\naddress = 102\ntype = "uint16"\n'
        'registers = 2\nwrite_as = "json"\n'
        '[[device.point]]\nname = "lamps"\ntable = "coil"\naddress = 8\n'
        'registers = 3\nwrite_as = "json"\n'
    )
    (device,) = parse_acquisition(text).devices
    answers = (
        Answer(ReadRequest("coil", 7, 4, (1, 3)), b"\x0b", 1_000),
        Answer(ReadRequest("holding", 100, 4, (0, 2)), struct.pack(">fHH", 21.5, 73, 80), 2_000),
    )
    made = LineEncoder(device, layout).make_lines(answers, OFFSET)
    fields = {k: v for line in map(parse_line, made.lines) for k, v in line.fields.items()}
    assert fields == {"temperature": 21.5, "on": True, "pair": "[73, 80]", "lamps": "[1, 0, 1]"}
    assert made.samples == 4


SUNSPEC = CONFIG.replace('type = "float32"', 'type = "int16"\nscale_register = 7')


def encode_scaled(power: int, raw: int, layout: str, *, apart: bool) -> list[str]:
    settings = parse("acquisition", SUNSPEC, "x").settings
    assert isinstance(settings, AcquisitionConfig)
    (device,) = settings.devices
    value = Answer(ReadRequest("holding", 100, 1, (0,)), struct.pack(">h", raw), 2_000)
    scale = Answer(ReadRequest("holding", 7, 1, (2,)), struct.pack(">h", power), 1_000)
    whole = Answer(
        ReadRequest("holding", 7, 94, (2, 0)), scale.data + bytes(184) + value.data, 1_000
    )
    encoder = LineEncoder(device, layout)
    return encoder.make_lines((value, scale) if apart else (whole,), OFFSET).lines


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("layout", ["wide", "narrow"])
@pytest.mark.parametrize(
    ("power", "raw", "value"),
    [
        *((-2, 2345, 23.45), (-1, 234, 23.4), (0, 7, 7.0), (2, 7, 700.0), (-10, 1, 1e-10)),
        *((-1, -0x8000, None), (-0x8000, 5, None), (11, 5, None)),
    ],
)
def test_a_scale_may_stand_in_a_register(
    power: int, raw: int, value: float | None, layout: str, *, apart: bool
) -> None:
    lines = encode_scaled(power, raw, layout, apart=apart)
    if value is None:
        assert lines == []
        return
    (line,) = map(parse_line, lines)
    assert line.fields == {"temperature": value}
    assert isinstance(line.fields["temperature"], float)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        *(("int16", "8000"), ("uint16", "ffff"), ("int32", "80000000"), ("uint32", "ffffffff")),
        *(("int64", "8000000000000000"), ("uint64", "ffffffffffffffff"), ("float32", "7fc00000")),
    ],
)
def test_what_sunspec_does_not_implement_has_no_value(kind: str, data: str) -> None:
    point = Point("p", "holding", 0, 1, kind, scale_register=7)
    decode = make_scaled_decoder(point, lambda: 0)
    assert decode(bytes.fromhex(data), 0) is None
    assert decode(bytes(8), 0) == 0.0
    assert explain_scaled(point, bytes.fromhex(data), 0, 0)
    assert "7" in explain_scaled(point, bytes(8), 0, None)
