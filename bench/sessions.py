"""A session that is kept alive: CPU of a look at the site, memory, and what a start costs."""

import json
import statistics
import time
from collections.abc import Iterator

from bench.bed import Bed
from bench.table import Row

_PAGE = "http://127.0.0.1:8001/"
_COPIES, _STARTS = 20, 7
_JOB = 'url = "{page}"\ninterval = "{interval}"\n'
_HTTPX = ("/usr/bin/python3", "-m", "bench.httpx_session")
_CURL = f"while curl --silent --cookie a=b --output /dev/null {_PAGE}; do sleep 1; done"
_BARE = """
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
    end.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
del socket
time.sleep(3600)
"""
_QUIET = "import time; time.sleep(3600)"


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of CPU, of memory and of starts."""
    bed.spawn("site", "/usr/bin/python3", "-m", "bench.site", "8001")
    bed.wait_for(lambda: bed.sh(f"curl --silent -o /dev/null {_PAGE} && echo up || true"), "site")
    yield from _measure_cpu(bed)
    yield from _measure_memory(bed)
    yield from _measure_start(bed)


def _measure_cpu(bed: Bed) -> Iterator[Row]:
    """A look each second; sh's pauses cost it little."""
    bed.write_job("keepalive/bench", _JOB.format(page=_PAGE, interval="1s"))
    bed.machine.run("systemctl", "start", "sja-keepalive@bench.service")
    bed.spawn("httpx", *_HTTPX, _PAGE, "1")
    bed.spawn("curl", "/bin/sh", "-c", _CURL)
    names = {"ours": "sja-keepalive@bench", "httpx": "httpx", "curl and sh": "curl"}
    units = {name: f"{unit}.service" for name, unit in names.items()}
    time.sleep(5)
    before, began = bed.figures(*units.values()), time.monotonic()
    time.sleep(10 if bed.is_short else 60)
    after, took = bed.figures(*units.values()), time.monotonic() - began
    costs = {name: (after[u].cpu - before[u].cpu) / took * 1000 for name, u in units.items()}
    bed.stop(*units.values())
    for name, cost in costs.items():
        target = 1.5 if name == "ours" else None
        yield Row(
            f"CPU a look, {name}", f"{cost:.1f} ms", cost / costs["httpx"], "of httpx", target
        )


def _measure_memory(bed: Bed) -> Iterator[Row]:
    """Each after its first look at the site, as many copies at a time."""
    copies = 5 if bed.is_short else _COPIES
    names = [f"k{n}" for n in range(copies)]
    for name in names:
        bed.write_job(f"keepalive/{name}", _JOB.format(page=_PAGE, interval="1h"))
    ours = [f"sja-keepalive@{name}.service" for name in names]
    bed.machine.run("systemctl", "start", *ours, timeout=600)
    found = {"ours": _take(bed, ours)}
    for label, argv in {
        "httpx": [*_HTTPX, _PAGE, "3600"],
        "curl and sh": ["/bin/sh", "-c", _CURL],
        "bare python": ["/usr/bin/python3", "-I", "-c", _QUIET],
    }.items():
        units = [f"other-{name}.service" for name in names]
        for unit in units:
            bed.spawn(unit, *argv)
        found[label] = _take(bed, units)
    mine = found["ours"]
    what = f"PSS of a keep-alive worker, mean of {copies}"
    yield Row(what, f"{mine:.1f} MiB", mine / found["httpx"], "of httpx", 0.40)
    yield Row("the same", f"{mine:.1f} MiB", mine / found["bare python"], "x bare python", 3.3)
    for label in ("httpx", "curl and sh", "bare python"):
        yield Row(f"PSS, mean of {copies}, {label}", f"{found[label]:.1f} MiB")


def _take(bed: Bed, units: list[str]) -> float:
    time.sleep(5)
    mean = statistics.mean(each.pss for each in bed.figures(*units).values())
    bed.stop(*units)
    return mean


def _measure_start(bed: Bed) -> Iterator[Row]:
    """From the process's start to READY, in turns; without what systemd does around it."""
    bed.machine.write("/run/bench.toml", _JOB.format(page=_PAGE, interval="1h"))
    bed.machine.write("/run/bare.py", _BARE)
    rounds = "3" if bed.is_short else str(_STARTS)
    others = [f"{' '.join(_HTTPX)} {_PAGE} 3600", "/usr/bin/python3 -I /run/bare.py"]
    said = bed.python("bench.ready", rounds, "keepalive=/run/bench.toml", *others)
    names = ("ours", "httpx", "bare python")
    took = dict(zip(names, json.loads(said), strict=True))
    for name, ms in took.items():
        yield Row(f"start to READY, {name}", f"{ms:.0f} ms", ms / took["httpx"], "of httpx")
