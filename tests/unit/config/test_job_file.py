import os
from pathlib import Path

import pytest

from sja_units.config.job_file import MAX_BYTES, parse, read_file
from sja_units.errors import ConfigError, FaultLine
from sja_units.toml.load import load_toml
from tests.unit.settings import parse_keepalive

GOOD = 'url = "https://example.edu/me"\n'


def faults_of(text: str, kind: str = "keepalive") -> list[FaultLine]:
    with pytest.raises(ConfigError) as fault:
        parse(kind, text, "x.toml")
    return fault.value.faults


def test_common_keys() -> None:
    file = parse("keepalive", GOOD + 'title = "预订"\nrelaunch = false\n', "x.toml")
    assert (file.title, file.relaunch) == ("预订", False)
    assert parse("keepalive", GOOD, "x.toml").relaunch is True


def test_all_faults_are_told_at_once_with_their_place() -> None:
    text = 'url = 5\nintervall = "1s"\nrelaunch = "no"\n[service]\nmemory = "x"\n[nonsense]\n'
    faults = faults_of(text)
    assert len(faults) == 5
    for line, key in [
        (1, "url"),
        (2, "intervall"),
        (3, "relaunch"),
        (5, "memory"),
        (6, "nonsense"),
    ]:
        assert any(f"line {line}:" in fault and key in fault for fault in faults), faults
    assert any("'interval'" in fault for fault in faults)


def test_place_in_nested_tables() -> None:
    text = """
[[device]]
name = "a"
host = "192.0.2.1"
  [[device.point]]
  name = "p"
  table = "holding"
  address = 1
  type = "int16"
[[device]]
name = "b"
host = "192.0.2.2"
  [[device.point]]
  name = "q"
  table = "holding"
  address = -1
  type = "int16"
"""
    faults = [fault for fault in faults_of(text, "acquisition") if "address" in fault]
    assert len(faults) == 1
    assert "line 16:" in faults[0]
    assert 'device "b" point "q": address' in faults[0]


@pytest.mark.parametrize(
    "text",
    [
        *("x = [" * 50_000, "x = " + "9" * 5000, "a = 1\na = 2\n", "\0", 'x = "' + "a" * 99),
        *("x = 0x" + "f" * 4000, "[a]\nx = [{ y = 0x1" + "0" * 4000 + " }]"),
    ],
)
def test_broken_toml_gives_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as fault:
        load_toml(text, "x.toml")
    assert len(str(fault.value).splitlines()) == 1


@pytest.mark.parametrize("value", ["nan", "inf", "true", "1", '"-1s"', '"0s"', '"1 parsec"', '""'])
def test_times_carry_a_unit_and_are_sane(value: str) -> None:
    assert faults_of(GOOD + f"interval = {value}\n")


def test_a_size_beyond_all_disks_is_told() -> None:
    size = "9" * 5000 + "MiB"
    assert faults_of(f'[spool]\nmax_bytes = "{size}"\n', "acquisition")


@pytest.mark.parametrize(("value", "seconds"), [("90s", 90), ("1h 30min", 5400), ("1d", 86400)])
def test_times(value: str, seconds: float) -> None:
    assert parse_keepalive(GOOD + f'interval = "{value}"\n').interval == seconds


@pytest.mark.parametrize("key", ["ExecStart", "ExecStopPost", "User", "Type", "Restart"])
def test_service_cannot_undo_what_the_unit_relies_on(key: str) -> None:
    assert faults_of(GOOD + f'[service]\n{key} = "x"\n')


def test_service_values_cannot_smuggle_lines() -> None:
    assert faults_of(GOOD + '[service]\nMemoryMax = "1M\\nExecStart=/bin/sh"\n')
    assert faults_of(GOOD + '[service]\nMemoryMax = "1M\\\\"\n')


def test_service_directives() -> None:
    text = GOOD + '[service]\nMemoryMax = "64M"\nNice = 5\nPrivateTmp = true\n'
    text += 'Environment = ["A=1", "B=2"]\n'
    assert parse("keepalive", text, "x").service == {
        "MemoryMax": ("64M",),
        "Nice": ("5",),
        "PrivateTmp": ("yes",),
        "Environment": ("A=1", "B=2"),
    }


def test_only_plain_files_of_sane_size_are_read(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text(GOOD)
    assert read_file(str(plain)) == GOOD
    link = tmp_path / "link"
    link.symlink_to(plain)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    big = tmp_path / "big"
    big.write_bytes(b"#" * (MAX_BYTES + 1))
    latin = tmp_path / "latin"
    latin.write_bytes(b"a = 1\nb = '\xe9'\n")
    for path in (link, fifo, big, latin, tmp_path, "/dev/zero"):
        with pytest.raises(ConfigError) as fault:
            read_file(str(path))
        assert str(path) in str(fault.value)
    with pytest.raises(ConfigError, match="line 2"):
        read_file(str(latin))
