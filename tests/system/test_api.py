"""The door for applications: who may do what, and that nobody else notices anything."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.machines.machine import Machine
from tests.system.door import (
    SOCKET,
    add_user,
    ask,
    parse,
    put,
    send,
    write_grant,
    write_idle_template,
)
from tests.system.jobs import is_wanted, states, view, write_idle

LINE = "acquisition/line-1"
PATH = f"/v1/jobs/{LINE}"
TWO_WRITERS = f"""
import json, socket, threading
HEAD = "PUT {PATH} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n"
def write(n):
    for k in range(10):
        values = dict(title=f"{{n}}-{{k}}" * 500)
        body = json.dumps(dict(template="line", set=values, start=False))
        with socket.socket(socket.AF_UNIX) as door:
            door.connect("{SOCKET}")
            door.sendall((HEAD % len(body) + body).encode())
            answer = b""
            while data := door.recv(65536):
                answer += data
        assert answer.split()[1] in (b"200", b"409", b"412"), answer
threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


@pytest.fixture(scope="module")
def door(shared_machine: Machine) -> Machine:
    """A machine with two applications that know nothing of each other, and a stranger."""
    machine = shared_machine
    for name in ("line", "other"):
        add_user(machine, name, "sja-api")
        write_idle_template(machine, name, f"{name}-*")
        write_grant(machine, name, f'group = "{name}"', max_jobs=5)
    add_user(machine, "stranger", "sja-api")
    add_user(machine, "outsider", "nogroup")
    return machine


@pytest.fixture
def line(door: Machine) -> Iterator[Machine]:
    """That machine with acquisition/line-1, made by user line."""
    assert put(door, "line", LINE, "line").status == 201
    yield door
    door.run("sjactl", "remove", "*", check=False)


def test_a_job_is_made_changed_ordered_and_removed(line: Machine) -> None:
    machine = line
    first = ask(machine, "line", "GET", PATH)
    assert first.json()["state"] in ("running", "degraded")
    assert is_wanted(machine, LINE)
    values = {"title": '1号线 "§\\ #', "device.0.host": "127.0.0.9"}
    tag = first.headers["etag"]
    body = {"template": "line", "set": values}
    changed = ask(machine, "line", "PUT", PATH, body, If_Match=tag)
    assert changed.status == 200
    assert changed.json()["title"] == values["title"]
    assert ask(machine, "line", "PUT", PATH, body, If_Match=tag).status == 412
    stopped = ask(machine, "line", "POST", f"{PATH}/stop")
    assert stopped.json()["state"] == "stopped"
    assert not is_wanted(machine, LINE)
    assert ask(machine, "line", "POST", f"{PATH}/start").status == 200
    assert ask(machine, "line", "POST", f"{PATH}/restart").status == 200
    assert ask(machine, "line", "GET", f"{PATH}/samples?since=-1h").json() == []
    assert len(ask(machine, "line", "GET", f"{PATH}/runs").json()) >= 2
    assert ask(machine, "line", "GET", f"{PATH}/log?lines=3").json()
    assert ask(machine, "line", "DELETE", PATH).status == 204
    assert ask(machine, "line", "GET", PATH).status == 404
    assert not machine.exists("/etc/sja-units/acquisition/line-1.toml")


def test_each_order_is_one_entry_of_the_journal(door: Machine) -> None:
    job = "acquisition/line-noted"
    path = f"/v1/jobs/{job}"
    put(door, "line", job, "line")
    ask(door, "line", "POST", f"{path}/stop")
    ask(door, "line", "GET", path)
    ask(door, "stranger", "POST", f"{path}/start")
    ask(door, "line", "DELETE", path)
    door.run("journalctl", "--sync")
    uid = door.run("id", "-u", "line").stdout.strip()
    words = ["-o", "json", f"SJA_JOB={job}", f"SJA_PEER_UID={uid}"]
    entries = map(json.loads, door.run("journalctl", *words).stdout.splitlines())
    assert [entry["SJA_VERB"] for entry in entries] == ["create", "stop", "remove"]


def test_the_peers_unit_is_told_and_its_own_groups_count(door: Machine) -> None:
    job = "acquisition/line-unit"
    words = ["--wait", "--pipe", "--quiet", "--unit=shop.service", "-p", "User=nobody"]
    words += ["-p", "SupplementaryGroups=line sja-api", "--", "python3", "-Ic"]
    script = (
        "import socket; d = socket.socket(socket.AF_UNIX); d.connect('" + SOCKET + "');"
        'b = b\'{"template": "line"}\';'
        f"d.sendall(b'PUT /v1/jobs/{job} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n'"
        "b'Content-Length: %d\\r\\n\\r\\n' % len(b) + b); print(d.recv(65536).decode())"
    )
    assert "201" in door.run("systemd-run", *words, script).stdout
    door.run("journalctl", "--sync")
    said = door.run("journalctl", "-o", "json", f"SJA_JOB={job}", "SJA_VERB=create").stdout
    assert json.loads(said)["SJA_PEER_UNIT"] == "shop.service"


