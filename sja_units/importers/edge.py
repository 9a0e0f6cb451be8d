"""What the older edge system's tables say, as acquisition jobs of ours. Pure.

Its tables are those of a Django project, apps configuration and acquisition; a task becomes a job.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sja_units.acquisition.points.point import is_unsafe_name
from sja_units.importers.edge_points import (
    Found,
    Left,
    Row,
    is_broken,
    read_json,
    read_point,
    read_seconds,
    read_whole,
)
from sja_units.importers.takeover import Import, Takeover, clean, derive_name, quote
from sja_units.job import Job
from sja_units.toml.reader import parse_duration

Tables = Mapping[str, Sequence[Row]]  # by name

TABLES = {
    "configuration_site": ("id", "code"),
    "configuration_device": ("id", "site_id", "code", "protocol", "ip_address", "port", "metadata"),
    "configuration_pointtemplate": ("id", "name", "unit", "data_type", "coefficient"),
    "configuration_point": ("id", "device_id", "template_id", "code", "address", "extra"),
    "configuration_acqtask": ("id", "code", "name", "schedule", "is_active"),
    "configuration_taskpoint": ("id", "task_id", "point_id", "overrides"),
}
"""The tables that are read, each with the columns that it has to have."""

SESSIONS = "acquisition_acquisitionsession"
RUNS = "configuration_taskrun"
OPTIONAL = {SESSIONS: ("id", "task_id", "status", "metadata"), RUNS: ("id", "task_id", "status")}
"""Tables that its releases and a fresh `migrate` do not all have."""

_OURS = {"modbustcp", "modbus_tcp", "modbus"}
_RAN = {"running", "error", "failed"}  # a power cut left "running"


def plan(tables: Tables, sink: str, *, decoded: bool = False) -> Takeover:
    """Return the jobs that take the tasks' place.

    sink: the text of [sink], without its layout; decoded: give values their type and scale, under
    new names, instead of writing registers as the older system did.
    """
    return _Planner(tables, sink, decoded=decoded).plan()


class _Planner:
    def __init__(self, tables: Tables, sink: str, *, decoded: bool) -> None:
        self._sink = sink
        self._decoded = decoded
        self._tables = tables
        self._sites = _by_id(tables["configuration_site"])
        self._devices = _by_id(tables["configuration_device"])
        self._templates = _by_id(tables["configuration_pointtemplate"])
        self._points = _by_id(tables["configuration_point"])
        self._imports: list[Import] = []
        self._left: list[str] = []
        self._notes: list[str] = []

    def plan(self) -> Takeover:
        states = _find_states(self._tables)
        members: dict[Any, list[Row]] = {}
        for row in sorted(self._tables["configuration_taskpoint"], key=_number):
            members.setdefault(row["task_id"], []).append(row)
        taken: set[str] = set()
        for task in sorted(self._tables["configuration_acqtask"], key=_number):
            who = f"task {_name(task)!r}"
            job = Job("acquisition", derive_name(_code(task) or str(task["id"]), "task"))
            if job.name in taken:
                self._left.append(f"{who} has the code of another one")
                continue
            devices = self._plan_devices(who, members.get(task["id"], []))
            if not devices:
                self._left.append(f"{who} has no point that can be read over Modbus")
                continue
            taken.add(job.name)
            wanted = bool(task["is_active"]) and states.get(task["id"]) in _RAN
            interval = self._find_interval(who, task)
            head = f'title = {quote(_name(task))}\ninterval = "{interval}"\n\n'
            text = f'{head}{self._sink}layout = "narrow"\n{devices}'
            about = f"every {interval}, {text.count('[[device.point]]')} points"
            self._imports.append(Import(job, _name(task), about, wanted, text))
        return Takeover(tuple(self._imports), tuple(self._left), tuple(self._notes))

    def _find_interval(self, who: str, task: Row) -> str:
        schedule = clean(task["schedule"]).lower()
        if schedule in ("", "continuous"):
            return "1s"
        seconds = parse_duration(f"{schedule}s" if schedule.isdecimal() else schedule)
        if seconds is None or not 0.1 <= seconds <= 3600:
            self._notes.append(f"{who}: schedule {schedule!r} is unknown here: it reads every 1s")
            return "1s"
        return f"{seconds:g}s"

    def _plan_devices(self, who: str, members: Iterable[Row]) -> str:
        """Return the [[device]] tables of a task, "" if it has none."""
        points: dict[Any, dict[str, Found]] = {}
        reasons: dict[str, int] = {}
        notes: dict[str, list[str]] = {}  # and whom they are about
        for member in members:
            point = self._points.get(member["point_id"])
            device = point and self._devices.get(point["device_id"])
            reason = _refuse(device) if device else "not there any more"
            if not point or not device or reason:
                reasons[reason] = reasons.get(reason, 0) + 1
                continue
            place = f"{_code(device)}.{_code(point)}"
            where = f"{who}, {place}"
            try:
                template = self._templates.get(point["template_id"], {})
                found = read_point(point, template, decoded=self._decoded)
            except Left as left:
                self._left.append(f"{where}: {left}")
                continue
            known = points.setdefault(device["id"], {})
            if found.name in known:
                self._left.append(f"{where}: the device has another point of that code")
                continue
            known[found.name] = found
            overrides = read_json(member["overrides"])
            if overrides:
                found.notes.append("its overrides in the task are not taken over")
            for note in found.notes:
                notes.setdefault(note, []).append(place)
        self._left += [f"{who}: {_count(n)}: {reason}" for reason, n in reasons.items()]
        self._notes += [f"{who}, {_enumerate(found)}: {note}" for note, found in notes.items()]
        names: set[str] = set()
        return "".join(self._compose_device(who, id, found, names) for id, found in points.items())

    def _compose_device(
        self, who: str, device_id: Any, points: Mapping[str, Found], names: set[str]
    ) -> str:
        device = self._devices[device_id]
        code = _code(device)
        site = _code(self._sites.get(device["site_id"], {}))
        tags = {"site": site} if site and not is_unsafe_name(site) else {}
        name = code
        if name in names:
            name = f"{site}/{code}/{device_id}"
            tags["device"] = code  # its series goes on
            self._notes.append(f"{who}: two devices are called {code!r}: one is {name!r} here")
        names.add(name)
        metadata = read_json(device["metadata"])
        lines = ["", "[[device]]", f"name = {quote(name)}", f"host = {quote(_host(device))}"]
        if device["port"]:
            lines.append(f"port = {read_whole(device['port'])}")
        unit = read_whole(metadata.get("source_slave_addr", 1))
        lines.append(f"unit_id = {unit if 0 <= unit <= 255 else 1}")
        if not 0 <= unit <= 255:
            self._notes.append(f"{who}, {code}: source_slave_addr is not a unit id: 1 is used")
        if seconds := read_seconds(metadata.get("timeout")):
            lines.append(f'timeout = "{round(seconds * 1000)}ms"')
        else:
            default = "30s" if read_whole(metadata.get("timeout")) > 30 else "10s"  # as over there
            lines.append(f'timeout = "{default}"')
            if metadata.get("timeout") is not None:
                note = f"its timeout is not 10 ms to 30 s: {default} here"
                self._notes.append(f"{who}, {code}: {note}")
        measurement = clean(metadata.get("device_a_tag"))
        if measurement and measurement != name and not is_unsafe_name(measurement):
            lines.append(f"measurement = {quote(measurement)}")
        elif not measurement and name != code:
            lines.append(f"measurement = {quote(code)}")
        if tags:
            pairs = ", ".join(f"{key} = {quote(value)}" for key, value in tags.items())
            lines.append(f"tags = {{ {pairs} }}")
        for point in points.values():
            lines += ["", "  [[device.point]]", *(f"  {line}" for line in point.lines)]
        return "\n".join(lines) + "\n"


def _refuse(device: Row) -> str:
    """Return why a device cannot be taken over, "" if it can."""
    protocol = clean(device["protocol"]).lower()
    if protocol not in _OURS:
        return f"device {_code(device)!r} speaks {protocol or 'nothing known'}, not Modbus"
    if not _code(device) or is_unsafe_name(_code(device)):
        return "its device's code cannot be a name"
    if is_broken(device["metadata"]):
        return f"device {_code(device)!r} has metadata that cannot be read"
    if not _host(device):
        return f"device {_code(device)!r} has no address"
    if device["port"] and not 1 <= read_whole(device["port"]) <= 65535:
        return f"device {_code(device)!r} has no port that there is"
    return ""


def _find_states(tables: Tables) -> dict[Any, str]:
    """Return the state of each task's newest session; a single read for a test is none.

    The first release had no sessions: there the newest run of a task tells.
    """
    sessions = tables.get(SESSIONS) or tables.get(RUNS, ())
    lasting = (
        row for row in sessions if not read_json(row.get("metadata")).get("single_acquisition")
    )
    return {row["task_id"]: clean(row["status"]).lower() for row in sorted(lasting, key=_number)}


def _by_id(rows: Iterable[Row]) -> dict[Any, Row]:
    return {row["id"]: row for row in rows}


def _number(row: Row) -> int:
    return row["id"] if isinstance(row["id"], int) else 0


def _code(row: Row) -> str:
    return clean(row.get("code"))


def _name(task: Row) -> str:
    return clean(task["name"]) or _code(task) or str(task["id"])


def _host(device: Row) -> str:
    return clean(device["ip_address"])


def _enumerate(places: Sequence[str]) -> str:
    rest = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return ", ".join(places[:3]) + rest


def _count(number: int) -> str:
    return "a point" if number == 1 else f"{number} points"
