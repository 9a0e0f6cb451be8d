"""Alerts by real means: jobs that fail, expire and recover, and people who are told once."""

import json
import time
from typing import Any

from sja_units.systemd import journal_send
from tests.machines.machine import Machine
from tests.system.counterparts import spawn_peer
from tests.system.jobs import unit_of, view, wait_active, wait_state, write_idle
from tests.system.websites import WebSite, create_keepalive, write_jar

SETTINGS = "/etc/sja-units/sja-units.toml"
NEWS = "/run/sja-units/news"
PORT = 9000
# Notes event and job, keeps the job's JSON, and hangs for as long as /root/hang is there.
TELL = """#!/bin/sh
cat >/root/$2-$(echo $3 | tr / -).json
until [ ! -e /root/hang ]; do : >/root/hanging; sleep 0.1; done
echo "$2 $3" >>/root/told
"""


def set_alert(machine: Machine, *lines: str) -> None:
    machine.write("/root/tell", TELL, mode=0o755)
    text = "\n".join(["[alert]", 'command = ["/root/tell", "first"]', *lines])
    machine.write(SETTINGS, text, mode=0o640, group="sja")


def told(machine: Machine, job: str) -> list[str]:
    """Return the events of a job that the command was given, in order."""
    lines = machine.run("cat", "/root/told", check=False).stdout.splitlines()
    return [line.split()[0] for line in lines if line.endswith(f" {job}")]


def wait_told(machine: Machine, job: str, *events: str) -> None:
    """Wait until these events were told of a job: these, and none twice."""
    machine.wait_for(lambda: len(told(machine, job)) >= len(events), 150, what=f"{events} of {job}")
    assert told(machine, job) == list(events)


def given(machine: Machine, event: str, job: str) -> dict[str, Any]:
    """Return the JSON that the command got with an event."""
    document = json.loads(machine.read(f"/root/{event}-{job.replace('/', '-')}.json"))
    assert isinstance(document, dict)
    return document


def look(machine: Machine) -> None:
    """Let sja-alert look once more, and return when it has."""
    machine.run("systemctl", "start", "sja-alert.service")


def is_ticking(machine: Machine) -> bool:
    shown = machine.show("sja-alert.timer", "ActiveState")
    return shown["ActiveState"] == "active"


def count_entries(machine: Machine, event: str) -> int:
    """Return how many entries of a kind the journal has, by their number."""
    number = getattr(journal_send, event).message_id
    machine.run("journalctl", "--sync")
    said = machine.run("journalctl", "--quiet", "--output=cat", f"MESSAGE_ID={number}", check=False)
    return len(said.stdout.splitlines())


