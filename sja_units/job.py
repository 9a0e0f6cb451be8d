"""A job's name and everything that follows from it. Pure: nothing here touches the disk."""

import re
from typing import NamedTuple

from sja_units.errors import UsageError
from sja_units.text import suggest

KINDS = ("acquisition", "command", "keepalive")

CONFIG_ROOT = "/etc/sja-units"
HOST_FILE = "sja-units.toml"  # below CONFIG_ROOT: what counts for the whole host
STATE_ROOT = "/var/lib/sja-units"
PRIVATE_ROOT = "/var/lib/private/sja-units"  # where systemd really keeps a dynamic user's state
RUN_ROOT = "/run/sja-units"
SYSTEMD_ROOT = "/etc/systemd/system"  # where what only systemd can do is written to
RELAUNCH = "sja-relaunch.service"
TARGET = "sja-jobs.target"  # all jobs as one
SCHEDULES = "sja-schedule@"  # how the units of commands' schedules begin
STAGING = f"{STATE_ROOT}/restoring"  # what `sjactl restore` has unpacked and not yet put in place

# 23 characters at most: a unit runs as user "sja-acq-NAME", and systemd takes 31 for a user.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,22}")
UNIT = re.compile(r"sja-([a-z]+)@(.*)\.service", re.DOTALL)


class Job(NamedTuple):
    """One piece of long-running work."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def unit(self) -> str:
        return f"sja-{self.kind}@{self.name}.service"

    @property
    def config_path(self) -> str:
        return f"{CONFIG_ROOT}/{self.kind}/{self.name}.toml"

    @property
    def state_dir(self) -> str:
        return f"{STATE_ROOT}/{self.kind}/{self.name}"

    @property
    def run_dir(self) -> str:
        return f"{RUN_ROOT}/{self.kind}/{self.name}"

    @property
    def wanted_path(self) -> str:
        return f"{STATE_ROOT}/wanted/{self.unit}"

    @property
    def ended_path(self) -> str:
        """How the last run ended in a failure; written by the unit's own end hook."""
        return f"{STATE_ROOT}/ended/{self.unit}"

    @property
    def alert_path(self) -> str:
        """What was told of the job to those whom [alert] names."""
        return f"{STATE_ROOT}/alerts/{self.unit}"

    @property
    def run_path(self) -> str:
        """What is known of a command's last run; written by its hooks, and by a restore."""
        return f"{STATE_ROOT}/runs/{self.unit}"

    @property
    def left_path(self) -> str:
        """Which template a job was made from that is gone and may have left its state."""
        return f"{STATE_ROOT}/left/{self.unit}"

    @property
    def drop_in_path(self) -> str:
        return f"{SYSTEMD_ROOT}/{self.unit}.d/50-sjactl.conf"

    @property
    def schedule_unit(self) -> str:
        """The unit that stands for a command's schedule; it holds the timer."""
        return f"{SCHEDULES}{self.name}.service"

    @property
    def timer(self) -> str:
        """The timer's unit, of a command that has a schedule."""
        return f"sja-{self.kind}@{self.name}.timer"

    @property
    def timer_path(self) -> str:
        return f"{SYSTEMD_ROOT}/{self.timer}"


def check_name(name: str) -> str:
    """Return `name` if a job may be called so, else raise UsageError with the reason."""
    if NAME.fullmatch(name):
        return name
    if len(name) > 23 and NAME.fullmatch(name[:23]):
        reason = f"it has {len(name)} characters, the limit is 23"
    else:
        reason = (
            "use lower-case letters, digits, '-' and '_', beginning with a letter or a digit; "
            "--title takes any script"
        )
    raise UsageError(f"{name!r} is not a valid job name: {reason}")


def check_kind(kind: str) -> str:
    """Return `kind` if it is one, else raise UsageError."""
    if kind not in KINDS:
        hint = suggest(kind, KINDS) or f": use {', '.join(KINDS[:-1])} or {KINDS[-1]}"
        raise UsageError(f"unknown kind {kind!r}{hint}")
    return kind


def make_job(kind: str, name: str) -> Job:
    """Return the job of that kind and name; raise UsageError where either is not one."""
    return Job(check_kind(kind), check_name(name))


def parse_unit(unit: str) -> Job | None:
    """Return the job that a unit name stands for, None if it is not one of ours."""
    match = UNIT.fullmatch(unit)
    if match is None or match[1] not in KINDS or not NAME.fullmatch(match[2]):
        return None
    return Job(match[1], match[2])
