"""A whole worker process against a real site."""

import json
import signal
import socket
import time
from collections.abc import Callable

import pytest

from sja_units.keepalive.loop import REFRESH_SIGNAL
from tests.peers.site import Session
from tests.unit.keepalive.harness import RunningSite, Worker, answering, running_site
from tests.waiting import wait_for

pytestmark = pytest.mark.slow


LIFE = 100.0  # of a session, on the site's clock, which only these tests move
Maker = Callable[..., Worker]


def start_alive(make_worker: Maker, site: RunningSite, more: str = "") -> Worker:
    worker = make_worker(site.url, more)
    worker.give("Cookie: " + site.log_in())
    worker.start()
    worker.wait_until_ready()
    return worker


def test_a_session_outlives_many_lives_and_dies_once_the_job_stops(
    site: RunningSite, make_worker: Maker
) -> None:
    worker = make_worker(site.url)
    worker.give("Cookie: " + site.log_in())
    worker.start("sja_units.worker")
    for _ in range(4):
        site.wait_for_visits("alive")
        site.clock.now += LIFE * 0.9
    assert site.site.stats["refused"] == 0
    assert worker.end() == 0
    site.clock.now += LIFE * 1.1
    worker.start("sja_units.worker")
    assert worker.wait_for_end() == 77


