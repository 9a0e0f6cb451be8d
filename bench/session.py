"""What a session that is kept alive costs, and any program as a job, as one table on stdout.

`python -m bench.session SCRATCH`
"""

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from bench.figures import Row
from bench.processes import WORKER, Job, Program, free_port, make_folders, wait_listening
from bench.run import show
from bench.site import SITE

_COPIES = 20
_STARTS = 7
_INTERVAL = 3600
_BARE = """
import os, socket, time
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
    end.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
del socket
time.sleep(3600)
"""

Start = Callable[[Path], Job]


def main(scratch: Path) -> None:
    """Print the table."""
    port = free_port()
    page = f"http://127.0.0.1:{port}/"

    def start_ours(folder: Path) -> Job:
        env = make_folders(folder, f'url = "{page}"\ninterval = "{_INTERVAL}s"\n')
        return Job(folder, *WORKER, "keepalive", "bench", env=env)

    def start_command(folder: Path) -> Job:
        env = make_folders(folder, f'command = ["/usr/bin/sleep", "{_INTERVAL}"]\n')
        return Job(folder, *WORKER, "command", "bench", env=env)

    starts: dict[str, Start] = {
        "keep-alive worker": start_ours,
        "httpx": lambda folder: Job(folder, "-m", "bench.httpx_session", page, str(_INTERVAL)),
        "command worker": start_command,
        "bare python": lambda folder: Job(folder, "-I", "-c", _BARE),
    }
    show([Row("what", "figure", "ratio", "target")])
    with Program("-c", SITE, str(port)):
        wait_listening(port)
        show(_measure_memory(scratch, starts))
        show(_measure_starts(scratch, starts))


def _measure_memory(scratch: Path, starts: dict[str, Start]) -> list[Row]:
    """Each after its first look at the site, as many copies at a time."""
    found = {name: _measure_pss(scratch / name, start) for name, start in starts.items()}
    ours, bare = found["keep-alive worker"], found["bare python"]
    ratios = {
        "keep-alive worker": (f"{ours / found['httpx']:.2f} of httpx", "<= 0.40"),
        "command worker": (f"{found['command worker'] / bare:.1f} x bare python", ""),
        "bare python": (f"a keep-alive worker is {ours / bare:.1f} x that", "<= 3.3"),
    }
    return [
        Row(f"PSS, mean of {_COPIES}, {name}", f"{pss:.1f} MiB", *ratios.get(name, ()))
        for name, pss in found.items()
    ]


def _measure_pss(scratch: Path, start: Start) -> float:
    with ExitStack() as stack:
        jobs = [stack.enter_context(start(scratch / f"copy{number}")) for number in range(_COPIES)]
        time.sleep(2)
        return statistics.mean(job.pss() for job in jobs)


def _measure_starts(scratch: Path, starts: dict[str, Start]) -> list[Row]:
    """Start to READY, in turns."""
    took: dict[str, list[float]] = {name: [] for name in starts}
    for number in range(_STARTS):
        for name, start in starts.items():
            with start(scratch / name / f"start{number}") as job:
                took[name].append(job.seconds_to_ready * 1000)
    medians = {name: statistics.median(times) for name, times in took.items()}
    return [
        Row(f"start to READY, {name}", f"{ms:.0f} ms", f"{ms / medians['httpx']:.2f} of httpx")
        for name, ms in medians.items()
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
