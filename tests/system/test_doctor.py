"""sjactl doctor: a healthy host is well, and what is broken by real means is found."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.machines.machine import Machine
from tests.system.jobs import wait_active, write_idle

# Machines of this laboratory have no memory controller, which the doctor rightly notes.
LAB = {"limits"}


def examine(machine: Machine, user: str | None = None) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the doctor's exit status, and by check: result -> messages and advice."""
    said = machine.run("sjactl", "doctor", "--json", check=False, user=user)
    assert said.stderr == ""
    document: dict[str, Any] = json.loads(said.stdout)
    found: dict[str, dict[str, str]] = {}
    for each in document["checks"]:
        results = found.setdefault(each["check"], {})
        line = f"{each['message']} -> {each['advice']}\n"
        results[each["result"]] = results.get(each["result"], "") + line
    has_problem = any("problem" in results for results in found.values())
    assert document["ok"] is not has_problem
    assert said.returncode == int(has_problem)
    return said.returncode, found


def assert_well(found: dict[str, dict[str, str]]) -> None:
    unwell = {check: results for check, results in found.items() if set(results) != {"ok"}}
    assert unwell.keys() <= LAB, unwell


@contextmanager
def broken(machine: Machine, script: str, mending: str) -> Iterator[dict[str, dict[str, str]]]:
    """Give what the doctor finds after a script; all is well again after the mending."""
    machine.sh(script)
    try:
        yield examine(machine)[1]
    finally:
        machine.sh(mending)
    assert_well(examine(machine)[1])


def test_a_healthy_host_is_well(shared_machine: Machine) -> None:
    machine = shared_machine
    write_idle(machine, "line1")
    machine.run("sjactl", "start", "line1")
    wait_active(machine, "acquisition/line1")
    status, found = examine(machine)
    assert status == 0
    assert_well(found)
    lines = machine.run("sjactl", "doctor").stdout.splitlines()
    assert len(lines) == len(found)
    assert all(line.startswith(("ok ", "warning ")) for line in lines)


@pytest.mark.parametrize("suite", ["trixie"])
def test_a_healthy_host_of_the_next_debian_is_well(machine: Machine) -> None:
    status, found = examine(machine)
    assert status == 0
    assert_well(found)


