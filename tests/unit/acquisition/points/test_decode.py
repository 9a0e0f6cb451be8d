import math
import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sja_units.acquisition.points.decode import make_decoder
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import BYTE_ORDERS, FLOATS, INTEGERS

WIDE = {
    **{"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q"},
    **{"float16": "e", "float32": "f", "float64": "d"},
}


def arrange(big_endian: bytes, order: str) -> bytes:
    """Return bytes as a device with that order sends them: A is the highest byte, by pairs."""
    words = [big_endian[i : i + 2] for i in range(0, len(big_endian), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


@given(st.sampled_from(sorted(WIDE)), st.sampled_from(BYTE_ORDERS), st.binary(), st.data())
def test_every_number_in_every_order(
    kind: str, order: str, before: bytes, data: st.DataObject
) -> None:
    packed = struct.Struct(">" + WIDE[kind])
    raw = data.draw(st.binary(min_size=packed.size, max_size=packed.size))
    expected = packed.unpack(raw)[0]
    size = INTEGERS.get(kind) or FLOATS[kind]
    as_is = "float" if kind in FLOATS else "unsigned" if kind.startswith("u") else "integer"
    point = Point("p", "holding", 0, size, kind, order, write_as=as_is)
    distance = len(before) // 2
    block = before[: distance * 2] + arrange(raw, order) + b"\xff\xff"
    value = make_decoder(point)(block, distance)
    if math.isfinite(expected):
        assert value == expected
        assert type(value) is type(expected)
    else:
        assert value is None


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        ("ABCD", "41 48 00 00"),
        ("CDAB", "00 00 41 48"),
        ("BADC", "48 41 00 00"),
        ("DCBA", "00 00 48 41"),
    ],
)
def test_a_known_float_in_each_order(order: str, sent: str) -> None:
    point = Point("p", "holding", 0, 2, "float32", order, write_as="float")
    assert make_decoder(point)(bytes.fromhex(sent), 0) == 12.5


@given(st.integers(0, 65535), st.integers(0, 15), st.sampled_from(BYTE_ORDERS))
def test_bits_and_bytes_of_a_register(register: int, bit: int, order: str) -> None:
    data = arrange(register.to_bytes(2, "big"), order)

    def decode(kind: str, byte: str = "low", write_as: str = "integer") -> object:
        point = Point("p", "holding", 0, 1, kind, order, bit=bit, byte=byte, write_as=write_as)
        return make_decoder(point)(data, 0)

    assert decode("bit", write_as="bool") is bool(register & 1 << bit)
    assert decode("bool", write_as="bool") is (register != 0)
    assert decode("bit") == register >> bit & 1
    assert decode("bit") is not (register >> bit & 1 == 1)
    assert decode("uint8") == register & 0xFF
    assert decode("uint8", "high") == register >> 8
    assert decode("int8") == struct.unpack("b", bytes([register & 0xFF]))[0]
    assert decode("int8", "high") == struct.unpack("b", bytes([register >> 8]))[0]


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_coils_come_lowest_bit_first(coils: list[bool]) -> None:
    data = sum(on << i for i, on in enumerate(coils)).to_bytes((len(coils) + 7) // 8, "little")
    decode = make_decoder(Point("p", "coil", 0, 1, "bool", write_as="bool"))
    found = [decode(data, i) for i in range(len(coils))]
    assert found == coils
    assert {type(value) for value in found} == {bool}


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])))
def test_a_text_ends_at_its_zero(text: str) -> None:
    raw = text.encode()[:40].ljust(42, b"\0")
    expected = raw.partition(b"\0")[0].decode(errors="replace")
    for order in ("ABCD", "BADC"):
        point = Point("p", "holding", 0, 21, "string", order)
        assert make_decoder(point)(arrange(raw, order), 0) == expected


def test_a_text_holds_no_control_characters() -> None:
    point = Point("p", "holding", 0, 4, "string")
    assert make_decoder(point)(b"a\nb\x7f\xffc  ", 0) == "a\ufffdb\ufffd\ufffdc"


@given(
    st.integers(-(2**31), 2**31 - 1),
    st.floats(-1e6, 1e6).filter(lambda x: x != 0),
    st.floats(-1e6, 1e6),
)
def test_scale_and_offset_are_exact_to_fifteen_digits(
    raw: int, scale: float, offset: float
) -> None:
    point = Point("p", "holding", 0, 2, "int32", scale=scale, offset=offset)
    assume((scale, offset) != (1, 0))
    value = make_decoder(point)(struct.pack(">i", raw), 0)
    assert isinstance(value, float)
    assert math.isclose(value, raw * scale + offset, rel_tol=1e-14, abs_tol=1e-300)


def test_a_scaled_value_is_the_one_that_people_expect() -> None:
    point = Point("p", "holding", 0, 1, "int16", scale=0.1)
    assert make_decoder(point)(struct.pack(">h", 234), 0) == 23.4


