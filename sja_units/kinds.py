"""The kinds of job: what each answers for itself. The only place that knows all three.

A new kind is a package whose `kind.py` is a `Kind`, a unit, and a line in the hooks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from sja_units.job import Job

if TYPE_CHECKING:
    from sja_units.acquisition.config import AcquisitionConfig
    from sja_units.command.config import CommandConfig
    from sja_units.keepalive.config import KeepaliveConfig
    from sja_units.openmetrics import Family, Labels, Sample
    from sja_units.runtime.service import Runtime
    from sja_units.toml.reader import Fault, TableReader

OpenFile = Callable[[str], BinaryIO]
"""Opens a file of the person who gives the order, by its path; raises OSError."""


class Settings(Protocol):
    """What the file of one job says in the words of its kind."""

    @property
    def schedule(self) -> str:
        """The calendar event that starts it, as systemd.time(7) has it; "" for none."""
        ...

    def run(self, runtime: "Runtime") -> int:
        """Do the job's work until told to stop; return the worker's exit status."""
        ...

    def claims(self, state_dir: str = "", jar: str = "") -> tuple[frozenset[str], frozenset[str]]:
        """Return the endpoints and the hashes of the sessions that the job holds on to.

        state_dir: where its session is, as far as it can be read; jar: a text that counts instead.
        """
        ...

    def ttys(self) -> list[str]:
        """Return the serial ports that it uses, each once."""
        ...

    def unit_lines(self) -> dict[str, list[str]]:
        """Return what systemd must know of it, by the section of the drop-in."""
        ...

    def credentials(self) -> list[tuple[str, str]]:
        """Return the names and paths of files that systemd hands over, beside the job's own."""
        ...

    def files(self) -> list[str]:
        """Return the paths of all files and programs that it needs, each once."""
        ...

    def has_secrets(self) -> bool:
        """Tell whether the file holds something that not all may read."""
        ...

    def host_faults(self) -> "list[Fault]":
        """Return what is wrong with it on this host."""
        ...

    def warnings(self, service: Iterable[str]) -> Iterator[str]:
        """Yield what a person should know before it starts.

        service: the directives of its [service] table.
        """
        ...

    def try_out(self) -> Iterator[str]:
        """Yield what does not work yet of the outside world, within 5 s."""
        ...


class Kind(Protocol):
    """What holds for all jobs of a kind."""

    @property
    def create_options(self) -> frozenset[str]:
        """Options of `sjactl create` that are for this kind alone."""
        ...

    @property
    def secret_keys(self) -> frozenset[str]:
        """The dotted keys whose values are not for everybody's eyes; a table's are all in it."""
        ...

    @property
    def has_schedule(self) -> bool:
        """Whether its jobs may have a timer."""
        ...

    @property
    def exits_as_program(self) -> bool:
        """Whether a worker's exit status may be that of a person's program."""
        ...

    @property
    def owns_state(self) -> bool:
        """Whether what is in a state folder was written by us, not by a person's program."""
        ...

    @property
    def spool(self) -> str:
        """The folder of its state that holds what is not sent yet; "" for none."""
        ...

    @property
    def degraded_advice(self) -> str:
        """What happens next to a job that is degraded."""
        ...

    @property
    def refused_event(self) -> str:
        """The alert's event where a person has to act: `expired` or `failed`."""
        ...

    def read(self, table: "TableReader") -> Settings:
        """Return what a job's file says; faults are noted in the table."""
        ...

    def inline_tables(
        self, text: str, values: dict[str, Any], where: str, open_file: OpenFile
    ) -> "Inlined | None":
        """Put what a person's file names in tables beside it into its values; None if it names
        none.
        """
        ...

    def restore_tables(self, text: str, where: str) -> str:
        """Return a file with the names of tables whose contents it holds, where these are newer."""
        ...

    def list_tables(self, values: Mapping[str, Any], where: str) -> list[str]:
        """Return the paths of the tables that a file names."""
        ...

    def run_folders(self, name: str) -> dict[str, bool]:
        """Return its job's folders in /run that stay while it rests, and whether each is state."""
        ...

    def has_unsent(self, state_dir: str) -> bool:
        """Tell whether a state folder holds data that was read and not sent."""
        ...

    def copy_spool(
        self, state_dir: str, note: Callable[[OSError], None]
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the files of a spool that hold what is not sent yet, while its worker goes on."""
        ...

    def list_problems(self, health: Mapping[str, Any]) -> Iterator[str]:
        """Yield what `sjactl check` counts as a problem though the job runs."""
        ...

    def list_remedies(self, job: str, health: Mapping[str, Any]) -> Iterator[str]:
        """Yield sentences on what health.json tells, and what to do about it."""
        ...

    def samples(self) -> list[str]:
        """Return files that together have every key there is; not all are without fault."""
        ...

    def families(self) -> "tuple[Family, ...]":
        """Return the metrics of its jobs, in the order of the exposition."""
        ...

    def measure(
        self, labels: "Labels", health: Mapping[str, Any]
    ) -> "Iterator[tuple[Family, Sample]]":
        """Yield what a job's health.json says; nothing in it is trusted."""
        ...


class Inlined(Protocol):
    """A file with the contents of its tables."""

    @property
    def faults(self) -> list[str]:
        """What is wrong with the tables, each with its place."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What is odd about the tables, but harms nothing, each with its place."""
        ...

    def describe(self, fault: "Fault") -> str | None:
        """Return a fault that lies in a table with its place; "" if it only follows from another,
        None if it lies elsewhere.
        """
        ...

    def text(self) -> str:
        """Return the text of the file with the tables in it."""
        ...


def get_kind(kind: str) -> Kind:
    """Return what holds for a kind. A worker imports only its own."""
    if kind == "keepalive":
        from sja_units.keepalive import kind as keepalive

        return keepalive
    if kind == "command":
        from sja_units.command import kind as command

        return command
    from sja_units.acquisition import kind as acquisition

    return acquisition


def guess_kind(values: Mapping[str, Any]) -> str:
    """Return the kind of job that the keys of a file are for."""
    return "command" if "command" in values else "keepalive" if "url" in values else "acquisition"


def as_acquisition(settings: Settings) -> "AcquisitionConfig | None":
    """Return the settings if they are an acquisition job's."""
    from sja_units.acquisition.config import AcquisitionConfig

    return settings if isinstance(settings, AcquisitionConfig) else None


def as_command(settings: Settings) -> "CommandConfig | None":
    """Return the settings if they are a command's."""
    from sja_units.command.config import CommandConfig

    return settings if isinstance(settings, CommandConfig) else None


def as_keepalive(settings: Settings) -> "KeepaliveConfig | None":
    """Return the settings if they are a keep-alive job's."""
    from sja_units.keepalive.config import KeepaliveConfig

    return settings if isinstance(settings, KeepaliveConfig) else None


def is_acquisition(job: Job) -> bool:
    return job.kind == "acquisition"


def is_keepalive(job: Job) -> bool:
    return job.kind == "keepalive"
