"""Files that together have every key of an acquisition job, for what is made from its reader."""

from collections.abc import Iterator

_HEAD = '[sink]\n{sink}\n[[device]]\nname = "sample"\n{way}\n'
_POINT = '[[device.point]]\nname = "{name}"\n{where}\n'
_WHERE = 'table = "holding"\naddress = 0\n'
_NUMBERS = [
    "int16",
    "float32",
    'uint8"\nno_value = "1',
    'int16"\nno_value = 1\nunit = "',
    'float32"\nprecision = 1\nscale_register = 1\nunit = "',
]
_TYPES = [*_NUMBERS, "bool", 'bit"\nbit = "1', "string"]


def list_samples() -> list[str]:
    """Return such files; not all of them are without fault."""
    return list(_write_samples())


def _write_samples() -> Iterator[str]:
    wheres = ["reference = 1", 'reference = "1"', *(f'{_WHERE}type = "{t}"' for t in _TYPES)]
    points = "".join(_POINT.format(name=f"p{i}", where=where) for i, where in enumerate(wheres))
    tls = 'host = "h"\ntransport = "tls"\nserver_name = "n"'
    ways = [points, f'host = "h"\ntags = {{ a = "x" }}\n{points}', f"{tls}\n{points}"]
    ways += ['points = "p.csv"', f'transport = "rtu"\nport = "/dev/ttyS0"\n{points}']
    for sink in ('url = "http://h"\ndatabase = "d"', 'bucket = "b"', 'type = "local"'):
        for way in ways:
            yield _HEAD.format(sink=sink, way=way)
