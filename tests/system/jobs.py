"""Jobs in a machine, as a person handles them: files, systemctl, sjactl."""

import json
from typing import Any

from tests.machines.inside import Inside

# Nobody answers there: the job is active and `degraded`, and needs no counterpart.
IDLE = """title = "{title}"
interval = "200ms"
{extra}
[sink]
type = "local"

[[device]]
name = "press1"
transport = "tcp"
host = "127.0.0.1"
port = 1
timeout = "200ms"

  [[device.point]]
  name = "temperature"
  table = "holding"
  address = 0
  type = "int16"
"""


def write_idle(machine: Inside, name: str, *, title: str = "", extra: str = "") -> str:
    """Write the file of a job that needs no counterpart, by hand; return the job."""
    text = IDLE.format(title=title, extra=extra)
    machine.write(
        f"/etc/sja-units/acquisition/{name}.toml", text, mode=0o640, owner="root", group="sja"
    )
    return f"acquisition/{name}"


def unit_of(job: str) -> str:
    kind, name = job.split("/")
    return f"sja-{kind}@{name}.service"


def view(machine: Inside, job: str) -> dict[str, Any]:
    """Return what `sjactl status --json` says of a job."""
    said = machine.run("sjactl", "status", "--json", job, check=False)
    shown = json.loads(said.stdout)
    assert isinstance(shown, dict)
    return shown


def states(machine: Inside) -> dict[str, str]:
    """Return each job's state by what `sjactl list --json` says."""
    listed = json.loads(machine.run("sjactl", "list", "--json").stdout)
    return {entry["job"]: entry["state"] for entry in listed}


def wait_state(machine: Inside, job: str, *wanted: str, seconds: float = 60) -> dict[str, Any]:
    """Wait until a job is in one of these states; return what `sjactl status` then says."""

    def look() -> dict[str, Any] | None:
        shown = view(machine, job)
        return shown if shown["state"] in wanted else None

    found = machine.wait_for(look, seconds, what=f"{job} to be {' or '.join(wanted)}")
    assert found is not None
    return found


def wait_active(machine: Inside, job: str, seconds: float = 60) -> dict[str, Any]:
    return wait_state(machine, job, "running", "degraded", seconds=seconds)


def wait_relaunched(machine: Inside) -> None:
    """Wait until sja-relaunch has dealt with all jobs; a boot does not wait for that."""

    def has_ended() -> bool:
        names = ("ActiveState", "ExecMainExitTimestampMonotonic")
        shown = machine.show("sja-relaunch.service", *names)
        return shown["ExecMainExitTimestampMonotonic"] != "0" and shown["ActiveState"] == "inactive"

    machine.wait_for(has_ended, 120, what="sja-relaunch to end")


def is_wanted(machine: Inside, job: str) -> bool:
    return machine.exists(f"/var/lib/sja-units/wanted/{unit_of(job)}")