def test_kill_9_at_any_moment_loses_no_session(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    worker.end(signal.SIGKILL)
    for i in range(12):
        visits = site.site.stats["requests"]
        worker.start()
        site.wait_for_count("requests", visits + 1)
        time.sleep(0.002 * i)
        worker.end(signal.SIGKILL)
        assert len(worker.saved()) == 1
    worker.start()
    worker.wait_until_ready()
    assert worker.health()["session"] == "alive"
    assert site.site.stats["logins"] == 1


def test_a_dead_session_fails_the_start_after_a_second_look(
    site: RunningSite, make_worker: Maker
) -> None:
    worker = make_worker(site.url)
    worker.give("session=long-gone")
    worker.start()
    assert worker.wait_for_end() == 77
    assert not worker.heard("READY=1")
    assert site.site.stats["refused"] == 2
    assert worker.saved() == ["long-gone"]
    assert "401" in worker.said()
    assert "sjactl cookies keepalive/x --set" in worker.said()


def test_new_cookies_that_come_during_the_last_refresh_count(
    site: RunningSite, make_worker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = make_worker(site.url)
    worker.give("session=long-gone")
    fresh, visit = site.log_in(), site.site.visit
    refused = site.site.stats["refused"]

    def visit_meanwhile(token: str) -> Session | None:
        if site.site.stats["refused"] == refused + 1:
            worker.give(fresh)
        return visit(token)

    monkeypatch.setattr(site.site, "visit", visit_meanwhile)
    worker.start()
    worker.wait_until_ready()
    assert worker.health()["session"] == "alive"


def test_one_expired_look_alone_ends_nothing(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    for _ in range(2):
        site.site.refuse_next = True
        site.wait_for_visits("refused")
        site.wait_for_visits("alive", 2)
    assert worker.end() == 0
    assert worker.said().count("<4>session expired") == 2


def test_a_site_that_is_away_is_uncertain_until_it_is_back(make_worker: Maker) -> None:
    with running_site() as site:
        token, store, port = site.log_in(), site.site, site.port
    worker = make_worker(site.url)
    worker.give(token)
    worker.start()
    worker.wait_until_ready()
    health = worker.health()
    assert (health["session"], health["ok"], health["http_status"]) == ("unknown", False, None)
    assert health["consecutive_failures"] >= 1
    assert "refused" in health["message"]
    with running_site(port=port) as back:
        back.site.sessions = store.sessions
        worker.wait_for_session("alive")
        health = worker.health()
        assert (health["ok"], health["consecutive_failures"]) == (True, 0)
        assert health["last_alive"] is not None
        assert worker.end() == 0


def test_an_ill_site_does_not_end_the_session(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    for fault, status in (("500", 500), ("429", 429), ("captcha", 403)):
        site.site.fault = fault
        worker.wait_for_status(status)
        assert worker.health()["session"] == "unknown"
    site.wait_for_visits("requests")
    site.site.fault = ""
    worker.wait_for_session("alive")


def test_given_cookies_win_exactly_once(site: RunningSite, make_worker: Maker) -> None:
    worker = make_worker(site.url)
    worker.give("session=long-gone")
    worker.start()
    assert worker.wait_for_end() == 77
    given = site.log_in()
    worker.give(given)
    worker.start()
    worker.wait_until_ready()
    site.wait_for_visits("alive")
    assert worker.end() == 0
    assert worker.saved() != [given.partition("=")[2]]
    worker.start()
    worker.wait_until_ready()
    assert worker.health()["session"] == "alive"
    assert not list(worker.state.glob("given*"))


def test_given_nonsense_is_told_and_changes_nothing(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    worker.give("x\ty")
    wait_for(lambda: "incoming.bad" in worker.health()["message"], "word of the bad jar")
    health = worker.health()
    assert (health["session"], health["ok"]) == ("alive", False)
    assert (worker.state / "incoming.bad").read_text() == "x\ty"
    worker.give(site.log_in())
    wait_for(lambda: worker.health()["ok"], "the good jar taken")


def test_a_stop_waits_for_the_answer_and_keeps_its_cookie(
    site: RunningSite, make_worker: Maker
) -> None:
    worker = start_alive(make_worker, site)
    site.site.delay = 0.5
    site.wait_for_visits("alive")
    assert worker.end() == 0
    assert worker.saved() == [site.site.sessions[0].token]


def test_the_fresh_jar_is_published(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    site.wait_for_visits("alive")
    assert worker.end() == 0
    path = worker.published / "cookies.txt"
    assert path.stat().st_mode & 0o777 == 0o640
    line = path.read_text().splitlines()[-1]
    assert line.split("\t")[-1] == site.site.sessions[0].token
    assert line.startswith("#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t")


def test_nothing_that_others_can_see_holds_a_secret(site: RunningSite, make_worker: Maker) -> None:
    more = '[headers]\nX-Key = "made-up-secret"\n'
    worker = start_alive(make_worker, site, more)
    assert site.site.log[-1]["headers"]["x-key"] == "made-up-secret"
    tokens = {worker.saved()[0], site.site.sessions[0].token}
    for fault in ("control-cookie", "cut"):
        site.site.fault = fault
        site.wait_for_visits("requests")
    site.site.fault = ""
    site.site.sessions.clear()
    assert worker.wait_for_end() == 77
    said = worker.said()
    assert "session" in said
    assert not [token for token in (*tokens, "made-up-secret", "forged") if token in said]


def test_a_broken_jar_falls_back_to_the_one_before(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    site.wait_for_visits("alive", 2)
    assert worker.end() == 0
    # The newest good one is one step older than the site's, which the site still takes.
    path = worker.state / "jar.json"
    path.write_bytes(path.read_bytes()[:-20])
    site.site.sessions[0].before = json.loads((worker.state / "jar.json.1").read_text())["cookies"][
        0
    ]["value"]
    worker.start()
    worker.wait_until_ready()
    assert worker.health()["session"] == "alive"
    assert "jar.json is broken" in worker.said()
    assert (worker.state / "jar.json.bad").exists()


def test_a_disk_that_takes_nothing_ends_no_session(site: RunningSite, make_worker: Maker) -> None:
    worker = start_alive(make_worker, site)
    # A folder in the way of the temporary file stands for a full disk.
    (worker.state / "jar.json.new").mkdir()
    wait_for(lambda: "saved" in worker.health()["message"], "word of the disk")
    site.wait_for_visits("alive", 2)
    health = worker.health()
    assert (health["session"], health["ok"]) == ("alive", False)
    (worker.state / "jar.json.new").rmdir()
    wait_for(lambda: worker.health()["ok"], "the jar saved")
    assert worker.end() == 0
    assert worker.saved() == [site.site.sessions[0].token]


def test_a_site_that_never_answers_costs_no_more_than_the_timeout(make_worker: Maker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        worker = make_worker(f"http://127.0.0.1:{silent.getsockname()[1]}/", 'timeout = "300ms"\n')
        worker.start()
        worker.wait_until_ready()
        assert worker.health()["session"] == "unknown"
        wait_for(lambda: worker.health()["consecutive_failures"] >= 3, "further looks")
        assert worker.end() == 0


def test_a_wrong_configuration_ends_with_78(site: RunningSite, make_worker: Maker) -> None:
    worker = make_worker(site.url, 'ca_file = "/nonexistent/ca.pem"\n')
    worker.start()
    assert worker.wait_for_end() == 78
    assert "ca_file" in worker.said()


def test_a_criterion_with_a_typo_burns_no_session(site: RunningSite, make_worker: Maker) -> None:
    worker = make_worker(site.url, '[alive]\nbody_contains = "usrename"')
    worker.give(site.log_in())
    for number, grace in ((signal.SIGTERM, -1), (signal.SIGKILL, 30)):
        site.site.grace = grace  # with -1 each token is good for one visit
        worker.start()
        worker.wait_until_ready()
        site.wait_for_visits("alive", 3)
        assert worker.health()["session"] == "unknown"
        worker.end(number)
    assert not (worker.published / "cookies.txt").exists()
    config = worker.run_dir / "config"
    config.write_text(config.read_text().replace("usrename", "username"))
    worker.start()
    worker.wait_for_session("alive")
    assert site.site.stats["refused"] == 0
    assert worker.saved() == [site.site.sessions[0].token]
    assert (worker.published / "cookies.txt").exists()
    assert worker.end() == 0


def test_where_new_cookies_are_refused_the_old_count(make_worker: Maker) -> None:
    seen: list[str] = []

    def answer(cookie: str) -> tuple[int, str, str]:
        seen.append(cookie)
        if cookie == "session=good" and seen.count(cookie) == 1:
            return 200, "a page for guests", "session=guest; Path=/"
        return (200, "me", "") if cookie == "session=good" else (401, "", "")

    with answering(answer) as url:
        worker = make_worker(url, '[alive]\nbody_contains = "me"')
        worker.give("session=good")
        worker.start()
        worker.wait_for_session("alive")
        wait_for(lambda: len(seen) > 3, "one more refresh")
        assert worker.end() == 0
    assert seen[:4] == ["session=good", "session=guest", "session=good", "session=good"]
    assert worker.saved() == ["good"]


def test_a_session_is_gone_only_where_both_are_refused(make_worker: Maker) -> None:
    seen: list[str] = []

    def answer(cookie: str) -> tuple[int, str, str]:
        seen.append(cookie)
        return (401, "", "") if seen[1:] else (200, "a page for guests", "session=guest; Path=/")

    with answering(answer) as url:
        worker = make_worker(url, '[alive]\nbody_contains = "me"')
        worker.give("session=good")
        worker.start()
        assert worker.wait_for_end() == 77
    assert seen == ["session=good", *["session=guest", "session=good"] * 2]
    assert worker.saved() == ["good"]


def test_new_cookies_of_a_person_win_over_those_that_may_count(
    site: RunningSite, make_worker: Maker
) -> None:
    worker = make_worker(site.url, '[alive]\nbody_contains = "usrename"')
    worker.give(site.log_in())
    worker.start()
    worker.wait_until_ready()
    assert worker.end() == 0
    fresh = site.log_in()
    worker.give(fresh)
    worker.start()
    wait_for(lambda: site.site.log and site.site.log[-1]["headers"]["cookie"] == fresh, fresh)
    assert worker.end() == 0


def test_a_refresh_on_request(site: RunningSite, make_worker: Maker) -> None:
    worker = make_worker(site.url, interval="1h")
    worker.give(site.log_in())
    worker.start("sja_units.worker")
    worker.wait_until_ready()
    before = worker.health()["last_refresh"]
    assert worker.process is not None
    worker.process.send_signal(REFRESH_SIGNAL)
    wait_for(lambda: worker.health()["last_refresh"] > before, "another refresh")
    assert worker.health()["session"] == "alive"
    assert site.site.stats["requests"] == 2
    assert worker.end() == 0
