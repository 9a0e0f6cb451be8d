"""A job whose database, disk, worker and machine fail, and the account of what that has cost."""

import re
from collections import Counter
from collections.abc import Callable

from tests.machines.machine import Machine
from tests.system.counterparts import Influx, spawn_peer
from tests.system.jobs import view
from tests.system.lines import Line, lines_since, mark_journal

DISK = "/var/lib/private"  # where dynamic users' state is
OVERFLOW = "/run/sja-units/overflow"  # for what is read while the disk takes nothing
_DISK_SIZE = "4m"
_PROXY_PORT = 8087
_MODE = "/root/proxy.mode"
_PARKED = re.compile(r"^# \S+ (\d{3}): .+\npress\S* .*?\bcounter=(\d+)i", re.MULTILINE)
# Flips one bit of one file in a folder.
_FLIP = """
import os, random, sys
folder = sys.argv[1]
names = [n for n in sorted(os.listdir(folder)) if os.path.getsize(f"{folder}/{n}")]
with open(f"{folder}/{random.choice(names)}", "r+b") as file:
    at = random.randrange(os.fstat(file.fileno()).st_size)
    file.seek(at)
    (byte,) = file.read(1)
    file.seek(at)
    file.write(bytes([byte ^ 1 << random.randrange(8)]))
"""


class FaultyLine(Line):
    """A job that writes to InfluxDB through a proxy, and to a disk of its own.

    `ended` counts how often a worker was ended in the middle of its work, `flipped` how often a bit
    of its spool was flipped.
    """

    def __init__(self, machine: Machine, name: str, port: int) -> None:
        machine.poweroff()
        machine.add_disk(DISK, _DISK_SIZE)
        machine.boot()
        self.influx = Influx(machine)
        self.influx.start()
        self.influx.sink["url"] = f"http://127.0.0.1:{_PROXY_PORT}"
        self.ended = 0
        self.flipped = 0
        self._start_proxy(machine)
        super().__init__(machine, self.influx, name, port)

    @staticmethod
    def _start_proxy(machine: Machine) -> None:
        argv = ["/src/tests/peers/faulty_proxy.py", "--mode", _MODE]
        spawn_peer(machine, "proxy", _PROXY_PORT, *argv)

    # What can be wrong with the database.

    def answer(self, mode: str) -> None:
        self.machine.write(_MODE, mode)

    def stop_database(self) -> None:
        self.influx.stop()

    def kill_database(self) -> None:
        self.influx.kill()

    def mend_database(self) -> None:
        self.answer("ok")
        self.influx.start()

    # What can be wrong with the worker and its machine. Each leaves behind what works again.

    def kill(self) -> None:
        self.ended += 1
        self._signal_and_await("KILL")

    def freeze(self) -> None:
        """Hang the worker: the watchdog ends it."""
        self.ended += 1
        self._signal_and_await("STOP")

    def _signal_and_await(self, signal: str) -> None:
        pid = self._pid()
        self.signal_worker(signal)
        self._await_reads_of_another(pid)

    def _await_reads_of_another(self, pid: int | None) -> None:
        self.machine.wait_for(lambda: self._pid() not in (None, pid), what="another worker")
        self.await_more()

    def _pid(self) -> int | None:
        pid: int | None = view(self.machine, self.job)["pid"]
        return pid

    def restart(self) -> None:
        pid = self._pid()
        self.machine.run("systemctl", "restart", self.unit)
        self._await_reads_of_another(pid)

    def flip_bit(self) -> None:
        """Let a bit of some file of the spool be another one at the next start."""
        self.flipped += 1
        self.machine.run("systemctl", "stop", self.unit)
        self.machine.run("python3", "-Ic", _FLIP, f"{DISK}/sja-units/{self.job}/spool")
        self.machine.run("systemctl", "start", self.unit)
        self.await_more()

    def cut_power(self) -> None:
        self.ended += 1
        self.machine.cut()
        self.machine.boot()
        self.device.start()
        self._start_proxy(self.machine)

    def fill_disk(self, meanwhile: Callable[[], None]) -> None:
        """Let others take all of the disk for a while."""
        self._take_disk()
        meanwhile()
        self.machine.run("systemctl", "stop", "others")
        self._free_disk()

    def spoil_disk(self, meanwhile: Callable[[], None]) -> None:
        """Start the worker while its disk can only be read, and let it be so for a while.

        A worker that runs keeps a file open, by which Linux would refuse to change the disk.
        """
        self.machine.run("systemctl", "stop", self.unit)
        self.machine.run("mount", "-o", "remount,ro", DISK)
        self.machine.run("systemctl", "start", "--no-block", self.unit)
        meanwhile()
        self.machine.run("mount", "-o", "remount,rw", DISK)
        self._free_disk()

    def spoil_full_disk(self, meanwhile: Callable[[], None]) -> None:
        """Stop the worker while values wait for a full disk, which then can only be read."""
        self._take_disk()
        place = mark_journal(self.machine)
        self.machine.run("systemctl", "stop", self.unit)
        said = lines_since(self.machine, self.unit, place)
        assert any(f"wait in {OVERFLOW}/{self.name}" in words for words in said), said
        self.machine.run("systemctl", "stop", "others")
        self.spoil_disk(meanwhile)

    def _take_disk(self) -> None:
        # Again and again, for what is sent leaves the disk, and so makes room.
        fill = f"while :; do dd if=/dev/zero bs=4k >>{DISK}/others; sleep 0.02; done"
        self.machine.spawn("others", "sh", "-c", f"exec 2>/dev/null; {fill}")
        self.machine.wait_for(lambda: self._overflow() >= 5, what="values to wait for the disk")

    def _free_disk(self) -> None:
        """Return when nothing waits for the disk any more."""
        self.machine.run("rm", "-f", f"{DISK}/others")
        self.await_more()
        self.machine.wait_for(lambda: self._overflow() == 0, what="the disk to take data")

    def _overflow(self) -> int:
        health = view(self.machine, self.job)["health"]
        return int(health["spool"]["overflow"]) if health else -1

    # How it ends.

    def await_more(self, count: int = 5) -> None:
        """Return when the device has answered so many more reads, however the job is."""
        goal = self.device.sent().total() + count
        what = f"{count} more reads of {self.name}"
        self.machine.wait_for(lambda: self.device.sent().total() >= goal, what=what)

    def await_sent(self) -> None:
        """Return when nothing waits for the database any more."""
        self.wait_reads()

        def is_sent() -> bool:
            shown = view(self.machine, self.job)
            return bool(shown["state"] == "running" and shown["health"]["spool"]["batches"] <= 2)

        self.machine.wait_for(is_sent, 120, what="the backlog to be in the database")

    def parked(self) -> Counter[int]:
        """Return the reads that are put aside for good, each with the database's reason."""
        text = self.machine.sh(f"cat /var/lib/sja-units/{self.job}/dead-letter.lp* || true").stdout
        found = _PARKED.findall(text)
        assert len(found) == text.count("counter="), text
        assert {status for status, _ in found} <= {"400"}
        return Counter(int(number) for _, number in found)
