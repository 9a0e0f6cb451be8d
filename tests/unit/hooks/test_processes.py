"""Processes by control group, where this one is in none of ours; the rest is in tests/system."""

import os
import signal
import subprocess
from pathlib import Path

from sja_units.hooks.processes import find_own_group, list_others, signal_others


def test_a_process_outside_a_unit_has_no_group_of_it() -> None:
    assert find_own_group("sja-command@x.service") == ""


def test_each_process_is_told_once_and_this_one_never(tmp_path: Path) -> None:
    asleep = [subprocess.Popen(["/bin/sleep", "600"]) for _ in range(2)]
    pids = [process.pid for process in asleep]
    own = os.getpid()
    (tmp_path / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in (own, *pids)))
    assert list_others(str(tmp_path)) == set(pids)
    signal_others(str(tmp_path), signal.SIGTERM)
    assert [process.wait(30) for process in asleep] == [-signal.SIGTERM] * 2
    # They are gone, and still in the list: nothing is raised, nothing goes on for ever.
    signal_others(str(tmp_path), signal.SIGTERM)


def test_a_group_that_is_gone_has_no_processes(tmp_path: Path) -> None:
    assert list_others(str(tmp_path / "gone")) == set()
    signal_others(str(tmp_path / "gone"), signal.SIGTERM)
