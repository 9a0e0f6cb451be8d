"""A jar in a file of the person who gives the order."""

import os

from sja_units.actions.cookies import MAX_JAR, check_jar, warn_of_page
from sja_units.cli.client_files import STDIO, is_remote, open_client_file
from sja_units.cli.output.streams import echo
from sja_units.config.job_file import JobFile
from sja_units.errors import SjaError
from sja_units.fs.atomic import replace_file
from sja_units.keepalive.cookie import Jar, JarError
from sja_units.keepalive.jar import decode_jar, format_json, format_netscape, parse_jar
from sja_units.kinds import as_keepalive


def read_jar(path: str, file: JobFile) -> tuple[str, Jar]:
    """Return the text of a jar and what it holds for the job's page. Raises SjaError, OSError."""
    settings = as_keepalive(file.settings)
    assert settings is not None
    with open_client_file(path) as own:
        text = decode_jar(own.read(MAX_JAR))
    try:
        return text, parse_jar(text, settings.host)
    except JarError as fault:
        raise SjaError(f"{path}: {fault}") from None


def read_jar_text(path: str, file: JobFile) -> str:
    """Return a jar's text for the job, and warn of what makes it useless. Raises SjaError."""
    with open_client_file(path) as own:
        data = own.read(MAX_JAR)
    try:
        text = check_jar(data, file)
    except JarError as fault:
        raise SjaError(f"{path}: {fault}") from None
    for warning in warn_of_page(text, file):
        echo(f"warning: {path}: {warning}", err=True)
    return text


def write_jar(path: str, before: str, jar: Jar, *, sure: bool) -> bool:
    """Write renewed cookies back, in JSON where they came so; return whether that was possible.

    sure: the session is alive with them; else the file as it was is kept as FILE~.
    """
    if path == STDIO or is_remote():
        return False
    path = os.path.realpath(path)
    mode = os.stat(path).st_mode & 0o777
    if not sure:
        replace_file(f"{path}~", before.encode(errors="surrogateescape"), mode)
    is_json = before.lstrip("\ufeff \r\n")[:1] in ("[", "{")
    replace_file(path, f"{format_json(jar)}\n".encode() if is_json else format_netscape(jar), mode)
    return True
