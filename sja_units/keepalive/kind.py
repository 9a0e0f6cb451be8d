"""What `sja_units.kinds` asks of a keep-alive job."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sja_units.job import RUN_ROOT
from sja_units.keepalive.config import CREDENTIAL, KeepaliveConfig, read_keepalive
from sja_units.runtime.credentials import name_credential
from sja_units.toml.reader import Fault, TableReader

if TYPE_CHECKING:
    from sja_units.keepalive.cookie import Cookie, Jar
    from sja_units.openmetrics import Family, Labels, Sample
    from sja_units.runtime.service import Runtime

create_options = frozenset({"url", "cookies"})
secret_keys = frozenset({"headers", "proxy", "body"})
has_schedule = False
exits_as_program = False
owns_state = True
spool = ""
degraded_advice = "It goes on with all else and tries again by itself."
refused_event = "expired"

_TRY_SECONDS = 5.0
_SHORTEST_SESSION = 8  # characters: "theme=dark" is no session
# By which the well-known load balancers find a user's server again.
_STICKY = re.compile(r"(?i:route|routeid|serverid|ingresscookie|bigipserver.*|awsalb.*)")


class KeepaliveSettings(KeepaliveConfig):
    """The settings of a keep-alive job, and what follows from them for others."""

    __slots__ = ()
    schedule = ""

    def run(self, runtime: "Runtime") -> int:
        from sja_units.keepalive.loop import run

        run(self, runtime)
        return 0

    def claims(self, state_dir: str = "", jar: str = "") -> tuple[frozenset[str], frozenset[str]]:
        return frozenset(), self._hash_sessions(self._read_jar(state_dir, jar))

    def _read_jar(self, state_dir: str, text: str) -> "Jar":
        from sja_units.keepalive.cookie import JarError

        if text:
            from sja_units.keepalive.jar import parse_jar

            return parse_jar(text, self.host)
        if state_dir:
            from sja_units.keepalive.store import read_next_jar

            with suppress(JarError, OSError):  # by root alone
                return read_next_jar(state_dir, self.host)
        return ()

    def _hash_sessions(self, jar: "Jar") -> frozenset[str]:
        from hashlib import sha256  # loads OpenSSL, which no worker needs for that

        from sja_units.keepalive.cookie_policy import cookie_header

        # Whatever page each job looks at: one login is one session.
        site = f"{self.address.scheme}://{self.address.site}"
        return frozenset(
            sha256(f"{site}\0{cookie.name}\0{cookie.value}".encode()).hexdigest()
            for cookie in jar
            if _may_be_session(cookie) and cookie_header((cookie,), self.address)
        )

    def ttys(self) -> list[str]:
        return []

    def unit_lines(self) -> dict[str, list[str]]:
        return {}

    def credentials(self) -> list[tuple[str, str]]:
        files = [
            (name_credential(path), path) for path in [self.ca_file, self.headers_file] if path
        ]
        if self.login and self.login.secrets:
            files.append((CREDENTIAL, self.login.secrets))
        return files

    def files(self) -> list[str]:
        login = (self.login.secrets, self.login.command[0]) if self.login else ()
        return list(dict.fromkeys(filter(None, (self.ca_file, self.headers_file, *login))))

    def has_secrets(self) -> bool:
        return bool(self.headers or (self.proxy and self.proxy.user))

    def host_faults(self) -> list[Fault]:
        from sja_units.runtime.programs import check_program

        command = self.login.command if self.login else ()
        return [*check_program(("login", "command"), command)]

    def warnings(self, service: Iterable[str]) -> Iterator[str]:
        return iter(())

    def try_out(self) -> Iterator[str]:
        from sja_units.keepalive.probe import is_public

        if is_public(self._replace(timeout=min(self.timeout, _TRY_SECONDS))):
            yield (
                "the page answers the same without cookies: give a text that only the session is "
                "shown ([alive] body_contains)"
            )


def _may_be_session(cookie: "Cookie") -> bool:
    """Tell a login's cookie from those that many logins have: of a browser, of a load balancer."""
    if len(cookie.value) < _SHORTEST_SESSION or _STICKY.fullmatch(cookie.name):
        return False
    return cookie.expires is None or cookie.http_only


def read(table: TableReader) -> KeepaliveSettings:
    return KeepaliveSettings(*read_keepalive(table))


def inline_tables(_text: str, _values: object, _where: str, _open_file: object) -> None:
    return None


def restore_tables(text: str, _where: str) -> str:
    return text


def list_tables(_values: Mapping[str, Any], _where: str) -> list[str]:
    return []


def run_folders(name: str) -> dict[str, bool]:
    return {f"{RUN_ROOT}/cookies/{name}": False}


def has_unsent(_state_dir: str) -> bool:
    return False


def copy_spool(_state_dir: str, _note: Callable[[OSError], None]) -> Iterator[tuple[str, bytes]]:
    return iter(())


def list_problems(_health: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def list_remedies(_job: str, _health: Mapping[str, Any]) -> Iterator[str]:
    return iter(())


def families() -> "tuple[Family, ...]":
    from sja_units.keepalive.metrics import FAMILIES

    return FAMILIES


def measure(labels: "Labels", health: Mapping[str, Any]) -> "Iterator[tuple[Family, Sample]]":
    from sja_units.keepalive.metrics import measure

    return measure(labels, health)


def samples() -> list[str]:
    from sja_units.keepalive.samples import list_samples

    return list_samples()
