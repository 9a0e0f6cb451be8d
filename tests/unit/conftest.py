"""A small systemd and a host's folders, for all that asks or orders it."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import sja_units
from tests.systemd_mock import Bus, SystemdMock, run_mock
from tests.unit.fleet import Fleet

_ROOTS = {
    "/etc/sja-units": "etc",
    "/var/lib/sja-units": "var",
    "/var/lib/private/sja-units": "private",
    "/run/sja-units": "run",
    "/etc/systemd/system": "systemd",
    "/run/systemd": "run-systemd",
}
_FOLDERS = {
    "etc": ("acquisition", "command", "keepalive"),
    "var": ("alerts", "ended", "runs", "wanted"),
    "private": (),
    "run": ("backoff", "cookies", "news", "relaunched", "stopped", "waiting"),
    "systemd": (),
    "run-systemd": ("system",),
}


@pytest.fixture
def systemd_bus(tmp_path: Path) -> Iterator[tuple[Bus, SystemdMock]]:
    """A bus of its own with a small systemd on it."""
    with run_mock(tmp_path) as found:
        yield found


@pytest.fixture
def systemd_mock(systemd_bus: tuple[Bus, SystemdMock]) -> SystemdMock:
    return systemd_bus[1]


@pytest.fixture
def bus(systemd_bus: tuple[Bus, SystemdMock]) -> Bus:
    return systemd_bus[0]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host's folders in the place of the real ones, for all modules: etc, var, run, systemd …"""
    for place, folders in _FOLDERS.items():
        for folder in (".", *folders):
            (tmp_path / place / folder).mkdir(parents=True, exist_ok=True)
    for info in pkgutil.walk_packages(sja_units.__path__, "sja_units."):
        if not info.name.endswith("__main__"):
            importlib.import_module(info.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("sja_units."):
            for key, value in list(vars(module).items()):
                if (moved := _move(value, tmp_path)) != value:
                    monkeypatch.setattr(module, key, moved)
    return tmp_path


def _move(value: object, top: Path) -> object:
    """Return a path, or a tuple of paths, below another folder; all else as it is."""
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(_move(each, top) for each in value)
    if isinstance(value, str):
        for root, place in _ROOTS.items():
            if value == root or value.startswith(f"{root}/"):
                return f"{top / place}{value.removeprefix(root)}"
    return value


@pytest.fixture
def fleet(host: Path, systemd_mock: SystemdMock, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """No jobs yet."""
    return Fleet(host, systemd_mock, monkeypatch)
