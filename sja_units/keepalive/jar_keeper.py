"""The job's jar while it runs: in memory, on disk, published, and what may come to replace it."""

from sja_units.keepalive.config import Headers
from sja_units.keepalive.cookie import Jar
from sja_units.keepalive.report import Reporter
from sja_units.keepalive.store import (
    drop_candidate,
    load_candidate,
    load_headers,
    load_jar,
    publish,
    save_candidate,
    save_headers,
    save_jar,
    take_incoming,
)
from sja_units.runtime import log


class JarKeeper:
    """Holds the jar. A disk that is full is reported, and ends no session."""

    def __init__(self, folder: str, published: str, reporter: Reporter) -> None:
        """Load the newest jar that can be read. Raises WorkerError if the disk refuses."""
        self._folder = folder
        self._published = published
        self._reporter = reporter
        self._is_saved = True
        self.jar: Jar = load_jar(folder)
        # What an uncertain answer made of the jar: the site may take only this by now.
        self.candidate = load_candidate(folder, self.jar)
        # Those that a login program has printed beside cookies.
        self.headers = load_headers(folder)

    def take_incoming(self, host: str) -> bool:
        """Take the jar that a person may have put there meanwhile; return whether one has."""
        try:
            incoming = take_incoming(self._folder, host)
        except OSError as error:
            self._reporter.remark("incoming", f"the new cookies cannot be stored: {error.strerror}")
            return False
        if incoming.jar is not None:
            self.adopt(incoming.jar)
            log.notice(f"took new cookies ({len(incoming.jar)})")
        if incoming.jar is not None or incoming.fault:
            self._reporter.remark("incoming", incoming.fault)
        return incoming.jar is not None

    def replace(self, jar: Jar, headers: Headers) -> None:
        """Save what a login has brought and use it from now on; no cookies leave the jar as it is.

        Raises OSError.
        """
        if headers != self.headers:
            save_headers(self._folder, headers)
            self.headers = headers
        if jar:
            save_jar(self._folder, jar)
            self.adopt(jar)

    def adopt(self, jar: Jar) -> None:
        """Use a jar that is saved already."""
        self.jar = jar
        self._is_saved = True
        self.set_candidate(None)

    def keep(self, jar: Jar) -> None:
        """Keep and publish the jar of a session that is alive."""
        if jar != self.jar:
            self.jar = jar
            self._is_saved = False
        self.save()
        if self.candidate is not None:
            self.set_candidate(None)
        try:
            publish(self._published, jar, self.headers)
        except OSError as error:
            self._reporter.remark("publish", f"the jar cannot be published: {error.strerror}")
        else:
            self._reporter.remark("publish", "")

    def set_candidate(self, jar: Jar | None) -> None:
        """Keep what may replace the jar; None: nothing may."""
        self.candidate = jar
        try:
            if jar is None:
                drop_candidate(self._folder)
            else:
                save_candidate(self._folder, jar, self.jar)
        except OSError as error:
            self._reporter.remark("candidate", f"new cookies cannot be saved: {error.strerror}")
        else:
            self._reporter.remark("candidate", "")

    def save(self) -> None:
        """Save the jar if it is newer than the one on disk."""
        if self._is_saved:
            return
        try:
            save_jar(self._folder, self.jar)
        except OSError as error:
            self._reporter.remark("jar", f"the jar cannot be saved: {error.strerror}")
        else:
            self._is_saved = True
            self._reporter.remark("jar", "")
