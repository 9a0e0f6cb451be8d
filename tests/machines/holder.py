"""The host's side of one machine: namespaces, mounts and cgroup, all gone when it is released."""

import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.machines.process import LabError

ROOT = "/run/machine/root"


class Holder:
    """What a machine needs to live in; nothing of it is seen outside, or left behind."""

    def __init__(self, layers: Sequence[Path], kept: Path | None) -> None:
        if os.geteuid() != 0:
            raise LabError("booting a machine needs root; tests/run asks for it by itself")
        self._cgroup, self._cgroups = f"sja-lab-{secrets.token_hex(6)}", 0
        script = ["sh", str(Path(__file__).with_name("holder.sh"))]
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self._process = subprocess.Popen(
            [*namespaces, *script, self._cgroup, str(kept or ""), *map(str, layers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C is for us: the machine goes when we let it go
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if said != "ready\n":
            raise LabError(f"no place for a machine: {said}{self._process.stdout.read()}")

    def enter(self) -> list[str]:
        """Return the words before a command that is to see the machine's files while it is off."""
        proc = f"/proc/{self._process.pid}/ns"
        return ["nsenter", f"--mount={proc}/mnt", f"--pid={proc}/pid_for_children", "--"]

    def in_new_cgroup(self) -> list[str]:
        """Return the words before a command that is to run in a cgroup that nothing used before."""
        self._cgroups += 1
        folder = f"/sys/fs/cgroup/{self._cgroup}/{self._cgroups}"
        return ["sh", "-euc", f'mkdir {folder}; echo 0 >{folder}/cgroup.procs; exec "$@"', "sh"]

    def release(self) -> None:
        """End everything that is held; returns when it is gone."""
        self._process.communicate(timeout=60)

    def keep(self) -> None:
        """Let the machine live on without us until it is powered off."""
        assert self._process.stdin is not None
        self._process.stdin.write("keep\n")
        self._process.stdin.close()
