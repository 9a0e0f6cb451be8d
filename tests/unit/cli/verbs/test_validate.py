"""sjactl validate: every kind of file, every fault, nothing asked."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Sjactl

GOOD = {
    "a.toml": 'url = "https://a.example/me"\n',
    "b.toml": 'command = ["/not/on/this/host"]\nuser = "nobody-has-this-name"\n',
    "c.toml": '[sink]\ntype = "local"\n[[device]]\nname = "d"\nhost = "h"\npoints = "p.csv"\n',
    "sja-units.toml": '[alert]\nwebhook = "https://a.example/x"\n',
    "grant.toml": 'group = "web"\ntemplates = ["booking"]\nverbs = ["see"]\n',
    "booking.toml": (
        '[template]\nkind = "keepalive"\n[template.open]\nurl = {}\n[job]\ninterval = "5min"\n'
    ),
}
KINDS = ["keepalive", "command", "acquisition", "host", "grant", "template"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in GOOD.items():
        Path(name).write_text(text)
    Path("p.csv").write_text("name,table,address\na,coil,1\n")


def test_all_kinds_of_files_by_their_keys(sjactl: Sjactl) -> None:
    said = sjactl("validate", "--json", *GOOD)
    assert said.status == 0
    assert [each["kind"] for each in json.loads(said.out)] == KINDS
    assert sjactl("validate", *GOOD).status == 0


@pytest.mark.parametrize(
    ("name", "old", "new", "key"),
    [
        ("a.toml", "url", "urll", "urll"),
        ("b.toml", "user", "usr", "usr"),
        ("c.toml", '"h"', "5", "device.0.host"),
        ("sja-units.toml", "webhook", "webhok", "alert.webhok"),
        ("grant.toml", "see", "sea", "verbs"),
        ("booking.toml", '"5min"', '"5 parsecs"', "job.interval"),
        ("booking.toml", "interval", "intervall", "job.intervall"),
    ],
)
def test_every_fault_has_its_place(sjactl: Sjactl, name: str, old: str, new: str, key: str) -> None:
    text = GOOD[name].replace(old, new, 1)
    Path(name).write_text(text)
    said = sjactl("validate", "--json", *GOOD)
    assert said.status == 1
    (bad,) = [each for each in json.loads(said.out) if not each["ok"]]
    assert bad["file"] == name
    assert key in [fault["key"] for fault in bad["faults"]]
    line = text[: text.index(new)].count("\n") + 1
    assert line in [fault["line"] for fault in bad["faults"]]
    plain = sjactl("validate", name)
    assert plain.status == 1
    assert f"{name}: line {line}: " in plain.out


def test_what_a_caller_fills_in_may_be_missing(sjactl: Sjactl) -> None:
    text = GOOD["booking.toml"].replace("url = {}", "title = {}")
    Path("booking.toml").write_text(text)
    said = sjactl("validate", "booking.toml")
    assert said.status == 1
    assert "url" in said.out


@pytest.mark.parametrize("data", [b"\xff", b"[" * 10_000, b"a" * 10**6, b"x = 0x" + b"f" * 9999])
def test_what_is_no_file_of_ours(sjactl: Sjactl, data: bytes) -> None:
    Path("x.toml").write_bytes(data)
    said = sjactl("validate", "--json", "x.toml")
    assert said.status == 1
    assert json.loads(said.out)[0]["faults"]


def test_a_file_that_is_not_there(sjactl: Sjactl) -> None:
    said = sjactl("validate", "nowhere.toml")
    assert (said.status, said.out) == (1, "")
    assert "nowhere.toml" in said.err


def test_jobs_of_this_host(sjactl: Sjactl, home: Path) -> None:
    for name in ("alice", "bob"):
        (home / f"etc/keepalive/{name}.toml").write_text('url = "https://a.example/me"\n')
    assert sjactl("validate", "alice", "keepalive/bob").out.count(": ok") == 2
    (home / "etc/keepalive/bob.toml").write_text("url = 5\n")
    said = sjactl("validate", "*")
    assert said.status == 1
    assert "bob.toml: line 1: url: " in said.out


def test_a_program_has_to_be_on_the_host_that_is_to_run_it(sjactl: Sjactl, home: Path) -> None:
    (home / "etc/command/x.toml").write_text('command = ["/bin/slep"]\n')
    said = sjactl("validate", "command/x")
    assert said.status == 1
    assert "/bin/slep" in said.out
