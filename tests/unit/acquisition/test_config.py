"""What a job's file may say, and what it is told when it may not."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sja_units.acquisition.config import AcquisitionConfig
from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.point import parse_reference
from sja_units.acquisition.points.types import TABLES
from sja_units.config.job_file import parse
from sja_units.errors import ConfigError, FaultLine

HEAD = """
[sink]
url = "http://192.0.2.1:8086"
database = "edge"
[[device]]
name = "press1"
host = "192.0.2.10"
"""
POINT = """
[[device.point]]
name = "temperature"
table = "holding"
address = 100
type = "float32"
"""


def read(text: str) -> AcquisitionConfig:
    settings = parse("acquisition", text, "x.toml").settings
    assert isinstance(settings, AcquisitionConfig)
    return settings


def faults_of(text: str) -> list[FaultLine]:
    with pytest.raises(ConfigError) as fault:
        read(text)
    return fault.value.faults


def test_the_defaults_are_those_of_the_contract() -> None:
    settings = read(HEAD + POINT)
    assert settings.interval == 1
    assert settings.sink.type == "influxdb"
    assert settings.sink.layout == "wide"
    assert settings.spool == (256 * 2**20, 7 * 86400)
    (device,) = settings.devices
    assert (device.endpoint.transport, device.endpoint.port, device.unit_id) == ("tcp", 502, 1)
    assert (device.timeout, device.retries) == (1, 3)
    assert (device.max_registers, device.max_gap) == (125, 8)
    assert device.measurement == "press1"
    (point,) = device.points
    assert (point.byte_order, point.scale, point.offset, point.size) == ("ABCD", 1, 0, 2)


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        (1, ("coil", 0)),
        (9999, ("coil", 9998)),
        (10001, ("discrete", 0)),
        (30001, ("input", 0)),
        (40001, ("holding", 0)),
        (49999, ("holding", 9998)),
        (100001, ("discrete", 0)),
        (400001, ("holding", 0)),
        (465536, ("holding", 65535)),
        ("40101", ("holding", 100)),
        ("00001", ("coil", 0)),
        ("010001", ("coil", 10000)),
        (0, None),
        (-1, None),
        (True, None),
        (40000, None),
        (20001, None),
        (50001, None),
        (465537, None),
        (4000001, None),
        ("1", None),
        ("4x0001", None),
        (40001.0, None),
    ],
)
def test_references(reference: object, place: tuple[str, int] | None) -> None:
    assert parse_reference(reference) == place


@given(st.sampled_from(TABLES), st.integers(0, 65535))
def test_every_address_has_a_reference(table: str, address: int) -> None:
    digit = {"coil": "0", "discrete": "1", "input": "3", "holding": "4"}[table]
    assert parse_reference(f"{digit}{address + 1:05}") == (table, address)
    if address < 9999:
        assert parse_reference(f"{digit}{address + 1:04}") == (table, address)


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ('type = "string"\nregisters = 2\nencoding = "klingon"', "encoding"),
        ('type = "string"\nregisters = 2\nencoding = "base64"', "encoding"),
        ('type = "string"\nregisters = 2\nencoding = "idna"', "encoding"),
        ('type = "string"\nregisters = 2\nencoding = "utf-16"', "encoding"),
        ('type = "string"\nregisters = 2\nbyte = "middle"', "byte"),
        ('type = "uint16"\nprecision = 1', "precision"),
        ('type = "bcd16"\nno_value = 10000', "no_value"),
        ('type = "uint48"\nno_value = 0x1000000000000', "no_value"),
        ('type = "m10k32"\nwrite_as = "unsigned"', "write_as"),
        ('type = "float64"\nbyte_order = "ABCDEFG"', "byte_order"),
    ],
)
def test_a_key_that_its_type_does_not_have_or_hold_is_refused(keys: str, key: str) -> None:
    text = HEAD + '[[device.point]]\nname = "p"\ntable = "holding"\naddress = 1\n' + keys
    (fault,) = faults_of(text)
    assert fault.key == f"device.0.point.0.{key}"


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("[::1]", "brackets"),
        ("127.0.0.256", "no address"),
        ("10.0.0", "no address"),
        ("192.0.2.1:502", "port"),
        ("plc.example:502", "port"),
        ("::1::2", "no address"),
        ("a b", "neither"),
    ],
)
def test_a_host_that_cannot_be_one_is_refused_with_what_to_write(host: str, word: str) -> None:
    (fault,) = faults_of((HEAD + POINT).replace('"192.0.2.10"', f'"{host}"'))
    assert fault.key == "device.0.host"
    assert word in fault


@pytest.mark.parametrize("host", ["::1", "fe80::1%eth0", "plc-1.example.", "10.0.0.1", "4plc"])
def test_hosts_of_all_forms_are_taken(host: str) -> None:
    text = (HEAD + POINT).replace('"192.0.2.10"', f'"{host}"')
    assert read(text).devices[0].endpoint.host == host


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("[[device.point]]", "[[point]]", "[[device.point]]"),
        ("[[device.point]]", "[[device.points]]", "[[device.point]]"),
        ('type = "float32"', 'type = "bool"\nscale = 2', "for numbers"),
        ('type = "float32"', 'type = "string"\nregisters = 1\nprecision = 2', "for numbers"),
        ('type = "float32"', 'type = "uint16"\nbit = 1', "bit"),
        ("[[device.point]]", 'tags = { temperature = "x" }\n[[device.point]]', "name of a point"),
    ],
)
def test_advice_leads_to_what_was_meant(old: str, new: str, word: str) -> None:
    faults = faults_of((HEAD + POINT).replace(old, new))
    assert any(word in fault for fault in faults)
    assert not any("did you mean" in fault for fault in faults)


@pytest.mark.parametrize(
    ("table", "address", "count"),
    [("holding", 40101, 1), ("input", 30001, 1), ("holding", 30001, 0), ("holding", 9999, 0)],
)
def test_an_address_like_a_reference_is_warned_of(table: str, address: int, count: int) -> None:
    text = POINT.replace('"holding"', f'"{table}"').replace("address = 100", f"address = {address}")
    settings = parse("acquisition", HEAD + text, "x").settings
    assert len(list(settings.warnings(()))) == count


@pytest.mark.parametrize(
    ("order", "same"),
    [("ABCDEFGH", "ABCD"), ("GHEFCDAB", "CDAB"), ("BADCFEHG", "BADC"), ("HGFEDCBA", "DCBA")],
)
def test_orders_of_64_bits_have_two_names(order: str, same: str) -> None:
    head = HEAD + '[[device.point]]\nname = "p"\ntable = "holding"\naddress = 1\ntype = "int64"\n'
    points = [read(f'{head}byte_order = "{each}"').devices[0].points for each in (order, same)]
    assert points[0] == points[1]


def test_a_reference_stands_for_table_and_address() -> None:
    text = POINT.replace('table = "holding"', "").replace("address = 100", "reference = 30101")
    (point,) = read(HEAD + text).devices[0].points
    assert (point.table, point.address) == ("input", 100)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("address", "-1"),
        ("address", "65536"),
        ("address", "65535"),
        ("address", "true"),
        ("address", "1.0"),
        ("table", '"register"'),
        ("type", '"float"'),
        ("byte_order", '"ABDC"'),
        ("scale", "0"),
        ("scale", "nan"),
        ("offset", "inf"),
        ("name", '""'),
        ("name", '"a\\nb"'),
        ("name", '"time"'),
        ("name", '"ends with a backslash\\\\"'),
        ("unit", '"ends with a backslash\\\\"'),
        ("cn_name", '"反斜线\\\\"'),
        ("bit", "3"),
        ("unknown", "1"),
        ("reference", "40101"),
        ("write_as", '"unsigned"'),
        ("byte_order", '"CDABGHEF"'),
        ("encoding", '"gbk"'),
        ("precision", "16"),
    ],
)
def test_a_fault_of_a_point_is_told_with_its_place(key: str, value: str) -> None:
    lines = [line for line in POINT.splitlines() if not line.startswith(f"{key} =")]
    text = HEAD + "\n".join([*lines, f"{key} = {value}"])
    (fault,) = faults_of(text)
    assert fault.key.startswith("device.0.point.0")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "0"),
        ("port", "70000"),
        ("unit_id", "256"),
        ("host", '"a b"'),
        ("host", '"http://press1/"'),
        ("transport", '"bus"'),
        ("timeout", '"0s"'),
        ("timeout", "1"),
        ("max_registers", "126"),
        ("max_registers", "1"),
        ("measurement", '"#1"'),
        ("tags", '{ time = "x" }'),
        ("tags", '{ a = "x\\ny" }'),
        ("points", '"press1.csv"'),
    ],
)
def test_a_fault_of_a_device_is_told_with_its_place(key: str, value: str) -> None:
    lines = [line for line in HEAD.splitlines() if not line.startswith(f"{key} =")]
    (fault,) = faults_of("\n".join([*lines, f"{key} = {value}"]) + POINT)
    assert fault.key.startswith("device.0")


SERIAL = """
[sink]
type = "local"
[[device]]
name = "meter"
transport = "rtu"
port = "/dev/ttyUSB0"
"""


@pytest.mark.parametrize(
    ("kind", "written", "sent"),
    [
        ("float32", "-999.9", struct.pack(">f", -999.9)),
        ("float32", "3.4028235e38", b"\x7f\x7f\xff\xff"),
        ("float32", "-9999", struct.pack(">f", -9999)),
        ("float16", "0.1", struct.pack(">e", 0.1)),
        ("float64", "-999.9", struct.pack(">d", -999.9)),
        ("int16", "0x8000", b"\x80\x00"),
        ("int16", "-32768", b"\x80\x00"),
        ("int16", "0xFFFF", b"\xff\xff"),
        ("int16", "32767.0", b"\x7f\xff"),
        ("int8", "0xFF", b"\x00\xff"),
        ("int32", "0x80000000", b"\x80\0\0\0"),
        ("int64", "-1", b"\xff" * 8),
        ("uint16", "0xFFFF", b"\xff\xff"),
        ("uint64", "9223372036854775807", b"\x7f" + b"\xff" * 7),
    ],
)
def test_no_value_is_what_the_type_makes_of_it(kind: str, written: str, sent: bytes) -> None:
    text = POINT.replace("float32", kind) + f"no_value = {written}"
    (point,) = read(HEAD + text).devices[0].points
    decode = make_decoder(point)
    assert decode(sent, 0) is None
    assert decode(bytes((0, 1, 0, 1, 0, 1, 0, 1)), 0) is not None


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("int16", "65536"),
        ("int16", "-32769"),
        ("int16", "-999.5"),
        ("uint16", "-1"),
        ("uint8", "256"),
        ("int64", "18446744073709551616"),
        ("float16", "65536"),
        ("float32", "3.5e38"),
        ("float32", "1e-50"),
        ("float64", "9" * 400),
        ("int16", "true"),
        ("float32", '"-999.9"'),
    ],
)
def test_no_value_that_never_comes_is_a_fault(kind: str, written: str) -> None:
    text = POINT.replace("float32", kind) + f"no_value = {written}"
    (fault,) = faults_of(HEAD + text)
    assert fault.key.endswith("point.0.no_value")


def test_a_serial_line() -> None:
    (device,) = read(SERIAL + POINT).devices
    assert device.endpoint.serial == (9600, 8, "N", 1)
    assert str(device.endpoint) == "/dev/ttyUSB0"
    more = 'baudrate = 19200\nparity = "E"\nstopbits = 2\n'
    (device,) = read(SERIAL + more + POINT).devices
    assert device.endpoint.serial == (19200, 8, "E", 2)
    assert device.endpoint.serial.character_seconds == 12 / 19200
    (device,) = read((SERIAL + "bytesize = 7" + POINT).replace("rtu", "ascii")).devices
    assert device.endpoint.serial == (9600, 7, "N", 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "502"),
        ("port", '"ttyUSB0"'),
        ("port", '"/dev/../etc/passwd"'),
        ("port", '"/dev/tty USB0"'),
        ("port", '"/dev/tty%i"'),
        ("port", '"/dev//ttyUSB0"'),
        ("host", '"192.0.2.10"'),
        ("baudrate", "9601"),
        ("baudrate", '"9600"'),
        ("bytesize", "7"),
        ("parity", '"X"'),
        ("stopbits", "3"),
        ("unit_id", "0"),
        ("unit_id", "248"),
        ("ca_file", '"/etc/ssl/ca.pem"'),
    ],
)
def test_a_fault_of_a_serial_line_is_told_with_its_place(key: str, value: str) -> None:
    lines = [line for line in SERIAL.splitlines() if not line.startswith(f"{key} =")]
    (fault,) = faults_of("\n".join([*lines, f"{key} = {value}"]) + POINT)
    assert fault.key.startswith("device.0")
    assert key in fault


def test_units_on_one_line_agree_on_its_settings() -> None:
    twin = SERIAL.partition("[[device]]")[2].replace("meter", "other") + "unit_id = 2\n"
    devices = read(SERIAL + POINT + "[[device]]" + twin + POINT).devices
    assert len({device.endpoint.key for device in devices}) == 1
    for other in ("baudrate = 19200", 'parity = "E"'):
        (fault,) = faults_of(SERIAL + POINT + "[[device]]" + twin + other + POINT)
        assert fault.key.startswith("device.1")
        assert "meter" in fault
    assert faults_of(SERIAL + POINT + "[[device]]" + twin.replace("rtu", "ascii") + POINT)


def test_tls() -> None:
    head = HEAD + 'transport = "tls"\n'
    (device,) = read(head + POINT).devices
    assert device.endpoint.port == 802
    assert device.endpoint.tls == ("", "", "", "192.0.2.10")
    files = 'cert_file = "/etc/ssl/job.pem"\nkey_file = "/etc/ssl/private/job.key"\n'
    (device,) = read(head + files + 'server_name = "press1.example.edu"' + POINT).devices
    assert device.endpoint.tls == (
        "",
        "/etc/ssl/job.pem",
        "/etc/ssl/private/job.key",
        "press1.example.edu",
    )
    long = f'ca_file = "/{"ü" * 50}"'
    for wrong in ('ca_file = "ca.pem"', 'cert_file = "/a.pem"', 'key_file = "/a.key"', long):
        (fault,) = faults_of(head + wrong + POINT)
        assert fault.key.startswith("device.0")
    for switch in ("verify = false", 'server_name = ""'):
        assert faults_of(head + switch + POINT)
    for name in ("press..example.edu", ".example.edu", "x" * 70, "机" * 70, "a b", "press1/"):
        (fault,) = faults_of(head + f'server_name = "{name}"' + POINT)
        assert fault.key.startswith("device.0.server_name")
    for name in ("press1.example.edu.", "192.0.2.10", "2001:db8::1", "机床.example.edu"):
        assert read(head + f'server_name = "{name}"' + POINT)


def test_more_endpoints_than_a_job_has_threads_for_are_one_fault() -> None:
    def connect(number: int) -> str:
        twins = [
            HEAD.partition("[[device]]")[2].replace("press1", f"p{i}").replace("0.2.10", f"0.2.{i}")
            for i in range(number)
        ]
        return HEAD.partition("[[device]]")[0] + "".join(f"[[device]]{t}{POINT}" for t in twins)

    assert len(read(connect(200)).devices) == 200
    (fault,) = faults_of(connect(201))
    assert "several jobs" in fault


@pytest.mark.parametrize(
    "url",
    [
        "192.0.2.1:8086",
        "file:///etc/passwd",
        "http://",
        "http://h:70000",
        "http://user:pass@h",
        "http://h/?db=edge",
        "http://h/a b",
    ],
)
def test_urls_that_are_none_of_a_database(url: str) -> None:
    (fault,) = faults_of((HEAD + POINT).replace("http://192.0.2.1:8086", url))
    assert "sink.url" in fault


@pytest.mark.parametrize("token", ["在此填写令牌", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_a_fault_and_not_told(token: str) -> None:
    bucket = (HEAD + POINT).replace('database = "edge"', f'bucket = "b"\ntoken = "{token}"')
    (fault,) = faults_of(bucket)
    assert "sink.token" in fault
    assert token not in fault


def test_a_password_may_be_in_any_script() -> None:
    user = 'database = "edge"\nusername = "操作员"\npassword = "密码"'
    sink = read((HEAD + POINT).replace('database = "edge"', user)).sink
    assert (sink.username, sink.password) == ("操作员", "密码")


def test_all_faults_are_told_at_once() -> None:
    faults = faults_of('interval = "0s"\n[sink]\n[[device]]\nport = 0\n[[device.point]]\n')
    device = ("name", "host", "port", "point.0.name", "point.0.address")
    places = ("interval", "sink.url", "sink.database", *(f"device.0.{key}" for key in device))
    assert {*places} <= {fault.key for fault in faults}


def test_no_device_or_no_point_is_a_fault() -> None:
    assert faults_of('[sink]\ntype = "local"\n')
    assert faults_of(HEAD)


def test_what_would_write_into_one_series_is_a_fault() -> None:
    twin = HEAD.partition("[[device]]")[2]
    assert faults_of(HEAD + POINT + "[[device]]" + twin + POINT)  # the same name
    other = twin.replace('name = "press1"', 'name = "press2"\nmeasurement = "press1"')
    assert faults_of(HEAD + POINT + "[[device]]" + other + POINT)
    tagged = other + 'tags = { side = "left" }\n'
    assert len(read(HEAD + POINT + "[[device]]" + tagged + POINT).devices) == 2


def test_narrow_lines_of_two_devices_differ_by_their_tag_device() -> None:
    narrow = HEAD.replace("[sink]", '[sink]\nlayout = "narrow"') + 'measurement = "plc"\n' + POINT
    twin = narrow.partition("[[device]]")[2]
    both = narrow + "[[device]]" + twin.replace("press1", "press2")
    assert [device.measurement for device in read(both).devices] == ["plc", "plc"]
    (fault,) = faults_of(both.replace('"narrow"', '"wide"'))
    assert fault.key.startswith("device.1.measurement")
    (fault,) = faults_of(narrow + "[[device]]" + twin)
    assert fault.key.startswith("device.1.name")


@pytest.mark.parametrize("tag", ["point", "unit", "cn_name", "quality"])
def test_a_tag_that_the_narrow_layout_writes_itself_is_a_fault(tag: str) -> None:
    wide = HEAD + f'tags = {{ {tag} = "x" }}\n' + POINT
    assert read(wide).devices[0].tags == {tag: "x"}
    (fault,) = faults_of(wide.replace("[sink]", '[sink]\nlayout = "narrow"'))
    assert fault.key.startswith(f"device.0.tags.{tag}")


def test_two_points_of_one_name_are_a_fault() -> None:
    (fault,) = faults_of(HEAD + POINT + POINT)
    assert fault.key.endswith("point.1.name")