def test_others_see_and_change_nothing(line: Machine) -> None:
    machine = line
    before = machine.read("/etc/sja-units/acquisition/line-1.toml")
    pid = view(machine, LINE)["pid"]
    by_hand = write_idle(machine, "byhand")
    targets = [LINE, by_hand, "acquisition/nothing", "keepalive/line-1"]
    for user in ("other", "stranger"):
        assert ask(machine, user, "GET", "/v1/jobs").json() == []
        for job in targets:
            path = f"/v1/jobs/{job}"
            answers = [
                ask(machine, user, method, path + rest)
                for method, rest in [
                    *(("GET", ""), ("DELETE", ""), ("POST", "/stop"), ("POST", "/start")),
                    *(("GET", "/log"), ("GET", "/runs"), ("GET", "/samples"), ("GET", "/cookies")),
                ]
            ]
            # What there is looks like what there is not.
            assert {answer.status for answer in answers} == {404}
    assert put(machine, "stranger", LINE, "line").status == 403
    assert put(machine, "stranger", LINE, "nothing").status == 403
    assert put(machine, "other", LINE, "line").status == 403
    assert put(machine, "other", LINE, "other").status == 403
    assert put(machine, "line", "acquisition/other-1", "line").status == 403
    assert machine.read("/etc/sja-units/acquisition/line-1.toml") == before
    assert view(machine, LINE)["pid"] == pid
    assert not send(machine, "outsider", "GET /v1/jobs HTTP/1.1\r\nHost: x\r\n\r\n")


def test_a_name_that_is_taken_is_told_to_who_may_make_such(door: Machine) -> None:
    by_hand = write_idle(door, "line-byhand")
    assert put(door, "line", by_hand, "line").status == 409
    assert ask(door, "line", "GET", f"/v1/jobs/{by_hand}").status == 404


def test_root_may_do_all(line: Machine) -> None:
    by_hand = write_idle(line, "root-1")
    jobs = {job["job"] for job in ask(line, "root", "GET", "/v1/jobs").json()}
    assert {LINE, by_hand} <= jobs
    assert ask(line, "root", "POST", f"/v1/jobs/{by_hand}/start").status == 200
    assert ask(line, "root", "DELETE", f"/v1/jobs/{by_hand}").status == 204


def test_all_faults_of_a_job_are_told_at_once(door: Machine) -> None:
    values = {"device.0.host": "192.0.2.1", "title": None, "command": ["/bin/sh"], "interval": "1s"}
    answer = put(door, "line", "acquisition/line-bad", "line", set=values)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {error["key"] for error in answer.json()["errors"]} == set(values)
    assert "acquisition/line-bad" not in states(door)


def test_a_file_that_a_person_has_edited_needs_its_tag(line: Machine) -> None:
    path = "/etc/sja-units/acquisition/line-1.toml"
    line.run("sed", "-i", 's/"200ms"/"300ms"/', path)
    body = {"template": "line"}
    assert ask(line, "line", "PUT", PATH, body).status == 412
    assert ask(line, "line", "PUT", PATH, body, If_Match="*").status == 412
    tag = ask(line, "line", "GET", PATH).headers["etag"]
    assert ask(line, "line", "PUT", PATH, body, If_Match=tag).status == 200
    assert "300ms" not in line.read(path)


def test_limits_of_a_grant(door: Machine) -> None:
    add_user(door, "few", "sja-api")
    write_idle_template(door, "few", "few-*")
    write_grant(door, "few", 'user = "few"', max_jobs=2, creates_per_minute=3)
    made = [put(door, "few", f"acquisition/few-{n}", "few", start=False) for n in range(3)]
    assert [answer.status for answer in made] == [201, 201, 403]
    assert ask(door, "few", "DELETE", "/v1/jobs/acquisition/few-0").status == 204
    assert put(door, "few", "acquisition/few-3", "few", start=False).status == 201
    assert ask(door, "few", "DELETE", "/v1/jobs/acquisition/few-3").status == 204
    late = put(door, "few", "acquisition/few-4", "few", start=False)
    assert late.status == 429
    assert 0 < int(late.headers["retry-after"]) <= 60


