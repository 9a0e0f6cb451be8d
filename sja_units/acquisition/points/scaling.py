"""Numbers whose scale stands in a register of its own, as SunSpec's models have it. Pure.

The register is an int16, the power of ten to multiply with, from -10 to 10. What a device does not
implement is a value of its own in each type. Source: SunSpec Device Information Model
Specification V1.1, 4.3 and 4.6, sunspec.org.
"""

from collections.abc import Callable

from sja_units.acquisition.points.decode import Decoder, Value, make_decoder, make_number_reader
from sja_units.acquisition.points.point import Point
from sja_units.acquisition.points.types import FLOATS, find_limits, is_unsigned

_MOST = 10


def is_implemented(point: Point, raw: float) -> bool:
    """Tell whether a number is not the one by which a device says that it has none."""
    if point.type in FLOATS:
        return raw == raw  # noqa: PLR0124  # NaN alone is not
    least, greatest = find_limits(point.type)
    return raw != (greatest if is_unsigned(point.type) else least)


def read_scale(data: bytes, distance: int) -> int | None:
    """Return the power of ten that a register holds, None if it holds none."""
    power = int.from_bytes(data[distance * 2 : distance * 2 + 2], "big", signed=True)
    return power if abs(power) <= _MOST else None


def make_scaled_decoder(point: Point, find_scale: Callable[[], int | None]) -> Decoder:
    """Return the decoder of a point with a scale register.

    find_scale: gives what that register holds now, None where it is not known.
    """
    read = make_number_reader(point)
    decoders: dict[int, Decoder] = {}

    def decode(data: bytes, distance: int) -> Value | None:
        power = find_scale()
        if power is None or not is_implemented(point, read(data, distance)):
            return None
        if power not in decoders:
            decoders[power] = make_decoder(_scale(point, power))
        return decoders[power](data, distance)

    return decode


def _scale(point: Point, power: int) -> Point:
    """Return the point as it would be with that scale; always a float, whatever the power is."""
    # A power of ten below one is no exact number, what it divides by is.
    scale = point.scale * 10**power if power >= 0 else point.scale / 10**-power
    return point._replace(scale=scale, scale_register=None, write_as="float")


def explain_scaled(point: Point, data: bytes, distance: int, power: int | None) -> str:
    """Return why that decoder gives no value, "" where it is for another reason than the scale."""
    if power is None:
        return f"its scale register, {point.table} {point.scale_register}, holds no scale"
    if not is_implemented(point, make_number_reader(point)(data, distance)):
        return "the device says that it does not have it"
    return ""
