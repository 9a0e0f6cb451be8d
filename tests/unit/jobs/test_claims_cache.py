"""What jobs hold on to is read again where a file has changed, and only there."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from sja_units import job
from sja_units.job import Job
from sja_units.jobs import claims_cache
from sja_units.jobs.claims import Claims, read_claims
from sja_units.jobs.claims_cache import read_cached_claims

TEXT = """[sink]
type = "local"
[[device]]
name = "d"
{way}
  [[device.point]]
  name = "p"
  table = "coil"
  address = 1
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "acquisition").mkdir()
    monkeypatch.setattr(job, "CONFIG_ROOT", str(tmp_path))
    monkeypatch.setattr(job, "STATE_ROOT", str(tmp_path / "state"))
    return tmp_path


def write(root: Path, name: str, way: str) -> Job:
    path = root / f"acquisition/{name}.toml"
    path.write_text(TEXT.format(way=way))
    path.chmod(0o640)
    return Job("acquisition", name)


def test_only_what_changed_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = str(root / "claims.json")
    a = write(root, "a", 'host = "192.0.2.1"')
    b = write(root, "b", 'host = "192.0.2.2"')
    tty = write(root, "tty", 'transport = "rtu"\nport = "/dev/ttyX"')
    read: list[Job] = []
    really = read_claims

    def spy(jobs: Iterable[Job]) -> dict[Job, Claims]:
        read[:] = jobs
        return really(read)

    monkeypatch.setattr(claims_cache, "read_claims", spy)
    first = read_cached_claims([a, b, tty], cache)
    assert read == [a, b, tty]
    assert first[a].endpoints == {"192.0.2.1:502"}
    assert os.stat(cache).st_mode & 0o777 == 0o600
    # Where a serial port's link leads is looked at each time.
    assert read_cached_claims([a, b, tty], cache) == first
    assert read == [tty]
    write(root, "b", 'host = "192.0.2.77"')
    assert read_cached_claims([a, b], cache)[b].endpoints == {"192.0.2.77:502"}
    assert read == [b]
    Path(cache).write_text("[")
    assert read_cached_claims([a], cache) == {a: first[a]}