def break_worker(machine: Machine, job: str) -> str:
    """Let a job's worker end as soon as it starts; return the drop-in that does so."""
    drop_in = f"/etc/systemd/system/{unit_of(job)}.d/broken.conf"
    machine.write(drop_in, "[Service]\nExecStart=\nExecStart=/usr/bin/false\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("kill", "-KILL", str(view(machine, job)["pid"]))
    return drop_in


def test_people_are_told_once_and_when_it_is_over(machine: Machine) -> None:
    """Several jobs at a time, as most of it is waiting for a minute to go by."""
    set_alert(machine)
    crashing, expired = "keepalive/bob", "keepalive/alice"
    sites = {job: WebSite(machine, 8000 + n, life=600) for n, job in enumerate((crashing, expired))}
    for job, site in sites.items():
        site.start()
        jar = write_jar(machine, "/root/jar.txt", site.log_in())
        create_keepalive(site, job.split("/")[1], jar)
    idle = write_idle(machine, "line1")  # no device answers
    machine.run("sjactl", "start", idle)
    wait_active(machine, idle)

    machine.write("/root/hang", "")
    broken = break_worker(machine, crashing)
    machine.wait_for(lambda: machine.exists("/root/hanging"), what="the command to hang")
    restarts = view(machine, crashing)["restarts"]
    assert restarts >= 2
    machine.wait_for(
        lambda: view(machine, crashing)["restarts"] > restarts, what="a restart meanwhile"
    )
    machine.run("rm", "/root/hang", broken)
    machine.run("systemctl", "daemon-reload")
    wait_told(machine, crashing, "failing")
    assert given(machine, "failing", crashing)["error"]["exit_code"] == 1

    sites[expired].forget_sessions()
    wait_told(machine, expired, "expired")
    document = given(machine, "expired", expired)
    shown = view(machine, expired)
    assert document.keys() == shown.keys()
    assert (document["state"], document["error"]) == ("failed", shown["error"])
    assert machine.run("sjactl", "start", expired, check=False).returncode == 1
    look(machine)
    assert told(machine, expired) == ["expired"]
    jar = write_jar(machine, "/root/jar.txt", sites[expired].log_in())
    machine.run("sjactl", "cookies", expired, "--set", jar)
    wait_told(machine, expired, "expired", "recovered")

    wait_told(machine, idle, "failing")
    assert "press1" in given(machine, "failing", idle)["status"]
    wait_told(machine, crashing, "failing", "recovered")
    machine.run("sjactl", "stop", idle)
    machine.wait_for(lambda: not is_ticking(machine), 150, what="the looks to end")
    assert told(machine, idle) == ["failing"]
    assert told(machine, expired) == ["expired", "recovered"]
    record = f"/var/lib/sja-units/alerts/{unit_of(expired)}"
    assert machine.exists(record)
    machine.run("sjactl", "remove", expired)
    assert not machine.exists(record)
    assert count_entries(machine, "ALERTED") == 3
    assert count_entries(machine, "WELL_AGAIN") == 2


def test_what_was_not_delivered_is_tried_again_also_after_a_power_cut(machine: Machine) -> None:
    wrong = write_idle(machine, "line1", extra='colour = "red"')
    machine.run("sjactl", "start", wrong, check=False)
    wait_state(machine, wrong, "failed")
    machine.wait_for(lambda: not machine.run("ls", NEWS).stdout, what="the news to be taken")
    look(machine)
    # Nobody is to be told, so nothing is done, and nobody hears of it.
    assert machine.run("ls", "/var/lib/sja-units/alerts").stdout == ""
    assert machine.journal("sja-alert.service").count("\n") <= 1
    assert not is_ticking(machine)

    set_alert(machine, f'webhook = "http://127.0.0.1:{PORT}/204?token=made-up-secret"')
    look(machine)
    assert told(machine, wrong) == ["failed"]
    machine.wait_for(lambda: count_entries(machine, "UNDELIVERED") == 1, what="an entry")
    look(machine)

    machine.cut()
    machine.boot()
    wait_state(machine, wrong, "failed")
    spawn_peer(machine, "hook", PORT, "/src/tests/peers/webhook.py", "--log", "/root/posted")
    machine.wait_for(lambda: machine.exists("/root/posted"), 150, what="the webhook to be called")
    machine.wait_for(lambda: count_entries(machine, "DELIVERED_AGAIN") == 1, what="an entry")
    (line,) = machine.read("/root/posted").splitlines()
    posted = json.loads(line)
    assert (posted["event"], posted["job"], posted["state"]) == ("failed", wrong, "failed")
    assert "colour" in posted["error"]["message"]
    assert told(machine, wrong) == ["failed"]
    assert count_entries(machine, "UNDELIVERED") == 1
    assert "made-up-secret" not in machine.journal()

    # Maintenance is no news, and nothing is told of again while it lasts.
    set_alert(machine, 'remind = "10s"')
    machine.run("systemctl", "stop", "sja-jobs.target")
    time.sleep(10)
    look(machine)
    assert told(machine, wrong) == ["failed"]
    machine.run("systemctl", "start", "sja-jobs.target")
    wait_told(machine, wrong, "failed", "failed")

    machine.write(SETTINGS, "[alert]\ncomand = []\n", mode=0o640, group="sja")
    look(machine)
    look(machine)
    assert count_entries(machine, "HOST_FILE_WRONG") == 2  # a line for each fault
    assert machine.show("sja-alert.service", "Result") == {"Result": "success"}
    machine.run("rm", SETTINGS)
    look(machine)
    assert not is_ticking(machine)
    assert machine.run("ls", "/var/lib/sja-units/alerts").stdout == ""


def test_what_a_service_refuses_shows_until_it_is_taken(machine: Machine) -> None:
    hook = f"http://127.0.0.1:{PORT}"
    robot = f'webhook = "{hook}/200/r?body=%7B%22errcode%22%3A{{}}%7D"\nformat = "dingtalk"'
    spawn_peer(machine, "hook", PORT, "/src/tests/peers/webhook.py", "--log", "/root/posted")
    job = write_idle(machine, "line1", extra='colour = "red"')
    machine.run("sjactl", "start", job, check=False)
    wait_state(machine, job, "failed")
    set_alert(machine, robot.format(310000))
    look(machine)
    assert told(machine, job) == ["failed"]

    tested = machine.run("sjactl", "alert", "--test", check=False)
    assert tested.returncode == 1
    assert "command: ok\n" in tested.stdout
    assert "webhook: " in tested.stdout
    assert "310000" in tested.stdout
    assert told(machine, "command/test") == ["test"]
    found = json.loads(machine.run("sjactl", "check", "--json", check=False).stdout)
    assert any("webhook" in each["message"] for each in found["warnings"])
    assert 'sja_alerts_undelivered{channel="webhook"} 1' in machine.run("sjactl", "metrics").stdout
    assert machine.run("sjactl", "alert", check=False).returncode == 1
    checks = json.loads(machine.run("sjactl", "doctor", "--json", check=False).stdout)["checks"]
    (alerts,) = [each for each in checks if each["check"] == "alerts"]
    assert (alerts["result"], "webhook" in alerts["message"]) == ("warning", True)

    set_alert(machine, robot.format(0))
    machine.wait_for(
        lambda: machine.run("sjactl", "alert", check=False).returncode == 0,
        150,
        what="the alert to get through",
    )
    said = json.loads(machine.read("/root/posted").splitlines()[-1])
    assert f"{job} failed" in said["text"]["content"]


def test_a_heartbeat_stops_while_a_wanted_job_is_in_trouble(machine: Machine) -> None:
    spawn_peer(machine, "hook", PORT, "/src/tests/peers/webhook.py", "--log", "/root/posted")

    def beats() -> int:
        return machine.read("/root/posted").count("\n") if machine.exists("/root/posted") else 0

    beat = f'[alert]\nheartbeat = "http://127.0.0.1:{PORT}/200/beat"\nheartbeat_interval = "5min"\n'
    machine.write(SETTINGS, beat, mode=0o640, group="sja")
    look(machine)
    assert beats() == 1
    assert is_ticking(machine)
    look(machine)
    assert beats() == 1  # it is not time yet
    machine.run("rm", "/run/sja-units/alerts.json")
    job = write_idle(machine, "line1", extra='colour = "red"')
    machine.run("sjactl", "start", job, check=False)
    wait_state(machine, job, "failed")
    look(machine)
    assert beats() == 1
    machine.run("sjactl", "stop", job)
    look(machine)
    assert beats() == 2
