"""What can be done inside a machine that is on, whatever it is made of."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from subprocess import CompletedProcess
from typing import TypeVar

from tests.machines.process import LabError

T = TypeVar("T")


class Inside(ABC):
    """All is done with `run`. Every method that fails raises LabError."""

    @abstractmethod
    def run(
        self,
        *argv: str,
        check: bool = True,
        input: str | None = None,
        timeout: float = 120,
        user: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> CompletedProcess[str]:
        """Run a program inside as root, or as `user`; with `check`, any status but 0 raises."""

    def sh(
        self, script: str, *, check: bool = True, timeout: float = 120, user: str | None = None
    ) -> CompletedProcess[str]:
        """Run a shell script inside; it ends at the first command that fails."""
        return self.run("sh", "-euc", script, check=check, timeout=timeout, user=user)

    def spawn(self, name: str, *argv: str, env: Mapping[str, str] | None = None) -> None:
        """Start a program in the background, as NAME.service; `systemctl stop NAME` ends it."""
        settings = [f"--setenv={key}={value}" for key, value in (env or {}).items()]
        options = ["--quiet", "--collect", f"--unit={name}", "--property=Type=exec", *settings]
        self.run("systemd-run", *options, "--", *argv)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Return what systemd says of a unit, as `systemctl show` does."""
        wanted = [f"--property={name}" for name in properties]
        lines = self.run("systemctl", "show", *wanted, "--", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write(
        self, path: str, text: str, *, mode: int = 0o644, owner: str = "root", group: str = "root"
    ) -> None:
        """Write a file inside, making its folders; a file that is there is replaced."""
        who = [f"--owner={owner}", f"--group={group}", f"--mode={mode:o}"]
        self.run("install", "-D", *who, "/dev/stdin", path, input=text)

    def read(self, path: str) -> str:
        """Return the text of a file inside."""
        return self.run("cat", path).stdout

    def exists(self, path: str) -> bool:
        """Return whether there is anything of this name inside."""
        return self.run("test", "-e", path, "-o", "-L", path, check=False).returncode == 0

    @staticmethod
    def wait_for(
        predicate: Callable[[], T], seconds: float = 60, *, what: str, pause: float = 0.05
    ) -> T:
        """Return the first true value of `predicate`, asked again and again for `seconds`."""
        end = time.monotonic() + seconds
        while True:
            value = predicate()
            if value:
                return value
            if time.monotonic() > end:
                raise LabError(f"waited {seconds:g} s in vain for {what}; it is {value!r}")
            time.sleep(pause)
