"""What `sja_units.kinds` asks of a command."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sja_units.command.config import CommandConfig, read_command
from sja_units.toml.reader import Fault, TableReader

if TYPE_CHECKING:
    from sja_units.openmetrics import Family, Labels, Sample
    from sja_units.runtime.service import Runtime

create_options = frozenset({"command"})
secret_keys = frozenset({"environment"})
has_schedule = True
exits_as_program = True
owns_state = False
spool = ""
degraded_advice = "If that goes on, the watchdog ends it and it starts again."
refused_event = "failed"


class CommandSettings(CommandConfig):
    """The settings of a command, and what follows from them for others."""

    __slots__ = ()

    def run(self, runtime: "Runtime") -> int:
        from sja_units.command.loop import run

        return run(self, runtime)

    def claims(self, state_dir: str = "", jar: str = "") -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(), frozenset()

    def ttys(self) -> list[str]:
        return []

    def unit_lines(self) -> dict[str, list[str]]:
        if not self.user:
            return {}
        # Somebody who exists has a home, and may write there and where else they may: but for the
        # system's own folders. They may run other programs, whose shared memory is not this job's.
        own = ["DynamicUser=no", f"User={self.user}", "PrivateUsers=no", "RemoveIPC=no"]
        return {"Service": [*own, "ProtectSystem=full", "ProtectHome=no"]}

    def credentials(self) -> list[tuple[str, str]]:
        return []

    def files(self) -> list[str]:
        probe = self.probe.command[:1] if self.probe else ()
        return list(dict.fromkeys((*self.command[:1], *probe)))

    def has_secrets(self) -> bool:
        return False

    def host_faults(self) -> list[Fault]:
        from sja_units.command.host_checks import find_faults

        return find_faults(self)

    def warnings(self, service: Iterable[str]) -> Iterator[str]:
        if self.user or "ProtectHome" in service:
            return
        for path in (*self.command[:1], self.working_directory):
            if path.startswith(("/home/", "/root/", "/run/user/")):
                hint = 'user = "…" makes it run as somebody who has it'
                yield f"{path} is hidden from a job with no `user`: {hint}"

    def try_out(self) -> Iterator[str]:
        return iter(())


def read(table: TableReader) -> CommandSettings:
    return CommandSettings(*read_command(table))


def inline_tables(_text: str, _values: object, _where: str, _open_file: object) -> None:
    return None


def restore_tables(text: str, _where: str) -> str:
    return text


def list_tables(_values: Mapping[str, Any], _where: str) -> list[str]:
    return []


def run_folders(_name: str) -> dict[str, bool]:
    return {}


def has_unsent(_state_dir: str) -> bool:
    return False


def copy_spool(_state_dir: str, _note: Callable[[OSError], None]) -> Iterator[tuple[str, bytes]]:
    return iter(())


def list_problems(_health: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def list_remedies(_job: str, _health: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def families() -> "tuple[Family, ...]":
    from sja_units.command.metrics import FAMILIES

    return FAMILIES


def measure(labels: "Labels", health: Mapping[str, Any]) -> "Iterator[tuple[Family, Sample]]":
    from sja_units.command.metrics import measure

    return measure(labels, health)


def samples() -> list[str]:
    from sja_units.command.samples import list_samples

    return list_samples()
