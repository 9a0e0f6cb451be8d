"""`sjactl watch`."""

import json
import os
import select
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress

import click

from sja_units.cli.output import watch_screen
from sja_units.cli.output.format import find_size
from sja_units.cli.output.terminal import Ended, Terminal, end_by_signals
from sja_units.cli.params import example
from sja_units.errors import NoSuchJob, SjaError
from sja_units.job import Job
from sja_units.jobs import inventory
from sja_units.jobs.inventory import Selector
from sja_units.jobs.snapshot import JobStatus
from sja_units.jobs.status import list_status
from sja_units.systemd.cache import CachedSystemd
from sja_units.times import format_local

# Seconds. A change seldom comes alone, and a worker writes its health.json just after it has
# told systemd of its new status: a moment after the change, and a second later once more.
_SETTLE = 0.2
_AGAIN = 1.0
_REST = 0.5  # between two looks
# What changes in files alone, a new job for instance: systemd is not asked for that.
_FILES = 10.0
_TRIES = 10


@click.command("watch", epilog=example("sjactl watch", "sjactl watch 'keepalive/*'"))
@click.argument("jobs", nargs=-1, metavar="[JOB]...")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each change.")
def watch_command(jobs: tuple[str, ...], as_json: bool) -> int:
    """Show the jobs as they change, those that need attention first, until q or Ctrl-C.

    If the output is not a terminal, each change is one line: time, job, old and new state, status.
    With --json the events are "job" (first for each job there is), "ready" and "removed".
    """
    selectors = [inventory.parse_selector(words) for words in jobs]
    end_by_signals()
    try:
        with CachedSystemd() as systemd:
            watcher = _Watcher(systemd, selectors)
            if as_json:
                _print_events(watcher)
            elif sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
                _show_screens(watcher)
            else:
                _print_changes(watcher)
    except Ended as ended:
        return ended.status
    except KeyboardInterrupt:
        return 0
    return 0


class _Watcher:
    """Knows how the jobs are, and looks again when something has changed."""

    def __init__(self, systemd: CachedSystemd, selectors: list[Selector]) -> None:
        self._systemd, self._selectors = systemd, selectors
        self.views = self._survey()
        if selectors:
            inventory.select(selectors, {view.job: view.title for view in self.views})
        self._failures = 0
        self._seen = systemd.changes  # which the last look knew of
        self._looked = self._due = time.monotonic()
        self._took = 0.0

    def look(self) -> bool:
        """Look at the jobs if it is time; return whether it was."""
        begun = time.monotonic()
        if begun < self._due:
            return False
        changed = self._seen != self._systemd.changes
        self._seen = self._systemd.changes
        try:
            self.views = self._survey()
        except SjaError:
            # systemd may be executing itself anew.
            self._failures += 1
            if self._failures == _TRIES:
                raise
            self._due = time.monotonic() + _AGAIN
            return False
        self._failures = 0
        self._looked = time.monotonic()
        self._took = self._looked - begun
        self._due = self._looked + (_AGAIN if changed else max(_FILES, 10 * self._took))
        return True

    def _survey(self) -> list[JobStatus]:
        views = list_status(self._systemd)
        if not self._selectors:
            return views
        titles = {view.job: view.title for view in views}
        chosen: set[Job] = set()
        for selector in self._selectors:
            with suppress(NoSuchJob):  # it was removed meanwhile, and may come back
                chosen.update(inventory.select([selector], titles))
        return [view for view in views if view.job in chosen]

    def wait(self, seconds: float, descriptors: Iterable[int] = ()) -> None:
        """Wait until there may be something to look at, or a descriptor can be read."""
        try:
            self._systemd.wait(min(seconds, self._due - time.monotonic()), descriptors)
        except SjaError:  # the bus is away; `look` counts for how long
            select.select([*descriptors], [], [], min(seconds, _REST))
        if self._systemd.changes != self._seen:
            # At most half of the time is spent on looking, however much changes.
            rested = self._looked + max(_REST, self._took)
            self._due = min(self._due, max(time.monotonic() + _SETTLE, rested))


def _show_screens(watcher: _Watcher) -> None:
    is_plain = click.get_current_context().color is False
    host = socket.gethostname()
    first = 0
    with Terminal() as terminal:
        while True:
            columns, lines = find_size()
            views = watch_screen.sort_by_need(watcher.views)
            screen = watch_screen.draw(views, host, first, columns, lines)
            terminal.show([click.unstyle(line) for line in screen] if is_plain else screen)
            keys = _await_news(watcher, terminal)
            if "quit" in keys:
                return
            first = watch_screen.scroll(first, keys, len(watcher.views), lines)


def _await_news(watcher: _Watcher, terminal: Terminal) -> list[str]:
    """Wait for a key, another look at the jobs, or a second, in which ages change."""
    end = time.monotonic() + 1
    keys: list[str] = []
    while not keys and not watcher.look() and (left := end - time.monotonic()) > 0:
        watcher.wait(left, terminal.descriptors)
        keys = terminal.read_keys()
    return keys


def _print_events(watcher: _Watcher) -> None:
    before: dict[Job, JobStatus] | None = None
    while True:
        known, after = before or {}, {view.job: view for view in watcher.views}
        for job, old, new in _pair(known, after):
            if new is None:
                _print_event(event="removed", job=str(job))
            elif watch_screen.tell_change(old, new):
                _print_event(event="job", job=new.as_json())
        if before is None:
            _print_event(event="ready")
        before = after
        while not watcher.look():
            watcher.wait(_FILES)


def _print_event(**event: object) -> None:
    click.echo(json.dumps(event))


def _pair(
    before: dict[Job, JobStatus], after: dict[Job, JobStatus]
) -> Iterator[tuple[Job, JobStatus | None, JobStatus | None]]:
    return ((job, before.get(job), after.get(job)) for job in sorted(before | after))


def _print_changes(watcher: _Watcher) -> None:
    before: dict[Job, JobStatus] = {}
    while True:
        after = {view.job: view for view in watcher.views}
        for _, old, new in _pair(before, after):
            if change := watch_screen.tell_change(old, new):
                click.echo(f"{format_local(time.time())}  {change}")
        before = after
        while not watcher.look():
            watcher.wait(_FILES)
