"""A keep-alive job's live session, out and in."""

from collections.abc import Iterator
from typing import Literal, get_args

from sja_units.config.job_file import JobFile
from sja_units.errors import SjaError
from sja_units.exit_status import NEEDS_OPERATOR
from sja_units.job import Job
from sja_units.jobs.health import read_health
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active
from sja_units.keepalive.cookie import MAX_BYTES
from sja_units.keepalive.cookie_policy import cookie_header, is_for_host, select_cookies
from sja_units.keepalive.jar import (
    MAX_TEXT,
    decode_jar,
    format_json,
    format_netscape,
    keep_for_host,
    parse_jar,
)
from sja_units.keepalive.store import read_next_jar
from sja_units.kinds import as_keepalive

Form = Literal["netscape", "header", "json"]
FORMS: tuple[Form, ...] = get_args(Form)

MAX_JAR = 2 * MAX_TEXT + 1  # bytes to read of a jar's file: a character may be four


def check_jar(data: bytes, file: JobFile) -> str:
    """Return a jar's text, once it is known to be one for the job's page. Raises JarError."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    text = decode_jar(data)
    jar = parse_jar(text, settings.host)
    kept = keep_for_host(jar, settings.host)
    if kept == jar and len(text) <= MAX_BYTES:
        return text
    # A browser's whole export: the job gets its own part, to the byte.
    return format_netscape(kept).decode(errors="surrogateescape")


def warn_of_page(text: str, file: JobFile) -> Iterator[str]:
    """Yield why a jar may be of no use to a job."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    jar, page = parse_jar(text, settings.host), settings.address
    if select_cookies(jar, page):
        return
    if select_cookies(jar, page._replace(scheme="https")):
        yield f"no cookie goes to {page.url}: they are Secure, for https alone"
    elif own := [cookie for cookie in jar if is_for_host(cookie, page.host)]:
        paths = ", ".join(sorted({cookie.path for cookie in own})[:5])
        yield f"no cookie goes to {page.site} at this path: they are for {paths}"
    else:
        hosts = ", ".join(sorted({cookie.domain for cookie in jar})[:5])
        yield f"no cookie goes to {page.site}: they are of {hosts}"


def warn_of_session(job: Job) -> Iterator[str]:
    """Yield what a job that has just been started found, unless its session is alive."""
    health = read_health(job)
    if health.get("session") not in (None, "alive"):
        yield f"{job}: {health.get('message')}"


def format_jar(job: Job, file: JobFile, form: Form) -> bytes:
    """Return the job's cookies in one of the formats. Raises SjaError where it holds none."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    jar = read_next_jar(job.state_dir, settings.host)
    if not jar:
        raise SjaError(f"{job} holds no cookies yet", f"sjactl cookies {job} --set FILE")
    if form == "header":
        # A character of it is a byte on the wire.
        header = cookie_header(jar, settings.address)
        if not header:
            words = f"none of the {len(jar)} cookies of {job} goes to {settings.address.site}"
            raise SjaError(words, f"sjactl cookies {job} shows them")
        return f"Cookie: {header}\n".encode("latin-1")
    return format_netscape(jar) if form == "netscape" else f"{format_json(jar)}\n".encode()


def choose_order(view: JobStatus) -> Literal["start", "restart", ""]:
    """Return what lets a job take up a jar that it was given; "" where it waits for its start."""
    if is_active(view.state) or view.state in ("starting", "restarting"):
        return "restart"
    refused = view.error is not None and view.error.exit_code == NEEDS_OPERATOR
    return "start" if view.wanted and refused else ""
