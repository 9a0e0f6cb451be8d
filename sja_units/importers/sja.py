"""What the older booking system's files say, as keep-alive jobs of ours. Pure.

Its files: jobs.json, an object of jobs by their number, and credentials.json, the accounts.
"""

import json
from typing import Any, NamedTuple

from sja_units.errors import ConfigError, SjaError
from sja_units.importers.takeover import (
    Import,
    Takeover,
    clean,
    derive_name,
    format_interval,
    quote,
)
from sja_units.job import Job
from sja_units.keepalive.cookie import JarError
from sja_units.keepalive.jar import parse_jar
from sja_units.url import Address

_DEFAULT_INTERVAL = 900
_LONGEST_INTERVAL = 30 * 86400
_RAN = {"running", "failed"}  # a power cut left "running", a dead process "failed"
# What it sent with each request; some sites tie a session to it.
_USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0 Safari/537.36"
)
_ACCEPT = "application/json, text/plain, */*"


class OldJob(NamedTuple):
    """One job of jobs.json."""

    number: str
    type: str
    name: str
    interval: int  # seconds; of a keep_alive job
    ran: bool

    def __str__(self) -> str:
        return f"job {self.number} {self.name!r}"


class Account(NamedTuple):
    """One account of credentials.json."""

    key: str
    title: str
    cookie: str


def read_jobs(text: str, where: str) -> list[OldJob]:
    """Return the jobs of a jobs.json. Raises ConfigError with all that is wrong."""
    faults: list[str] = []
    jobs = []
    for number, row in _load_object(text, where).items():
        who = f"job {number[:20]!r}"
        if not isinstance(row, dict) or not isinstance(row.get("job_type"), str):
            faults.append(f"{who} is not a job: it lacks job_type")
            continue
        kind = row["job_type"].lower()
        interval = _read_interval(row.get("config")) if kind == "keep_alive" else 0
        if interval is None:
            faults.append(f"{who}: interval_seconds must be a number from 1 to {_LONGEST_INTERVAL}")
            continue
        ran = str(row.get("status")).lower() in _RAN
        jobs.append(OldJob(number, kind, clean(row.get("name")), interval, ran))
    if faults:
        raise ConfigError(where, faults)
    return jobs


def _read_interval(config: object) -> int | None:
    table = config if isinstance(config, dict) else {}
    minutes = table.get("interval_minutes")
    default = minutes * 60 if isinstance(minutes, int | float) else _DEFAULT_INTERVAL
    seconds = table.get("interval_seconds", default)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    return int(seconds) if 1 <= seconds <= _LONGEST_INTERVAL else None


def read_accounts(text: str, where: str) -> list[Account]:
    """Return the accounts of a credentials.json, of the older form too. Raises ConfigError."""
    document = _load_object(text, where)
    rows = document.get("cookies")
    if rows is None and "cookie" in document:
        rows = {"__default__": document}
    if not isinstance(rows, dict):
        raise ConfigError(where, ["no accounts: neither 'cookies' nor 'cookie' is there"])
    return [_read_account(key, row if isinstance(row, dict) else {}) for key, row in rows.items()]


def _read_account(key: str, row: dict[str, Any]) -> Account:
    names = (clean(row.get(field)) for field in ("nickname", "username"))
    cookie = row.get("cookie")
    title = next((name for name in names if name), clean(key))
    wire = cookie.strip().encode("utf-8", "replace") if isinstance(cookie, str) else b""
    return Account(key, title, wire.decode())


def plan(jobs: list[OldJob], accounts: list[Account], page: Address) -> Takeover:
    """Return the jobs that take the older ones' place.

    Each keep_alive job refreshed every account. Where there are several, an account still becomes
    one job, since two would disturb each other: the most frequent of those that ran counts.
    """
    left = [
        f"{job} is of type {job.type}, which cannot be imported"
        for job in jobs
        if job.type != "keep_alive"
    ]
    ours = [job for job in jobs if job.type == "keep_alive"]
    if not ours:
        return Takeover((), (*left, "there is no KEEP_ALIVE job"))
    chosen = min(ours, key=lambda job: (not job.ran, job.interval))
    left += [f"{job} refreshed the same accounts as {chosen}" for job in ours if job != chosen]
    imports = []
    taken: dict[str, str] = {}  # an account's cookies and its name
    for account in sorted(accounts, key=lambda account: account.key == "__default__"):
        who = f"account {clean(account.key)!r}"
        try:
            parse_jar(account.cookie, page.host)
        except JarError as fault:
            left.append(f"{who} has no usable cookies: {fault}")
            continue
        if account.cookie in taken:
            left.append(f"{who} has the same session as {taken[account.cookie]}")
            continue
        taken[account.cookie] = who
        text = _compose(account.title, page, chosen.interval)
        job = Job("keepalive", derive_name(account.key, "account"))
        imports.append(
            Import(
                *(job, account.title, f"every {format_interval(chosen.interval)}", chosen.ran),
                *(text, account.cookie),
            )
        )
    return Takeover(tuple(imports), tuple(left))


def _compose(title: str, page: Address, interval: int) -> str:
    headers = {
        "User-Agent": _USER_AGENT,
        "Accept": _ACCEPT,
        "Referer": f"{page._replace(target='/pc/').url}",
    }
    lines = [f"title = {quote(title)}", f"url = {quote(page.url)}"]
    lines += [f'interval = "{format_interval(interval)}"', "", "[headers]"]
    lines += [f"{name} = {quote(value)}" for name, value in headers.items()]
    return "\n".join(lines) + "\n"


def _load_object(text: str, where: str) -> dict[str, Any]:
    try:
        document = json.loads(text.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        # Its place, not its words: they could quote a cookie.
        raise ConfigError(where, [f"not valid JSON: line {error.lineno}: {error.msg}"]) from None
    except (ValueError, RecursionError):
        raise ConfigError(where, ["not valid JSON: too deep, or a number too long"]) from None
    if not isinstance(document, dict):
        raise ConfigError(where, ["must be one JSON object"])
    return document


def is_encrypted(text: str) -> bool:
    """Return whether a credentials file is one Fernet token (they all begin so)."""
    return text.lstrip().startswith("gAAAA")


def decrypt(text: str, secret: str, where: str) -> str:
    """Return what an encrypted credentials file holds; its key is made as the older system did.

    Raises ConfigError for a wrong secret, SjaError where the library is not installed.
    """
    import base64
    import sys

    try:
        from cryptography.fernet import Fernet, InvalidToken
    except ImportError:
        raise SjaError(
            f"{where} is encrypted, and reading that needs a library that is not installed",
            f"once: {sys.executable} -m pip install cryptography",
        ) from None
    key = base64.urlsafe_b64encode(
        secret.strip().encode(errors="surrogateescape").ljust(32, b"0")[:32]
    )
    try:
        return Fernet(key).decrypt(text.strip().encode()).decode()
    except (InvalidToken, ValueError):
        raise ConfigError(where, ["cannot be decrypted: SJABOT_SECRET is not its key"]) from None
