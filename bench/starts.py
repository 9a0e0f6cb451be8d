"""Very many jobs at once: started by plain systemd, and by a boot; beside as many sleeps."""

from collections.abc import Iterator

from bench.bed import PATIENCE, Bed
from bench.table import Row

_OURS, _SLEEPS = "sja-keepalive@", "sleep@"
_SETUP = """
rm -f /etc/sja-units/*/j*.toml
mkdir -p /etc/systemd/system
for i in $(seq "$1"); do
    printf 'url = "http://127.0.0.1:8001/"\\ninterval = "12h"\\n' >/etc/sja-units/keepalive/j$i.toml
    printf 'Wants=sja-keepalive@j%s.service\\n' "$i"
done >/run/wants
chown root:sja /etc/sja-units/keepalive/*; chmod 0640 /etc/sja-units/keepalive/*
printf '[Service]\\nExecStart=/usr/bin/sleep infinity\\n' >/etc/systemd/system/sleep@.service
install='[Install]\\nWantedBy=multi-user.target\\n'
{ echo '[Unit]'; cat /run/wants; printf "$install"; } >/etc/systemd/system/jobs.target
{ echo '[Unit]'; sed 's/sja-keepalive@/sleep@/' /run/wants; printf "$install"; } \
    >/etc/systemd/system/sleeps.target
systemctl daemon-reload
"""
_SITE = """[Service]
Environment=PYTHONPATH=/src:/python PYTHONPYCACHEPREFIX=/var/cache/python
ExecStart=/usr/bin/python3 -m bench.site 8001
[Install]
WantedBy=sysinit.target
"""


def measure(bed: Bed) -> Iterator[Row]:
    """Yield the rows of orders, of growth, and of boots."""
    bed.machine.write("/etc/systemd/system/site.service", _SITE)
    bed.sh("systemctl enable --quiet --now site")
    few, many = (10, 20) if bed.is_short else (100, 200)
    half = _measure_targets(bed, few)[0]
    ours, sleeps = _measure_targets(bed, many)
    what = f"{many} jobs started at once by a target"
    yield Row(what, f"{ours:.1f} s", ours / sleeps, f"x {many} sleeps ({sleeps:.2f} s)", 15)
    yield Row("the same", f"{ours:.1f} s", ours / half, f"x {few} jobs ({half:.1f} s)", 2.2)
    yield from _measure_mass_orders(bed, many)
    yield from _measure_boots(bed, many)
    yield from _measure_growth(bed)


def _measure_targets(bed: Bed, jobs: int) -> tuple[float, float]:
    """Return the seconds until so many jobs, and so many sleeps, are up; all end again."""
    bed.sh(_SETUP, str(jobs))
    sleeps = bed.time("systemctl", "start", "sleeps.target") + _await(bed, _SLEEPS, jobs)
    bed.stop("sleeps.target", f"{_SLEEPS}*")
    ours = bed.time("systemctl", "start", "jobs.target") + _await(bed, _OURS, jobs)
    bed.stop("jobs.target", f"{_OURS}*")
    return ours, sleeps


def _await(bed: Bed, prefix: str, jobs: int) -> float:
    """Return the seconds that it takes from now until so many are active."""
    return bed.measure(lambda: bed.count_active(f"{prefix}*") == jobs, f"{jobs} of {prefix}")


def _measure_mass_orders(bed: Bed, jobs: int) -> Iterator[Row]:
    """All of them restarted, and stopped, by one order each."""
    bed.machine.run("systemctl", "start", "sleeps.target", "jobs.target", timeout=PATIENCE)
    for verb in ("restart", "stop"):
        took = {p: bed.time("systemctl", verb, f"{p}*") for p in (_OURS, _SLEEPS)}
        ours, sleeps = took[_OURS], took[_SLEEPS]
        of = f"x {jobs} sleeps ({sleeps:.2f} s)"
        target = 15 if verb == "restart" else None
        yield Row(f"{verb} of {jobs} jobs by a glob", f"{ours:.1f} s", ours / sleeps, of, target)


def _measure_boots(bed: Bed, jobs: int) -> Iterator[Row]:
    """Three boots: what sja-relaunch brings back; a target in its place; sleeps by a target."""
    bed.stop("sleeps.target", "jobs.target")
    bed.machine.run("systemctl", "start", "jobs.target", timeout=PATIENCE)  # wanted from now on
    _await(bed, _OURS, jobs)
    relaunched = _boot(bed, jobs, _OURS)
    bed.sh("systemctl disable --quiet sja-relaunch; systemctl enable --quiet jobs.target")
    by_target = _boot(bed, jobs, _OURS)
    bed.sh("systemctl disable --quiet jobs.target; systemctl enable --quiet sleeps.target")
    sleeps = _boot(bed, jobs, _SLEEPS)
    bed.stop("sleeps.target", f"{_SLEEPS}*")
    # Nothing is left that a boot, or sja-check, would bring back.
    bed.sh("systemctl disable --quiet sleeps.target; rm -f /var/lib/sja-units/wanted/*")
    bed.sh("systemctl enable --quiet sja-relaunch")
    what = f"{jobs} wanted jobs ready after a boot"
    of = f"of the same by a target ({by_target:.1f} s)"
    yield Row(what, f"{relaunched:.1f} s", relaunched / by_target, of, 1.10)
    of = f"x sleeps ({sleeps:.2f} s)"
    yield Row("the same", f"{relaunched:.1f} s", relaunched / sleeps, of, 15)


def _boot(bed: Bed, jobs: int, prefix: str) -> float:
    """Boot anew; return the seconds from systemd's start until the last of them was active."""
    bed.machine.poweroff(PATIENCE)
    bed.machine.boot(wait=False)
    bed.wait_for(lambda: _can_ask(bed), "systemd to answer")
    _await(bed, prefix, jobs)
    script = 'systemctl show --value -p ActiveEnterTimestampMonotonic "$1*" | grep . | sort -n'
    last = int(bed.sh(script, prefix).split()[-1])
    began = int(bed.sh("systemctl show --value -p UserspaceTimestampMonotonic"))
    return (last - began) / 1e6


def _can_ask(bed: Bed) -> bool:
    return bed.machine.run("systemctl", "is-system-running", check=False).stdout.strip() in (
        "starting",
        "running",
        "degraded",
    )


def _measure_growth(bed: Bed) -> Iterator[Row]:
    for jobs in (1, 10) if bed.is_short else (1, 10, 100, 500, 1000):
        ours, sleeps = _measure_targets(bed, jobs)
        of = f"x sleeps ({sleeps:.2f} s)"
        yield Row(f"growth: {jobs} by a target", f"{ours:.2f} s", ours / sleeps, of)
