"""sjactl metrics: what a collector reads is what systemd, sjactl and the workers say."""

import json

from tests.machines.machine import Machine
from tests.system.jobs import unit_of, view, wait_active, wait_state, write_idle
from tests.unit.actions.test_metrics import Series, get, read

TITLE = 'press \\"1\\" 海天注塑机'


def collect(machine: Machine) -> Series:
    return read(machine.run("sjactl", "metrics").stdout)


def labels_of(job: str, **more: str) -> dict[str, str]:
    kind, name = job.split("/")
    return {"kind": kind, "name": name, **more}


def restarts_of(machine: Machine, job: str) -> int:
    return int(machine.show(unit_of(job), "NRestarts")["NRestarts"])


def test_metrics_agree_with_all_others(shared_machine: Machine) -> None:
    machine = shared_machine
    runs = write_idle(machine, "runs", title=TITLE)
    stopped, wrong = write_idle(machine, "stopped"), write_idle(machine, "wrong", extra="x = 1")
    machine.run("sjactl", "start", runs)
    machine.run("sjactl", "start", wrong, check=False)
    pid = wait_active(machine, runs)["pid"]
    wait_state(machine, wrong, "failed")
    machine.run("kill", "-KILL", str(pid))
    machine.wait_for(lambda: restarts_of(machine, runs) == 1, what="a restart")
    machine.wait_for(lambda: view(machine, runs)["health"].get("cycles"), what="cycles")
    found = collect(machine)
    listed = json.loads(machine.run("sjactl", "list", "--json").stdout)
    assert {entry["job"] for entry in listed} == {runs, stopped, wrong}
    for entry in listed:
        labels = labels_of(entry["job"])
        state = {**labels, "sja_job_state": entry["state"]}
        assert get(found, "sja_job_state", **state) == 1
        assert get(found, "sja_job_wanted", **labels) == entry["wanted"]
        info = {**labels, "title": entry["title"], "unit": entry["unit"]}
        assert get(found, "sja_job_info", **info) == 1
        alike = [each for each in listed if each["state"] == entry["state"]]
        assert get(found, "sja_jobs", state=entry["state"]) == len(alike)
    assert get(found, "sja_job_restarts_total", **labels_of(runs)) == 1
    assert get(found, "sja_job_restarts_total", **labels_of(stopped)) is None
    assert get(found, "sja_job_last_error_timestamp_seconds", **labels_of(wrong))
    device = labels_of(runs, device="press1", sja_acquisition_device_state="disconnected")
    assert get(found, "sja_acquisition_device_state", **device) == 1


def test_what_counts_goes_up_and_stands_beside_systemds_own(shared_machine: Machine) -> None:
    machine = shared_machine
    job = write_idle(machine, "counts")
    machine.run("sjactl", "start", job)
    wait_active(machine, job)
    labels = labels_of(job)

    def now(name: str) -> float:
        value = get(collect(machine), name, **labels)
        assert value is not None
        return value

    began = now("sja_acquisition_cycles_total")
    machine.wait_for(lambda: now("sja_acquisition_cycles_total") > began, what="another cycle")
    shown = "CPUUsageNSec"
    before = int(machine.show(unit_of(job), shown)[shown]) / 1e9
    seconds = now("sja_job_cpu_seconds_total")
    assert before <= seconds <= int(machine.show(unit_of(job), shown)[shown]) / 1e9
    # The whole of a small Python program, in whatever way it was counted.
    assert 5e6 < now("sja_job_memory_bytes") < 128 * 2**20
    said = view(machine, job)
    assert now("sja_job_since_timestamp_seconds") == machine_time(machine, said["since"])


def machine_time(machine: Machine, moment: str) -> float:
    return float(machine.run("date", "--date", moment, "+%s.%6N").stdout)