@pytest.mark.parametrize(
    ("write_as", "raw", "value"),
    [
        ("integer", 2**63 - 1, 2**63 - 1),
        ("integer", 2**63, None),
        ("unsigned", 2**64 - 1, 2**64 - 1),
        ("float", 2**63, float(2**63)),
    ],
)
def test_a_large_unsigned_number_is_never_wrapped(
    write_as: str, raw: int, value: float | None
) -> None:
    point = Point("p", "holding", 0, 4, "uint64", write_as=write_as)
    assert make_decoder(point)(struct.pack(">Q", raw), 0) == value


def test_what_stands_for_no_value_is_none() -> None:
    point = Point("p", "holding", 0, 1, "uint16", scale=0.1, no_value=0xFFFF)
    decode = make_decoder(point)
    assert decode(b"\xff\xff", 0) is None
    assert decode(b"\xff\xfe", 0) == 6553.4


def test_a_scaled_value_that_is_too_large_is_none() -> None:
    point = Point("p", "holding", 0, 4, "float64", scale=1e10, write_as="float")
    assert make_decoder(point)(struct.pack(">d", 1e300), 0) is None


@pytest.mark.parametrize(
    ("order", "sent"),
    [
        ("ABCD", "00 01 02 03 04 05 06 07"),
        ("DCBA", "07 06 05 04 03 02 01 00"),
        ("CDAB", "06 07 04 05 02 03 00 01"),
        ("BADC", "01 00 03 02 05 04 07 06"),
        ("CDABGHEF", "02 03 00 01 06 07 04 05"),
        ("EFGHABCD", "04 05 06 07 00 01 02 03"),
    ],
)
@pytest.mark.parametrize("kind", ["int64", "uint64", "float64"])
def test_64_bits_in_each_order(order: str, sent: str, kind: str) -> None:
    expected = struct.unpack(f">{WIDE[kind]}", bytes(range(8)))[0]
    write_as = "float" if kind in FLOATS else "integer"
    point = Point("p", "holding", 0, 4, kind, order, write_as=write_as)
    assert make_decoder(point)(bytes.fromhex(sent), 0) == expected


@pytest.mark.parametrize(
    ("kind", "order", "sent", "value"),
    [
        ("bcd16", "ABCD", "12 34", 1234),
        ("bcd16", "BADC", "34 12", 1234),
        ("bcd32", "ABCD", "12 34 56 78", 12345678),
        ("bcd32", "CDAB", "56 78 12 34", 12345678),
        ("bcd16", "ABCD", "1A 34", None),
        ("bcd32", "ABCD", "FF FF FF FF", None),
        ("uint48", "ABCD", "00 01 02 03 04 05", 0x102030405),
        ("uint48", "CDAB", "04 05 02 03 00 01", 0x102030405),
        ("uint48", "ABCD", "FF FF FF FF FF FF", 2**48 - 1),
        ("int48", "ABCD", "FF FF FF FF FF FE", -2),
        ("int48", "DCBA", "FE FF FF FF FF FF", -2),
        ("m10k32", "ABCD", "00 0C 0D 80", 12 * 10000 + 3456),
        ("m10k32", "CDAB", "0D 80 00 0C", 12 * 10000 + 3456),
        ("m10k32", "ABCD", "FF F4 F2 80", -(12 * 10000 + 3456)),
        ("m10k32", "ABCD", "27 10 00 00", None),
        ("m10k48", "ABCD", "00 01 00 02 00 03", 1_0002_0003),
        ("m10k64", "ABCD", "27 0F 27 0F 27 0F 27 0F", 9999_9999_9999_9999),
    ],
)
def test_integers_of_meters(kind: str, order: str, sent: str, value: int | None) -> None:
    data = bytes.fromhex(sent)
    point = Point("p", "holding", 0, len(data) // 2, kind, order)
    assert make_decoder(point)(data, 0) == value


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        *(
            ("gbk", "\u6d77\u5929"),
            ("shift_jis", "\u6e29\u5ea6"),
            ("latin-1", "Gr\u00fc\u00dfe"),
            ("utf-8", "\u20ac"),
        ),
        *(("utf-16-be", "\u6d77\u5929"), ("utf-16-le", "AB")),
    ],
)
def test_texts_in_their_encoding(encoding: str, text: str) -> None:
    point = Point("p", "holding", 0, 8, "string", encoding=encoding)
    assert make_decoder(point)(text.encode(encoding).ljust(16, b"\0"), 0) == text


@pytest.mark.parametrize(("byte", "sent"), [("low", "00 41 00 42"), ("high", "41 00 42 00")])
def test_a_text_with_a_character_a_register(byte: str, sent: str) -> None:
    point = Point("p", "holding", 0, 2, "string", byte=byte)
    assert make_decoder(point)(bytes.fromhex(sent), 0) == "AB"


def test_precision_rounds_after_scaling() -> None:
    point = Point("p", "holding", 0, 1, "uint16", scale=0.001, precision=1)
    assert make_decoder(point)((1249).to_bytes(2, "big"), 0) == 1.2
    assert make_decoder(point._replace(precision=0))((1999).to_bytes(2, "big"), 0) == 2.0
