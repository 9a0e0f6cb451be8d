"""A keep-alive job's live session, out and in."""

from typing import Literal, get_args

from sja_units.config.job_file import JobFile
from sja_units.errors import SjaError
from sja_units.exit_status import NEEDS_OPERATOR
from sja_units.job import Job
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.state import is_active
from sja_units.keepalive.cookie import MAX_BYTES
from sja_units.keepalive.cookie_policy import cookie_header
from sja_units.keepalive.jar import decode_jar, format_json, format_netscape, parse_jar
from sja_units.keepalive.store import read_next_jar
from sja_units.kinds import as_keepalive

Form = Literal["netscape", "header", "json"]
FORMS: tuple[Form, ...] = get_args(Form)

MAX_JAR = 4 * MAX_BYTES + 1  # bytes to read of a jar's file: a character may be four


def check_jar(data: bytes, file: JobFile) -> str:
    """Return a jar's text, once it is known to be one for the job's page. Raises JarError."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    text = decode_jar(data)
    parse_jar(text, settings.host)
    return text


def format_jar(job: Job, file: JobFile, form: Form) -> bytes:
    """Return the job's cookies in one of the formats. Raises SjaError where it holds none."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    jar = read_next_jar(job.state_dir, settings.host)
    if not jar:
        raise SjaError(f"{job} holds no cookies yet", f"sjactl cookies {job} --set FILE")
    if form == "header":
        # A character of it is a byte on the wire.
        return f"Cookie: {cookie_header(jar, settings.address)}\n".encode("latin-1")
    return format_netscape(jar) if form == "netscape" else f"{format_json(jar)}\n".encode()


def choose_order(view: JobStatus) -> Literal["start", "restart", ""]:
    """Return what lets a job take up a jar that it was given; "" where it waits for its start."""
    if is_active(view.state) or view.state in ("starting", "restarting"):
        return "restart"
    refused = view.error is not None and view.error.exit_code == NEEDS_OPERATOR
    return "start" if view.wanted and refused else ""
