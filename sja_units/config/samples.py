"""Files that together have every key that there is, for what is made from the readers. Pure."""

from collections.abc import Iterator

SAMPLE_NAME = "sample"  # of a device, from which other keys have their default

_HEAD = '[sink]\n{sink}\n[[device]]\nname = "sample"\n{way}\n'
_POINT = '[[device.point]]\nname = "{name}"\n{where}\n'
_WHERE = 'table = "holding"\naddress = 0\n'
_NUMBERS = [
    "int16",
    "float32",
    'uint8"\nno_value = "1',
    'int16"\nno_value = 1\nunit = "',
    'float32"\nprecision = 1\nunit = "',
]
_TYPES = [*_NUMBERS, "bool", 'bit"\nbit = "1', "string"]


_COMMAND = 'command = ["/x"]\n'
_PROBES = ['http = "http://h/"', 'tcp = "h:1"', 'exec = ["/x"]', 'file = "f"\nmax_age = "1s"']


def list_samples(kind: str) -> list[str]:
    """Return such files of a kind of job, or of `host`; not all of them are without fault."""
    service = "[service]\n" + 'A = "x"\nB = 1\nC = true\nD = ["x", 1]\n'
    samples = {
        "acquisition": list(_write_acquisitions()),
        "command": [
            f'{_COMMAND}max_runtime = "1s"\nenvironment = {{ A = "x" }}\n',
            *(f"{_COMMAND}[probe]\n{way}\n" for way in _PROBES),
        ],
        "keepalive": [
            'url = "http://h"\n',
            'url = "http://h"\nheaders = { A = "x" }\n[login]\ncommand = ["/x"]\n',
            'url = "http://h"\ninterval = "auto"\n',
        ],
        "host": ["", '[alert]\ncommand = ["/x"]\n', '[alert]\nwebhook = "http://h"\n'],
    }
    return [f"{text}{service if kind != 'host' else ''}" for text in samples[kind]]


def _write_acquisitions() -> Iterator[str]:
    wheres = ["reference = 1", 'reference = "1"', *(f'{_WHERE}type = "{t}"' for t in _TYPES)]
    points = "".join(_POINT.format(name=f"p{i}", where=where) for i, where in enumerate(wheres))
    tls = 'host = "h"\ntransport = "tls"\nserver_name = "n"'
    ways = [points, f'host = "h"\ntags = {{ a = "x" }}\n{points}', f"{tls}\n{points}"]
    ways += ['points = "p.csv"', f'transport = "rtu"\nport = "/dev/ttyS0"\n{points}']
    for sink in ('url = "http://h"\ndatabase = "d"', 'bucket = "b"', 'type = "local"'):
        for way in ways:
            yield _HEAD.format(sink=sink, way=way)
