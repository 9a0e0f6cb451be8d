"""Figures of units, as JSON. `python -m bench.inside UNIT...`, in the machine where they run.

A unit's own cgroup is read: what its children used counts, also of those that have ended.
"""

import json
import re
import subprocess
import sys
from pathlib import Path


def find_cgroup(unit: str) -> Path:
    """Return the folder of a unit that runs."""
    words = ["systemctl", "show", "--property=ControlGroup", "--value", "--", unit]
    place = subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    assert place, f"{unit} does not run"
    return Path("/sys/fs/cgroup" + place)


def measure(unit: str) -> tuple[float, int, float, int]:
    """Return seconds of CPU, switches of context, PSS in MiB and the number of processes."""
    folder = find_cgroup(unit)
    used = re.search(r"usage_usec (\d+)", (folder / "cpu.stat").read_text())
    assert used
    pids = (folder / "cgroup.procs").read_text().split()
    return int(used[1]) / 1e6, sum(map(count_switches, pids)), sum(map(read_pss, pids)), len(pids)


def count_switches(pid: str) -> int:
    texts = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(int(n) for text in texts for n in re.findall(r"ctxt_switches:\s*(\d+)", text))


def read_pss(pid: str) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps({unit: measure(unit) for unit in sys.argv[1:]}))