def test_an_operator_sees_what_he_may(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.sh("id oper || useradd --groups sja oper")
    status, found = examine(machine, user="oper")
    assert status == 0
    assert set(found["polkit"]) == {"unknown"}
    assert "root" in found["polkit"]["unknown"]
    assert "oper" in found["groups"]["ok"]
    well = {check for check, results in found.items() if set(results) == {"ok"}}
    assert {"systemd", "dbus", "program", "files", "units", "recovery", "jobs", "disk"} <= well


def test_broken_jobs_and_folders_are_found(shared_machine: Machine) -> None:
    machine = shared_machine
    for name in ("open", "secret", "wrong", "limited", "twin1", "twin2", "Bad", "sole"):
        write_idle(machine, name)
    text = machine.read("/etc/sja-units/acquisition/secret.toml")
    sink = 'url = "http://127.0.0.1:1"\nbucket = "b"\ntoken = "hush"'
    machine.write("/etc/sja-units/acquisition/secret.toml", text.replace('type = "local"', sink))
    break_all = """
        cd /etc/sja-units/acquisition
        chmod 0666 open.toml
        sed -i 's/interval/intervall/' wrong.toml
        printf '[service]\\nMemoryMax = "99M"\\n' >>limited.toml
        chown root:root sole.toml
        systemctl start sja-acquisition@twin1 sja-acquisition@twin2
        chmod 0777 /etc/sja-units/keepalive
        mv /var/log/journal /var/log/journal.away
        chmod a-x /usr/local/lib/sja-units/end
        cp -p /etc/sja-units/sja-units.toml /root
        printf '[alert]\\nremindd = "1h"\\n' >>/etc/sja-units/sja-units.toml
        mkdir /root/stray
        cp twin1.toml /root/stray/config
        systemd-run --quiet --unit=stray -p Type=exec --setenv=CREDENTIALS_DIRECTORY=/root/stray \\
            --setenv=STATE_DIRECTORY=/root/stray --setenv=RUNTIME_DIRECTORY=/root/stray \\
            /opt/sja-units/bin/python -I -m sja_units.worker acquisition ghost
    """
    mend_all = """
        systemctl stop stray
        rm -r /root/stray
        mv /root/sja-units.toml /etc/sja-units/
        chmod a+x /usr/local/lib/sja-units/end
        mv /var/log/journal.away /var/log/journal
        chmod 0750 /etc/sja-units/keepalive
        sjactl stop twin1 twin2
        cd /etc/sja-units/acquisition
        rm open.toml secret.toml wrong.toml limited.toml twin?.toml Bad.toml sole.toml
    """
    with broken(machine, break_all, mend_all) as found:
        problems, warnings = found["jobs"]["problem"], found["jobs"]["warning"]
        assert "open.toml" in problems
        assert "wrong.toml: line" in problems
        assert "intervall" in problems
        assert "remindd" in problems
        assert "secret.toml" in warnings
        assert "hush" not in json.dumps(found)
        assert "Bad.toml" in warnings
        assert "sole.toml" in warnings
        assert "sjactl apply acquisition/limited" in found["drop-ins"]["warning"]
        assert "acquisition/twin1" in found["sharing"]["warning"]
        assert "/etc/sja-units/keepalive" in found["folders"]["problem"]
        assert "journal" in found["journal"]["warning"]
        assert "/usr/local/lib/sja-units/end" in found["files"]["problem"]
        assert "acquisition/ghost" in found["strays"]["problem"]
        assert set(found["units"]) == {"ok"}


def test_broken_units_and_rights_are_found(shared_machine: Machine) -> None:
    machine = shared_machine
    break_all = """
        systemctl --quiet disable sja-relaunch
        ln -s /dev/null /etc/systemd/system/sja-keepalive@.service
        mkdir /etc/systemd/system/sja-acquisition@.service.d
        cd /etc/systemd/system/sja-acquisition@.service.d
        printf '[Service]\\nMemoryMaxx=64M\\n' >mine.conf
        systemctl daemon-reload
        mv /etc/polkit-1/rules.d/50-sja-units.rules /root
        rm -r /opt/sja-units/lib/python3*/site-packages/sja_units/acquisition/__pycache__
        groupmod --new-name sja-cookies-away sja-cookies
        echo '# mine' >>/usr/local/lib/systemd/system/sja.slice
        mv /usr/local/lib/sja-units/sja_units/hooks/decision.py /root
    """
    mend_all = """
        mv /root/decision.py /usr/local/lib/sja-units/sja_units/hooks
        sed -i '$d' /usr/local/lib/systemd/system/sja.slice
        groupmod --new-name sja-cookies sja-cookies-away
        /opt/sja-units/bin/python -m compileall -q /opt/sja-units/lib/python3*/site-packages
        mv /root/50-sja-units.rules /etc/polkit-1/rules.d/
        rm -r /etc/systemd/system/sja-keepalive@.service
        rm -r /etc/systemd/system/sja-acquisition@.service.d
        systemctl daemon-reload
        systemctl --quiet enable sja-relaunch
    """
    with broken(machine, break_all, mend_all) as found:
        assert "sja-relaunch" in found["recovery"]["warning"]
        assert "unmask sja-keepalive@.service" in found["units"]["problem"]
        assert "MemoryMaxx" in found["verify"]["warning"]
        assert "50-sja-units.rules" in found["polkit"]["problem"]
        assert "compile" in found["program"]["warning"]
        assert "end hook" in found["hooks"]["problem"]
        assert "decision.py is missing" in found["files"]["problem"]
        assert "sja-cookies" in found["groups"]["problem"]
        assert "sja.slice" in found["files"]["warning"]
        assert "/etc/sja-units" not in found["jobs"].get("problem", "")


def test_a_rule_without_its_template_is_found(shared_machine: Machine) -> None:
    machine = shared_machine
    template = "/usr/local/lib/systemd/system/sja-keepalive@.service"
    break_all = f"""
        mv {template} /root
        systemctl daemon-reload
        mount -t tmpfs -o size=20m,mode=0755 tmpfs /var/lib/sja-units
        chmod 0700 /etc/polkit-1/rules.d
        chown root:root /etc/polkit-1/rules.d
    """
    mend_all = f"""
        chown polkitd:root /etc/polkit-1/rules.d
        umount /var/lib/sja-units
        mv /root/sja-keepalive@.service {template}
        systemctl daemon-reload
    """
    owner = machine.run("stat", "-c", "%U %a", "/etc/polkit-1/rules.d").stdout.split()
    assert owner == ["polkitd", "700"]  # as Debian 12 has it, which the mending restores
    with broken(machine, break_all, mend_all) as found:
        assert "sja-keepalive@.service" in found["polkit"]["problem"]
        assert "polkitd cannot read /etc/polkit-1/rules.d" in found["polkit"]["problem"]
        assert "sja-keepalive@.service" in found["files"]["problem"]
        assert "sja-keepalive@.service" in found["units"]["problem"]
        assert "MiB" in found["disk"]["problem"]
        assert "/var/lib/sja-units/wanted" in found["folders"]["problem"]


def test_own_settings_are_no_fault(shared_machine: Machine) -> None:
    machine = shared_machine
    drop_in = "/etc/systemd/system/sja.slice.d/limits.conf"
    machine.write(drop_in, "[Slice]\nMemoryMax=2G\n")
    machine.run("systemctl", "daemon-reload")
    _, found = examine(machine)
    assert_well(found)
    assert drop_in in found["units"]["ok"]
    machine.sh(f"rm -r {drop_in.rpartition('/')[0]}; systemctl daemon-reload")


def test_without_dbus_the_rest_is_told(shared_machine: Machine) -> None:
    machine = shared_machine
    machine.run("systemctl", "stop", "dbus.socket", "dbus.service")
    try:
        status, found = examine(machine)
    finally:
        machine.run("systemctl", "start", "dbus.socket", "dbus.service")
    assert status == 1
    assert "dbus" in found["dbus"]["problem"]
    unwell = {check for check, results in found.items() if set(results) != {"ok"}}
    assert unwell - LAB == {"dbus"}
