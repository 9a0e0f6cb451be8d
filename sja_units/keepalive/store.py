"""The job's jar on disk: its generations, a jar that a person gives, the copy that it publishes."""

import json
import os
import stat
from contextlib import suppress
from typing import NamedTuple

from sja_units.errors import WorkerError
from sja_units.fs.atomic import replace_file, sync_folder
from sja_units.keepalive.config import Headers
from sja_units.keepalive.cookie import MAX_BYTES, Jar, JarError, dump, load, pack, unpack
from sja_units.runtime import log

GENERATIONS = 3
_MAX_FILE = 16 * MAX_BYTES
CANDIDATE = "candidate.json"
_HEADERS = "headers.json"


class Incoming(NamedTuple):
    """What came of the jar that a person gave."""

    jar: Jar | None
    fault: str  # why it was not taken, "" if it was or none was there


def read_jar(folder: str) -> Jar:
    """Return the job's jar as it is on the disk, an empty one if there is none; change nothing.

    Raises JarError if it is broken, OSError if it cannot be read.
    """
    try:
        return load(_read(f"{folder}/jar.json", _MAX_FILE))
    except FileNotFoundError:
        return ()


def read_next_jar(folder: str, host: str) -> Jar:
    """Return the jar that the job has, or will have with its next look: one that was given counts.

    Changes nothing. Raises as `read_jar` does.
    """
    from sja_units.keepalive.jar import decode_jar, parse_jar

    for name in ("incoming.txt", "incoming.taken"):
        # What cannot be taken is set aside at that look.
        with suppress(FileNotFoundError, JarError):
            return parse_jar(decode_jar(_read(f"{folder}/{name}", _MAX_FILE)), host)
    return read_jar(folder)


def load_jar(folder: str) -> Jar:
    """Return the newest jar that can be read, an empty one if there is none.

    A broken one is kept aside and told. Raises WorkerError if the disk refuses.
    """
    try:
        return _find_jar(f"{folder}/jar.json")
    except OSError as error:
        raise WorkerError(f"the jar cannot be read: {error.strerror}") from None


def _find_jar(path: str) -> Jar:
    is_broken = False
    for candidate in (path, *(f"{path}.{n}" for n in range(1, GENERATIONS + 1))):
        try:
            jar = load(_read(candidate, _MAX_FILE))
        except FileNotFoundError:
            continue
        except JarError as fault:
            is_broken = True
            log.error(f"{candidate} is broken: {fault}")
            if candidate == path:
                os.replace(path, f"{path}.bad")
            continue
        if candidate != path:
            log.error(f"going on with the older jar {candidate}")
        return jar
    if is_broken:
        log.error("no jar is readable any more: asking the site without cookies")
    return ()


def save_jar(folder: str, jar: Jar) -> None:
    """Make this the job's jar; the one before becomes generation 1. Raises OSError.

    At every moment there is a complete jar.json, whatever ends the process or the machine.
    """
    path = f"{folder}/jar.json"
    with suppress(FileNotFoundError):
        _keep_generation(path)
    replace_file(path, dump(jar))


def _keep_generation(path: str) -> None:
    newest = f"{path}.1"
    if os.path.exists(newest) and os.path.samefile(path, newest):
        return  # an attempt before this one got as far as here
    for n in range(GENERATIONS - 1, 0, -1):
        with suppress(FileNotFoundError):
            os.rename(f"{path}.{n}", f"{path}.{n + 1}")
    os.link(path, newest)


def save_candidate(folder: str, candidate: Jar, instead_of: Jar) -> None:
    """Keep the cookies that may have replaced those of the job's jar. Raises OSError."""
    replace_file(f"{folder}/{CANDIDATE}", dump_candidate(candidate, instead_of))


def dump_candidate(candidate: Jar, instead_of: Jar) -> bytes:
    """Return what `load_candidate` reads."""
    document = {"version": 1, "cookies": pack(candidate), "instead_of": pack(instead_of)}
    return json.dumps(document).encode()


def load_candidate(folder: str, jar: Jar) -> Jar | None:
    """Return the cookies that may have replaced those of this jar, None if there are none."""
    with suppress(OSError, ValueError, JarError, AttributeError, RecursionError):
        document = json.loads(_read(f"{folder}/{CANDIDATE}", 2 * _MAX_FILE))
        # Else it is older than the jar, or of another session.
        if unpack(document.get("instead_of")) == jar:
            return unpack(document.get("cookies"))
    return None


def drop_candidate(folder: str) -> None:
    """Forget the cookies that may have replaced those of the jar. Raises OSError."""
    with suppress(FileNotFoundError):
        os.unlink(f"{folder}/{CANDIDATE}")


def take_incoming(folder: str, host: str) -> Incoming:
    """Make the jar that a person put at incoming.txt the job's own: it wins exactly once.

    Raises OSError if the disk refuses; nothing is lost then.
    """
    waiting, taken = f"{folder}/incoming.txt", f"{folder}/incoming.taken"
    if not os.path.lexists(taken):  # else a kill came between
        try:
            os.rename(waiting, taken)
        except FileNotFoundError:
            return Incoming(None, "")
    from sja_units.keepalive.jar import decode_jar, keep_for_host, parse_jar

    try:
        jar = keep_for_host(parse_jar(decode_jar(_read(taken, _MAX_FILE)), host), host)
    except (JarError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        os.replace(taken, f"{folder}/incoming.bad")
        sync_folder(folder)
        return Incoming(None, f"the new cookies cannot be taken: {reason} (kept as incoming.bad)")
    save_jar(folder, jar)
    os.unlink(taken)
    sync_folder(folder)  # else, after a power cut, it would win over newer cookies
    return Incoming(jar, "")


def save_headers(folder: str, headers: Headers) -> None:
    """Keep the headers that a login has brought. Raises OSError."""
    replace_file(f"{folder}/{_HEADERS}", json.dumps(dict(headers)).encode())


def load_headers(folder: str) -> Headers:
    """Return the headers that a login has brought, none where there are none that can be read."""
    with suppress(OSError, ValueError, JarError, AttributeError, RecursionError):
        document = json.loads(_read(f"{folder}/{_HEADERS}", MAX_BYTES))
        return tuple((str(name), str(value)) for name, value in document.items())
    return ()


def publish(folder: str, jar: Jar, headers: Headers = ()) -> None:
    """Give applications the jar as cookies.txt, if their folder is there. Raises OSError.

    Headers that a login has brought stand beside it, in headers.json.
    """
    if not os.path.isdir(folder):
        return
    from sja_units.keepalive.jar import format_netscape

    replace_file(f"{folder}/cookies.txt", format_netscape(jar), 0o640, sync=False)
    if headers:
        data = json.dumps(dict(headers)).encode()
        replace_file(f"{folder}/{_HEADERS}", data, 0o640, sync=False)


def _read(path: str, limit: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise JarError("it is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise JarError(f"it is larger than {limit} bytes")
    return data
