"""Debian trees that machines boot from. `python3 -m tests.machines.trees SUITE...` builds them."""

import shlex
import sys
from pathlib import Path

from tests.machines.cache import build_once, digest
from tests.machines.process import run_tool

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "libpam-systemd",
    "polkitd",
    "sudo",
    "procps",
    "iproute2",
    "util-linux",
    "python3",
    "python3-venv",
    "influxdb",
    "victoria-metrics",
    "openssh-server",
)
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
_SHELLS = ("bash-completion", "zsh", "fish")
# Started by the test that wants one; apt's timers would only add noise.
_NOT_AT_BOOT = ("influxdb.service", "victoria-metrics.service", "ssh.service")
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer")
# A tree keeps the identity it is given here, which mmdebstrap would take away again at the end:
# so there is no first boot, at which presets would enable everything.
_OPTIONS = ("--variant=minbase", "--format=directory", "--skip=cleanup/reproducible")
_HOOKS = (
    # mmdebstrap copies the host's name and resolver, which are not the machine's.
    'rm -f "$1/etc/resolv.conf"; echo machine >"$1/etc/hostname"',
    'echo "127.0.0.1 localhost machine" >"$1/etc/hosts"',
    'systemd-machine-id-setup --root="$1"',
    f'systemctl --root="$1" disable {shlex.join(_NOT_AT_BOOT)}',
    f'systemctl --root="$1" mask {shlex.join(_MASKED)}',
)


def tree(suite: str) -> Path:
    """Return a folder that holds a bootable Debian of this suite; builds it the first time."""

    def build(new: Path) -> None:
        say(f"building a Debian {suite} tree, once, about a minute ...")
        hooks = [f"--customize-hook={hook}" for hook in _HOOKS]
        command = ["mmdebstrap", *_OPTIONS, f"--include={','.join(PACKAGES)}", *hooks]
        run_tool([*command, suite, str(new), *mirrors(suite)], f"building a Debian {suite} tree")

    return build_once(suite, digest(*PACKAGES, *_OPTIONS, *_HOOKS), build)


def shells(suite: str) -> Path:
    """Return a folder to lay below a tree, with zsh, fish and bash-completion in it."""
    hooks = "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"
    options = ("--variant=extract", "--format=directory", hooks)

    def build(new: Path) -> None:
        say(f"fetching shells of Debian {suite}, once ...")
        command = ["mmdebstrap", *options, f"--include={','.join(_SHELLS)}"]
        run_tool([*command, suite, str(new), *mirrors(suite)], f"fetching shells of {suite}")

    return build_once(f"shells-{suite}", digest(*_SHELLS, *options), build)


def say(line: str) -> None:
    """Tell the person at the terminal what takes so long."""
    print(line, file=sys.stderr, flush=True)


def mirrors(suite: str) -> list[str]:
    """Return the host's own sources of this suite; none means mmdebstrap's default."""
    form = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    lines = run_tool(command, "asking apt for this host's sources").splitlines()
    wanted = {suite, f"{suite}-updates", f"{suite}-security"}
    found = [line for line in lines if line.split()[2] in wanted and line.endswith(" main")]
    return found if any(line.split()[2] == suite for line in found) else []


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(tree(name))
