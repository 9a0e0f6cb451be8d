"""A worker imports what its own kind needs, and nothing else: imports are most of its cost."""

import os
from pathlib import Path

import pytest

from sja_units.job import KINDS
from tests.surroundings import without_coverage
from tests.unit.keepalive.harness import Worker
from tests.waiting import wait_for

NOBODY = "127.0.0.1:9"
POINT = '[[device.point]]\nname = "p"\ntable = "holding"\naddress = 0\ntype = "int16"\n'
FILES = {
    "keepalive": f'url = "http://{NOBODY}/"\n',
    "command": f'command = ["/bin/sleep", "600"]\n[probe]\ntcp = "{NOBODY}"\n',
    "acquisition": f'[sink]\ntype = "local"\n[[device]]\nname = "d"\nhost = "127.0.0.1"\n{POINT}',
}
CLI = {"asyncio", "click", "dbus_next", "psutil", "tomlkit", "dataclasses", "inspect"}
NETWORK = {"http", "ssl", "email", "urllib"}
# Top-level packages that would make a worker of the kind larger and slower, and serve it nothing.
HEAVY = {
    "keepalive": CLI | {"pymodbus"},
    "command": CLI | {"pymodbus"} | NETWORK,
    "acquisition": CLI - {"asyncio", "dataclasses", "inspect"},  # which pymodbus imports
}


def list_imports(folder: Path, kind: str) -> set[str]:
    """Return the modules that a worker of this kind has imported when it reports."""
    worker = Worker(folder, FILES[kind], kind)
    for name in os.environ.keys() - without_coverage().keys():
        del worker.environment[name]
    worker.environment["PYTHONPROFILEIMPORTTIME"] = "1"  # as -X importtime
    try:
        worker.start("sja_units.worker")
        wait_for(worker.health, "a report")
    finally:
        worker.close()
    lines = worker.journal.read_text().splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_imports_its_own_kind_alone(tmp_path: Path, kind: str) -> None:
    modules = list_imports(tmp_path, kind)
    assert f"sja_units.{kind}.kind" in modules
    others = tuple(f"sja_units.{other}" for other in KINDS if other != kind)
    assert [module for module in sorted(modules) if module.startswith(others)] == []
    packages = {module.partition(".")[0] for module in modules}
    assert packages & HEAVY[kind] == set()
