"""The program that logs in again and prints a fresh jar."""

import json
import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from errno import ENOENT
from typing import NoReturn

from sja_units.errors import SjaError, WrongConfig
from sja_units.job import Job
from sja_units.keepalive.config import CREDENTIAL, HeaderError, Headers, Login, parse_headers
from sja_units.keepalive.cookie import MAX_BYTES, Jar, JarError
from sja_units.keepalive.jar import decode_jar, parse_jar
from sja_units.runtime.child import run_child
from sja_units.runtime.process_group import MARK
from sja_units.url import Address

_NOT_RUN = b"\0cannot be run\0"  # before the reason: no program prints that
# Not a header that a site sends: whoever prints that has not read it.
_HEADER_LINE = re.compile(r"(?!(?i:set-cookie))[A-Za-z0-9-]+: ")
_PASSED_ON = ("PATH", "LANG", "HOME", "TMPDIR", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")


class LoginError(SjaError):
    """The program did not bring a jar."""


def log_in(
    login: Login, page: Address, job: Job, reason: str, give_up: Callable[[], bool]
) -> tuple[Jar, Headers]:
    """Return the cookies and the headers that the program prints.

    One of the two may be empty; raise LoginError if both are, or it is not done in its time.

    reason: why the session is taken for dead. What it writes to stderr goes to the journal.
    """
    if not os.access(login.command[0], os.X_OK):
        raise LoginError(f"login.command: {login.command[0]} is no program that can be run here")
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment |= {"SJA_JOB": str(job), "SJA_URL": page.url, "SJA_REASON": reason}
    if login.secrets:
        # By file: an environment can be read by others.
        environment["SJA_SECRETS"] = _find_secrets()
    try:
        ended = run_child(
            lambda fd: _exec(login.command, environment, fd),
            login.timeout,
            give_up=give_up,
            limit=MAX_BYTES,
            runs_program=True,
        )
    except OSError as error:
        raise LoginError(f"no process for the login program: {error.strerror}") from None
    if ended.late:
        raise LoginError(f"the login program did not end within {login.timeout:g} s")
    if ended.cut:
        raise LoginError(f"the login program printed more than {MAX_BYTES} bytes")
    if ended.output.startswith(_NOT_RUN):
        reason = ended.output.removeprefix(_NOT_RUN).decode()
        raise LoginError(f"login.command: {login.command[0]} cannot be run: {reason}")
    if ended.status < 0:
        name = signal.Signals(-ended.status).name
        raise LoginError(f"the login program was killed by {name}")
    if ended.status != 0:
        raise LoginError(f"the login program ended with status {ended.status}")
    try:
        return _read_output(decode_jar(ended.output), page.host)
    except (JarError, HeaderError) as fault:
        raise LoginError(f"the login program printed no jar: {fault}") from None


def _read_output(text: str, host: str) -> tuple[Jar, Headers]:
    """Return the cookies and the headers of a text: lines of headers, or JSON with `headers`."""
    if text.lstrip().startswith("{"):
        with suppress(ValueError, RecursionError):
            document = json.loads(text)
            if isinstance(document.get("headers"), dict):
                lines = [f"{name}: {value}" for name, value in document["headers"].items()]
                jar = parse_jar(text, host) if document.get("cookies") else ()
                return jar, parse_headers("\n".join(lines))
        return parse_jar(text, host), ()
    lines = [line for line in text.splitlines() if line.strip()]
    others = [line for line in lines if not line.lower().startswith("cookie:")]
    if not others or "\t" in text or not all(_HEADER_LINE.match(line) for line in lines):
        return parse_jar(text, host), ()
    headers = parse_headers("\n".join(others))
    return parse_jar(text, host) if len(others) < len(lines) else (), headers


def check_secrets(login: Login, job: Job) -> None:
    """Raise WrongConfig if systemd has not handed over the program's secrets."""
    try:
        with open(_find_secrets(), "rb") as file:
            start = file.read(4096)
    except FileNotFoundError:
        remedy = f"sjactl apply {job}"
        raise WrongConfig("login.secrets: not applied yet", remedy) from None
    if not start.strip():  # the drop-in's stand-in for a file that is missing
        raise WrongConfig(f"login.secrets: {login.secrets} is not there, or empty")


def _find_secrets() -> str:
    return f"{os.environ.get('CREDENTIALS_DIRECTORY', '')}/{CREDENTIAL}"


def _exec(command: tuple[str, ...], environment: dict[str, str], writer: int) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(writer, 1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, which a program inherits
    try:
        os.execve(command[0], command, environment | {MARK: os.environ[MARK]})
    except OSError as error:
        os.write(writer, _NOT_RUN + _explain(command[0], error).encode())
        os._exit(126)


def _explain(path: str, error: OSError) -> str:
    """Return why a program cannot be run; of a script it is mostly its first line."""
    with suppress(OSError), open(path, "rb") as file:
        first = file.readline(256)
        if first.endswith(b"\r\n"):
            return "its lines end as Windows has it (CRLF): `sed -i 's/\\r$//'` mends that"
        if not first.startswith((b"#!", b"\x7fELF")):
            return "it has no #! line, and is no program"
        if error.errno == ENOENT:
            interpreter = first.removeprefix(b"#!").split()[:1] or [b"?"]
            return f"its interpreter {interpreter[0].decode(errors='replace')} is not there"
    return error.strerror or type(error).__name__
