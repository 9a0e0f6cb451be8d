import os
import signal
import time

import pytest

from sja_units.runtime.child import run_child
from tests.waiting import PATIENCE


def test_what_a_child_writes_comes_back_whole() -> None:
    data = os.urandom(300_000)

    def work(fd: int) -> None:
        with os.fdopen(fd, "wb") as pipe:
            pipe.write(data)

    ended = run_child(work, PATIENCE)
    assert (ended.output, ended.status, ended.late, ended.cut) == (data, 0, False, False)


@pytest.mark.parametrize("is_deaf", [False, True])
def test_nothing_in_a_child_passes_the_deadline(is_deaf: bool) -> None:
    def work(_fd: int) -> None:
        if is_deaf:
            signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        time.sleep(600)

    started = time.monotonic()
    ended = run_child(work, 0.2)
    assert ended.late
    assert 0.2 <= time.monotonic() - started < PATIENCE


def test_a_child_that_closes_its_end_and_goes_on_is_late() -> None:
    def work(fd: int) -> None:
        os.close(fd)
        time.sleep(600)

    assert run_child(work, 0.2).late


def test_what_a_child_leaves_running_does_not_hold_up_its_answer() -> None:
    def work(fd: int) -> None:
        os.write(fd, b"done")
        if os.fork() == 0:
            time.sleep(600)

    started = time.monotonic()
    ended = run_child(work, 2 * PATIENCE)
    assert (ended.output, ended.status, ended.late, ended.cut) == (b"done", 0, False, False)
    assert time.monotonic() - started < PATIENCE


@pytest.mark.slow
def test_waiting_for_a_child_that_has_closed_its_end_costs_nothing() -> None:
    def work(fd: int) -> None:
        os.close(fd)
        time.sleep(0.5)

    began = time.process_time()
    assert run_child(work, PATIENCE).status == 0
    assert time.process_time() - began < 0.1


def test_who_started_it_can_give_up() -> None:
    started = time.monotonic()
    assert run_child(lambda _fd: time.sleep(600), 600, give_up=lambda: True).late
    assert time.monotonic() - started < PATIENCE


def test_a_child_that_writes_too_much_is_cut() -> None:
    def work(fd: int) -> None:
        while True:
            os.write(fd, b"x" * 65536)

    ended = run_child(work, PATIENCE, limit=1000)
    assert ended.cut
    assert not ended.late


def test_a_crash_is_told_without_its_words(capfd: pytest.CaptureFixture[str]) -> None:
    def work(_fd: int) -> None:
        raise ValueError("made-up-" + "secret")

    assert run_child(work, PATIENCE).status != 0
    told = capfd.readouterr().err
    assert "ValueError" in told
    assert "made-up-secret" not in told


def test_an_orphan_ends_at_a_signal_but_a_child_of_somebody_does_not() -> None:
    def work(fd: int) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        os.write(fd, b"still here")

    assert run_child(work, PATIENCE).output == b"still here"


def test_no_child_and_no_pipe_is_left() -> None:
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        run_child(lambda fd: None, PATIENCE)
        run_child(lambda fd: time.sleep(600), 0.01)
    assert os.listdir("/proc/self/fd") == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