def test_a_grant_allows_the_verbs_that_it_names(door: Machine) -> None:
    add_user(door, "reader", "sja-api")
    write_grant(door, "line", 'group = "line"')
    door.write(
        "/etc/sja-units/grants.d/reader.toml",
        'user = "reader"\ntemplates = ["line"]\nverbs = ["see"]',
        mode=0o600,
    )
    assert put(door, "line", LINE, "line").status == 201
    assert ask(door, "reader", "GET", PATH).status == 200
    for method, rest in (("DELETE", ""), ("POST", "/stop"), ("GET", "/log"), ("GET", "/samples")):
        assert ask(door, "reader", method, PATH + rest).status == 403
    assert put(door, "reader", LINE, "line").status == 403
    # A grant that is faulty, or that others can write, allows nothing.
    door.run("chmod", "0666", "/etc/sja-units/grants.d/reader.toml")
    assert ask(door, "reader", "GET", PATH).status == 404
    door.run("rm", "/etc/sja-units/grants.d/reader.toml")
    assert ask(door, "reader", "GET", PATH).status == 404
    assert ask(door, "line", "DELETE", PATH).status == 204


def test_what_a_job_that_is_gone_has_left_is_nobody_elses(door: Machine) -> None:
    write_grant(door, "line", 'group = "line"')
    write_idle_template(door, "line", "*")
    write_idle_template(door, "other", "*")
    job = "acquisition/shared"
    path = f"/v1/jobs/{job}"
    assert put(door, "line", job, "line").status == 201
    assert ask(door, "line", "DELETE", f"{path}?keep_state=1").status == 204
    assert put(door, "other", job, "other").status == 409
    assert put(door, "line", job, "line").status == 201
    assert ask(door, "line", "DELETE", path).status == 204
    time.sleep(1.1)  # the journal is asked from the job's own beginning on
    assert put(door, "other", job, "other", start=False).status == 201
    said = [line["message"] for line in ask(door, "other", "GET", f"{path}/log").json()]
    uid = door.run("id", "-u", "other").stdout.strip()
    assert [f"create ordered by uid {uid}" in message for message in said] == [True]
    assert ask(door, "other", "GET", f"{path}/runs").json() == []
    ask(door, "other", "DELETE", path)
    for name in ("line", "other"):
        write_idle_template(door, name, f"{name}-*")


def test_two_writers_leave_one_whole_file(line: Machine) -> None:
    ask(line, "line", "POST", f"{PATH}/stop")
    line.run("python3", "-Ic", TWO_WRITERS, user="line")
    line.run("sjactl", "validate", LINE)
    title = view(line, LINE)["title"]
    assert title == title[:3] * 500


def test_the_service_ends_when_idle_and_comes_back(door: Machine) -> None:
    assert ask(door, "line", "GET", "/v1/jobs").status == 200
    door.wait_for(
        lambda: door.show("sja-api.service", "ActiveState")["ActiveState"] == "inactive",
        120,
        what="sja-api to end",
    )
    assert door.show("sja-api.service", "Result")["Result"] == "success"
    assert ask(door, "line", "GET", "/v1/jobs").status == 200


def test_what_is_no_request_is_told_and_harms_nobody(door: Machine) -> None:
    cases = {
        "GET /v1/jobs\r\n\r\n": 400,
        "GET /v1/jobs HTTP/2.0\r\n\r\n": 400,
        "GET /v1/jobs HTTP/1.1\r\n\r\n": 400,
        "PUT /v1/jobs/keepalive/x HTTP/1.1\r\nHost: x\r\n\r\n": 411,
        "PUT /v1/jobs/keepalive/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n": 411,
        "PUT /v1/jobs/keepalive/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n": 413,
        "PUT /v1/jobs/keepalive/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n": 400,
        f"GET /v1/jobs HTTP/1.1\r\nHost: x\r\nA: {'x' * 20000}\r\n\r\n": 400,
        f"GET /v1/jobs HTTP/1.1\r\nHost: x\r\n{'A: x' + chr(13) + chr(10)}" * 2 + "\r\n": 400,
        "PATCH /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": 405,
        "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": 404,
    }
    for text, status in cases.items():
        assert parse(send(door, "stranger", text)).status == status, text[:80]
    assert ask(door, "line", "GET", "/v1/jobs").status == 200


