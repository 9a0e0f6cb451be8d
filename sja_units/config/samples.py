"""Files that together have every key that there is, for what is made from the readers. Pure."""

from sja_units.job import KINDS
from sja_units.kinds import get_kind

SAMPLE_NAME = "sample"  # of a device, from which other keys have their default

_SERVICE = "[service]\n" + 'A = "x"\nB = 1\nC = true\nD = ["x", 1]\n'
_VALUES = 'A = "x", B = 1, C = true, D = ["x", 1], E = 0.5'
_ORIGIN = f'template = {{ name = "x", created = "x", digest = "x", set = {{ {_VALUES} }} }}\n'
_HOST = ["", '[alert]\ncommand = ["/x"]\n', '[alert]\nwebhook = "http://h"\n']


def list_samples(kind: str) -> list[str]:
    """Return such files of a kind of job, or of `host`; not all of them are without fault."""
    if kind not in KINDS:
        return _HOST
    return [f"{_ORIGIN}{text}{_SERVICE}" for text in get_kind(kind).samples()]
