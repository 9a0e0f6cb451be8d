"""One virtual machine: its disks outlive power cuts, and go when it is let go."""

import contextlib
import json
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.machines.cache import lab
from tests.machines.inside import Inside
from tests.machines.process import LabError, tail
from tests.machines.virtual.disks import copy_disk, make_disk, system_disk
from tests.machines.virtual.kernel import kernel
from tests.machines.virtual.write_log import begin_log

HOST = "10.0.2.2"
"""The host's loopback as the machine sees it."""

_PREFIX = "virtual-"
_LEFT_BEHIND_SECONDS = 24 * 3600
# One core without KVM. Who is killed leaves nobody behind: pdeathsig goes with our end.
_QEMU = """
    setpriv --pdeathsig KILL qemu-system-x86_64 -nodefaults -no-user-config -machine pc
    -accel tcg,tb-size=256 -cpu max -m 512 -display none -no-reboot
    -netdev user,id=net,ipv6=off -device virtio-net-pci,netdev=net,romfile=
    -serial file:{console} -chardev pty,id=line -serial chardev:line
    -device virtio-serial-pci -chardev socket,id=agent,path={agent},server=on,wait=off
    -device virtserialport,chardev=agent
    -blockdev driver=file,node-name=system,filename={system},cache.no-flush=on
    -device virtio-blk-pci,drive=system
"""
# The cut ends qemu, not its host: what qemu was given is safe, and need not wait for a real disk.
_FILE = "-blockdev driver=file,node-name={node},filename={path},cache.no-flush=on"
_LOGGED = "-blockdev driver=blklogwrites,node-name={node},file={file},log={log}"
# no_timer_check: on a busy host the timer can come too late for the kernel's taste, and it panics.
_KERNEL = (
    "console=ttyS0 panic=-1 no_timer_check nokaslr mitigations=off"
    " net.ifnames=0 quiet systemd.show_status=1 systemd.journald.forward_to_console=1"
    " systemd.journald.max_level_console=notice"
)


class Disk:
    """A data disk: as it was made, as it is now, and all that was written in between."""

    def __init__(self, folder: Path, place: str, size: str) -> None:
        self.place = place
        self.base = folder / "base"
        self.image = folder / "image"
        self.log = folder / "log"
        folder.mkdir()
        make_disk(self.base, size)
        copy_disk(self.base, self.image)
        begin_log(self.log)

    def logged(self) -> int:
        """Return how many bytes the log has: a point of time in the disk's life."""
        return self.log.stat().st_size


