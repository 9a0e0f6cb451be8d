"""`sjactl import sja` as a person sees it; what it writes is in tests/system/test_import.py."""

import base64
import json
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.unit.cli.conftest import Sjactl

URL = ("--url", "https://sports.example.edu/api/user/current", "--dry-run")
SECRET = "a-made-up-key"
JOBS = {
    "1": {
        "job_id": "1",
        "job_type": "keep_alive",
        "name": "保活",
        "status": "running",
        "config": {"interval_seconds": 600},
        "logs": ["x"] * 200_000,
    },
    "2": {"job_id": "2", "job_type": "schedule", "name": "抢场", "status": "stopped"},
}
ACCOUNTS = {"cookies": {"alice": {"cookie": "JSESSIONID=made-up-1", "nickname": "小爱"}}}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "jobs.json").write_text(json.dumps(JOBS))
    (tmp_path / "credentials.json").write_text(json.dumps(ACCOUNTS))
    return tmp_path


def encrypt(old: Path, secret: str = SECRET) -> str:
    """Encrypt the credentials as the older system did; return their path."""
    key = base64.urlsafe_b64encode(secret.strip().encode().ljust(32, b"0")[:32])
    path = old / "credentials.json"
    path.write_bytes(Fernet(key).encrypt(json.dumps(ACCOUNTS).encode()))
    return str(path)


def files_of(old: Path) -> tuple[str, str]:
    return str(old / "jobs.json"), str(old / "credentials.json")


def test_a_dry_run_shows_all_and_changes_nothing(sjactl: Sjactl, old: Path) -> None:
    before = {path: path.read_bytes() for path in old.iterdir()}
    said = sjactl("import", "sja", *files_of(old), *URL)
    assert said.status == 0
    (line,) = said.out.splitlines()
    assert all(word in line for word in ("keepalive/alice", "小爱", "10min", "started"))
    assert "schedule" in said.err
    assert "made-up" not in said.out + said.err
    assert {path: path.read_bytes() for path in old.iterdir()} == before


def test_jobs_that_exist_stay(sjactl: Sjactl, old: Path, home: Path) -> None:
    (home / "etc/keepalive/alice.toml").write_text("")
    said = sjactl("import", "sja", *files_of(old), *URL)
    assert (said.status, said.out) == (0, "")
    assert "keepalive/alice exists already" in said.err


@pytest.mark.parametrize("secret", [SECRET, "x" * 32, "y" * 40, " 键键 ", "钥" * 20])
def test_encrypted_credentials(
    sjactl: Sjactl, old: Path, monkeypatch: pytest.MonkeyPatch, secret: str
) -> None:
    encrypt(old, secret)
    monkeypatch.setenv("SJABOT_SECRET", secret)
    assert "keepalive/alice" in sjactl("import", "sja", *files_of(old), *URL).out


def test_encrypted_credentials_that_cannot_be_read(
    sjactl: Sjactl, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypt(old)
    monkeypatch.delenv("SJABOT_SECRET", raising=False)
    said = sjactl("import", "sja", *files_of(old), *URL)
    assert (said.status, said.out) == (2, "")
    assert "SJABOT_SECRET" in said.err
    for secret in ("another made-up key", "键" * 32):
        monkeypatch.setenv("SJABOT_SECRET", secret)
        said = sjactl("import", "sja", *files_of(old), *URL)
        assert (said.status, said.out) == (1, "")
        assert secret not in said.err
    monkeypatch.setitem(sys.modules, "cryptography.fernet", None)
    said = sjactl("import", "sja", *files_of(old), *URL)
    assert (said.status, said.out) == (1, "")
    assert "pip install cryptography" in said.err


def test_the_credentials_are_found_by_the_older_systems_variable(
    sjactl: Sjactl, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, credentials = files_of(old)
    said = sjactl("import", "sja", jobs, *URL)
    assert (said.status, said.out) == (2, "")
    assert "credentials.json" in said.err
    monkeypatch.setenv("SJABOT_CREDENTIAL_STORE", credentials)
    assert "keepalive/alice" in sjactl("import", "sja", jobs, *URL).out


def test_wrong_words_and_files_are_told(sjactl: Sjactl, old: Path) -> None:
    jobs, credentials = files_of(old)
    assert sjactl("import", "sja", jobs, credentials).status == 2
    assert sjactl("import", "sja", jobs, credentials, "--url", "ftp://example.edu").status == 2
    assert sjactl("import", "sja", jobs, str(old), *URL).status == 1
    assert sjactl("import", "sja", jobs, str(old / "none"), *URL).status == 1
    (old / "credentials.json").write_bytes(b"\xff\xfe")
    assert sjactl("import", "sja", jobs, credentials, *URL).status == 1


def test_what_shows_needs_no_page(sjactl: Sjactl, old: Path) -> None:
    said = sjactl("import", "sja", *files_of(old), "--dry-run")
    assert said.status == 0
    assert "keepalive/alice" in said.out
    assert sjactl("import", "sja", *files_of(old)).status == 2


def test_marks_are_given_for_all(sjactl: Sjactl, old: Path) -> None:
    mark = ("--set", "expired.redirect_contains=/login")
    assert "warning: " in sjactl("import", "sja", *files_of(old), *URL).err
    said = sjactl("import", "sja", *files_of(old), *URL, *mark)
    assert (said.status, "warning: " in said.err) == (0, False)
    said = sjactl("import", "sja", *files_of(old), *URL, "--set", "expired.status=no")
    assert said.status == 2
    assert "--set expired.status: " in said.err


def test_an_interval_in_minutes_counts(sjactl: Sjactl, old: Path) -> None:
    jobs = {"1": {"job_type": "keep_alive", "status": "running", "config": {"interval_minutes": 7}}}
    (old / "jobs.json").write_text(json.dumps(jobs))
    assert "7min" in sjactl("import", "sja", *files_of(old), *URL).out
