"""What `sja_units.kinds` asks of an acquisition job."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from sja_units.acquisition.config import AcquisitionConfig, Device, read_acquisition
from sja_units.acquisition.points.point import looks_like_reference
from sja_units.job import RUN_ROOT
from sja_units.runtime.credentials import name_credential
from sja_units.toml.reader import Fault, TableReader

if TYPE_CHECKING:
    from sja_units.acquisition.points.inline import InlinedPoints
    from sja_units.openmetrics import Family, Labels, Sample
    from sja_units.runtime.service import Runtime

create_options: frozenset[str] = frozenset()
secret_keys = frozenset({"sink.token", "sink.password"})
has_schedule = False
exits_as_program = False
owns_state = True
spool = "spool"
degraded_advice = "It goes on with all else and tries again by itself."
refused_event = "failed"

_TRY_SECONDS = 4.0  # and one more at most for a device that is about to answer
_NAMED_AT_MOST = 5


class AcquisitionSettings(AcquisitionConfig):
    """The settings of an acquisition job, and what follows from them for others."""

    __slots__ = ()
    schedule = ""

    def run(self, runtime: "Runtime") -> int:
        from sja_units.acquisition.loop import run

        run(self, runtime)
        return 0

    def claims(self, state_dir: str = "", jar: str = "") -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(map(name_endpoint, self.devices)), frozenset()

    def ttys(self) -> list[str]:
        endpoints = (device.endpoint for device in self.devices)
        return list(dict.fromkeys(each.tty for each in endpoints if each.tty))

    def unit_lines(self) -> dict[str, list[str]]:
        ttys = self.ttys()
        if not ttys:
            return {}
        # The real /dev, where an adapter that is plugged in again appears; but nothing else in it
        # can be opened: DevicePolicy=closed still holds.
        return {"Service": ["PrivateDevices=no", *(f"DeviceAllow={tty} rw" for tty in ttys)]}

    def credentials(self) -> list[tuple[str, str]]:
        return [(name_credential(path), path) for path in self.list_files()]

    def files(self) -> list[str]:
        return self.list_files()

    def has_secrets(self) -> bool:
        return bool(self.sink.token or self.sink.password)

    def host_faults(self) -> list[Fault]:
        return []

    def warnings(self, service: Iterable[str]) -> Iterator[str]:
        for device in self.devices:
            doubtful = [p for p in device.points if looks_like_reference(p.table, p.address)]
            if doubtful:
                name, address = f"{device.name}.{doubtful[0].name}", doubtful[0].address
                more = f" ({len(doubtful)} points are like that)" if len(doubtful) > 1 else ""
                yield (
                    f"{name}: address = {address} counts from zero, as the protocol does; the "
                    f"manual's {address} would be reference = {address}{more}"
                )

    def try_out(self) -> Iterator[str]:
        from sja_units.acquisition.probe.devices import try_devices

        for report in try_devices(self.devices, _TRY_SECONDS):
            bad = [f"{found.point.name}: {found.fault}" for found in report.found if found.fault]
            if report.fault:
                yield f"{report.device.name}: no values yet: {report.fault}"
            elif bad:
                more = f" and {len(bad) - _NAMED_AT_MOST} more" if len(bad) > _NAMED_AT_MOST else ""
                yield f"{report.device.name}: {', '.join(bad[:_NAMED_AT_MOST])}{more}"


def name_endpoint(device: Device) -> str:
    """Return where a device is reached: "host:port", or the serial port that a link leads to."""
    _, where, port = device.endpoint.key
    return f"{where.lower()}:{port}" if port else os.path.realpath(where)


def read(table: TableReader) -> AcquisitionSettings:
    return AcquisitionSettings(*read_acquisition(table))


def inline_tables(
    text: str, values: dict[str, Any], where: str, open_file: Callable[[str], BinaryIO]
) -> "InlinedPoints | None":
    from sja_units.acquisition.points.inline import inline_points

    return inline_points(text, values, where, open_file)


def restore_tables(text: str, where: str) -> str:
    from sja_units.acquisition.points.inline import restore_tables as restore

    return restore(text, where)


def list_tables(values: Mapping[str, Any], where: str) -> list[str]:
    from sja_units.acquisition.points.inline import list_tables

    return list_tables(values, where)


def run_folders(name: str) -> dict[str, bool]:
    return {f"{RUN_ROOT}/overflow/{name}": True, f"{RUN_ROOT}/last/{name}": False}


def has_unsent(state_dir: str) -> bool:
    from sja_units.acquisition.spool.snapshot import has_unsent

    return has_unsent(state_dir)


def copy_spool(state_dir: str, note: Callable[[OSError], None]) -> Iterator[tuple[str, bytes]]:
    from sja_units.acquisition.spool.snapshot import SpoolSnapshot

    with SpoolSnapshot(state_dir) as spool:
        yield from spool.copy(note)


def list_problems(health: Mapping[str, Any]) -> Iterator[str]:
    from sja_units.acquisition.advice import list_problems

    return list_problems(health)


def list_remedies(job: str, health: Mapping[str, Any]) -> Iterator[str]:
    from sja_units.acquisition.advice import list_remedies

    return list_remedies(job, health)


def families() -> "tuple[Family, ...]":
    from sja_units.acquisition.metrics import FAMILIES

    return FAMILIES


def measure(labels: "Labels", health: Mapping[str, Any]) -> "Iterator[tuple[Family, Sample]]":
    from sja_units.acquisition.metrics import measure

    return measure(labels, health)


def samples() -> list[str]:
    from sja_units.acquisition.samples import list_samples

    return list_samples()