class VirtualMachine(Inside):
    """A machine with sja-units freshly installed on Debian; the host's loopback is at HOST.

    disks: places in the machine, and the sizes of the disks that are there.
    What is written to them in the first boot is logged.
    """

    def __init__(self, suite: str, disks: Mapping[str, str], name: str = "virtual") -> None:
        self.name = name
        self._suite, self._sizes = suite, disks
        self.disks: dict[str, Disk] = {}
        self._qemu: subprocess.Popen[bytes] | None = None
        self._agent = socket.socket()
        self._boots = 0
        self._asked = 0

    def __enter__(self) -> Self:
        _remove_left_behind()
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=lab()))
        try:
            self._system = self._folder / "system"
            copy_disk(system_disk(self._suite), self._system)
            for number, (place, size) in enumerate(self._sizes.items()):
                self.disks[place] = Disk(self._folder / f"disk{number}", place, size)
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self.is_on:
            self.cut()
        shutil.rmtree(self._folder)

    @property
    def is_on(self) -> bool:
        """Whether the machine is powered on."""
        return self._qemu is not None and self._qemu.poll() is None

    @property
    def serial_line(self) -> str:
        """The host's tty that is wired to the machine's /dev/ttyS1 since it was powered on."""
        return self.wait_for(self._find_line, what="qemu to open the serial line")

    def _find_line(self) -> str:
        found = re.search(r"redirected to (/dev/\S+)", self._said())
        return found[1] if found else ""

    def power_on(self) -> None:
        """Power on, and return when the machine has begun to boot."""
        self._boots += 1
        agent = self._folder / "agent"
        agent.unlink(missing_ok=True)
        words = _QEMU.format(console=self._console(), agent=agent, system=self._system)
        places = []
        for letter, disk in zip("bcdefg", self.disks.values(), strict=False):
            words += _plug_in(f"vd{letter}", disk, is_logged=self._boots == 1)
            places.append(f"lab.disk=vd{letter}:{disk.place}")
        arguments = shlex.split(words)
        started = kernel(self._suite)
        arguments += ["-kernel", str(started / "vmlinuz"), "-initrd", str(started / "initrd")]
        arguments += ["-append", " ".join([_KERNEL, *places])]
        with self._output().open("wb") as output:
            self._qemu = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        self.wait_for(lambda: agent.exists() or self._check(), what="qemu to begin")
        self._agent = socket.socket(socket.AF_UNIX)
        self._agent.connect(str(agent))
        self._replies = self._agent.makefile("rb")

    def boot(self, seconds: float = 300) -> None:
        """Power on, and return once systemd has started all it wants to start."""
        self.power_on()
        self.wait_booted(seconds)

    def wait_booted(self, seconds: float = 300) -> None:
        """Return once systemd has started all it wants to start."""
        words = ["systemctl", "is-system-running", "--wait"]
        state = self.run(*words, check=False, timeout=seconds).stdout.strip()
        if state not in {"running", "degraded"}:
            raise LabError(f"{self.name} came up as {state!r}")

    def cut(self) -> None:
        """Cut the power: what is not on the disks by now is gone."""
        assert self._qemu
        self._qemu.kill()
        self._qemu.wait()
        self._agent.close()

    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = 120,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        words = [*(["runuser", "-u", user, "--"] if user else []), *argv]
        asked = {"argv": words, "input": input or "", "timeout": timeout, "env": dict(env or {})}
        try:
            answer = self._ask(asked, timeout + 30)
        except OSError as error:
            state = "is on" if self.is_on else "has gone off"
            said = f"{self.name}, which {state}, does not answer: {error}"
            raise LabError(f"{shlex.join(argv)}: {said}") from None
        if "fault" in answer:
            raise LabError(f"{shlex.join(argv)}: {answer['fault']}")
        out, err, status = answer["stdout"], answer["stderr"], answer["status"]
        if check and status != 0:
            raise LabError(f"{shlex.join(argv)} ended with {status}: {tail(out + err)}")
        return subprocess.CompletedProcess(argv, status, out, err)

    def save_journal(self, folder: Path, name: str | None = None) -> Path:
        """Write qemu's words, consoles and journal to FOLDER/NAME.log; return where that is."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name or self.name}.log"
        files = [*sorted(self._folder.glob("qemu-*")), *sorted(self._folder.glob("console-*"))]
        text = [file.read_text(errors="replace") for file in files]
        if self.is_on:
            words = ["journalctl", "--no-pager", "--no-hostname", "--output=short-precise"]
            with contextlib.suppress(LabError):
                text.append(self.run(*words, timeout=60).stdout)
        path.write_text("\n".join(text))
        return path

    def _ask(self, asked: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return what the agent says to a request; OSError if it says nothing in time."""
        self._asked += 1
        self._agent.settimeout(seconds)
        self._agent.sendall(json.dumps({"id": self._asked, **asked}).encode() + b"\n")
        while True:
            line = self._replies.readline()
            if not line:
                raise OSError(f"qemu has ended: {self._said()}")
            answer: dict[str, Any] = json.loads(line)
            if answer["id"] == self._asked:  # else somebody gave up waiting for it
                return answer

    def _check(self) -> bool:
        if not self.is_on:
            raise LabError(f"qemu has ended: {self._said()}")
        return False

    def _console(self) -> Path:
        return self._folder / f"console-{self._boots}"

    def _output(self) -> Path:
        return self._folder / f"qemu-{self._boots}"

    def _said(self) -> str:
        return tail(self._output().read_text(errors="replace"))


def _plug_in(name: str, disk: Disk, *, is_logged: bool) -> str:
    """Return qemu's words for a disk; what was logged is never written over."""
    words = [_FILE.format(node=name, path=disk.image)]
    if is_logged:
        words.append(_FILE.format(node=f"{name}-log", path=disk.log))
        logged = _LOGGED.format(node=f"{name}-logged", file=name, log=f"{name}-log")
        # The log tells its length after every entry: a kill ends it without a last word.
        words.append(f"{logged},log-super-update-interval=1")
        name = f"{name}-logged"
    return f"{' '.join(words)} -device virtio-blk-pci,drive={name}\n"


def _remove_left_behind() -> None:
    """Remove the disks of machines whose test was killed long ago."""
    for folder in lab().glob(f"{_PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - folder.stat().st_mtime > _LEFT_BEHIND_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
