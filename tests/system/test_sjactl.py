"""sjactl as people and scripts use it: names, results, exit statuses."""

import json

import pytest

from tests.machines.machine import Machine
from tests.machines.process import LabError
from tests.system.jobs import IDLE, is_wanted, states, unit_of, view, wait_active, write_idle

BAD_NAMES = [
    "../x",
    "a/b",
    "..",
    "-x",
    "Alice",
    "1号线",
    "a" * 24,
    "",
    "a b",
    "a\nb",
    "*",
    "%n",
    "a@b",
]


def status(machine: Machine, *words: str, user: str | None = None) -> int:
    return machine.run("sjactl", *words, check=False, user=user).returncode


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_names_are_refused_before_anything_is_touched(
    shared_machine: Machine, name: str
) -> None:
    before = shared_machine.sh("find /etc/sja-units /var/lib/sja-units /run/sja-units").stdout
    words = ["--url", "http://127.0.0.1/"]
    done = shared_machine.run("sjactl", "create", "keepalive", *words, "--", name, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    after = shared_machine.sh("find /etc/sja-units /var/lib/sja-units /run/sja-units").stdout
    assert after == before
    assert states(shared_machine) == {}


def test_a_worker_started_under_a_bad_name_ends_with_78(shared_machine: Machine) -> None:
    shared_machine.write("/etc/sja-units/acquisition/Bad.toml", IDLE.format(title="", extra=""))
    unit = "sja-acquisition@Bad.service"
    assert shared_machine.run("systemctl", "start", unit, check=False).returncode != 0
    assert shared_machine.show(unit, "ExecMainStatus")["ExecMainStatus"] == "78"
    shared_machine.sh(f"rm /etc/sja-units/acquisition/Bad.toml; systemctl reset-failed {unit}")
    assert not shared_machine.exists(f"/var/lib/sja-units/wanted/{unit}")


def test_a_job_from_create_to_remove(machine: Machine) -> None:
    machine.write("/root/line.toml", IDLE.format(title="old", extra=""))
    words = ["--from", "/root/line.toml", "--title", "1号线 海天注塑机", "--set", "interval=500ms"]
    done = machine.run("sjactl", "create", "acquisition", "line1", *words)
    assert done.stdout == "acquisition/line1\n"
    shown = wait_active(machine, "line1")
    assert shown["title"] == "1号线 海天注塑机"
    assert shown["unit"] == "sja-acquisition@line1.service"
    assert shown["config"] == "/etc/sja-units/acquisition/line1.toml"
    assert shown["wanted"] is True
    assert shown["pid"] > 1
    assert shown["memory_bytes"] > 1024 * 1024
    assert shown["cpu_seconds"] > 0
    assert shown["error"] is None
    assert 'interval = "500ms"' in machine.run("sjactl", "config", "line1").stdout
    assert "海天" in machine.run("sjactl", "list").stdout
    assert machine.run("sjactl", "list", "*海天*", "--json").stdout.count('"job"') == 1
    owner = machine.run("stat", "-c", "%U:%G %a", shown["config"]).stdout.strip()
    assert owner == "root:sja 640"
    again = ["create", "acquisition", "line1", "--from", "/root/line.toml"]
    assert status(machine, *again) == 1
    assert status(machine, "stop", "line1") == 0
    assert status(machine, "status", "line1") == 3
    assert status(machine, "restart", "acquisition/line1") == 0
    assert status(machine, "status", "line1") == 0
    assert "1 request a cycle" in machine.run("sjactl", "logs", "line1").stdout
    assert machine.run("sjactl", "remove", "line1").stdout == "acquisition/line1\n"
    assert states(machine) == {}
    left = machine.sh("find / -xdev -name '*line1*' -not -path '/proc/*' -not -path '/sys/*'")
    assert left.stdout == ""


def test_remove_can_keep_the_state(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.run("sjactl", "start", "line1")
    machine.run("sjactl", "remove", "--keep-state", "line1")
    assert states(machine) == {}
    assert machine.exists("/var/lib/sja-units/acquisition/line1/")
    assert not is_wanted(machine, "acquisition/line1")


def test_faults_have_one_line_each_and_the_right_status(shared_machine: Machine) -> None:
    shared_machine.write("/root/bad.toml", "interval = 5\nnonsense = 1\n")
    cases = [
        (["status", "nobody"], 4),
        (["start", "keepalive/nobody"], 4),
        (["start"], 2),
        (["nonsense"], 2),
        (["create", "nonsense", "a"], 2),
        (["create", "keepalive", "a"], 2),
        (["create", "keepalive", "a", "--url", "file:///etc/passwd"], 2),
        (["create", "keepalive", "a", "--set", "x"], 2),
        (["create", "keepalive", "a", "--from", "/nowhere"], 1),
        (["create", "acquisition", "a", "--from", "/root/bad.toml"], 1),
        (["create", "acquisition", "a", "--from", "/dev/zero"], 1),
        (["list", "--state", "nonsense"], 2),
        (["config", "nobody"], 4),
    ]
    for words, expected in cases:
        done = shared_machine.run("sjactl", *words, check=False)
        assert done.returncode == expected, (words, done.stderr)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.strip()
    told = shared_machine.run("sjactl", *cases[9][0], check=False).stderr
    assert "interval" in told
    assert "nonsense" in told
    assert states(shared_machine) == {}


def test_a_missing_file_gives_one_clear_line_and_no_loop(shared_machine: Machine) -> None:
    unit = "sja-keepalive@ghost.service"
    assert shared_machine.run("systemctl", "start", unit, check=False).returncode != 0
    told = shared_machine.run("systemctl", "status", unit, check=False).stdout
    assert "/etc/sja-units/keepalive/ghost.toml" in told
    shown = shared_machine.show(unit, "ActiveState", "NRestarts", "AssertResult")
    assert shown == {"ActiveState": "inactive", "NRestarts": "0", "AssertResult": "no"}
    assert not shared_machine.exists(f"/var/lib/sja-units/wanted/{unit}")


def test_a_wrong_configuration_ends_with_78_and_no_loop(machine: Machine) -> None:
    machine.write("/etc/sja-units/keepalive/a.toml", 'url = "ftp://x"\nintervall = "1s"\n')
    done = machine.run("sjactl", "start", "a", check=False)
    assert done.returncode == 1
    assert "intervall" in done.stderr
    shown = view(machine, "keepalive/a")
    assert (shown["state"], shown["error"]["exit_code"], shown["restarts"]) == ("failed", 78, 0)
    told = machine.run("systemctl", "status", unit_of("keepalive/a"), check=False).stdout
    assert "intervall" in told
    assert "url" in told


def test_several_jobs_one_bad(machine: Machine) -> None:
    write_idle(machine, "line1")
    machine.write("/etc/sja-units/acquisition/line2.toml", "nonsense = 1\n")
    done = machine.run("sjactl", "start", "--all", check=False)
    assert done.returncode == 1
    assert done.stdout == "acquisition/line1\n"
    wait_active(machine, "line1")
    check = machine.run("sjactl", "check", "--json", check=False)
    assert check.returncode == 1
    assert [p["job"] for p in json.loads(check.stdout)["problems"]] == ["acquisition/line2"]
    machine.run("sjactl", "stop", "line2")
    assert view(machine, "acquisition/line2")["state"] == "stopped"
    assert machine.run("sjactl", "restart", "--all").stdout == "acquisition/line1\n"
    assert not is_wanted(machine, "acquisition/line2")


def test_hand_written_service_directives_reach_systemd(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    path = "/etc/sja-units/acquisition/line1.toml"
    with_limits = machine.read(path) + '\n[service]\nMemoryMax = "99M"\nLimitNOFILE = 777\n'
    machine.write(path, with_limits)
    assert machine.run("sjactl", "apply").stdout == "acquisition/line1\n"
    assert machine.run("sjactl", "apply").stdout == ""
    shown = machine.show(unit_of(job), "MemoryMax", "LimitNOFILE")
    assert shown == {"MemoryMax": str(99 * 1024 * 1024), "LimitNOFILE": "777"}
    write_idle(machine, "line1")
    machine.run("sjactl", "apply")
    assert machine.show(unit_of(job), "LimitNOFILE") == {"LimitNOFILE": "1024"}


def test_operators_may_order_and_outsiders_may_not(machine: Machine) -> None:
    job = write_idle(machine, "line1", title="一号")
    machine.sh("useradd oper; useradd other; usermod -aG sja oper")
    assert status(machine, "start", "line1", user="oper") == 0
    assert "一号" in machine.run("sjactl", "list", user="oper").stdout
    assert status(machine, "restart", "line1", user="oper") == 0
    assert status(machine, "stop", "line1", user="oper") == 0
    assert not is_wanted(machine, job)
    for words in (["start", "line1"], ["list"], ["config", "line1"]):
        assert status(machine, *words, user="other") == 5
    assert status(machine, "remove", "line1", user="oper") == 5
    create = ["create", "keepalive", "a", "--url", "http://127.0.0.1/"]
    assert status(machine, *create, user="oper") == 5
    with pytest.raises(LabError):
        machine.run("systemctl", "start", unit_of(job), user="other")
    with pytest.raises(LabError):
        machine.run("systemctl", "restart", "dbus.service", user="oper")


def test_no_job_sees_the_file_or_state_of_another(machine: Machine) -> None:
    for name in ("line1", "line2"):
        write_idle(machine, name)
    machine.run("sjactl", "start", "line1", "line2")
    pids = [wait_active(machine, name)["pid"] for name in ("line1", "line2")]
    users = [machine.run("stat", "-c", "%u", f"/proc/{pid}").stdout.strip() for pid in pids]
    assert len({*users, "0"}) == 3
    enter = ["nsenter", "-t", str(pids[0]), "--mount", "setpriv", f"--reuid={users[0]}"]
    enter += [f"--regid={users[0]}", "--clear-groups"]
    for path in (
        "/etc/sja-units/acquisition/line1.toml",
        "/etc/sja-units/acquisition/line2.toml",
        "/var/lib/sja-units/acquisition/line2/spool",
        f"/run/credentials/{unit_of('acquisition/line2')}/config",
    ):
        assert machine.run(*enter, "ls", path, check=False).returncode != 0, path
    machine.run(*enter, "ls", "/var/lib/sja-units/acquisition/line1/spool")


def test_what_is_no_plain_file_is_refused_by_systemd(machine: Machine) -> None:
    path, unit = "/etc/sja-units/acquisition/line1.toml", unit_of("acquisition/line1")
    for make in ("mkfifo {}", "ln -s /dev/zero {}", "ln -s /etc/passwd {}", "mkdir {}", ": >{}"):
        machine.sh(make.format(path))
        assert machine.run("systemctl", "start", unit, check=False).returncode != 0
        assert machine.show(unit, "ActiveState", "NRestarts", "AssertResult") == {
            "ActiveState": "inactive",
            "NRestarts": "0",
            "AssertResult": "no",
        }
        machine.run("rm", "-r", path)


def test_a_secret_without_its_quotes_is_shown_to_nobody(machine: Machine) -> None:
    path = "/etc/sja-units/acquisition/line1.toml"
    machine.write(path, '[sink]\ntoken = 9876543210123\nurl = ["sesame"]\n', group="sja")
    told = machine.run("sjactl", "start", "line1", check=False).stderr
    assert "token" in told
    shown = machine.run("systemctl", "status", unit_of("acquisition/line1"), check=False).stdout
    for text in (told, shown, machine.journal(), machine.run("sjactl", "list").stdout):
        assert "9876543210123" not in text
        assert "sesame" not in text


def test_remove_leaves_the_cookies_of_another_kind(machine: Machine) -> None:
    write_idle(machine, "bob")
    machine.run("sjactl", "create", "keepalive", "bob", "--url", "http://127.0.0.1:1/")
    machine.run("sjactl", "remove", "acquisition/bob")
    assert machine.exists("/run/sja-units/cookies/bob")
    machine.run("sjactl", "remove", "keepalive/bob")
    assert not machine.exists("/run/sja-units/cookies/bob")


def test_a_forged_health_breaks_nothing(machine: Machine) -> None:
    job = write_idle(machine, "line1")
    machine.run("sjactl", "start", job)
    health = "/run/sja-units/acquisition/line1/health.json"
    good = json.loads(machine.read(health))
    machine.run("systemctl", "kill", "--signal=STOP", unit_of(job))
    for changes in (
        {"since": 5},
        {"since": "xx"},
        {"status": "\ud800"},
        {"cycles": float("nan")},
        {"valid_for": 10**400},
        {"pid": 1},
    ):
        machine.write(health, json.dumps(good | changes))
        listed = json.loads(machine.run("sjactl", "list", "--json").stdout)
        assert (listed[0]["state"], listed[0]["health"]) == ("degraded", {})
        assert "not reporting" in machine.run("sjactl", "list").stdout
