"""sjactl's verbs that ask and order systemd, on a small one: what they say, and how they end."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.systemd_mock import ACCESS_DENIED, Bus
from tests.unit.acquisition.harness import TOP
from tests.unit.cli.conftest import Sjactl
from tests.unit.fleet import Fleet
from tests.unit.fs.test_tree import dig

ALICE, BOB = "keepalive/alice", "keepalive/bob"
UNIT = "sja-keepalive@alice.service"


@pytest.mark.parametrize("verb", ["start", "stop", "restart"])
def test_an_order_that_succeeds_prints_the_job(sjactl: Sjactl, fleet: Fleet, verb: str) -> None:
    fleet.add(ALICE)
    assert sjactl(verb, "alice") == (0, f"{ALICE}\n", "")
    assert fleet.is_wanted(ALICE) == (verb != "stop")


@pytest.mark.parametrize("verb", ["start", "restart"])
@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"LoadState": "masked"}, "masked"),
        ({"Conditions": [["ConditionPathExists", False, False, "/x", -1]]}, "/x"),
    ],
)
def test_a_start_that_was_none(
    sjactl: Sjactl, fleet: Fleet, verb: str, properties: dict[str, object], named: str
) -> None:
    unit = fleet.add(ALICE, "inactive")
    unit.properties |= {"ConditionResult": False, **properties}
    unit.ends |= dict.fromkeys(("start", "restart"), ("inactive", "done"))
    fleet.path("systemd", f"{UNIT}.d/own.conf").touch()
    for words in ([verb, "alice"], ["relaunch"], ["check", "--repair"]):
        said = sjactl(*words)
        assert said.status == 1
        assert named in said.out + said.err
        assert f"{ALICE}\n" != said.out
    assert named in sjactl("list").out
    assert named in sjactl("why", "alice").out


def test_a_job_that_nobody_has(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE)
    for words in (["start", "nobody"], ["status", "nobody"], ["why", "nobody"], ["stop", "x*"]):
        assert sjactl(*words).status == 4


def test_who_may_not(sjactl: Sjactl, fleet: Fleet) -> None:
    unit = fleet.add(ALICE, "inactive", wanted=False)
    unit.refusal, unit.refusal_name = "no", ACCESS_DENIED
    said = sjactl("start", "alice")
    assert (said.status, said.out) == (5, "")


def test_restart_changed(sjactl: Sjactl, fleet: Fleet) -> None:
    for job in (ALICE, BOB):
        fleet.add(job)
        text = fleet.path("etc", f"{job}.toml").read_bytes()
        fleet.path("run", f"{job}/config").write_bytes(text)
    fleet.path("etc", f"{BOB}.toml").write_text('url = "http://other/"\n')
    assert sjactl("restart", "--changed").out == f"{BOB}\n"
    assert sjactl("diff").status == 1
    assert "+url" in sjactl("diff", "bob").out
    assert sjactl("diff", "alice") == (0, "", "")
    assert "file has changed" in sjactl("check").out


def test_status_ends_with_3_for_what_does_not_run(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE)
    fleet.add(BOB, "inactive", wanted=False)
    assert sjactl("status", "--json", "alice").status == 0
    said = sjactl("status", "--json", "alice", "bob")
    assert said.status == 3
    assert [each["state"] for each in json.loads(said.out)] == ["running", "stopped"]


def test_list_as_json(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE, text='title = "甲"\nurl = "http://a/"\n')
    (shown,) = json.loads(sjactl("list", "--json").out)
    assert (shown["job"], shown["title"], shown["state"]) == (ALICE, "甲", "running")
    assert shown["changed"] is False


def test_check_repairs_what_is_down(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE, "inactive")
    assert sjactl("check").status == 1
    assert fleet.systemd.units[UNIT].active == "inactive"
    fleet.systemd.on_end[UNIT] = lambda: fleet.report(ALICE)
    said = sjactl("check", "--repair", "--json")
    assert said.status == 0
    assert json.loads(said.out)["repaired"]


def test_check_repairs_nothing_while_relaunch_is_disabled(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE, "inactive")
    fleet.systemd.file_states["sja-relaunch.service"] = "disabled"
    assert sjactl("check", "--repair").status == 1
    assert fleet.systemd.units[UNIT].active == "inactive"


def test_create_starts_and_remove_deletes(sjactl: Sjactl, fleet: Fleet) -> None:
    said = sjactl("create", "keepalive", "alice", "--url", "http://127.0.0.1:1/")
    assert (said.status, said.out) == (0, f"{ALICE}\n")
    assert fleet.is_wanted(ALICE)
    assert sjactl("create", "keepalive", "alice", "--url", "http://127.0.0.1:1/").status == 1
    assert sjactl("remove", "alice") == (0, f"{ALICE}\n", "")
    assert not fleet.path("etc", f"{ALICE}.toml").exists()
    assert not fleet.is_wanted(ALICE)
    assert fleet.systemd.units[UNIT].active == "inactive"


def test_no_bus_is_one_line(sjactl: Sjactl, fleet: Fleet, bus: Bus, host: Path) -> None:
    bus.stop()
    said = sjactl("list")
    bus.start()
    assert said.status == 1
    assert said.err.startswith("sjactl: D-Bus cannot be reached")
    assert len(said.err.splitlines()) <= 2


@pytest.mark.slow
@pytest.mark.slow
def test_remove_deletes_a_state_of_any_depth(sjactl: Sjactl, fleet: Fleet) -> None:
    fleet.add(ALICE)
    state = fleet.path("private", ALICE)
    dig(state)
    fleet.path("var", ALICE).symlink_to(state)
    assert sjactl("remove", "alice") == (0, f"{ALICE}\n", "")
    assert not state.exists()
    assert not fleet.path("var", ALICE).is_symlink()


def test_a_remove_that_was_cut_off_can_be_repeated(
    sjactl: Sjactl, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.add(ALICE)
    dig(fleet.path("var", ALICE), 10)

    def fail(path: str) -> None:
        raise OSError(5, "Input/output error", path)

    with monkeypatch.context() as patch:
        patch.setattr("sja_units.jobs.manager.remove_tree", fail)
        assert sjactl("remove", "alice").status == 1
    assert sjactl("remove", "alice").status == 0
    assert not fleet.path("var", ALICE).exists()
    assert sjactl("status", "alice").status == 4


@pytest.mark.slow
def test_watch_as_json(fleet: Fleet, tmp_path: Path) -> None:
    fleet.systemd.add(UNIT, "failed")
    code = "import sys; from sja_units.cli import run; run(sys.argv[1:])"
    with subprocess.Popen(
        [sys.executable, "-c", code, "watch", "--json"],
        cwd=TOP,
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout
        events = (json.loads(line) for line in watch.stdout)
        try:
            first = next(event for event in events if event.get("job", {}).get("job") == ALICE)
            assert (first["event"], first["job"]["state"]) == ("job", "unconfigured")
            assert any(event == {"event": "ready"} for event in events)
            del fleet.systemd.units[UNIT]
            fleet.systemd.add("sja-keepalive@bob.service", "active")
            fleet.systemd.change("sja-keepalive@bob.service", "failed")
            assert any(event == {"event": "removed", "job": ALICE} for event in events)
        finally:
            watch.terminate()
