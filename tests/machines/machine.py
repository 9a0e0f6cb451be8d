"""A machine with a real systemd as PID 1, in namespaces: boots in about a second."""

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from tests.machines.holder import ROOT, Holder
from tests.machines.inside import Inside
from tests.machines.process import LabError, children, run_bounded, tail

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
}
_NSPAWN = """
    systemd-nspawn --quiet --boot --directory={root} --machine={name} --register=no --keep-unit
    --private-network --console=passive --link-journal=no --resolv-conf=off --timezone=off
"""


class Machine(Inside):
    """One disposable machine: an overlay over layers of files, its changes kept in memory.

    `layers` are folders, the topmost first; `binds` maps a place in the machine to a folder of
    the host that is seen there read-only, `shared` to one that is written there. The changes
    outlive reboots and power cuts, and go when the `with` block ends; with `kept` they are
    written below that folder instead.
    Every method that fails raises LabError.
    """

    def __init__(
        self,
        layers: Sequence[Path],
        *,
        name: str = "machine",
        binds: Mapping[str, Path] | None = None,
        shared: Mapping[str, Path] | None = None,
        kept: Path | None = None,
    ) -> None:
        self.name = name
        self._layers, self._kept = layers, kept
        self._binds = [f"--bind-ro={host}:{place}" for place, host in (binds or {}).items()]
        self._binds += [f"--bind={host}:{place}" for place, host in (shared or {}).items()]
        self._holder: Holder | None = None
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._pid = 0

    def __enter__(self) -> Self:
        self._console = os.memfd_create(f"console of {self.name}")
        self._holder = Holder(self._layers, self._kept)
        return self

    def __exit__(self, *error: object) -> None:
        if self._holder:
            self._holder.release()
            self._holder = None
            self._ended(60)
        os.close(self._console)

    @property
    def pid(self) -> int:
        """The machine's PID 1 as the host numbers it."""
        if not self._nspawn or self._nspawn.poll() is not None:
            raise LabError(f"{self.name} is off")
        return self._pid

    @property
    def is_on(self) -> bool:
        """Whether the machine is powered on."""
        return self._nspawn is not None and self._nspawn.poll() is None

    @property
    def entrance(self) -> list[str]:
        """The words before a command of the host that runs it inside, as root."""
        return ["nsenter", "--all", f"--target={self.pid}", "--"]

    def boot(self, *, wait: bool = True, seconds: float = 120) -> None:
        """Power on; with `wait`, return once systemd has started all it wants to start."""
        if self.is_on or not self._holder:
            raise LabError(f"{self.name} cannot be powered on: it is on, or its block has ended")
        options = shlex.split(_NSPAWN.format(root=ROOT, name=self.name))
        options += self._binds
        self._nspawn = subprocess.Popen(
            [*self._holder.enter(), *self._holder.in_new_cgroup(), *options],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_ENVIRONMENT,
        )
        try:
            self._pid = self.wait_for(self._find_pid, seconds, what="systemd to be executed")
            if wait:
                self.wait_for(self._has_booted, seconds, what="the machine to have booted")
        except LabError as error:
            raise LabError(f"{error}\nconsole of {self.name}: {self._read_console()}") from None

    def add_disk(self, place: str, size: str) -> None:
        """Give the machine, which is off, a small empty disk at PLACE; it outlives power cuts."""
        if self.is_on or not self._holder:
            raise LabError(f"{self.name} cannot be given a disk: it is on, or its block has ended")
        script = 'mkdir -p "$1" && mount -t tmpfs -o "size=$2,mode=0700" tmpfs "$1"'
        words = [*self._holder.enter(), "sh", "-euc", script, "sh", f"{ROOT}{place}", size]
        done = run_bounded(words, timeout=60, env=_ENVIRONMENT)
        if done.returncode != 0:
            raise LabError(f"no disk at {place}: {tail(done.stdout + done.stderr)}")

    def poweroff(self, seconds: float = 150) -> None:
        """Shut down in order, and return when the machine is off."""
        self.run("systemctl", "poweroff", check=False)
        if not self._ended(seconds):
            raise LabError(f"{self.name} did not power off within {seconds:g} s")

    def reboot(self) -> None:
        """Shut down in order and boot again."""
        self.poweroff()
        self.boot()

    def cut(self) -> None:
        """Cut the power: every process dies at once, and nothing is written any more."""
        os.kill(self.pid, signal.SIGKILL)
        if not self._ended(60):
            raise LabError(f"{self.name} survived a power cut")

    def keep(self) -> None:
        """Let the machine live on after this program, until somebody inside powers it off."""
        if not self._holder:
            raise LabError(f"{self.name} has no place to live in")
        self._holder.keep()
        self._holder = None

    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = 120,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program inside as root, or as `user`; with `check`, any status but 0 raises."""
        words = [*(["runuser", "-u", user, "--"] if user else []), *argv]
        done = run_bounded(
            [*self.entrance, *words],
            input=input,
            timeout=timeout,
            env={**_ENVIRONMENT, **(env or {})},
        )
        if check and done.returncode != 0:
            said = tail(done.stdout + done.stderr)
            raise LabError(f"{shlex.join(argv)} ended with {done.returncode}: {said}")
        return done

    def journal(self, unit: str | None = None) -> str:
        """Return the journal of all boots, whether the machine is on or off."""
        words = ["journalctl", "--no-pager", "--no-hostname", "--output=short-precise"]
        words += [f"--unit={unit}"] if unit else []
        if self.is_on:
            with contextlib.suppress(LabError):
                self.run("journalctl", "--sync", timeout=20)
        if not self._holder:
            raise LabError(f"{self.name} has no files any more")
        command = [*self._holder.enter(), "chroot", ROOT, *words]
        return run_bounded(command, timeout=120, env=_ENVIRONMENT).stdout

    def save_journal(self, folder: Path, name: str | None = None) -> Path:
        """Write console and journal to FOLDER/NAME.log and return where that is."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name or self.name}.log"
        path.write_text(f"{self._read_console()}\n{self.journal()}")
        return path

    def _find_pid(self) -> int:
        """Return the host's number of the process that will be, or is, the machine's PID 1."""
        if not self.is_on or not self._nspawn:
            raise LabError(f"{self.name} ended while it was being started")
        for nspawn in children(self._nspawn.pid):
            for child in children(nspawn):
                with contextlib.suppress(OSError):
                    status = Path(f"/proc/{child}/status").read_text()
                    if "\t1" in status.partition("NSpid:")[2].partition("\n")[0][-2:]:
                        return child
        return 0

    def _has_booted(self) -> bool:
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        if state in {"maintenance", "stopping"}:
            raise LabError(f"{self.name} came up as {state}")
        return state in {"running", "degraded"}

    def _ended(self, seconds: float) -> bool:
        if self._nspawn:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._nspawn.wait(seconds)
        return not self.is_on

    def _read_console(self) -> str:
        size = os.fstat(self._console).st_size
        return tail(os.pread(self._console, size, 0).decode(errors="replace"))