def test_people_use_the_same_templates(door: Machine) -> None:
    job = "acquisition/line-people"
    words = ["sjactl", "create", "acquisition", "line-people", "--template", "line"]
    refused = door.run(*words, "--set", "device.0.host=192.0.2.1", "--set", "x=1", check=False)
    assert refused.returncode == 2
    assert "device.0.host" in refused.stderr
    assert "x" in refused.stderr
    door.run(*words, "--title", "made by hand", "--set", "device.0.host=127.0.0.8")
    # It is the application's as well: who shares a template shares its jobs.
    assert ask(door, "line", "GET", f"/v1/jobs/{job}").json()["title"] == "made by hand"
    template = "/etc/sja-units/templates/line.toml"
    door.run("sed", "-i", 's/"200ms"/"400ms"/', template)
    door.run("sjactl", "apply", job)
    assert 'interval = "400ms"' in door.read(f"/etc/sja-units/{job}.toml")
    assert view(door, job)["title"] == "made by hand"
    write_idle_template(door, "line", "line-*")
    assert ask(door, "line", "DELETE", f"/v1/jobs/{job}").status == 204


def test_a_backup_holds_templates_and_grants(door: Machine) -> None:
    folders = ["/etc/sja-units/templates", "/etc/sja-units/grants.d"]
    look = ["find", *folders, "-type", "f", "-printf", "%p %m %u %g %s\n"]
    before = door.run(*look).stdout
    assert before
    door.run("sjactl", "backup", "/root/jobs.tar.gz")
    door.sh("rm /etc/sja-units/templates/* /etc/sja-units/grants.d/*")
    # Who may do what, a person has to ask for.
    door.run("sjactl", "restore", "/root/jobs.tar.gz", "--with-host-settings")
    assert sorted(door.run(*look).stdout.splitlines()) == sorted(before.splitlines())
    assert ask(door, "line", "GET", "/v1/jobs").status == 200


def test_doctor_names_what_opens_too_much(door: Machine) -> None:
    def find() -> str:
        report = json.loads(door.run("sjactl", "doctor", "--json", check=False).stdout)
        said = [c["message"] for c in report["checks"] if c["check"] == "door"]
        return "\n".join(said)

    assert "opens too much" not in find()
    path = "/etc/sja-units/templates/wide.toml"
    text = '[template]\nkind = "command"\n[template.open]\ncommand = {}\n[job]\nrelaunch = false\n'
    door.write(path, text, mode=0o640, group="sja")
    write_grant(door, "wide", 'user = "nobody-at-all"')
    said = find()
    assert "(command)" in said
    assert "does not have" in said
    door.run("rm", path, "/etc/sja-units/grants.d/wide.toml")


ROOT = """
import asyncio
from sja_units import AsyncManager, Manager
from sja_units.client import Invalid, NotFound

JOB = "acquisition/line-root"

def fails(kind, act):
    try:
        act()
    except kind as fault:
        return fault
    raise AssertionError(kind)

with Manager() as jobs:
    job = jobs.create(JOB, "line", {"title": "by root"}, start=False)
    assert (job.title, job.state) == ("by root", "stopped")
    assert jobs.replace(JOB, "line", etag=job.etag).title == ""
    assert jobs.start(JOB).is_running
    assert [each.job for each in jobs.list()] == [JOB]
    assert jobs.runs(JOB)[0].result in (None, "stopped")  # the journal may be a moment late
    fault = fails(Invalid, lambda: jobs.create(JOB + "2", "line", {"url": "x"}))
    assert fault.errors[0].key == "url"
    fails(NotFound, lambda: jobs.get("acquisition/none"))

async def main():
    async with AsyncManager() as jobs:
        assert (await jobs.stop(JOB)).state == "stopped"
        await jobs.remove(JOB)
        assert await jobs.list() == []

asyncio.run(main())
"""


@pytest.mark.parametrize("socket", ["stop", "start"])
def test_root_needs_no_socket_and_finds_the_same_with_one(door: Machine, socket: str) -> None:
    door.run("sjactl", "remove", "*", check=False)
    door.run("systemctl", socket, "sja-api.socket")
    try:
        door.run("/opt/sja-units/bin/python", "-Ic", ROOT)
    finally:
        door.run("systemctl", "start", "sja-api.socket")


@pytest.mark.parametrize("suite", ["trixie"])
def test_it_is_the_same_on_a_newer_debian(machine: Machine) -> None:
    add_user(machine, "line", "sja-api")
    write_idle_template(machine, "line", "line-*")
    write_grant(machine, "line", 'group = "line"')
    assert put(machine, "line", LINE, "line", set={"title": "1号线"}).status == 201
    (job,) = ask(machine, "line", "GET", "/v1/jobs").json()
    assert job["title"] == "1号线"
    assert ask(machine, "line", "POST", f"{PATH}/stop").json()["state"] == "stopped"
    assert ask(machine, "line", "GET", f"{PATH}/runs").json()
    assert ask(machine, "line", "DELETE", PATH).status == 204
    machine.cut()
    machine.boot()
    assert ask(machine, "line", "GET", "/v1/jobs").json() == []
