"""The last cycle, from a real worker, as people and programs see it."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from sja_units.actions import last_cycle
from sja_units.actions.last_cycle import LastValue, find_last_values
from sja_units.config.job_file import parse
from sja_units.errors import SjaError
from sja_units.job import Job
from tests.unit.acquisition.conftest import MakeDevice, MakeWorker
from tests.unit.acquisition.test_worker import configure
from tests.waiting import wait_for

JOB = Job("acquisition", "x")
FLOAT = """
[[device.point]]
name = "scaled"
table = "holding"
address = 1006
type = "uint16"
scale = 0.5
unit = "°C"
[[device.point]]
name = "nothing"
table = "holding"
address = 1007
type = "uint16"
no_value = 1007
"""


def read(config: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, LastValue]:
    settings = parse("acquisition", config, "x").settings
    monkeypatch.setattr(last_cycle, "RUN_ROOT", str(root))
    monkeypatch.setattr(last_cycle, "_read_settings", lambda _: settings)
    return {value.point: value for value in find_last_values(JOB)}


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_each_point_has_its_registers_value_and_time(
    make_device: MakeDevice,
    make_worker: MakeWorker,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    layout: str,
) -> None:
    device = make_device()
    config = configure(f'type = "local"\nlayout = "{layout}"', device.port) + FLOAT
    worker = make_worker(config)
    file = tmp_path / "last/x/last.json"
    file.parent.mkdir(parents=True)
    worker.start()
    wait_for(file.exists, "a last cycle")
    first = read(config, tmp_path, monkeypatch)
    assert set(first) == {"n", "where", "scaled", "nothing"}
    assert first["n"].registers == (0, first["n"].value)
    assert (first["where"].value, first["where"].registers) == (1005, (1005,))
    assert (first["scaled"].value, first["scaled"].unit) == (503.0, "°C")
    assert (first["nothing"].value, first["nothing"].registers) == (None, (1007,))
    assert stat.S_IMODE(file.stat().st_mode) == 0o640

    def has_moved() -> bool:
        now = read(config, tmp_path, monkeypatch)["n"]
        return now.time > first["n"].time and now.value != first["n"].value

    wait_for(has_moved, "the next cycle")
    assert worker.end() == 0


NONSENSE: list[Any] = [
    *("", "[]", "{}", "3", "[" * 10_000, '{"devices": 3}', '{"devices": {"d": 3}}'),
    {"devices": {"d0": {"requests": 3, "lines": 3}}},
    {"devices": {"d0": {"requests": [3, {}], "lines": [3, "x", "m v= 1"]}}},
    {"devices": {"d0": {"requests": [{"table": "holding", "address": 1000, "data": "zz"}]}}},
    {
        "devices": {
            "d0": {
                "requests": [
                    {"table": "holding", "address": -9, "size": 1, "time": 3, "data": "0001"}
                ]
            }
        }
    },
]


@pytest.mark.parametrize("content", NONSENSE)
def test_nonsense_is_no_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: object
) -> None:
    file = tmp_path / "last/x/last.json"
    file.parent.mkdir(parents=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    try:
        found = read(configure('type = "local"', 1), tmp_path, monkeypatch)
    except SjaError:
        return
    assert all(value.value is None for value in found.values())


def test_a_job_that_never_ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SjaError):
        read(configure('type = "local"', 1), tmp_path, monkeypatch)
    (tmp_path / "last/x").mkdir(parents=True)
    os.symlink("/dev/zero", tmp_path / "last/x/last.json")
    with pytest.raises(OSError, match="symbolic"):
        read(configure('type = "local"', 1), tmp_path, monkeypatch)
