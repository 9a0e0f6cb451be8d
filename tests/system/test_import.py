"""`sjactl import`: what ran in the older systems runs here."""

import json
import os
from base64 import b64encode
from pathlib import Path

from tests.machines.machine import Machine
from tests.peers.site import COOKIE
from tests.system.counterparts import ModbusDevice, VictoriaMetrics
from tests.system.cuts import run_cut
from tests.system.jobs import is_wanted, states, view, wait_state
from tests.system.websites import WebSite
from tests.unit.importers.edge_system import TASK, EdgeSystem

ALICE, BOB = "keepalive/alice", "keepalive/bob"
DATABASE = "/srv/db.sqlite3"
SECRET = "made-up-0123456789"


def import_again(site: WebSite, job: dict[str, object], *options: str) -> tuple[str, str]:
    """Import one job of theirs and all accounts; return what is said."""
    site.machine.write("/root/jobs.json", json.dumps({"1": job}))
    words = ["import", "sja", "/root/jobs.json", "/root/credentials.json", "--url", site.page]
    done = site.machine.run("sjactl", *words, *options)
    assert SECRET not in done.stdout + done.stderr
    return done.stdout, done.stderr


def write_credentials(site: WebSite, **cookies: str) -> None:
    rows = {key: {"cookie": cookie, "nickname": f"{key} 同学"} for key, cookie in cookies.items()}
    document = {"version": 2, "active_user": "alice", "cookies": rows}
    site.machine.write("/root/credentials.json", json.dumps(document), mode=0o600)


def test_sessions_are_taken_over(shared_machine: Machine) -> None:
    machine = shared_machine
    site = WebSite(machine, 8000, life=600)
    site.start()
    cookie = f"{COOKIE}={site.log_in()}; remember={SECRET}"
    write_credentials(site, alice=cookie)
    job: dict[str, object] = {"job_type": "keep_alive", "name": "保活", "status": "failed"}
    job["config"] = {"interval_seconds": 900}

    out, _ = import_again(site, job, "--dry-run")
    assert ALICE in out
    assert states(machine) == {}

    out, _ = import_again(site, job)
    assert out.split() == [ALICE]
    shown = wait_state(machine, ALICE, "running")
    assert (shown["title"], shown["wanted"]) == ("alice 同学", True)
    assert (site.stats()["alive"], site.stats()["refused"]) == (1, 0)
    jar = machine.run("sjactl", "cookies", "alice", "--format", "header").stdout
    assert SECRET in jar
    assert cookie not in jar  # the site has moved its session on

    # Again, with one more account: what is there stays, even if somebody has stopped it.
    machine.run("sjactl", "stop", "alice")
    write_credentials(site, alice=cookie, bob=f"{COOKIE}={site.log_in()}")
    out, err = import_again(site, job | {"status": "stopped"})
    assert out.split() == [BOB]
    assert f"{ALICE} exists already" in err
    assert states(machine) == {ALICE: "stopped", BOB: "stopped"}
    assert not is_wanted(machine, BOB)
    machine.run("sjactl", "start", "alice", "bob")
    assert view(machine, BOB)["health"]["session"] == "alive"
    assert view(machine, ALICE)["health"]["session"] == "alive"
    machine.run("sjactl", "remove", "*")
    site.stop()


def test_an_import_that_is_cut_off_loses_no_order(shared_machine: Machine) -> None:
    machine = shared_machine
    rows = {key: {"cookie": f"{COOKIE}={key}-made-up", "nickname": key} for key in ("alice", "bob")}
    machine.write("/root/credentials.json", json.dumps({"version": 2, "cookies": rows}))
    job = {"job_type": "keep_alive", "name": "x", "status": "running", "config": {}}
    machine.write("/root/jobs.json", json.dumps({"1": job}))
    words = ["import", "sja", "/root/jobs.json", "/root/credentials.json"]
    for syncs in range(20):
        run_cut(machine, syncs, *words, "--url", "http://127.0.0.1:1/")
        there = [j for j in (ALICE, BOB) if machine.exists(f"/etc/sja-units/{j}.toml")]
        assert all(is_wanted(machine, j) for j in there)
        if len(there) == 2:
            break
    assert there == [ALICE, BOB]
    machine.run("sjactl", "remove", "*")


def test_tasks_are_taken_over(shared_machine: Machine, tmp_path: Path) -> None:
    """Its rows are those that the older system wrote: measurement, tags and field."""
    machine = shared_machine
    device, database = ModbusDevice(machine, 1502), VictoriaMetrics(machine)
    device.start()
    database.start()
    edge = EdgeSystem(tmp_path / "db.sqlite3", port=1502)
    edge.point(
        *("temp", "40101", {"type": 3, "num": 1}),
        name="温度",
        unit="°C",
        coefficient="0.5",
        data_type="uint16",
    )
    edge.point("pair", "40101", {"type": 3, "num": 2})
    edge.device(code="plc1", protocol="plc")
    edge.point("x", "1", device=2)
    edge.database.close()
    data = b64encode(edge.path.read_bytes()).decode()
    machine.run("sh", "-c", f"base64 -d >{DATABASE} && chmod 0644 {DATABASE}", input=data)
    before = machine.run("sha256sum", DATABASE).stdout

    words = ["sjactl", "import", "edge-iot", DATABASE]
    said = machine.run(*words, "--dry-run", user="nobody")
    assert TASK in said.stdout
    assert "plc1" in said.stderr
    names = {"url": "HOST", "bucket": "BUCKET", "org": "ORG", "token": "TOKEN"}
    settings = {f"INFLUXDB_{names[key]}": value for key, value in database.sink.items()}
    beside = f"{os.path.dirname(DATABASE)}/.env"
    machine.write(beside, "".join(f"{key}={value}\n" for key, value in settings.items()))
    said = machine.run(*words)
    assert beside in said.stderr
    (job,) = said.stdout.split()
    shown = wait_state(machine, job, "running")
    assert (shown["title"], shown["wanted"]) == (TASK, True)
    assert machine.run("sha256sum", DATABASE).stdout == before
    machine.wait_for(lambda: database.rows("注塑机", "temp"), 60, what="a row")
    labels = database.labels("注塑机", "temp")
    assert labels == {
        "__name__": "注塑机_temp",
        "site": "hall-a",
        "device": "press1",
        "point": "temp",
        "quality": "good",
        "cn_name": "温度",
        "unit": "°C",
    }
    assert {value for _, value in database.rows("注塑机", "temp")} == {100}
    said = machine.run(*words)
    assert f"{job} exists already" in said.stderr
    machine.run("sjactl", "remove", job)
    device.stop()
    database.stop()
