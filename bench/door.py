"""What the door for applications costs, as one table on stdout. `python -m bench.door`."""

import json

from bench.figures import Row
from bench.run import show
from tests.machines.images import installed_machine
from tests.system.door import put, write_idle_template

JOBS = 20
_PYTHON = "/opt/sja-units/bin/python"


def main() -> None:
    """Print the table."""
    with installed_machine("bookworm", "bench-door") as machine:
        machine.boot()
        write_idle_template(machine, "bench")
        for number in range(JOBS):
            job = f"acquisition/bench-{number}"
            assert put(machine, "root", job, "bench", start=number == 0).status == 201
        said = machine.run(_PYTHON, "/src/bench/door_inside.py", timeout=300).stdout
    found = json.loads(said)
    show([Row("what", "figure", "ratio", "target")])
    show(
        [
            _compare(
                f"list of {JOBS} jobs, the door", found, "list", "list_sjactl", "1/20 or less"
            ),
            _tell("… sjactl list --json as a subprocess", found["list_sjactl"]),
            _tell("… raw D-Bus: one listing, a new connection", found["list_bus"]),
            _tell("one job with all about it, the door", found["get"]),
            _compare("restart, the door", found, "order", "order_sjactl", "less"),
            _tell("… sjactl restart as a subprocess", found["order_sjactl"]),
            _tell("… raw D-Bus, a new connection", found["order_bus"]),
            _tell("cold start: connection to first answer", found["cold"], "300 ms"),
            Row("memory of both processes (PSS), 0 when idle", f"{found['pss'] / 2**20:.1f} MiB"),
        ]
    )


def _tell(what: str, seconds: float, target: str = "") -> Row:
    return Row(what, f"{seconds * 1000:.1f} ms", "", target)


def _compare(what: str, found: dict[str, float], own: str, other: str, target: str) -> Row:
    ratio = f"{found[own] / found[other]:.3f} of sjactl's"
    return Row(what, f"{found[own] * 1000:.1f} ms", ratio, target)


if __name__ == "__main__":
    main()
